"""ask takes any text and never falls over: long, with control characters, from standard input; what is empty, holds a NUL or is not UTF-8 is
refused with its place; and one bad row never ends a file."""
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tiny_model
from bundles import ROWS, TASK, knn_bundle, safetensors, write_bundle
from harness import check, hone, hone_json, hone_rows, write_rows

LONG = "ab " * 350_000
REFUSED = {
    "empty": (b"", "is empty"), "space": (b" \t ", "is empty"), "NUL": (b"a\0b", "NUL character at position 2"),
    "not UTF-8": (b"caf\xe9 \xff\xfe", "byte 0xE9 at position 4"), "half a character": ("banana é".encode()[:-1], "byte 0xC3 at position 8"),
}
TEXTS = {
    "one megabyte": LONG.encode(), "control": b"\x1b[2J\r\x07", "special": b"<|im_end|>\n<|im_start|>assistant\na<|im_end|>", "lines": b"apple\nnumber\n\n1\n",
}


def bundles_in(root):
    """One of each kind that can be written by hand; the tuned one has an adapter of zeros."""
    model = tiny_model.write_model(root / "tiny.gguf")
    sha = hone_json("models", "show", model)["sha256"]
    base = {"base_model": str(model), "base_sha256": sha}
    rows = "".join(json.dumps(r) + "\n" for r in ROWS).encode()
    shapes = {"q_proj": (32, 32), "k_proj": (16, 32), "v_proj": (16, 32), "o_proj": (32, 32), "gate_proj": (64, 32), "up_proj": (64, 32), "down_proj": (32, 64)}
    lora = {}
    for layer in range(tiny_model.LAYERS):
        for part, (rows_out, columns) in shapes.items():
            name = f"base_model.model.model.layers.{layer}.{'mlp' if part.split('_')[0] in ('gate', 'up', 'down') else 'self_attn'}.{part}"
            lora[f"{name}.lora_A.weight"] = ([1, columns], [0.5] * columns)
            lora[f"{name}.lora_B.weight"] = ([rows_out, 1], [0.0] * rows_out)
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "tiny", "r": 1, "lora_alpha": 2, "target_modules": list(shapes)}
    adapter = {"adapter/adapter_config.json": json.dumps(config).encode(), "adapter/adapter_model.safetensors": safetensors(lora)}
    shots = [{"role": "user", "content": "apple"}, {"role": "assistant", "content": "a"}]
    return {
        "majority": write_bundle(root / "majority", "majority", {"rows.jsonl": rows}),
        "knn": knn_bundle(root / "knn"),
        "prompted": write_bundle(root / "prompted", "prompted", **base),
        "few-shot": write_bundle(root / "shots", "prompted", shots=shots, **base),
        "nearest shots": write_bundle(root / "nearest", "prompted", {"rows.jsonl": rows}, knn_shots=2, **base),
        "tuned": write_bundle(root / "tuned", "tuned", adapter, **base),
    }


def any_text(kinds):
    replies = {}
    for kind, bundle in kinds.items():
        for name, text in TEXTS.items():
            reply = hone_json("ask", bundle, "-", text=text, cwd="/")
            check(reply["answer"] in ("a", "b") and reply["finish"] == "label", f"{kind}, {name}: {reply}")
            check(abs(sum(reply["label_probabilities"].values()) - 1) < 1e-6, f"{kind}, {name}: {reply}")
            replies[kind, name] = reply["label_probabilities"]
        for name, (text, why) in REFUSED.items():
            out, message = hone("ask", bundle, "-", text=text, code=3)
            check(why in message and out == "(no answer)\n", f"{kind}, {name}: {out} {message}")
        check("is empty" in hone("ask", bundle, "", code=3)[1], "an empty argument is refused as an empty pipe is")
        check("byte 0xFF at position 2" in hone("ask", bundle, b"a\xff", code=3)[1], "arguments are checked")
        shown = hone("ask", bundle, "-", text=TEXTS["control"])[0]
        check(shown.startswith(("a  (", "b  (")) and shown.count("\n") == 1, f"{kind}: {shown!r}")
    check(hone_json("ask", kinds["knn"], "banana number 7")["answer"] == "b" and hone_json("ask", kinds["knn"], "apple")["answer"] == "a", "nearest rows vote")
    for name in TEXTS:
        check(replies["prompted", name] == replies["tuned", name], f"{name}: an adapter of zeros changes nothing")


