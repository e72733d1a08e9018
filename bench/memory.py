#!/usr/bin/env python3
"""Peak memory (ru_maxrss, mapped pages included) of `hone train`, and what `hone train --plan` foresaw.

lora:  LoRA r 16 of the default model in f32, Banking77's rows, batch 16. Goal: 1.5 GiB at most.
qlora: QLoRA on NF4 of a random-weight model of Qwen3-0.6B's shape, rows of 1,024 tokens, batch 4. Goal: 2.5 GiB at most.
A few steps show the peak. Writes 1.2 GB below --folder for qlora. Needs numpy.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path += [str(ROOT / "bench"), str(ROOT / "tests")]
HONE = os.environ.get("HONE", str(ROOT / "build/release/hone"))
GIB = 2**30


def write_task(folder, rows, labels, model=""):
    folder.mkdir(parents=True, exist_ok=True)
    for name, side in (("train", rows), ("validation", rows[:1]), ("test", rows[:1])):
        with (folder / f"{name}.jsonl").open("w") as out:
            for i, row in enumerate(side):
                text = row["input"] if name == "train" else f"the {name} row"
                out.write(json.dumps({"id": f"{name}{i}", "group": f"{name}{i}", "input": text, "output": row["output"]}) + "\n")
    toml = f'[task]\nname = "bench"\nkind = "classify"\ninstruction = "Classify the customer\'s question."\nlabels = {json.dumps(labels)}\n'
    toml += '[data]\ntrain = "train.jsonl"\nvalidation = "validation.jsonl"\ntest = "test.jsonl"\nid = "id"\ngroup = "group"\n'
    toml += f'[model]\nbase = {json.dumps(model)}\n' if model else ""
    (folder / "hone.toml").write_text(toml)
    return folder


def measured(command):
    """Runs it; gives its JSON document and the peak of its resident memory in bytes."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        out.seek(0)
        if status != 0:
            sys.exit(f"{' '.join(map(str, command))} ended with status {status}")
        return json.loads(out.read()), usage.ru_maxrss * 1024


def report(name, goal, folder, options):
    plan = measured([HONE, "train", folder, "--plan", "--json", *options])[0]["plan"]["memory_bytes"]
    shutil.rmtree(folder / ".hone")
    result, peak = measured([HONE, "train", folder, "--json", *options])
    parts = ", ".join(f"{part} {plan[part] / GIB:.2f}" for part in ("weights", "adapter", "activations", "program"))
    print(f"{name}: peak {peak / GIB:.2f} GiB (goal {goal} at most); foreseen {plan['total'] / GIB:.2f}: {parts}; {result['steps']} steps, "
          f"{result['step_seconds'] / result['steps']:.1f} s each, loss {result['first_loss']:.3f} to {result['last_loss']:.3f}")
    return peak <= goal * GIB


def lora(folder):
    shared = pathlib.Path(os.environ.get("HONE_SHARED_DATA", ROOT.parent / "shared/data"))
    all_rows = [json.loads(line) for line in (shared / "banking77/train.jsonl").open()]
    rows = all_rows[:: len(all_rows) // 48][:48]
    labels = sorted({row["output"] for row in all_rows})
    return report("lora", 1.5, write_task(folder / "lora", rows, labels), ["--epochs", "1"])


def write_qwen(folder):
    import numpy as np
    import tiny_model

    width, hidden, layers, heads, kv_heads, head_width, vocabulary = 1024, 3072, 28, 16, 8, 128, 151936
    folder.mkdir(parents=True, exist_ok=True)
    config = {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_size": width, "intermediate_size": hidden,
              "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": kv_heads, "head_dim": head_width,
              "vocab_size": vocabulary, "max_position_embeddings": 40960, "rms_norm_eps": 1e-6, "rope_theta": 1000000.0,
              "tie_word_embeddings": True, "hidden_act": "silu", "attention_bias": False, "torch_dtype": "bfloat16"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(json.dumps(tiny_model.golden_tokenizer()))
    (folder / "tokenizer_config.json").write_text(json.dumps({"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}))
    shapes = {"model.embed_tokens.weight": (vocabulary, width), "model.norm.weight": (width,)}
    for i in range(layers):
        layer = f"model.layers.{i}."
        shapes |= {layer + "input_layernorm.weight": (width,), layer + "post_attention_layernorm.weight": (width,),
                   layer + "self_attn.q_norm.weight": (head_width,), layer + "self_attn.k_norm.weight": (head_width,),
                   layer + "self_attn.q_proj.weight": (heads * head_width, width), layer + "self_attn.k_proj.weight": (kv_heads * head_width, width),
                   layer + "self_attn.v_proj.weight": (kv_heads * head_width, width), layer + "self_attn.o_proj.weight": (width, heads * head_width),
                   layer + "mlp.gate_proj.weight": (hidden, width), layer + "mlp.up_proj.weight": (hidden, width),
                   layer + "mlp.down_proj.weight": (width, hidden)}
    pool = (np.random.default_rng(1).standard_normal(1 << 22) * 0.02).astype(np.float32)
    matrix = (pool.view(np.uint32) >> 16).astype(np.uint16)  # bf16
    header, at = {}, 0
    for name, shape in shapes.items():
        size = 2 * int(np.prod(shape))
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with (folder / "model.safetensors").open("wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        for n, shape in enumerate(shapes.values()):
            count = int(np.prod(shape))
            if len(shape) == 1:
                out.write(np.full(count, 0x3F80, np.uint16).tobytes())  # 1
                continue
            for begin in range(0, count, len(matrix)):
                out.write(np.roll(matrix, 7919 * n)[: min(len(matrix), count - begin)].tobytes())


def qlora(folder):
    model = folder / "qwen3-0.6b-shape"
    if not (model / "model.safetensors").exists():
        write_qwen(model)
    rng = random.Random(1)
    # Longer than 1,024 tokens, where rows are cut; no two begin alike.
    rows = [{"input": " ".join(rng.choice("card bank money transfer lost top up fee rate pin".split()) for _ in range(2000)), "output": "ab"[i % 2]} for i in range(4)]
    task = write_task(folder / "qlora", rows, ["a", "b"], str(model))
    return report("qlora", 2.5, task, ["--epochs", "1", "--batch", "4", "--precision", "nf4", "--micro-batch", "1024", "--checkpoint-activations"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="lora|qlora")
    parser.add_argument("--folder", type=pathlib.Path, help="where the model and the tasks go (default: a temporary folder)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or pathlib.Path(temporary)
        met = [{"lora": lora, "qlora": qlora}[case](folder) for case in arguments.cases or ["lora", "qlora"]]
    sys.exit(0 if all(met) else 1)


if __name__ == "__main__":
    main()
