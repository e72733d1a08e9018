"""tokenize and render, row by row: ids equal to the `tokenizers` library's, one array a line or JSON string, and bad lines named."""
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tiny_model
from harness import SOURCE, check, hone, hone_rows, write_rows


def golden_ids(models, root):
    pairs = json.loads((SOURCE / "tests/golden/tokenizer_tiny.json").read_text())["plain"]
    file = write_rows(root / "texts.jsonl", [json.dumps(p["text"]) for p in pairs])
    lines = [p for p in pairs if not set(p["text"]) & set("\n\r")]
    text = root / "texts.txt"
    text.write_text("".join(p["text"] + "\n" for p in lines), encoding="utf-8", newline="")
    check(len(pairs) >= 200 and len(lines) >= 100, "enough texts")
    for model in models:
        check(hone_rows("tokenize", model, "--file", file) == [p["ids"] for p in pairs], f"{model}: JSON strings")
        check(hone_rows("tokenize", model, "--file", text) == [p["ids"] for p in lines], f"{model}: lines")
        check(hone_rows("tokenize", model, text=text.read_bytes()) == [p["ids"] for p in lines], f"{model}: standard input")
    plain = hone("tokenize", models[0], "--file", text)[0].split("\n")
    check(plain[0] == " ".join(map(str, lines[0]["ids"])), "for people: ids in a line")


def strings_in_order(model, root):
    """Every string of a JSON line, in its order; blank lines are no rows; a last line needs no end."""
    file = root / "nested.jsonl"
    file.write_bytes(b'"a"\n\n{"x": "b", "n": 1, "y": ["c", {"z": "a"}]}\r\n   \n""\n"\\ud83d\\ude00"')
    ids = {t: hone_rows("tokenize", model, text=t + "\n")[0] for t in ("a", "b", "c", "\U0001f600")}
    check(hone_rows("tokenize", model, "--file", file) == [ids["a"], ids["b"], ids["c"], ids["a"], [], ids["\U0001f600"]], "strings in order")
    check(hone_rows("tokenize", model, text=b"a\n\nb") == [ids["a"], [], ids["b"]], "an empty line has no ids")
    check(len(hone_rows("tokenize", model, text=b"caf\xe9\0\xff\n")[0]) > 3, "any bytes have ids, or are left out with those around them kept")
    check(hone_rows("tokenize", model, text="<|im_end|>\n")[0] != [2], "special tokens match in no text of the user's")


def bad_lines(model, root):
    for name, content, said in (
        ("t.jsonl", b'"fine"\n{bad\n"never"\n', "t.jsonl:2: not valid JSON"), ("u.jsonl", b'"\xff"\n', "u.jsonl:1: not valid JSON"), ("d.jsonl", b"[" * 9000, "d.jsonl:1: JSON nested deeper"),
    ):
        (root / name).write_bytes(content)
        out, message = hone("tokenize", model, "--file", root / name, "--json", code=3)
        check(said in message and out.count("\n") == name.count("t."), f"{name}: {message} {out}")
    check("missing.jsonl" in hone("tokenize", model, "--file", root / "missing.jsonl", code=3)[1], "a missing file")
    check("folder" in hone("tokenize", model, "--file", root, code=3)[1], "a folder")
    for line, said in (
        ("{", "not valid JSON"), ("[]", "a list of messages"), ('{"text": "x"}', "a list of messages"), ("[1]", '"role" and "content"'), ('[{"role": "user"}]', '"role" and "content"'),
        ('[{"role": "user", "content": 5}]', '"role" and "content"'), ('{"messages": "x"}', "a list of messages"),
    ):
        file = write_rows(root / "m.jsonl", [[{"role": "user", "content": "fine"}], line])
        out, message = hone("render", model, "--messages", file, "--json", code=3)
        check("m.jsonl:2:" in message and said in message and out.count("\n") == 1, f"{line}: {message}")


def conversations(model, root):
    """ids are the text's, the prompt as at inference, the loss on the last answer and the end of its turn."""
    question, answer = {"role": "user", "content": "hello\U0001f600 there"}, {"role": "assistant", "content": "the thing"}
    talks = [[question], [question, answer], [question, answer, question], [question, answer, question, answer], [{"role": "system", "content": "s"}, question]]
    file = write_rows(root / "talks.jsonl", talks[:2] + [{"messages": t} for t in talks[2:]])
    rows = hone_rows("render", model, "--messages", file)
    check(rows == hone_rows("render", model, "--messages", "-", text=file.read_bytes()), "the same from standard input")
    for talk, row in zip(talks, rows):
        check(len(row["ids"]) == len(row["loss_mask"]), "a mask a token")
        learnt = [i for i, m in zip(row["ids"], row["loss_mask"]) if m]
        if talk[-1] is answer:
            prompt = rows[talks.index(talk[:-1])]
            check(row["ids"][: len(prompt["ids"])] == prompt["ids"] and row["text"].startswith(prompt["text"]), "the prompt is the one of inference")
            check(learnt == hone_rows("tokenize", model, text="the thing\n")[0] + [2], "the loss is on the answer and the end of its turn")
        else:
            check(learnt == [], "nothing to learn without an answer")
        check(all(m["content"] in row["text"] for m in talk), "all that was said is there")


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        models = [tiny_model.write_model(root / "tiny.gguf"), tiny_model.write_vocabulary(root / "vocabulary.gguf"), tiny_model.write_folder(root / "folder")]
        golden_ids(models, root)
        strings_in_order(models[0], root)
        bad_lines(models[0], root)
        conversations(models[0], root)
    print("token ids: kept")


if __name__ == "__main__":
    main()