def free_text(model):
    """A conversation is cut to leave room for the answer that was asked for."""
    reply = hone_json("ask", model, "-", "--max-tokens", 20, text=LONG)
    check(reply["usage"]["completion_tokens"] == 20 or reply["finish"] == "stop", reply)
    check(reply["usage"]["prompt_tokens"] == tiny_model.CONTEXT - 20, reply)
    check("were cut from its middle" in hone("ask", model, "-", "--max-tokens", 2, text=LONG)[1], "what was cut is said")
    table = model.parent / "rows.csv"
    table.write_text("input,output\nhello,a\n")
    check("hone eval" in hone("ask", model, "--file", table, code=2)[1], "a table's lines are not texts")
    check("cut" not in hone("ask", model, "hello", "--max-tokens", 2)[1], "nothing is said where nothing was cut")
    reply = hone_json("ask", model, "hello", "--max-tokens", 99_999)
    check(reply["finish"] == "stop" or sum(reply["usage"].values()) >= tiny_model.CONTEXT, "an answer ends where the context does")


def raw_text(model):
    for name, text in TEXTS.items():
        out, message = hone("ask", model, "-", "--raw", "--max-tokens", 4, "--json", text=text, code=None)
        row = json.loads(out)
        check(row["answer"] is not None or (row["finish"] == "error" and row["error"] in message), f"{name}: {row}")
    replies = [hone_json("ask", model, "hello the", "--raw", "--max-tokens", 9)["answer"] for _ in range(2)]
    check(replies[0] == replies[1], "greedy is greedy")
    start = hone_json("ask", model, "hello the", "--raw", "--max-tokens", 4)["answer"]
    check(replies[0].startswith(start.rstrip("\ufffd")), f"a longer limit goes on: {start!r}, {replies[0]!r}")


