#!/usr/bin/env python3
"""What `hone data check` and `data curve` find in real rows: data_checks.py [copies|planted|unrelated|million|suspects|curve|alarms ...].

  copies     Banking77's official files: identical train-test pairs, near pairs with their Jaccard, and the share found of all pairs that
             brute force finds at a Jaccard similarity of 5-character grams of .8 or more
  planted    1,000 rows of five words or more, edited (case, punctuation, one word): the share found
  unrelated  1,000 pairs of one topic each: how many are taken for copies
  million    seconds and memory for 1,000,000 rows of 30 words
  suspects   5 % of labels flipped, uniformly and by confusable pair, 5 seeds: precision at as many as were flipped
  curve      from 40 % of the rows: does the interval hold the score of all rows?
  alarms     every finding of warning or error in the data sets, to be read

The data lie in ../shared/data (or $HONE_DATA); $HONE_SETS names the sets to look at ("trec6,guard"). Everything is computed again here in plain Python.
"""
import collections
import csv
import itertools
import json
import os
import pathlib
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
HONE = os.environ.get("HONE", str(ROOT / "build/release/hone"))
DATA = pathlib.Path(os.environ.get("HONE_DATA", str(ROOT.parent / "shared/data")))
SEEDS = range(1, 1 + int(os.environ.get("HONE_SEEDS", 5)))


def sets(*names):
    wanted = os.environ.get("HONE_SETS")
    return [name for name in names if not wanted or name in wanted.split(",")]


def folded(text):
    return re.sub(r"[\W_]+", " ", text.lower()).strip()


def grams(text):
    text = folded(text)
    return {text[i : i + 5] for i in range(len(text) - 4)}


def jaccard(a, b):
    return len(a & b) / len(a | b) if a or b else 0.0


def banking(side):
    with (DATA / f"banking77/{side}.csv").open(newline="") as file:
        return [{"input": row["text"], "output": row["category"]} for row in csv.DictReader(file)]


def rows_of(name, side="train"):
    if name == "banking77":
        return banking(side)
    return [{"input": r["input"], "output": r["output"]} for r in map(json.loads, (DATA / f"{name}/{side}.jsonl").open())]


