#!/usr/bin/env python3
"""Writes tests/golden/nf4.safetensors: f32 tensors and what bitsandbytes' CPU backend makes of them as NF4, with and
without double quantisation, and read back. Needs torch, safetensors and bitsandbytes (0.50.2 was used).
Usage: make_golden_nf4.py FOLDER"""

import os
import sys
from pathlib import Path

os.environ["TORCHDYNAMO_DISABLE"] = "1"  # compiling takes longer than all the rest

import bitsandbytes.functional as bnb
import torch
from safetensors.torch import save_file


def cases():
    draw = torch.Generator().manual_seed(5)

    def normal(*shape):
        return torch.randn(*shape, generator=draw) * 0.02

    yield "random", normal(24, 64)
    straddling = normal(9, 70)  # blocks straddle rows, the last one is short
    yield "straddling", straddling
    odd = normal(7, 11)
    yield "odd", odd
    yield "zero", torch.zeros(4, 64)
    yield "zero_end", torch.zeros(1, 70)
    partly = normal(8, 64)
    partly[1::3] = 0
    partly[:, 5] = -0.0
    yield "zero_blocks", partly
    yield "denormal", normal(6, 64) * 1e-37
    tiny = normal(6, 64) * 1e-40
    tiny[2, ::7] = 0
    yield "tiny", tiny
    outliers = normal(20, 64)
    outliers[::5, 3] = 90.0
    outliers[7, 9] = -3e38
    yield "outliers", outliers
    code = bnb.get_4bit_type("nf4", device="cpu")
    middles = torch.zeros(4, 64)
    middles[:, :15] = (code[:-1] + code[1:]) / 2
    middles[1, :15] = torch.nextafter(middles[1, :15], torch.tensor(9.0))
    middles[2, :15] = torch.nextafter(middles[2, :15], torch.tensor(-9.0))
    middles[:, 20] = 1.0
    middles[3] *= 3.3
    yield "middles", middles
    yield "constant", torch.full((16, 64), 0.25)
    yield "growing", normal(30, 64) * torch.linspace(0.01, 3, 30).unsqueeze(1)


def nested(scales):
    offset = scales.mean()
    codes, state = bnb.quantize_blockwise(scales - offset, blocksize=256)
    return {"codes": codes, "maxima": state.absmax, "offset": offset.reshape(1)}


def main():
    torch.set_num_threads(1)  # torch's mean depends on it
    tensors = {"levels": bnb.get_4bit_type("nf4", device="cpu"), "scale_levels": bnb.create_dynamic_map()}
    for name, values in cases():
        tensors[f"{name}.values"] = values
        packed, state = bnb.quantize_4bit(values, quant_type="nf4", blocksize=64)
        tensors[f"{name}.codes"] = packed.reshape(-1)
        tensors[f"{name}.scales"] = state.absmax
        tensors[f"{name}.again"] = bnb.dequantize_4bit(packed, state)
        packed, state = bnb.quantize_4bit(values, quant_type="nf4", blocksize=64, compress_statistics=True)
        assert torch.equal(packed.reshape(-1), tensors[f"{name}.codes"])
        tensors[f"{name}.double.codes"] = state.absmax
        tensors[f"{name}.double.maxima"] = state.state2.absmax
        tensors[f"{name}.double.offset"] = state.offset.reshape(1)
        tensors[f"{name}.double.again"] = bnb.dequantize_4bit(packed, state)
    draw = torch.Generator().manual_seed(6)
    for count in (1, 37, 300, 5184):  # of the orders in which torch sums
        scales = torch.rand(count, generator=draw) * 0.1 + 0.01
        tensors[f"nest{count}.scales"] = scales
        for key, value in nested(scales).items():
            tensors[f"nest{count}.{key}"] = value
    save_file({name: value.contiguous() for name, value in tensors.items()}, Path(sys.argv[1]) / "nf4.safetensors")


if __name__ == "__main__":
    main()
