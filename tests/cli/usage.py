"""Laws of the command line: wrong usage exits 2, bad input 3, environment 4, and every message says where and what to try."""
import json
import os
import pathlib
import pty
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from bundles import ROWS, knn_bundle
from harness import HONE, NO_NETWORK, SOURCE, check, hone, hone_json, make_task, small_guard_task

TOML = '[task]\nname = "t"\nkind = "classify"\ninstruction = "x"\nlabels = ["a", "b"]\n[data]\ntrain = "train.jsonl"\n'


def message_of(*arguments, code):
    return hone(*arguments, code=code)[1]


def with_task(folder, toml, rows='{"input": "one", "output": "a"}\n'):
    folder.mkdir(exist_ok=True)
    (folder / "hone.toml").write_text(toml)
    (folder / "train.jsonl").write_bytes(rows if isinstance(rows, bytes) else rows.encode())
    return folder


def too_wide(text, *allowed):
    """Lines of more than 80 columns but those to be copied or with a path in them."""
    return [line for line in text.splitlines() if len(line) > 80 and not any(a in line for a in allowed)]


def unknown_words():
    """A word that is no command or option is named, with the nearest one, and where help is."""
    for arguments, said in (
        ((), "hone what? One of: solve, init"), (("nonsense",), 'there is no command "nonsense"; `hone --help`'), (("slove",), 'there is no command "slove"; did you mean solve?'),
        (("models", "lst"), 'there is no command "lst"; did you mean list? `hone models --help`'), (("models",), "hone models what? One of: list, pull, show"),
        (("data", "chek", "."), "did you mean check?"), (("ask", "m", "t", "--jsn"), "there is no option --jsn; did you mean --json? `hone ask --help`"),
        (("eval", "m"), "--data is required"), (("ask", "m", "t", "--max-tokens", "-1"), "--max-tokens: expected a positive number, found -1"),
        (("ask", "m", "t", "--top-p", "2"), "--top-p"), (("ask", "m", "t", "--temperature", "nan"), "--temperature: expected a number from 0 to 100, found nan"),
        (("train", ".", "--warmup", "nan"), "--warmup"), (("train", ".", "--learning-rate", "nan"), "--learning-rate"), (("train", ".", "--seed", "-1"), "--seed"),
        (("train", ".", "--patience", "-1"), "--patience"), (("train", ".", "--targets", "q_proj,embed"), "embed is no map that LoRA can adapt; these are: q_proj"),
        (("train", ".", "--rank-pattern", "q_proj"), "expected PATTERN=NUMBER"), (("train", ".", "--rank-pattern", "q_proj=2.5"), "a rank is a whole number"),
        (("train", ".", "--dropout", "1"), "--dropout"), (("train", ".", "--neftune", "nan"), "--neftune"), (("train", ".", "--layers", "-1"), "--layers"),
        (("ask",), "model is required"),
    ):
        out, message = hone(*arguments, code=2)
        check(message.startswith("hone: ") and said in message and out == "" and len(message.splitlines()) == 1, f"{arguments}: {message}")


def help_fits():
    def walk(*path):
        text = hone(*path, "--help")[0]
        check(not too_wide(text), f"hone {' '.join(path)} --help: {too_wide(text)}")
        if "\nSubcommands:\n" in text:
            for name in re.findall(r"^  ([a-z]+)(?: |$)", text.split("\nSubcommands:\n")[1], re.M):
                walk(*path, name)

    walk()
    table = (SOURCE / "README.md").read_text().split("| command | what it does |")[1].split("##")[0]
    for name in re.findall(r"^  ([a-z]+)(?: |$)", hone("--help")[0].split("\nSubcommands:\n")[1], re.M):
        check(re.search(f"`{name}[` ]", table), f"README.md's table of commands lacks {name}")
    check(hone("--version")[0].startswith("hone "), "the version")


