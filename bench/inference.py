#!/usr/bin/env python3
"""Answering, Hone against llama.cpp (llama-cpp-python, built here from PyPI's source package): the same GGUF file, the same threads.

prefill:  a prompt of 512 tokens, tokens a second
decode:   64 tokens of one sequence behind it; and of 16 sequences at once behind prompts of 64
guard:    one decision on about 80 new tokens behind a cached instruction of about 40: milliseconds, p50

Rounds alternate between the two, never together, on a quiet machine; figures are medians of the rounds, with the lowest and the
highest. Hone in f32, int8 and from the file's blocks (as-is, exact); llama.cpp on the file given (Q4_1 by default) and, where it
can make one, its Q8_0. Also prints the read bandwidth over 2 GiB that decoding has to live on.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from quiet import require_quiet

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROBE = os.environ.get("HONE_SPEED_PROBE", str(ROOT / "build/release/bench/speed_probe"))
SHAPES = {"alone": (512, 64, 1), "sixteen": (64, 32, 16), "guard": (80, 1, 1)}


def model_path():
    hone = os.environ.get("HONE", str(ROOT / "build/release/hone"))
    out = subprocess.run([hone, "models", "show", "smollm2-135m-instruct", "--json"], check=True, capture_output=True, text=True)
    return json.loads(out.stdout)["path"]


def hone(model, precision):
    figures = {}
    for name, (prompt, decode, sequences) in SHAPES.items():
        out = subprocess.run([PROBE, model, precision, *map(str, (prompt, decode, sequences, 4))], check=True, capture_output=True, text=True)
        seconds = json.loads(out.stdout)
        # The first pass makes kernels and touches memory.
        prefill, generated = (min(seconds[k][1:]) for k in ("prefill_s", "decode_s"))
        figures[name] = {"prefill": prompt * sequences / prefill, "decode": decode * sequences / generated, "prompt_ms": 1e3 * prefill / sequences}
    return figures


def llama(path, threads):
    out = subprocess.run([sys.executable, __file__, "--llama", path, "--threads", str(threads)], check=True, capture_output=True, text=True)
    return json.loads(out.stdout.splitlines()[-1])


def llama_main(path, threads):
    import llama_cpp as ll
    import numpy as np

    ll.llama_backend_init()
    model = ll.llama_model_load_from_file(path.encode(), ll.llama_model_default_params())
    params = ll.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_ubatch, params.n_seq_max = 16 * 128, 512, 512, 16
    params.kv_unified = True  # one sequence may fill it
    params.n_threads = params.n_threads_batch = threads
    context = ll.llama_init_from_model(model, params)
    memory = ll.llama_get_memory(context)
    vocabulary = ll.llama_vocab_n_tokens(ll.llama_model_get_vocab(model))
    rng = np.random.default_rng(1)

    def run(items, wanted):
        """items: (token, position, sequence) each; wanted: indices whose logits are made. Gives the arg-max of each of these."""
        batch = ll.llama_batch_init(len(items), 0, 1)
        batch.n_tokens = len(items)
        for i, (token, position, sequence) in enumerate(items):
            batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.seq_id[i][0], batch.logits[i] = token, position, 1, sequence, i in wanted
        if ll.llama_decode(context, batch) != 0:
            raise RuntimeError("llama_decode failed")
        best = [int(np.argmax(np.ctypeslib.as_array(ll.llama_get_logits_ith(context, i), (vocabulary,)))) for i in sorted(wanted)]
        ll.llama_batch_free(batch)
        return best

    figures = {}
    for name, (prompt, decode, sequences) in SHAPES.items():
        rounds = []
        for _ in range(4):
            ll.llama_memory_clear(memory, True)
            begin, tokens = time.perf_counter(), []
            for s in range(sequences):
                ids = rng.integers(0, vocabulary, prompt).tolist()
                tokens += run([(t, i, s) for i, t in enumerate(ids)], {prompt - 1})
            middle = time.perf_counter()
            for step in range(decode):
                tokens = run([(t, prompt + step, s) for s, t in enumerate(tokens)], set(range(sequences)))
            rounds.append((middle - begin, time.perf_counter() - middle))
        prefill, generated = (min(r[k] for r in rounds[1:]) for k in (0, 1))
        figures[name] = {"prefill": prompt * sequences / prefill, "decode": decode * sequences / generated, "prompt_ms": 1e3 * prefill / sequences}
    print(json.dumps(figures))


def as_q8_0(path, folder):
    """The same values in Q8_0, by llama.cpp's own quantiser."""
    import llama_cpp as ll

    target = pathlib.Path(folder) / "q8_0.gguf"
    if not target.exists():
        params = ll.llama_model_quantize_default_params()
        params.ftype, params.allow_requantize = ll.LLAMA_FTYPE_MOSTLY_Q8_0, True
        if ll.llama_model_quantize(path.encode(), str(target).encode(), params) != 0:
            raise RuntimeError("llama.cpp could not make a Q8_0 file")
    return str(target)


def read_bandwidth():
    import numpy as np
    from concurrent.futures import ThreadPoolExecutor

    data = np.ones(2 << 27, dtype=np.int64)  # 2 GiB
    halves = np.array_split(data, os.cpu_count())
    with ThreadPoolExecutor() as pool:
        best = min((lambda t: (list(pool.map(np.max, halves)), time.perf_counter() - t)[1])(time.perf_counter()) for _ in range(4))
    return data.nbytes / best / 1e9


def middle(rounds, *keys):
    values = []
    for figures in rounds:
        for key in keys:
            figures = figures[key]
        values.append(figures)
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--folder", default=str(ROOT / "build/bench"), help="for llama.cpp's Q8_0 file")
    parser.add_argument("--out")
    parser.add_argument("--llama")
    options = parser.parse_args()
    if options.llama:
        return llama_main(options.llama, options.threads)
    require_quiet()
    pathlib.Path(options.folder).mkdir(parents=True, exist_ok=True)
    q4_1 = model_path()
    contenders = {
        "llama.cpp Q4_1": lambda: llama(q4_1, options.threads),
        "hone as-is": lambda: hone(q4_1, "as-is"),
        "llama.cpp Q8_0": lambda: llama(as_q8_0(q4_1, options.folder), options.threads),
        "hone int8": lambda: hone(q4_1, "int8"),
        "hone f32": lambda: hone(q4_1, "f32"),
    }
    rounds = {name: [] for name in contenders}
    for round_number in range(options.rounds):
        for name, run in contenders.items():
            print(f"round {round_number + 1} of {options.rounds}: {name}", file=sys.stderr)
            rounds[name].append(run())
    shown = [("prefill 512, tok/s", "alone", "prefill"), ("decode, tok/s", "alone", "decode"), ("decode 16, tok/s", "sixteen", "decode"), ("80 tokens, ms", "guard", "prompt_ms")]
    result = {"read_gb_per_second": read_bandwidth(), "figures": {name: {label: middle(rounds[name], *keys) for label, *keys in shown} for name in contenders}}
    print("| what | " + " | ".join(contenders) + " |\n|---|" + "---|" * len(contenders))
    for label, *_ in shown:
        cells = [result["figures"][name][label] for name in contenders]
        print(f"| {label} | " + " | ".join(f"{c['median']:.0f} ({c['low']:.0f} to {c['high']:.0f})" for c in cells) + " |")
    print(f"reading 2 GiB: {result['read_gb_per_second']:.1f} GB/s")
    if options.out:
        pathlib.Path(options.out).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