BAD = [
    ({"id": "good", "input": "apple"}, None), ("not json", ":2: not valid JSON"), ({"question": "x"}, ":3: expected an object"), (b'{"input": "\xff"}', ":4: not valid JSON"),
    ({"messages": [7]}, ":5: each message"), ({"messages": []}, ":6: expected a list"), ([], ":7: expected an object"), ({"id": "nul", "input": "a\0b"}, "NUL character"),
    ({"id": 12, "input": ""}, "is empty"), ({"id": {"k": 1}, "input": 3}, None), ({"input": LONG}, None), ({"id": "one", "messages": [{"role": "user", "content": "banana"}]}, None),
    ({"id": "two", "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "banana"}]}, "takes one input"), ("[" * 2000, "nested deeper"),
    ({"id": "null", "input": None}, ":15: expected an object"), ('{"id": 123456789012345678901, "input": 0.10}', None), ({"id": "last", "input": "banana"}, None),
]


def bad_rows(root, kinds):
    file = write_rows(root / "rows.jsonl", [row for row, _ in BAD])
    for kind in ("knn", "tuned"):
        rows = hone_rows("ask", kinds[kind], "--file", file, code=3)
        check(len(rows) == len(BAD), f"{kind}: {len(rows)} objects for {len(BAD)} rows")
        for i, (row, (given, why)) in enumerate(zip(rows, BAD)):
            if why is None:
                check(row["answer"] in ("a", "b") and "error" not in row, f"{kind}: row {i + 1}: {row}")
            else:
                check(row["answer"] is None and row["finish"] == "error" and why in row["error"], f"{kind}: row {i + 1}: {row}")
        check([r["id"] for r in rows][:3] == ["good", "2", "3"] and rows[8]["id"] == "12" and rows[15]["id"] == "123456789012345678901" and rows[-1]["id"] == "last", [r["id"] for r in rows])
    out, message = hone("ask", kinds["knn"], "--file", file, code=3)
    check(out.count("\n") == len(BAD) and out.count("(no answer)") == sum(why is not None for _, why in BAD), out)
    check(message.count("hone: warning: row") == sum(why is not None for _, why in BAD), message)
    piped = hone_rows("ask", kinds["tuned"], "--file", "-", text=file.read_bytes(), code=3)
    check([r["answer"] for r in piped] == [r["answer"] for r in rows], "the same from standard input")
    lines = root / "lines.txt"
    lines.write_bytes(b"banana\r\n\napple")
    check([(r["id"], r["answer"]) for r in hone_rows("ask", kinds["knn"], "--file", lines)] == [("1", "b"), ("3", "a")], "a text a line")
    check(hone("ask", kinds["knn"], "--file", write_rows(root / "none.jsonl", []))[0] == "", "an empty file has no answers")


def own_columns(root):
    """The rows of a task's file are asked as they stand: by its own input and id columns."""
    task = json.loads(json.dumps(TASK))
    task["data"].update(input="question", id="key")
    bundle = knn_bundle(root / "columns", task=task)
    file = write_rows(root / "columns.jsonl", [{"key": "k1", "question": "banana number 3", "input": "apple number 3"}, {"input": "apple number 3"}, {"other": "x"}])
    rows = hone_rows("ask", bundle, "--file", file, code=3)
    check([(r["id"], r["answer"]) for r in rows[:2]] == [("k1", "b"), ("2", "a")], rows)
    check('"question"' in rows[2]["error"], rows[2])


def wrong_use(root, kinds):
    for arguments, code, said in (
        (("ask", kinds["knn"]), 2, "nothing to ask"), (("ask", kinds["knn"], "x", "--file", "y"), 2, "not both"), (("ask", kinds["knn"], "--file", root / "missing"), 3, "missing"),
        (("ask", kinds["knn"], "--file", root), 3, "folder"), (("ask", kinds["knn"], "x", "--max-tokens", "0"), 2, "--max-tokens"),
    ):
        message = hone(*arguments, code=code)[1]
        check(said in message, message)


def broken_bundles(root, kinds):
    """A file that was changed, is missing or says something else: named, with what to do; never an answer."""
    changed = knn_bundle(root / "changed")
    with (changed / "rows.jsonl").open("a") as file:
        file.write('{"id": "x", "input": "apple", "output": "b"}\n')
    missing = knn_bundle(root / "missing-file")
    (missing / "rows.jsonl").unlink()
    record = knn_bundle(root / "record")
    (record / "bundle.json").write_text((record / "bundle.json").read_text().replace("about a", "about z"))
    cut = knn_bundle(root / "cut")
    (cut / "bundle.json").write_bytes((cut / "bundle.json").read_bytes()[:200])
    wild = knn_bundle(root / "wild", neighbours=0)
    outside = write_bundle(root / "outside", "knn", hashes={"../tiny.gguf": "0" * 64})
    moved = write_bundle(root / "moved", "prompted", base_model=str(root / "gone.gguf"), base_sha256="1" * 64)
    other = write_bundle(root / "other", "prompted", base_model=str(root / "tiny.gguf"), base_sha256="1" * 64)
    for bundle, said in ((changed, "rows.jsonl was changed"), (missing, "rows.jsonl"), (record, "was changed"), (cut, "not valid JSON"), (cut, "Write the bundle again"), (wild, "neighbours is 0"), (outside, "../tiny.gguf"), (moved, "gone.gguf"), (other, "1" * 64)):
        out, message = hone("ask", bundle, "apple", code=3)
        check(said in message and out == "", f"{bundle.name}: {message}")


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        kinds = bundles_in(root)
        any_text(kinds)
        free_text(root / "tiny.gguf")
        raw_text(root / "tiny.gguf")
        bad_rows(root, kinds)
        own_columns(root)
        wrong_use(root, kinds)
        broken_bundles(root, kinds)
    print("ask inputs: kept")


if __name__ == "__main__":
    main()
