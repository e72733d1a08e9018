"""Laws of the command line: wrong usage exits 2, bad input 3, environment 4, and every message says where and what to try."""
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from harness import check, hone, hone_json, small_guard_task

TOML = '[task]\nname = "t"\nkind = "classify"\ninstruction = "x"\nlabels = ["a", "b"]\n[data]\ntrain = "train.jsonl"\n'


def message_of(*arguments, code):
    return hone(*arguments, code=code)[1]


def with_task(folder, toml, rows='{"input": "one", "output": "a"}\n'):
    folder.mkdir(exist_ok=True)
    (folder / "hone.toml").write_text(toml)
    (folder / "train.jsonl").write_bytes(rows if isinstance(rows, bytes) else rows.encode())
    return folder


def main():
    hone("--help")
    hone("--version")
    message_of(code=2)
    message_of("nonsense", code=2)
    message_of("solve", "--budget", "soon", code=2)
    message_of("models", "pull", "no-such-model", code=2)
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        message = message_of("solve", root / "missing", code=3)
        check("missing" in message, message)

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
