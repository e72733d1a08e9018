#!/usr/bin/env python3
"""How far Hone's decoder is from transformers and PEFT in f64: logits, LoRA gradients, ten training losses, greedy text.

Makes models of every family with random weights (tools/make_golden_decoder.py), small ones of odd sizes from several seeds,
with windows and RoPE scaling passed by far; each as a Hugging Face folder (some in shards) and as GGUF. build/release/model_test
reads them all and compares: it fails above 1e-5 of a tensor's norm, where the law is 1e-4. --full does Qwen3-0.6B's real size
once, in f32: it needs about 12 GiB of memory, 8 GiB of disk and some minutes.

    build/peers/bin/python bench/fidelity_model.py [--seeds 3] [--full] [--keep FOLDER] [--out FILE]
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from make_golden_decoder import PLAIN_ROPE, every, gemma_ropes, llama3_rope, make_case, sizes  # noqa: E402

LINE = re.compile(r"^(\S+)\s+(folder|gguf)\s+logits (\S+)\s+gradient (\S+)\s+loss (\S+)\s+ten losses (\S+)$", re.M)
MEASURES = ["logits", "gradient", "loss", "ten_losses"]

# name: family, config, lengths of the sequences, rank, dtype of the stored weights, size of a shard
CASES = {
    "smollm2": ("llama", {**sizes(45, 91, 4, 9, 3, 10), "vocab_size": 131, "max_position_embeddings": 256,
                          "rope_parameters": {"rope_type": "default", "rope_theta": 100000.0}, "rms_norm_eps": 1e-5,
                          "tie_word_embeddings": True}, [70, 3, 33], 4, "bfloat16", "50GB"),
    "llama3-8x": ("llama", {**sizes(64, 101, 3, 8, 2, 16), "vocab_size": 131, "max_position_embeddings": 512,
                            "rope_parameters": {**llama3_rope(32), "factor": 8.0, "rope_theta": 500000.0},
                            "rms_norm_eps": 1e-5, "tie_word_embeddings": False}, [300, 7], 4, "float32", "40KB"),
    "llama-linear": ("llama", {**sizes(36, 53, 2, 6, 2, 6), "vocab_size": 131, "max_position_embeddings": 256,
                               "rope_parameters": {"rope_type": "linear", "factor": 3.0, "rope_theta": 10000.0},
                               "tie_word_embeddings": True}, [150], 4, "bfloat16", "50GB"),
    "qwen2.5": ("qwen2", {**sizes(56, 97, 3, 14, 2, 4), "vocab_size": 131, "max_position_embeddings": 256,
                          "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0},
                          "tie_word_embeddings": False}, [90, 41], 4, "bfloat16", "20KB"),
    "qwen3": ("qwen3", {**sizes(48, 91, 4, 4, 2, 26), "vocab_size": 131, "max_position_embeddings": 256,
                        "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0},
                        "tie_word_embeddings": True}, [90, 41], 4, "float32", "50GB"),
    "gemma3": ("gemma3", {**sizes(40, 83, 4, 4, 1, 14), "vocab_size": 131, "max_position_embeddings": 512,
                          "rope_parameters": gemma_ropes(1), "layer_types": every(3, 4), "sliding_window": 16,
                          "query_pre_attn_scalar": 14}, [200, 15, 17], 4, "bfloat16", "50GB"),
    "gemma3-linear": ("gemma3", {**sizes(40, 83, 4, 4, 2, 14), "vocab_size": 131, "max_position_embeddings": 512,
                                 "rope_parameters": gemma_ropes(8), "layer_types": every(2, 4), "sliding_window": 33,
                                 "query_pre_attn_scalar": 14}, [260], 4, "float32", "30KB"),
    "one-token": ("llama", {**sizes(24, 37, 2, 4, 2, 6), "vocab_size": 131, "max_position_embeddings": 64,
                            "rope_parameters": PLAIN_ROPE, "tie_word_embeddings": True}, [1, 2, 1, 3], 4, "bfloat16", "50GB"),
}
FULL_RATE = 5e-4
FULL = {
    "qwen3-0.6b": ("qwen3", {**sizes(1024, 3072, 28, 16, 8, 128), "vocab_size": 151936, "max_position_embeddings": 40960,
                             "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0},
                             "tie_word_embeddings": True}, [24, 9], 16, "float32", "1GB"),
}


def compare(folder):
    """The figures that model_test prints for the cases in `folder`, and whether it passed."""
    run = subprocess.run([ROOT / "build/release/model_test", "--gtest_filter=Fidelity*"], capture_output=True, text=True,
                         env={**os.environ, "HONE_FIDELITY_CASES": str(folder)})
    figures = [{"case": name, "form": form, **dict(zip(MEASURES, map(float, numbers)))} for name, form, *numbers in LINE.findall(run.stdout)]
    if run.returncode != 0:
        print(run.stdout, run.stderr, sep="\n", file=sys.stderr)
    return figures, run.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--keep", type=pathlib.Path, help="make the cases here, keep them, and use those that are there")
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    cases = FULL if options.full else CASES
    with tempfile.TemporaryDirectory() as temporary:
        name = options.keep or temporary
        for case, (family, config, lengths, rank, dtype, shard) in cases.items():
            for seed in range(1 if options.full else options.seeds):
                folder = pathlib.Path(name) / f"{case}.{seed}"
                if not (folder / "case.safetensors").is_file():
                    make_case(folder, family, config, lengths, rank, dtype, seed=seed, shard=shard, **({"rate": FULL_RATE} if options.full else {}))
        figures, passed = compare(name)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps({"passed": passed, "cases": figures}, indent=1) + "\n")
    print(f"{'case':<18} {'form':<7} {'logits':>8} {'gradient':>9} {'loss':>8} {'ten losses':>11}   (worst of {options.seeds} seeds)")
    for case in cases:
        for form in ("folder", "gguf"):
            of = [f for f in figures if f["case"].rsplit(".", 1)[0] == case and f["form"] == form]
            worst = [max(f[measure] for f in of) for measure in MEASURES] if of else [float("nan")] * 4
            print(f"{case:<18} {form:<7} {worst[0]:8.1e} {worst[1]:9.1e} {worst[2]:8.1e} {worst[3]:11.1e}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