def runs_are_readable(root):
    """What people see is text by the task's own metric, not JSON; --json has all."""
    task = make_task(root / "runs", [{"input": r["input"], "output": r["output"]} for r in ROWS], metric="accuracy")
    check("holds no runs yet" in hone("runs", "list", task, code=3)[1], "no runs yet")
    scored = hone_json("eval", knn_bundle(root / "runs-bundle"), "--data", task / "train.jsonl", "--task", task)
    listed = hone("runs", "list", task)[0]
    check("accuracy" in listed and f"{scored['metrics']['accuracy']['value']:.3f}" in listed and not too_wide(listed), listed)
    shown = hone("runs", "show", "r0001", "--task", task)[0]
    check("{" not in shown and "test accuracy" in shown and "scored with" in shown and not too_wide(shown, str(root)), shown)
    whole = hone_json("runs", "show", "r0001", "--task", task)
    check(whole["manifest"]["task"]["name"] == "t" and whole["summary"]["test"]["n"] == len(ROWS), whole)
    check("runs list" in hone("runs", "show", "r9", "--task", task, code=2)[1], "an unknown run")
    text = hone("eval", knn_bundle(root / "runs-bundle2"), "--data", task / "train.jsonl")[0]
    check("right on" in text and not too_wide(text, str(root)), text)


def compare_names_runs(root):
    """A single comparison says that it is one; a run that is not found is named, with those that may be meant."""
    task = make_task(root / "compare runs", [{"input": r["input"], "output": r["output"]} for r in ROWS])
    check("holds no runs yet" in hone("compare", "r1", "r2", "--task", task, code=3)[1], "no runs")
    check(not (task / ".hone").exists(), "a command that only reads makes no store")
    bundle = knn_bundle(root / "compare-bundle")
    for _ in range(2):
        hone("eval", bundle, "--data", task / "train.jsonl", "--task", task)
    for a, b, said in (("r0001", "r7", 'no run "r7"'), ("r000", "r0001", '"r000" may be any of 2 runs: r0002-eval, r0001-eval')):
        message = hone("compare", a, b, "--task", task, code=2)[1]
        check(said in message and "r0001-eval" in message, message)
    shown = hone("compare", "r0001", "r0002", "--task", task)[0]
    check("single comparison" in " ".join(shown.split()) and "not adjusted" in shown and not too_wide(shown), shown)
    check(hone_json("compare", "r0001", "r0002", "--task", task)["adjusted"] is False, "and in JSON")
    (root / "rows.jsonl").write_text('{"id": "a", "gold": "a", "answer": 7}\n')
    message = hone("compare", root / "rows.jsonl", "r0001", "--task", task, code=3)[1]
    check("rows.jsonl:1: scored row" in message and "hone eval" in message, message)
    check(f"hone runs list '{task}'" in hone("compare", "r7", "r1", "--task", task, code=2)[1], "paths with spaces are quoted")
    check(f"--task '{task}' --json" in hone("runs", "show", "r0001", "--task", task)[0], "here too")