def make_task(folder, kind, train, test=None, validation=None):
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("train", train), ("test", test), ("validation", validation)):
        if rows is not None:
            (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    labels = f"labels = {json.dumps(sorted({r['output'] for r in train + (test or [])}))}\n" if kind == "classify" else ""
    files = "".join(f'{name} = "{name}.jsonl"\n' for name, rows in (("train", train), ("validation", validation), ("test", test)) if rows is not None)
    (folder / "hone.toml").write_text(f'[task]\nname = "bench"\nkind = "{kind}"\ninstruction = "Sort it."\n{labels}[data]\n{files}')
    return folder


def hone(*arguments):
    done = subprocess.run([HONE, *map(str, arguments), "--json"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"hone {' '.join(map(str, arguments))}: {done.stderr}")
    return json.loads(done.stdout)


def pairs_found(folder):
    file = folder / "pairs.jsonl"
    hone("data", "check", folder, "--pairs", file)
    return [json.loads(line) for line in file.open()]


def across(pairs):
    """Train-test pairs: (line of train, line of test) -> pair."""
    return {(p["row"]["line"], p["of"]["line"]): p for p in pairs if (p["row"]["file"], p["of"]["file"]) == ("train", "test")}


def brute_pairs(train, test, least):
    """All pairs at `least` or more. Sets of sizes a and b have a Jaccard of at most min / max."""
    a = [grams(r["input"]) for r in train]
    b = [grams(r["input"]) for r in test]
    holders = collections.defaultdict(list)
    for j, s in enumerate(b):
        for gram in s:
            holders[gram].append(j)
    found = {}
    for i, s in enumerate(a):
        common = collections.Counter(itertools.chain.from_iterable(holders[gram] for gram in s))
        for j, n in common.items():
            similarity = n / (len(s) + len(b[j]) - n)
            if similarity >= least:
                found[(i + 1, j + 1)] = similarity
    return found


def copies(folder):
    train, test = banking("train"), banking("test")
    # A kind without labels: only copies are looked for.
    found = across(pairs_found(make_task(folder, "text", train, test)))
    by_kind = collections.Counter(p["likeness"] for p in found.values())
    texts = collections.Counter(folded(r["input"]) for r in test)
    identical = sum(texts[folded(r["input"])] for r in train)
    brute = brute_pairs(train, test, 0.8)
    hit = [pair for pair in brute if pair in found]
    wrong = max((abs(found[pair]["jaccard"] - brute[pair]) for pair in hit), default=0)
    print(f"copies: {by_kind['identical']} identical train-test pairs (brute force: {identical}); {by_kind['near']} near and {by_kind['one word']} one word apart")
    print(f"copies: {len(hit)} of {len(brute)} pairs at a Jaccard of .8 or more found ({100 * len(hit) / len(brute):.2f} %); largest difference of Jaccards {wrong:.4f}")
    for likeness in ("near", "one word"):
        values = sorted(p["jaccard"] for p in found.values() if p["likeness"] == likeness)
        if values:
            print(f"copies: {likeness}: Jaccard {values[0]:.2f} to {values[-1]:.2f}, median {statistics.median(values):.2f}")


def edited(text, rng, words):
    kind = rng.choice(["case", "punctuation", "word"])
    if kind == "case":
        return text.upper() if rng.random() < 0.5 else text.title()
    if kind == "punctuation":
        return rng.choice(["{}!!", "\"{}\"", "{} ...", "- {}"]).format(re.sub(r"[.,?!]", "", text))
    parts = text.split()
    place = rng.randrange(len(parts))
    edit = rng.choice(["replace", "insert", "leave out"])
    if edit == "replace":
        parts[place] = rng.choice(words)
    elif edit == "insert":
        parts.insert(place, rng.choice(words))
    else:
        del parts[place]
    return " ".join(parts)


def planted(folder):
    for name in sets("banking77", "trec6", "guard"):
        rng = random.Random(1)
        rows = rows_of(name)
        words = sorted({w for r in rows for w in re.findall(r"[a-z]+", r["input"].lower())})
        usable = [i for i, r in enumerate(rows) if len(r["input"].split()) >= 5 and len(folded(r["input"]).split()) >= 5]
        chosen = rng.sample(usable, min(1000, len(usable)))
        test = [{"input": edited(rows[i]["input"], rng, words), "output": rows[i]["output"]} for i in chosen]
        found = across(pairs_found(make_task(folder / name, "text", rows, test)))
        missed = [k for k, i in enumerate(chosen) if (i + 1, k + 1) not in found]
        print(f"planted: {name}: {100 * (1 - len(missed) / len(chosen)):.1f} % of {len(chosen)} edited rows found")
        for k in missed[:3] if os.environ.get("VERBOSE") else []:
            print(f"    {rows[chosen[k]]['input'][:100]!r} / {test[k]['input'][:100]!r}")


def unrelated(folder):
    for name in sets("banking77", "trec6", "guard"):
        rng = random.Random(2)
        by_topic = collections.defaultdict(list)
        for row in rows_of(name):
            by_topic[row["output"]].append(row)
        topics = [t for t, rows in by_topic.items() if len(rows) > 60]
        train, test = [], []
        while len(train) < 1000:
            a, b = rng.sample(by_topic[rng.choice(topics)], 2)
            if folded(a["input"]) != folded(b["input"]):
                train.append(a)
                test.append(b)
        found = across(pairs_found(make_task(folder / name, "text", train, test)))
        flagged = [found[(i + 1, i + 1)] for i in range(1000) if (i + 1, i + 1) in found]
        near = sum(p["likeness"] != "one word" for p in flagged)
        print(f"unrelated: {name}: {near} of 1,000 pairs of one topic taken for copies, {len(flagged) - near} more said to be one word apart")


def million(folder):
    rng = random.Random(3)
    # Words as frequent as Zipf's law has it, and 1 % of rows that repeat an earlier one with one word changed.
    words = ["".join(rng.choices("abcdefghijklmnoprstuvwy", k=rng.randint(2, 9))) for _ in range(50_000)]
    weights = list(itertools.accumulate(1 / (k + 10) for k in range(len(words))))
    folder.mkdir(parents=True)
    copied, earlier = 0, []
    with (folder / "train.jsonl").open("w") as out:
        for i in range(int(os.environ.get("ROWS", 1_000_000))):
            if i % 100 == 99:
                row = list(rng.choice(earlier))
                row[rng.randrange(30)] = "changed"
                copied += 1
            else:
                row = rng.choices(words, cum_weights=weights, k=30)
                if i % 97 == 0:
                    earlier.append(row)
            out.write(json.dumps({"input": " ".join(row), "output": "ab"[i % 2]}) + "\n")
    (folder / "hone.toml").write_text('[task]\nname = "bench"\nkind = "classify"\ninstruction = "Sort it."\nlabels = ["a", "b"]\n[data]\ntrain = "train.jsonl"\n')
    begun = time.time()
    document = hone("data", "check", folder)
    seconds = time.time() - begun
    found = next(f["evidence"] for f in document["findings"] if f["id"] == "duplicate")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"million: {seconds:.0f} s, {peak:.0f} MiB at most; {found['exact'] + found['near']} of {copied} repeated rows found in training")


def confusable(name, folder, rows, labels):
    """The label that each label's rows are most often taken for, out of fold."""
    scores = folder / "scores.jsonl"
    hone("data", "check", make_task(folder, "classify", rows), "--scores", scores)
    mass = collections.defaultdict(collections.Counter)
    for line in scores.open():
        row = json.loads(line)
        mass[row["output"]].update({k: p for k, p in row["probabilities"].items() if k != row["output"]})
    return {label: mass[label].most_common(1)[0][0] for label in labels}


def suspects(folder):
    for name in sets("trec6", "banking77"):
        rows = rows_of(name)
        labels = sorted({r["output"] for r in rows})
        document = hone("data", "check", make_task(folder / name, "classify", rows))
        flagged = next((f["evidence"]["rows"] for f in document["findings"] if f["id"] == "suspect-labels"), 0)
        print(f"suspects: {name} as it is: {flagged} of {len(rows)} flagged", flush=True)
        pair_of = confusable(name, folder / f"{name}_pairs", rows, labels)
        for kind in ("uniform", "pair"):
            at_k, seconds = [], []
            for seed in SEEDS:
                rng = random.Random(seed)
                flips = set(rng.sample(range(len(rows)), round(0.05 * len(rows))))
                flipped = [dict(r) for r in rows]
                for i in sorted(flips):
                    label = rows[i]["output"]
                    flipped[i]["output"] = pair_of[label] if kind == "pair" else rng.choice([x for x in labels if x != label])
                task = make_task(folder / f"{name}_{kind}_{seed}", "classify", flipped)
                begun = time.time()
                hone("data", "check", task, "--scores", task / "scores.jsonl")
                seconds.append(time.time() - begun)
                ranked = sorted(map(json.loads, (task / "scores.jsonl").open()), key=lambda r: r["quality"])[: len(flips)]
                at_k.append(sum(r["line"] - 1 in flips for r in ranked) / len(flips))
            print(f"suspects: {name}, {kind}: precision at {len(flips)} {statistics.median(at_k):.3f} ({', '.join(f'{p:.3f}' for p in at_k)}); {statistics.median(seconds):.0f} s a check", flush=True)


def alarms(folder):
    tasks = {}
    for name in sets("banking77", "trec6", "guard"):
        tasks[name] = make_task(folder / name, "classify", rows_of(name), rows_of(name, "test"))
    if sets("slots_json"):
        tasks["slots_json"] = make_task(folder / "slots_json", "json", rows_of("slots_json"), rows_of("slots_json", "test"))
    tasks.update({f"examples/{p.name}": p for p in sorted((ROOT / "examples").iterdir()) if (p / "hone.toml").exists() and sets(f"examples/{p.name}")})
    for name, task in tasks.items():
        for finding in hone("data", "check", task)["findings"]:
            print(f"alarms: {name}: {finding['severity']}: {finding['id']}: {finding['title']}")
            for example in finding["evidence"].get("examples", [])[:3] if os.environ.get("VERBOSE") else []:
                print(f"    {json.dumps(example, ensure_ascii=False)[:200]}")


def curve(folder):
    """Scored on the first half of the official test rows, so that all of the training rows train."""
    inside, spans, pairs = 0, [], 0
    for name in sets("banking77", "trec6", "guard"):
        rows, held_out = rows_of(name), rows_of(name, "test")
        random.Random(0).shuffle(held_out)
        sides = {"validation": held_out[::2], "test": held_out[1::2]}
        document = hone("data", "curve", make_task(folder / name, "classify", rows, **sides))
        whole, n = document["full_score"], document["train_rows"]
        for seed in SEEDS:
            part = random.Random(seed).sample(rows, round(0.4 * len(rows)))
            begun = time.time()
            report = hone("data", "curve", make_task(folder / f"{name}_{seed}", "classify", part, **sides), "--rows", n)
            low, high = report["at_rows"]["low"], report["at_rows"]["high"]
            pairs += 1
            inside += low <= whole <= high
            spans.append(high - low)
            print(f"curve: {name}, seed {seed}: {low:.3f} to {high:.3f} from {report['train_rows']} rows; all {n}: {whole:.3f}; {time.time() - begun:.0f} s", flush=True)
    print(f"curve: {inside} of {pairs} intervals hold the score of all rows; widest {100 * max(spans):.1f} points, median {100 * statistics.median(spans):.1f}")


def main():
    laws = (copies, planted, unrelated, million, suspects, curve, alarms)
    for name in sys.argv[1:] or [law.__name__ for law in laws]:
        with tempfile.TemporaryDirectory() as folder:
            next(law for law in laws if law.__name__ == name)(pathlib.Path(folder) / name)


if __name__ == "__main__":
    main()
