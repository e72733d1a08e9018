"""Laws of `hone data check`: it reports whatever the rows are, lists what is set aside, and writes nothing."""
import json
import pathlib
import random
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from harness import check, hone, hone_json, make_task, write_rows

WORDS = [a + b + c for a in "bdfgklmnprst" for b in "aeiou" for c in ("nd", "rk", "lm", "st")]


def text(seed):
    return " ".join(random.Random(seed).sample(WORDS, 10))


def rows(count, start=0):
    return [{"input": text(start + i), "output": "ab"[i % 2]} for i in range(count)]


def finding(document, name):
    return next((f for f in document["findings"] if f["id"] == name), None)


def no_usable_row(root):
    task = make_task(root / "none", ["{broken", {"input": "", "output": "a"}])
    document = hone_json("data", "check", task)
    check(finding(document, "no-rows")["severity"] == "error", document["findings"])
    check(document["rows"]["rejected"] == 2 and document["rows"]["train"] == 0, document["rows"])
    shown = hone("data", "check", task)[0]
    check("line 1: not valid JSON" in shown and 'line 2: empty: "input" holds no text' in shown, shown)


def nothing_is_written(root):
    """So that a folder that may only be read can be checked."""
    task = make_task(root / "quiet", rows(20))
    before = sorted(p.name for p in task.rglob("*"))
    hone("data", "check", task)
    check(sorted(p.name for p in task.rglob("*")) == before, "data check left a file")


def set_aside(root):
    task = make_task(root / "aside", rows(40), 'test = "test.jsonl"\nid = "id"\n')
    train = [{**row, "id": f"t{i}"} for i, row in enumerate(rows(40))]
    write_rows(task / "train.jsonl", train)
    write_rows(task / "test.jsonl", [{**row, "id": f"u{i}"} for i, row in enumerate(rows(10, start=35))])
    document = hone_json("data", "check", task)
    check([row["line"] for row in document["set_aside"]] == [36, 37, 38, 39, 40], document["set_aside"])
    check(document["set_aside"][0] == {"id": "t35", "file": "train.jsonl", "line": 36, "repeats": [{"side": "test", "group": "u0"}]}, document["set_aside"][0])
    check(any("set aside" in notice for notice in document["notices"]), document["notices"])
    shown = hone("data", "check", task)[0]
    check("line 36: nearly repeats rows of test (u0)" in shown, shown)
    # The same id for another input: which row would a result belong to?
    write_rows(task / "test.jsonl", [{**rows(1, start=90)[0], "id": "t3"}])
    message = hone("data", "check", task, code=3)[1]
    check('"t3" stands in train.jsonl line 4' in message and "test.jsonl line 1" in message, message)
    for command in ("solve", "train"):
        check('"t3" stands in train.jsonl line 4' in hone(command, task, code=3)[1], f"{command} takes it")


def rows_that_judge(root):
    document = hone_json("data", "check", make_task(root / "few", rows(25)))
    few = finding(document, "too-few-rows")
    check(few["evidence"]["scored_rows"] == document["rows"]["test"], (few, document["rows"]))


def misnamed_source(root):
    task = make_task(root / "source", [{**row, "family": "f"} for row in rows(20)], 'source = "famly"\n')
    check("family" in finding(hone_json("data", "check", task), "unknown-column")["suggestion"], "no suggestion")


def printed_within_80_columns(root):
    bad = [{"input": f"{text(i)} {text(i + 500)}", "output": "zebra" * 20} for i in range(3)]
    task = make_task(root / "wide", rows(30) + rows(5) + bad + ["{" + "x" * 200])
    for line in hone("data", "check", task)[0].splitlines():
        # Commands are there to be copied, and a word stays whole.
        check(len(line) <= 80 or line.startswith("  next: ") or max(map(len, line.split())) > 70, line)


def copies_are_listed(root):
    test = [{"input": text(3).upper() + "!", "output": "b"}, {"input": text(5).rsplit(" ", 1)[0] + " otherwise", "output": "b"}, *rows(30, start=300)]
    task = make_task(root / "copies", rows(60), 'test = "test.jsonl"\n')
    write_rows(task / "test.jsonl", test)
    document = hone_json("data", "check", task, "--pairs", task / "pairs.jsonl")
    leak = finding(document, "leakage")["evidence"]
    check(leak["identical"] == 1 and leak["exact"] == 0 and leak["rows"] == 1, leak)
    check(leak["examples"][0]["jaccard"] == 1, leak)
    check(finding(document, "one-word-apart")["evidence"]["test_rows"] == 1, document["findings"])
    pairs = [json.loads(line) for line in (task / "pairs.jsonl").open()]
    check([(p["row"]["line"], p["of"]["line"], p["likeness"]) for p in pairs] == [(4, 1, "identical"), (6, 2, "one word")], pairs)
    check(all(p["row"]["file"] == "train" and p["of"]["file"] == "test" for p in pairs), pairs)


def redacted(root):
    mail = "please write to jane.doe@acme-bank.com about it"
    task = make_task(root / "mail", [*rows(30), {"input": mail, "output": "a"}])
    document = hone_json("data", "check", task, "--redact", task / "clean")
    found = finding(document, "personal-data")
    check(found["evidence"]["kinds"] == {"email": 1} and "jane" not in json.dumps(found), found)
    written = [json.loads(line) for line in (task / "clean/train.jsonl").open()]
    check(len(written) == 31 and written[30] == {"input": "please write to [EMAIL] about it", "output": "a"}, written[-1])
    check(written[:30] == rows(30), "a row without such data was changed")
    check("jane" in (task / "train.jsonl").read_text(), "the source was changed")
    check("there is a file already" in hone("data", "check", task, "--redact", task / "clean", code=3)[1], "written over")


def traffic(root):
    task = make_task(root / "traffic", rows(200))
    write_rows(task / "like.jsonl", [{"input": text(1000 + i)} for i in range(200)])
    write_rows(task / "unlike.jsonl", [{"input": text(1000 + i) + " kindly"} for i in range(200)])
    check(finding(hone_json("data", "check", task, "--traffic", task / "like.jsonl"), "shift") is None, "a shift where there is none")
    shift = finding(hone_json("data", "check", task, "--traffic", task / "unlike.jsonl"), "shift")
    check(shift["severity"] == "warning" and shift["evidence"]["words"][0]["word"] == "kindly", shift)
    write_rows(task / "none.jsonl", [{"text": "x"}])
    check("no row has an input" in hone("data", "check", task, "--traffic", task / "none.jsonl", code=3)[1], "taken")


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        for law in (no_usable_row, nothing_is_written, set_aside, rows_that_judge, misnamed_source, copies_are_listed, redacted, traffic, printed_within_80_columns):
            law(root)
    print("data check: kept")


if __name__ == "__main__":
    main()
