#!/usr/bin/env python3
"""LoRA training, Hone against PEFT: the same rows, the same ids, effective batch 16, f32, rank 16 on all linear maps.

The two run alternately, never together, on a quiet machine. Reports rows a second (median over the rounds) and peak memory.
Rows: Banking77 of the shared data where it is there (HONE_SHARED_DATA or ../shared/data), else examples/guard.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from quiet import require_quiet

ROOT = pathlib.Path(__file__).resolve().parent.parent
HONE = ROOT / "build/release/hone"
INSTRUCTION = "Classify the customer's question about their bank account into one intent."
BATCH = 16


def load_rows(count):
    shared = pathlib.Path(os.environ.get("HONE_SHARED_DATA", ROOT.parent / "shared/data"))
    file = shared / "banking77/train.jsonl"
    if not file.is_file():
        file = ROOT / "examples/guard/train.jsonl"
    rows = [json.loads(line) for line in file.open()]
    step = max(1, len(rows) // count)
    return file.parent.name, rows[::step][:count]


def write_task(folder, rows):
    labels = sorted({row["output"] for row in rows})
    with (folder / "train.jsonl").open("w") as out:
        for i, row in enumerate(rows):
            out.write(json.dumps({"id": str(i), "group": str(i), "input": row["input"], "output": row["output"]}) + "\n")
    # Validation and test files keep every training row in training; patience 0 and one validation keep the run short.
    for name in ("validation", "test"):
        with (folder / f"{name}.jsonl").open("w") as out:
            out.write(json.dumps({"id": name, "group": name, "input": f"a {name} row that is in neither file", "output": labels[0]}) + "\n")
    toml = f'[task]\nname = "bench"\nkind = "classify"\ninstruction = {json.dumps(INSTRUCTION)}\nlabels = {json.dumps(labels)}\nlist_labels = false\n'
    toml += '[data]\ntrain = "train.jsonl"\nvalidation = "validation.jsonl"\ntest = "test.jsonl"\nid = "id"\ngroup = "group"\n'
    (folder / "hone.toml").write_text(toml)


def run_hone(rows):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_task(folder, rows)
        out = subprocess.run([HONE, "train", folder, "--epochs", "1", "--json"], check=True, capture_output=True, text=True).stdout
        result = json.loads(out)
        return {"rows_per_second": len(rows) / result["step_seconds"], "peak_bytes": result["peak_bytes"], "first_loss": result["first_loss"], "last_loss": result["last_loss"]}


def encoded(rows, model):
    """Prompt ids and answer ids of each row, as `hone render` gives them."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        for row in rows:
            messages = [{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": row["input"]}, {"role": "assistant", "content": row["output"]}]
            file.write(json.dumps(messages) + "\n")
        file.flush()
        out = subprocess.run([HONE, "render", model, "--messages", file.name, "--json"], check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def run_peft(path, gguf):
    out = subprocess.run([sys.executable, __file__, "--peft", path, "--gguf", gguf], check=True, capture_output=True, text=True).stdout
    return json.loads(out.splitlines()[-1])


def peft_main(path, gguf):
    import resource
    import time

    import torch
    import transformers
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(1)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    model = transformers.AutoModelForCausalLM.from_pretrained(str(pathlib.Path(gguf).parent), gguf_file=pathlib.Path(gguf).name, dtype=torch.float32)
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules=targets, task_type="CAUSAL_LM"))
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=5e-4, weight_decay=0.01)
    examples = json.load(open(path))
    steps, seconds, losses = 0, 0.0, []
    for begin in range(0, len(examples) - BATCH + 1, BATCH):
        batch = examples[begin : begin + BATCH]
        longest = max(len(e["ids"]) for e in batch)
        ids = torch.zeros(BATCH, longest, dtype=torch.long)
        mask = torch.zeros(BATCH, longest, dtype=torch.long)
        labels = torch.full((BATCH, longest), -100, dtype=torch.long)
        for i, e in enumerate(batch):
            n = len(e["ids"])
            ids[i, :n] = torch.tensor(e["ids"])
            mask[i, :n] = 1
            labels[i, :n] = torch.tensor([t if m else -100 for t, m in zip(e["ids"], e["loss_mask"])])
        start = time.perf_counter()
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if begin > 0:
            seconds += time.perf_counter() - start
            steps += 1
        losses.append(loss.item())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"rows_per_second": steps * BATCH / seconds, "peak_bytes": peak, "first_loss": losses[0], "last_loss": losses[-1]}))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=320)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--out")
    parser.add_argument("--peft")
    parser.add_argument("--gguf")
    args = parser.parse_args()
    if args.peft:
        peft_main(args.peft, args.gguf)
        return
    require_quiet()
    model = "smollm2-135m-instruct"
    gguf = json.loads(subprocess.run([HONE, "models", "pull", model, "--json"], check=True, capture_output=True, text=True).stdout)["path"]
    name, rows = load_rows(args.rows)
    examples = encoded(rows, model)
    tokens = sum(len(e["ids"]) for e in examples) / len(examples)
    loss_tokens = sum(sum(e["loss_mask"]) for e in examples) / len(examples)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(examples, file)
        file.flush()
        ours, theirs = [], []
        for _ in range(args.rounds):
            ours.append(run_hone(rows))
            theirs.append(run_peft(file.name, gguf))
    ours_rate = statistics.median(r["rows_per_second"] for r in ours)
    theirs_rate = statistics.median(r["rows_per_second"] for r in theirs)
    result = {
        "data": name, "rows": len(rows), "tokens_a_row": tokens, "loss_tokens_a_row": loss_tokens,
        "hone": ours, "peft": theirs, "rows_per_second_ratio": ours_rate / theirs_rate,
        "peak_memory_ratio": max(r["peak_bytes"] for r in ours) / max(r["peak_bytes"] for r in theirs),
    }
    print(f"{name}: {len(rows)} rows of {tokens:.0f} tokens, {loss_tokens:.1f} of them loss")
    print(f"hone  {ours_rate:6.2f} rows/s, peak {max(r['peak_bytes'] for r in ours) / 2**30:.2f} GiB")
    print(f"PEFT  {theirs_rate:6.2f} rows/s, peak {max(r['peak_bytes'] for r in theirs) / 2**30:.2f} GiB")
    print(f"ratio {ours_rate / theirs_rate:.2f} times the rows a second, {result['peak_memory_ratio']:.2f} of the memory")
    if args.out:
        pathlib.Path(args.out).write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
