"""Rows that are wrong: each is named with its line and why, in eval and in data check; the others are used; nothing is written over."""
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from bundles import TASK, knn_bundle, write_bundle
from harness import check, hone, hone_json, make_task, write_rows

# (line of the file, what is said of it; None: a good row)
ROWS = [
    ({"input": "apple 1", "output": "a"}, None), ("{not json", "not valid JSON"), ({"input": "x", "output": "zebra"}, 'unknown label "zebra"; labels are a, b'),
    ({"input": " ", "output": "a"}, "empty"), ({"input": "y" * 1_000_000, "output": "a"}, "1000000 bytes"), (b'{"input": "caf\xe9", "output": "a"}', "not UTF-8: byte 0xE9"),
    (b'{"input": "a\0b", "output": "a"}', "NUL"), ({"input": "a\0b", "output": "a"}, "NUL"), ('{"input": "u", "input": "v", "output": "a"}', "twice"),
    ({"output": "a"}, '"input" is missing'), ({"input": "w", "output": ["a"]}, "expected a label"), ("[1, 2]", "expected a JSON object"), ({"input": None, "output": "a"}, "null"),
    ("[" * 600 + "]" * 600, "nested deeper"), ({"input": "y" * 999_999, "output": "b"}, None), ({"input": "banana 2", "output": "b"}, None),
]


def bad_jsonl(root):
    task = make_task(root / "task", [row for row, _ in ROWS])
    bundle = knn_bundle(root / "bundle")
    bad = {i + 1: why for i, (_, why) in enumerate(ROWS) if why is not None}
    out, message = hone("eval", bundle, "--data", task / "train.jsonl", "--json")
    scored = json.loads(out)
    check(scored["n"] == 3, f"the good rows are scored: {scored['n']}")
    check([r["line"] for r in scored["rejected"]] == list(bad), scored["rejected"])
    for rejected in scored["rejected"]:
        check(bad[rejected["line"]] in rejected["why"], rejected)
        check(f"train.jsonl, line {rejected['line']}: " in message, message[:400])
    check(message.isprintable() or all(ord(c) >= 32 or c == "\n" for c in message), "nothing of the rows reaches the terminal raw")
    checked = hone_json("data", "check", task)
    check(checked["rows"]["rejected"] == len(bad), checked["rows"])
    said = json.dumps(checked["findings"])
    for line in bad:
        check(f"{line}" in said, f"line {line} is not in any finding: {said[:600]}")
    check("zebra" in said, said[:600])
    shown = hone("data", "check", task)[0]
    long = [line for line in shown.splitlines() if len(line) > 80 and not line.startswith("  next: ")]
    check(not long, f"over 80 columns: {long}")


def only_bad(root):
    """A file without any good row: the first line's reason, exit code 3."""
    bundle = knn_bundle(root / "bundle2")
    for name, content, said in (
        ("empty", b"", "empty"), ("blank", b"\n \n", "empty"), ("broken", b"{\n", "broken.jsonl:1"), ("latin", b'{"input": "\xe9", "output": "a"}\n', "not UTF-8"),
        ("utf16", '{"input": "x"}'.encode("utf-16"), "UTF-16"), ("array", b'[{"input": "x", "output": "a"}]', "one JSON object a line"),
        ("columns", b'{"inptu": "x", "output": "a"}\n', 'did you mean input = "inptu"'), ("labels", b'{"input": "x", "output": "c"}\n', "unknown label"),
    ):
        file = root / f"{name}.jsonl"
        file.write_bytes(content)
        for command in (("eval", bundle, "--data", file), ("data", "check", make_task(root / name, [content.removesuffix(b"\n")]))):
            if command[0] == "data" and name in ("labels", "broken", "latin", "empty", "blank"):
                continue
            message = hone(*command, code=3)[1]
            check(said in message, f"{name}: {message}")
    for name, said in (("rows.xlsx", "zip"), ("rows", ".jsonl")):
        (root / name).write_bytes(b"PK")
        check(said in hone("eval", bundle, "--data", root / name, code=3)[1], name)
    check(".jsonl" in hone("eval", bundle, "--data", root, code=3)[1], "a folder")


def duplicate_ids(root):
    rows = [{"id": 7, "input": "apple", "output": "a"}, {"id": 8, "input": "pear", "output": "a"}, {"id": 7, "input": "banana", "output": "b"}]
    task = make_task(root / "ids", rows, 'id = "id"\n')
    for command in (("data", "check", task), ("eval", knn_bundle(root / "bundle3"), "--data", task / "train.jsonl", "--task", task), ("solve", task)):
        message = hone(*command, code=3)[1]
        check('"7" stands in line 1 and in line 3' in message, message)


CSV = [
    ("commas, quotes and lines", 'input,output\r\n"one, two",x\r\n"she said ""no""\nand left",y\r\n"",z\r\nplain,\r\nlast,w', ["one, two", 'she said "no"\nand left', "last"], {5: "empty", 6: "empty"}),
    ("semicolons", "input;output\nun, deux;x\n", ["un, deux"], {}),
    ("a byte order mark", "\ufeffinput,output\nfirst,x\n", ["first"], {}),
    ("too many fields", "input,output\na,b,c\nfine,x\n", ["fine"], {2: "3 fields, but the header names 2"}),
    ("an open quote", 'input,output\nfine,x\n"never closed,y\n', ["fine"], {3: "quote"}),
]


def csv(root):
    copy = write_bundle(root / "copy", "copy", task={**TASK, "kind": "text", "labels": [], "metric": "chrf"})
    for name, content, inputs, bad in CSV:
        file = root / "rows.csv"
        file.write_bytes(content.encode())
        scored = hone_json("eval", copy, "--data", file)
        answers = [json.loads(line)["answer"] for line in open(scored["rows"])]
        check(answers == inputs, f"{name}: {answers}")
        check({r["line"]: True for r in scored["rejected"]} == {line: True for line in bad}, f"{name}: {scored['rejected']}")
        for rejected in scored["rejected"]:
            check(bad[rejected["line"]] in rejected["why"], f"{name}: {rejected}")
    for content, said in ((b"", "empty"), (b"input,input\na,b\n", "two columns"), (b"text,label\na,b\n", "input"), (b"input,out\xffput\na,b\n", "not UTF-8")):
        file.write_bytes(content)
        message = hone("eval", copy, "--data", file, code=3)[1]
        check(said in message, message)


def init_keeps(root):
    """init writes a task that data check accepts, and never over one that is there."""
    folder = root / "mine"
    folder.mkdir()
    lines = "".join(f'"word {i}, ""quoted""\nsecond line",{label}\n' for i in range(30) for label in ("good", "bad"))
    (folder / "rows.csv").write_text("text,label\n" + lines)
    made = hone_json("init", folder / "rows.csv")
    before = pathlib.Path(made["task"]).read_bytes()
    check(hone_json("data", "check", folder)["rows"]["rejected"] == 0, "every row of the CSV is usable")
    message = hone("init", folder / "rows.csv", code=2)[1]
    check("--force" in message and pathlib.Path(made["task"]).read_bytes() == before, message)
    check("missing.csv" in hone("init", folder / "missing.csv", "--folder", root / "other", code=3)[1], "a missing file is named")
    long = [line for line in hone("init", folder / "rows.csv", "--force")[0].splitlines() if len(line) > 80 and str(folder) not in line]
    check(not long, f"over 80 columns: {long}")


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        bad_jsonl(root)
        only_bad(root)
        duplicate_ids(root)
        csv(root)
        init_keeps(root)
    print("bad rows: kept")


if __name__ == "__main__":
    main()
