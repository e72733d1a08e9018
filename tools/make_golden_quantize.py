#!/usr/bin/env python3
"""Writes tests/golden/quantize.safetensors: f32 values and what gguf-py's quants.py makes of them, a U8 tensor for each
type that Hone writes. Needs numpy, gguf and safetensors. Usage: make_golden_quantize.py FOLDER"""

import sys
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from safetensors.numpy import save_file


def main():
    rng = np.random.default_rng(11)
    rows = rng.standard_normal((24, 256)).astype(np.float32) * np.float32(0.05)
    rows[1] = 0
    rows[2] *= np.float32(1e-30)  # scales that f16 cannot hold
    rows[3] *= np.float32(1e6)  # values beyond f16
    rows[4] = np.round(rows[4] * 400) / 400  # ties of magnitude: the first counts
    rows[5] = np.arange(256, dtype=np.float32) / 2 - 64  # halves: rounding away from zero
    rows[6] = np.ldexp(np.float32(1), -rng.integers(10, 30, 256)).astype(np.float32)  # f16's subnormals
    rows[7] = (rng.integers(0, 2**11, 256) * 2 + 1).astype(np.float32) * np.float32(2.0**-25)  # ties among them
    rows[8] = (rng.integers(2**11, 2**12, 256) * 2 + 1).astype(np.float32)  # ties of f16 and bf16
    rows[9, ::3] = -0.0
    rows[10, :32] = [65504, 65519.996, 65520, 65536] * 8
    rows[11] = -np.abs(rows[11])
    values = {"values": rows}
    for kind in (Type.F16, Type.BF16, Type.Q8_0, Type.Q4_0):
        with np.errstate(over="ignore"):
            values[kind.name] = np.ascontiguousarray(gguf.quants.quantize(rows, kind)).view(np.uint8).reshape(-1)
    save_file(values, Path(sys.argv[1]) / "quantize.safetensors")


if __name__ == "__main__":
    main()
