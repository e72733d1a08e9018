#!/usr/bin/env python3
"""Writes tests/golden/dequantize.gguf (one tensor of each ggml type Hone reads, and metadata of every kind) with the
Python package gguf, and tests/golden/dequantize.safetensors (the same tensors dequantised by gguf.quants, as f32).
Needs numpy, gguf and safetensors. Usage: make_golden_dequantize.py FOLDER [rows]"""

import sys
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from safetensors.numpy import save_file

# Where a block's f16 scales lie; the other bytes may hold anything.
SCALES = {
    Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0], Type.Q2_K: [80, 82],
    Type.Q3_K: [108], Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208], Type.IQ4_NL: [0],
}
# Scales that are easy to get wrong: zeros of both signs, the smallest and largest denormal, the largest value.
EDGES = np.array([0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x7BFF], dtype=np.uint16)


def blocks(kind, rows, columns, rng):
    values, size = gguf.GGML_QUANT_SIZES[kind]
    count = rows * columns // values
    data = rng.integers(0, 256, (count, size), dtype=np.uint8)
    for at in SCALES[kind]:
        scale = (rng.standard_normal(count) * 0.05).astype(np.float16).view(np.uint16)
        edges = min(len(EDGES), count // 2)
        scale[:edges] = EDGES[:edges]
        data[:, at : at + 2] = scale.view(np.uint8).reshape(count, 2)
    return data.reshape(rows, -1)


def main():
    folder = Path(sys.argv[1])
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    rng = np.random.default_rng(7)
    writer = gguf.GGUFWriter(folder / "dequantize.gguf", "llama")
    writer.add_uint8("test.u8", 200)
    writer.add_int8("test.i8", -100)
    writer.add_uint16("test.u16", 60000)
    writer.add_int16("test.i16", -30000)
    writer.add_uint32("test.u32", 4000000000)
    writer.add_int32("test.i32", -2000000000)
    writer.add_uint64("test.u64", 2**63 + 5)
    writer.add_int64("test.i64", -(2**62))
    writer.add_float32("test.f32", 0.1)
    writer.add_float64("test.f64", 0.1)
    writer.add_bool("test.yes", True)
    writer.add_bool("test.no", False)
    writer.add_string("test.text", "zażółć\u0000 gęślą")
    writer.add_array("test.texts", ["", "a", "Ġthe"])
    writer.add_array("test.integers", [1, -2, 3])
    writer.add_array("test.numbers", [0.5, -0.25])
    expected = {}
    columns = 512
    for kind in SCALES:
        raw = blocks(kind, rows, columns, rng)
        writer.add_tensor(kind.name, raw, raw_dtype=kind)
        expected[kind.name] = gguf.quants.dequantize(raw, kind)
    halves = rng.integers(0, 0x10000, rows * columns).astype(np.uint16)
    halves = np.where((halves & 0x7C00) == 0x7C00, halves & 0x83FF, halves).astype(np.uint16).reshape(rows, columns)
    writer.add_tensor("F16", halves.view(np.float16))
    expected["F16"] = halves.view(np.float16).astype(np.float32)
    writer.add_tensor("BF16", halves.view(np.uint8), raw_dtype=Type.BF16)
    expected["BF16"] = gguf.quants.dequantize(halves.view(np.uint8), Type.BF16)
    expected["F32"] = rng.standard_normal((rows, columns)).astype(np.float32)
    writer.add_tensor("F32", expected["F32"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file({name: np.ascontiguousarray(value) for name, value in expected.items()}, folder / "dequantize.safetensors",
              metadata={"made_by": "tools/make_golden_dequantize.py"})


main()
