"""Laws of `hone data label`: a random part goes to the test and none of its near-copies is learnt from, what was labelled is kept row
by row and not shown again, and a second person's labels give Cohen's kappa."""
import json
import pathlib
import random
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from data_task import THEMES, make, rows
from harness import check, hone, hone_json, write_rows


def read(path):
    return [json.loads(line) for line in path.open()] if path.exists() else []


def pool_of(root, name):
    """A task with labels and no rows of its own yet, and rows without answers."""
    data = rows(60, seed=5)
    random.Random(2).shuffle(data)
    task = make(root / name, [], list(THEMES))
    return task, write_rows(root / f"{name}.jsonl", [{"text": row["input"], "n": i} for i, row in enumerate(data)])


def labels_are_kept(root):
    task, pool = pool_of(root, "kept")
    document = hone_json("data", "label", pool, "--task", task, "--test", 20, "--wage", 30, text="sport\n2\n.u\nmon\nzebra\nfood\n.b\nmoney\n.q\n")
    train, test = read(task / "labelled.jsonl"), read(task / "labelled_test.jsonl")
    check((len(train), len(test)) == (document["labelled"], document["test"]), document)
    check(sorted(row["output"] for row in train + test) == ["food", "money", "money", "sport"] , train + test)
    check(len(read(task / "labelled.unsure.jsonl")) + len(read(task / "labelled_test.unsure.jsonl")) == 1, "not sure is no label")
    check(document["now"]["unsure"] == 1 and document["rows_per_hour"] > 0 and document["cost_a_row"] > 0, document)
    check(all(row["labels_by"] and row["labelled_on"] and "text" not in row for row in train), train)
    seen = {row["input"] for row in train + test + read(task / "labelled.unsure.jsonl") + read(task / "labelled_test.unsure.jsonl")}
    shown = hone("data", "label", pool, "--task", task, "--test", 20, text="1\n" * 30 + ".q\n")[0]
    after = read(task / "labelled.jsonl") + read(task / "labelled_test.jsonl")
    check(len({row["input"] for row in after}) == len(after) == 34, "a row was shown twice")
    check(len(seen) == 5 and "zebra" not in shown, seen)


def the_test_is_random_and_apart(root):
    task, pool = pool_of(root, "apart")
    lines = read(pool)
    copies = [{"text": row["text"] + " !", "n": -1} for row in lines[:60]]
    write_rows(pool, lines + copies)
    hone("data", "label", pool, "--task", task, "--test", 20, text="1\n" * 300)
    train, test = read(task / "labelled.jsonl"), read(task / "labelled_test.jsonl")
    check(len(test) == 20 and len(train) == 160, (len(train), len(test)))
    plain = lambda rows: {row["input"].rstrip(" !") for row in rows}
    check(not plain(train) & plain(test) and len(plain(train)) == len(train), "a copy of a test row is learnt from")
    (task / "labelled.jsonl").unlink()
    (task / "labelled_test.jsonl").unlink()
    hone("data", "label", pool, "--task", task, "--test", 20, text="1\n" * 300)
    check({row["input"] for row in read(task / "labelled_test.jsonl")} == {row["input"] for row in test}, "the test part changed")


def a_second_person(root):
    task, pool = pool_of(root, "second")
    hone("data", "label", pool, "--task", task, "--test", 0, text="".join("123"[i % 3] + "\n" for i in range(30)) + ".q\n")
    first = read(task / "labelled.jsonl")
    second = task / "bo.jsonl"
    check("--out" in hone("data", "label", "--again", task / "labelled.jsonl", "--task", task, code=2)[1], "no --out")
    answers = [row["output"] for row in first]
    answers[0], answers[1] = "food", "money"  # were sport and food
    out = hone("data", "label", "--again", task / "labelled.jsonl", "--out", second, "--task", task, text="\n".join(answers[:20]) + "\n.q\n")[0]
    check(not any(f"answer: {label}" in out for label in THEMES), "the first person's labels are shown")
    document = hone_json("data", "label", "--again", task / "labelled.jsonl", "--out", second, "--who", "bo", "--task", task, text="\n".join(answers[20:]) + "\n")
    found = document["agreement"]
    # By hand: 28 of 30 agree; the first has 10 of each label, the second 9, 10 and 11.
    chance = (10 * 9 + 10 * 10 + 10 * 11) / 900
    check(found["rows"] == 30 and abs(found["kappa"]["value"] - (28 / 30 - chance) / (1 - chance)) < 1e-9, found)
    check(found["kappa"]["low"] < found["kappa"]["value"] < found["kappa"]["high"] <= 1, found)


def the_rows_serve_a_task(root):
    task, pool = pool_of(root, "serve")
    hone("data", "label", pool, "--task", task, "--test", 20, text="1\n" * 40 + ".u\n" * 4 + "2\n" * 40 + "3\n" * 40 + ".q\n")
    toml = (task / "hone.toml").read_text().replace("train.jsonl", "labelled.jsonl") + 'test = "labelled_test.jsonl"\n'
    (task / "hone.toml").write_text(toml)
    document = hone_json("data", "check", task)
    check(document["rows"]["test"] >= 15 and document["rows"]["rejected"] == 0, document["rows"])


def main():
    with tempfile.TemporaryDirectory() as name:
        for law in (labels_are_kept, the_test_is_random_and_apart, a_second_person, the_rows_serve_a_task):
            law(pathlib.Path(name))
    print("data label: kept")


if __name__ == "__main__":
    main()
