"""tokenize and render, row by row: ids equal to the `tokenizers` library's, one array a line or JSON string, conversations with tools as
jinja2 renders them, and bad lines named."""
import hashlib
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


def template_folder(root, name, template):
    folder = tiny_model.write_folder(root / name)
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    return folder


def tools_and_reasoning(root):
    """Tools, calls and reasoning reach the template as chat APIs send them: the text is jinja2's."""
    golden = json.loads((SOURCE / "tests/golden/chat_talks.json").read_text(encoding="utf-8"))
    folder = template_folder(root, "tools", golden["templates"][0]["template"])
    rows, hashes = [], iter(golden["templates"][0]["hashes"])
    for talk in golden["talks"]:
        messages = talk["messages"]
        for extra, wanted in zip(golden["extras"], [next(hashes) for _ in golden["extras"]]):
            # The date is printed where there is no system turn; the golden's end token has another spelling.
            if wanted and talk["add_generation_prompt"] and messages and messages[0]["role"] == "system" and messages[-1]["role"] != "assistant" and "<|im_" not in json.dumps([messages, extra]):
                rows.append(({"messages": messages, "chat_template_kwargs": extra or {}}, wanted))
                rows.append(({"messages": messages, **(extra or {})}, wanted if not extra or set(extra) <= {"tools", "documents", "enable_thinking"} else None))
    check(len(rows) > 100 and any("tools" in r for r, _ in rows) and any("tool_calls" in json.dumps(r) for r, _ in rows), "enough conversations")
    made = hone_rows("render", folder, "--messages", write_rows(root / "tools.jsonl", [r for r, _ in rows]))
    for (row, wanted), one in zip(rows, made):
        text = one["text"].replace("<|im_start|>", golden["bos_token"]).replace("<|im_end|>", golden["eos_token"])
        check(wanted is None or hashlib.sha256(text.encode()).hexdigest().startswith(wanted), f"{row}\n{text}")
    question = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    call = {"role": "assistant", "content": None, "reasoning_content": "hm", "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1}}}]}
    prompt, turn = hone_rows("render", folder, "--messages", write_rows(root / "call.jsonl", [question, question + [call]]))
    learnt = [i for i, m in zip(turn["ids"], turn["loss_mask"]) if m]
    check(turn["text"] == prompt["text"] + '<think>hm</think><call 1>{"name": "f", "arguments": {"x": 1}}</call><|im_end|>', f"a turn with a call: {turn['text']}")
    check(turn["ids"] == prompt["ids"] + learnt and learnt[-1] == 2, "the loss is on the call and the end of its turn")
    thinking = {"messages": question + [call], "enable_thinking": False}
    check("in another way" in hone("render", folder, "--messages", write_rows(root / "call.jsonl", [thinking]), code=3)[1], "a prompt that no model is asked with")


def bad_templates(root):
    endless = "\n{% for a in range(99999) %}{% for b in range(99999) %}{{ a }}{% endfor %}{% endfor %}"
    talk = write_rows(root / "talk.jsonl", [[{"role": "user", "content": "u"}]])
    for i, (template, said) in enumerate(((endless, "line 2: the template"), (endless, "may loop forever"), ("a\n{{ x | urlize }}", "line 2: the filter 'urlize'"),
                                          ("{{ raise_exception('roles must alternate') }}", "roles must alternate"))):
        folder = template_folder(root, f"bad{i}", template)
        check(said in hone("render", folder, "--messages", talk, code=3, timeout=20)[1], f"{template}: {said}")
    plain = tiny_model.write_folder(root / "plain")
    out, message = hone("render", plain, "--messages", talk)
    check("no chat template; ChatML is used" in message and out == "<|im_start|>user\nu<|im_end|>\n<|im_start|>assistant\n\n", f"a model without a template: {out} {message}")


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        models = [tiny_model.write_model(root / "tiny.gguf"), tiny_model.write_vocabulary(root / "vocabulary.gguf"), tiny_model.write_folder(root / "folder")]
        golden_ids(models, root)
        strings_in_order(models[0], root)
        bad_lines(models[0], root)
        conversations(models[0], root)
        tools_and_reasoning(root)
        bad_templates(root)
    print("token ids: kept")


if __name__ == "__main__":
    main()
