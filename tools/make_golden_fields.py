#!/usr/bin/env python3
"""Writes tests/golden/fields.json: JSON answers beside gold ones, and precision, recall and F1 over their fields, computed in plain
Python."""
import json
import pathlib
import random

rng = random.Random(5)


def leaves(value, at=""):
    """{(pointer, kind, value)} of the words, numbers and strings in `value`."""
    if isinstance(value, dict):
        return {leaf for key, below in value.items() for leaf in leaves(below, at + "/" + key.replace("~", "~0").replace("/", "~1"))}
    if isinstance(value, list):
        return {leaf for i, below in enumerate(value) for leaf in leaves(below, f"{at}/{i}")}
    kind = "bool" if isinstance(value, bool) else "number" if isinstance(value, (int, float)) else type(value).__name__
    return {(at, kind, value)}


def value(depth=0):
    kind = rng.randrange(8 if depth < 3 else 5)
    if kind == 6:
        return [value(depth + 1) for _ in range(rng.randrange(3))]
    if kind > 4:
        return {key: value(depth + 1) for key in rng.sample(["a", "b/c", "d~", "\u00e9"], rng.randrange(4))}
    return rng.choice([None, True, 1, 1.0, 0, "1", "x", "x ", "\u00e9"])


def changed(gold):
    if isinstance(gold, dict):
        items = [(key, changed(below)) for key, below in gold.items() if rng.random() < 0.9]
        rng.shuffle(items)
        return dict(items)
    if isinstance(gold, list):
        return [changed(below) for below in gold]
    return value(3) if rng.random() < 0.3 else gold


def main():
    rows, right, answered, wanted = [], 0, 0, 0
    for i in range(80):
        gold = {"intent": rng.choice(["go", "stop"]), "slots": value()}
        answer = changed(gold)
        text = json.dumps(answer) if i % 9 else json.dumps(answer)[:-1]  # some are no JSON
        a, g = leaves(answer) if i % 9 else set(), leaves(gold)
        rows.append([text, json.dumps(gold)])
        right, answered, wanted = right + len(a & g), answered + len(a), wanted + len(g)
    precision, recall = right / answered, right / wanted
    document = {"rows": rows, "field_precision": precision, "field_recall": recall, "field_f1": 2 * precision * recall / (precision + recall)}
    path = pathlib.Path(__file__).resolve().parent.parent / "tests/golden/fields.json"
    path.write_text(json.dumps(document) + "\n")


if __name__ == "__main__":
    main()