def on_a_terminal(*arguments):
    """What hone writes to a terminal as its stderr."""
    ours, theirs = pty.openpty()
    subprocess.run([HONE, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 4096):
            written += part
    except OSError:
        pass  # the other end is closed
    os.close(ours)
    return written.decode().replace("\r\n", "\n")


def messages_fit_a_terminal(root):
    """A message is one line for a program that reads it, and lines of 80 columns on a terminal."""
    arguments = ("ask", "no such model at all", "text", "--task", root)
    piped = hone(*arguments, code=3)[1]
    shown = on_a_terminal(*arguments)
    check(len(piped.splitlines()) == 1 and len(piped) > 160, piped)
    check(len(shown.splitlines()) > 2 and not too_wide(shown), shown)
    check(shown.split() == piped.split(), f"the same words: {shown}")


def odd_names(root):
    """A command to be copied works whatever the folder is called."""
    folder = make_task(root / "two\nlines it's", [{"input": r["input"], "output": r["output"]} for r in ROWS])
    shown = hone("data", "check", folder)[0]
    command = next(line for line in shown.splitlines() if line.startswith("  next: hone solve ")).split("hone solve ")[1]
    said = subprocess.run(["bash", "-c", f"printf %s {command}"], capture_output=True, text=True).stdout
    check(said == str(folder), f"{command} is {said!r}")


def doctor(root):
    """Each thing is good or comes with its fix; what pip says decides, whatever its version."""
    tools = root / "tools"
    tools.mkdir()
    for answer, good in (("from versions: 0.1, 0.1.2", True), ("from versions: none", False), ("No module named pip", False)):
        (tools / "python3").write_text(f"#!/bin/sh\necho 'ERROR: no version satisfies the requirement ({answer})' >&2\nexit 1\n")
        (tools / "python3").chmod(0o755)
        env = {**NO_NETWORK, "PATH": f"{tools}:{os.environ['PATH']}"}
        checks = {c["what"]: c for c in hone_json("doctor", env=env)["checks"]}
        check(checks["package index (pip)"]["good"] == good, f"{answer}: {checks['package index (pip)']}")
        check(not checks["model hub"]["good"], "no network: the hub does not answer")
        for found in checks.values():
            check(found["good"] == (found["fix"] == ""), found)
    shown = hone("doctor", env=env)[0]
    check(not too_wide(shown) and "fix: " in shown, shown)
    check(not too_wide(hone("models", "list")[0]), "models list")


def main():
    unknown_words()
    help_fits()
    for budget in ("soon", "", "nan", "inf", "1e9h", "-3m"):
        message_of("solve", f"--budget={budget}", code=2)
    message_of("models", "pull", "no-such-model", code=2)
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        runs_are_readable(root)
        compare_names_runs(root)
        messages_fit_a_terminal(root)
        odd_names(root)
        doctor(root)
        message = message_of("solve", root / "missing", code=3)
        check("missing" in message, message)
        message = message_of("solve", root / "a\x1b[31mb", code=3)
        check("\x1b" not in message, f"a message moves no cursor: {message!r}")

        wrong_key = with_task(root / "key", TOML.replace("instruction", "instructoin"))
        message = message_of("data", "check", wrong_key, code=3)
        check("instructoin" in message and "instruction" in message and "hone.toml" in message, message)

        wrong_value = with_task(root / "value", TOML.replace('"classify"', '"clasify"'))
        message = message_of("data", "check", wrong_value, code=3)
        check("clasify" in message and "classify" in message, message)

        rows = '{"input": "one", "output": "a"}\nnot json\n{"input": "two", "output": "zebra"}\n{"input": "", "output": "a"}\n{"input": "three", "output": "b"}\n'
        bad_rows = with_task(root / "rows", TOML, rows)
        findings = hone_json("data", "check", bad_rows)["findings"]
        shown = json.dumps(findings)
        check("2" in shown and "zebra" in shown, shown)

        for label, content in {"utf8": b'{"input": "a\xff", "output": "a"}\n{"input": "fine", "output": "b"}\n', "nul": b'{"input": "a\\u0000b", "output": "a"}\n{"input": "fine", "output": "b"}\n',
                               "huge": b'{"input": "' + b"x" * 1_100_000 + b'", "output": "a"}\n{"input": "fine", "output": "b"}\n'}.items():
            folder = with_task(root / label, TOML, content)
            hone("data", "check", folder)

        missing_column = with_task(root / "column", TOML, '{"text": "one", "label": "a"}\n')
        message = message_of("data", "check", missing_column, code=3)
        check("input" in message, message)

        duplicate = with_task(root / "ids", TOML + 'id = "id"\n', '{"id": 1, "input": "one", "output": "a"}\n{"id": 1, "input": "two", "output": "b"}\n')
        message = message_of("data", "check", duplicate, code=3)
        check("1" in message and "2" in message, message)

        csv = root / "csv"
        csv.mkdir()
        (csv / "rows.csv").write_text('text,label\n"two\nlines, and a ""quote""",good\nplain,bad\nother,good\nmore,bad\n')
        hone("init", csv / "rows.csv")
        hone("data", "check", csv)
        message = message_of("init", csv / "rows.csv", code=2)
        check("--force" in message, message)

        model = root / "model.gguf"
        model.write_bytes(b"GGUF\x03\x00\x00\x00" + b"\xff" * 64)
        message = message_of("tokenize", model, code=3)
        check("model.gguf" in message, message)

        small_guard_task(root / "nomodel")
        empty_cache = {"XDG_CACHE_HOME": str(root / "cache")}
        out, message = hone("train", root / "nomodel", code=4, env=empty_cache)
        check("hone models pull" in message, message)
    print("usage: kept")


if __name__ == "__main__":
    main()
