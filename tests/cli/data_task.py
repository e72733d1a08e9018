"""Laws of `hone data task`: a task whose labels the rows tell apart is clear, two labels that are one are named with rows to show
for it, labels without meaning are not learnable; a reader is asked only when told to, and nothing leaves the machine unasked."""
import json
import pathlib
import random
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from harness import check, hone, hone_json, write_rows
from prompt_api import ENVIRONMENT, serving

THEMES = {
    "sport": "match goal team coach season player league cup referee striker".split(),
    "food": "recipe oven butter flour dinner sauce onion baker spice menu".split(),
    "money": "bank loan interest market price budget tax invoice salary fund".split(),
}
COMMON = "the a today we they was very much again before after people said new about".split()


def text(rng, theme):
    return " ".join(rng.choice(THEMES[theme] if rng.random() < 0.35 else COMMON) for _ in range(12))


def rows(count, seed=1):
    rng = random.Random(seed)
    return [{"input": text(rng, theme), "output": theme} for theme in THEMES for _ in range(count)]


def make(folder, data, labels, instruction="Sort the text: sport, food or money?"):
    folder.mkdir(parents=True)
    write_rows(folder / "train.jsonl", data)
    (folder / "hone.toml").write_text(
        f'[task]\nkind = "classify"\ninstruction = {json.dumps(instruction)}\nlabels = {json.dumps(labels)}\n[data]\ntrain = "train.jsonl"\n'
    )
    return folder


def finding(document, name):
    return next((f for f in document["findings"] if f["id"] == name), None)


def clear(root):
    document = hone_json("data", "task", make(root / "clear", rows(80), list(THEMES)))
    check(document["verdict"] == "clear" and not document["findings"], document)
    check(not any(pair["is_one"] for pair in document["pairs"]) and document["reader"] is None, document["pairs"])


def two_labels_that_are_one(root):
    rng = random.Random(3)
    data = rows(80)
    for row in data:
        if row["output"] != "sport":
            row["output"] = rng.choice(["food", "money"])
    document = hone_json("data", "task", make(root / "one", data, list(THEMES)))
    check(document["verdict"] == "ambiguous", document["verdict"])
    named = [(p["a"], p["b"]) for p in document["pairs"] if p["is_one"]]
    check(named == [("food", "money")], named)
    shown = finding(document, "labels-not-told-apart")
    check(shown["severity"] == "error" and len(shown["rows"]) == 6 and shown["evidence"]["examples"], shown)
    out = hone("data", "task", root / "one")[0]
    check("ambiguous where: food / money" in out, out)
    check(all(len(line) <= 80 or line.startswith("  next: ") for line in out.splitlines()), out)


def labels_without_meaning(root):
    data = rows(80)
    labels = [row["output"] for row in data]
    random.Random(4).shuffle(labels)
    for row, label in zip(data, labels):
        row["output"] = label
    document = hone_json("data", "task", make(root / "none", data, list(THEMES)))
    check(document["verdict"] == "not-learnable" and finding(document, "labels-not-told-apart") is None, document)
    check("not learnable with what was tried" in hone("data", "task", root / "none")[0], "not said")


def names(root):
    data = rows(80)
    for row in data:
        row["output"] = {"sport": "class1", "food": "bug", "money": "errors"}[row["output"]]
    document = hone_json("data", "task", make(root / "names", data, ["class1", "bug", "errors"], "Sort the text: a bug or not?"))
    check(finding(document, "silent-label-names")["evidence"]["labels"] == ["class1"], document["findings"])
    overlap = finding(document, "overlapping-label-names")
    check(overlap["evidence"]["pairs"][0]["why"] == "synonyms" and overlap["severity"] == "note", overlap)
    check(finding(document, "unnamed-labels")["evidence"]["labels"] == ["class1", "errors"], document["findings"])
    check(document["verdict"] == "clear", "names alone decide nothing")


def too_few(root):
    out, error = hone("data", "task", make(root / "few", rows(5), ["sport", "food", "money", "A"]), code=3)
    check("50 or more" in error and "silent-label-names" in out, out + error)


def reader(root):
    task = make(root / "reader", rows(40), list(THEMES))
    gold = {row["input"]: row["output"] for row in rows(40)}
    with serving(gold) as api:
        document = hone_json("data", "task", task, "--reader", "m", "--url", api.url(), "--reader-rows", 40, env=ENVIRONMENT)
        check(document["reader"]["n"] == 40 and document["reader"]["metrics"]["accuracy"]["value"] >= 0.8, document["reader"])
        check(len(api.order) == 40, len(api.order))
        # A name that resolves to this machine only on this machine is not "local".
        error = hone("data", "task", task, "--reader", "m", "--url", "http://example.com/v1", code=2, env=ENVIRONMENT)[1]
        check("add --yes" in error and "example.com" in error, error)
        (task / "hone.toml").write_text((task / "hone.toml").read_text() + "[circumstances]\nprivate = true\n")
        error = hone("data", "task", task, "--reader", "m", "--url", "http://example.com/v1", "--yes", code=2, env=ENVIRONMENT)[1]
        check("private" in error, error)


def main():
    with tempfile.TemporaryDirectory() as name:
        for law in (clear, two_labels_that_are_one, labels_without_meaning, names, too_few, reader):
            law(pathlib.Path(name))
    print("data task: kept")


if __name__ == "__main__":
    main()
