#!/usr/bin/env python3
"""LoRA training, Hone against PEFT: the same rows, the same ids, f32, rank 16 on all linear maps.

short:   a 12-word instruction, effective batch 16, PEFT padded to the longest row in random order, and length-grouped beside it
labels:  the label list as instruction, effective batch 32, PEFT in micro-batches of 4

They run alternately, never together, on a quiet machine. Reports rows a second (median over the rounds) and peak memory. Hone also
in int8. A row counts once, however many tokens it shares with others. PEFT's first step is not counted, Hone's is.
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


def load_rows(count):
    shared = pathlib.Path(os.environ.get("HONE_SHARED_DATA", ROOT.parent / "shared/data"))
    file = shared / "banking77/train.jsonl"
    if not file.is_file():
        file = ROOT / "examples/guard/train.jsonl"
    rows = [json.loads(line) for line in file.open()]
    step = max(1, len(rows) // count)
    return file.parent.name, rows[::step][:count]


def write_task(folder, rows, instruction=INSTRUCTION):
    labels = sorted({row["output"] for row in rows})
    with (folder / "train.jsonl").open("w") as out:
        for i, row in enumerate(rows):
            out.write(json.dumps({"id": str(i), "group": str(i), "input": row["input"], "output": row["output"]}) + "\n")
    # Validation and test files keep every training row in training; patience 0 and one validation keep the run short.
    for name in ("validation", "test"):
        with (folder / f"{name}.jsonl").open("w") as out:
            out.write(json.dumps({"id": name, "group": name, "input": f"a {name} row that is in neither file", "output": labels[0]}) + "\n")
    toml = f'[task]\nname = "bench"\nkind = "classify"\ninstruction = {json.dumps(instruction)}\nlabels = {json.dumps(labels)}\nlist_labels = false\n'
    toml += '[data]\ntrain = "train.jsonl"\nvalidation = "validation.jsonl"\ntest = "test.jsonl"\nid = "id"\ngroup = "group"\n'
    (folder / "hone.toml").write_text(toml)


def run_hone(setting, precision):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_task(folder, setting["rows"], setting["instruction"])
        command = [HONE, "train", folder, "--epochs", "1", "--batch", str(setting["batch"]), "--precision", precision, "--json"]
        result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        return {"rows_per_second": len(setting["rows"]) / result["step_seconds"], "peak_bytes": result["peak_bytes"], "first_loss": result["first_loss"], "last_loss": result["last_loss"]}


def encoded(setting, model):
    """Prompt ids and answer ids of each row, as `hone render` gives them."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        for row in setting["rows"]:
            messages = [{"role": "system", "content": setting["instruction"]}, {"role": "user", "content": row["input"]}, {"role": "assistant", "content": row["output"]}]
            file.write(json.dumps(messages) + "\n")
        file.flush()
        out = subprocess.run([HONE, "render", model, "--messages", file.name, "--json"], check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def run_peft(path, gguf, setting, order):
    command = [sys.executable, __file__, "--peft", path, "--gguf", gguf, "--batch", str(setting["batch"]), "--micro", str(setting["micro"]), "--order", order]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(out.splitlines()[-1])


def peft_main(path, gguf, args):
    import random
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
    random.Random(1).shuffle(examples)
    if args.order == "grouped":
        examples.sort(key=lambda e: len(e["ids"]))
    steps, seconds, losses = 0, 0.0, []
    for begin in range(0, len(examples) - args.batch + 1, args.batch):
        batch = examples[begin : begin + args.batch]
        loss_tokens = sum(sum(e["loss_mask"]) for e in batch)
        start = time.perf_counter()
        total = 0.0
        for first in range(0, len(batch), args.micro):
            loss = peft_loss(torch, model, batch[first : first + args.micro]) / loss_tokens
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if begin > 0:
            seconds += time.perf_counter() - start
            steps += 1
        losses.append(total)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"rows_per_second": steps * args.batch / seconds, "peak_bytes": peak, "first_loss": losses[0], "last_loss": losses[-1]}))


def peft_loss(torch, model, batch):
    """Sum of the losses of one padded micro-batch."""
    longest = max(len(e["ids"]) for e in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    mask = torch.zeros(len(batch), longest, dtype=torch.long)
    labels = torch.full((len(batch), longest), -100, dtype=torch.long)
    for i, e in enumerate(batch):
        n = len(e["ids"])
        ids[i, :n] = torch.tensor(e["ids"])
        mask[i, :n] = 1
        labels[i, :n] = torch.tensor([t if m else -100 for t, m in zip(e["ids"], e["loss_mask"])])
    tokens = sum(sum(e["loss_mask"]) for e in batch)
    return model(input_ids=ids, attention_mask=mask, labels=labels).loss * tokens


def measure(setting, model, gguf, rounds):
    examples = encoded(setting, model)
    runs = {}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(examples, file)
        file.flush()
        contenders = {"hone f32": lambda: run_hone(setting, "f32"), "hone int8": lambda: run_hone(setting, "int8")}
        for order in setting["orders"]:
            contenders[f"PEFT {order}"] = lambda order=order: run_peft(file.name, gguf, setting, order)
        for number in range(rounds):
            for name, run in contenders.items():
                print(f"{setting['name']}, round {number + 1} of {rounds}: {name}", file=sys.stderr)
                runs.setdefault(name, []).append(run())
    rate = {name: statistics.median(r["rows_per_second"] for r in some) for name, some in runs.items()}
    count = len(examples)
    print(f"{setting['name']}: {count} rows of {sum(len(e['ids']) for e in examples) / count:.0f} tokens, {sum(sum(e['loss_mask']) for e in examples) / count:.1f} of them loss, batch {setting['batch']}")
    for name, some in runs.items():
        print(f"  {name:<13} {rate[name]:7.2f} rows/s, {rate[name] / rate['PEFT random']:6.2f} times PEFT's, peak {max(r['peak_bytes'] for r in some) / 2**30:.2f} GiB, last loss {some[-1]['last_loss']:.3f}")
    print(f"  int8 against f32: {rate['hone int8'] / rate['hone f32']:.2f}")
    return {"runs": runs, "rows_per_second": rate}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=320)
    parser.add_argument("--label-rows", type=int, default=96)
    parser.add_argument("--settings", nargs="+", default=["short", "labels"], choices=["short", "labels"])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--out")
    for hidden in ("--peft", "--gguf", "--order"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    for hidden in ("--batch", "--micro"):
        parser.add_argument(hidden, type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peft:
        peft_main(args.peft, args.gguf, args)
        return
    require_quiet()
    model = "smollm2-135m-instruct"
    gguf = json.loads(subprocess.run([HONE, "models", "pull", model, "--json"], check=True, capture_output=True, text=True).stdout)["path"]
    name, rows = load_rows(args.rows)
    labels = sorted({row["output"] for row in load_rows(10**6)[1]})
    listed = INSTRUCTION + " Answer with one of: " + ", ".join(labels) + "."
    settings = {
        "short": {"name": "short", "rows": rows, "instruction": INSTRUCTION, "batch": 16, "micro": 16, "orders": ["random", "grouped"]},
        "labels": {"name": "labels", "rows": rows[: args.label_rows], "instruction": listed, "batch": 32, "micro": 4, "orders": ["random"]},
    }
    result = {"data": name} | {key: measure(settings[key], model, gguf, args.rounds) for key in args.settings}
    if args.out:
        pathlib.Path(args.out).write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
