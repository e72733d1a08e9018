"""ask --regex, --labels, --rationale: answers match as a whole, labels carry probabilities, each row may have a form of its own."""
import json
import pathlib
import re
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tiny_model
from harness import MODEL, check, hone, hone_json, hone_rows, need_model

# (pattern, what the error says)
REFUSED = [
    (r"(a)\1", "back"),
    (r"a(?=b)", "look"),
    (r"\bword", "boundar"),
    ("a(b", ""),
    ("a^b", "no text matches"),
]


def lacks_a_letter(root):
    """A vocabulary that can't spell what is asked for: an error that names it, within a second, never an answer without it."""
    model = tiny_model.write_model(root / "no_z.gguf", without="z")
    (root / "any.json").write_text("{}")
    for form, said in (
        (["--regex", "zoo|zebra"], "lacks bytes"),
        (["--labels", "bar,zoo"], "zoo"),
        (["--labels", "bar,zoo", "--rationale", "3"], "0x7a"),
        (["--schema", root / "any.json"], "0x7a"),
    ):
        begin = time.monotonic()
        out, err = hone("ask", model, "Hello", *form, code=None)
        check(out in ("", "(no answer)\n") and said in err and "vocabulary" in err, f"{form}: {out}{err}")
        check(time.monotonic() - begin < 1, f"{form}: {time.monotonic() - begin:.1f} s")
    check(hone_json("ask", model, "Hello", "--regex", "[0-9]{3}")["answer"].isdigit(), "what needs no z is answered")
    check(hone_json("ask", model, "Hello", "--labels", "bar,bee")["answer"] in ("bar", "bee"), "labels without z")


def main():
    need_model()
    date = r"(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]"
    for limit in (12, 40):
        reply = hone_json("ask", MODEL, "When did the Berlin wall fall?", "--regex", date, "--max-tokens", limit)
        check(re.fullmatch(date, reply["answer"]), reply)
    for pattern, said in REFUSED:
        _, err = hone("ask", MODEL, "Hello", "--regex", pattern, code=3)
        check(said in err, f"{pattern}: {err}")
    _, err = hone("ask", MODEL, "Hello", "--regex", "[a-z]{200}", "--max-tokens", 5, "--json", code=3)
    check("a whole answer takes" in err, err)

    labels = ("ask", MODEL, "Is the sea blue?", "--labels", "yes,no,yesterday")
    reply = hone_json(*labels, "--abstain")
    check(list(reply["label_probabilities"]) == ["yes", "no", "yesterday", "abstain"], reply)
    check(abs(sum(reply["label_probabilities"].values()) - 1) < 1e-9, reply)
    check(reply["answer"] in reply["label_probabilities"] and reply["finish"] == "label", reply)
    for extra in (["--regex", "a"], ["--labels", "yes"], ["--raw"]):
        hone(*labels, *extra, code=2)
    hone("ask", MODEL, "Hello", "--abstain", code=2)
    hone("ask", MODEL, "Hello", "--rationale", 5, code=2)

    reply = hone_json(*labels, "--rationale", 12)
    check(reply["answer"] in ("yes", "no", "yesterday") and "Answer:" not in reply["rationale"], reply)
    check(0 < reply["usage"]["completion_tokens"] <= 12 + 9 + 256, reply)

    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        lacks_a_letter(root)
        schema = {"type": "object", "properties": {"b": {"type": "boolean"}, "a": {"enum": ["x", "y"]}}, "required": ["b", "a"], "additionalProperties": False}
        rows = [
            {"input": "Hello", "regex": "[0-9]{3}"},
            {"input": "Hello", "labels": ["up", "down"]},
            {"input": "Hello", "schema": schema},
            {"input": "Hello", "schema": schema, "rationale": 6},
            {"input": "Hello"},
            {"input": "Hello", "regex": "(a)\\1"},
            {"input": "Hello", "regex": "a", "labels": ["b"]},
            {"input": "Hello", "labels": "up"},
        ]
        file = root / "rows.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        replies = hone_rows("ask", MODEL, "--file", file, "--regex", "[a-c]{2}", code=3)
        answers = [reply["answer"] for reply in replies]
        check(re.fullmatch("[0-9]{3}", answers[0]) and answers[1] in ("up", "down"), answers)
        check(list(json.loads(answers[2])) == list(json.loads(answers[3])) == ["b", "a"], answers)
        check("rationale" in replies[3] and "rationale" not in replies[2], replies)
        check(re.fullmatch("[a-c]{2}", answers[4]) and answers[5:] == [None] * 3, answers)
        (root / "schema.json").write_text(json.dumps(schema))
        reply = hone_json("ask", MODEL, "Hello", "--schema", root / "schema.json", "--logprobs")
        fields = {field["field"]: {v["value"]: v["probability"] for v in field["values"]} for field in reply["field_probabilities"]}
        check({field: set(values) for field, values in fields.items()} == {"/b": {True, False}, "/a": {"x", "y"}}, reply)
        check(all(abs(sum(values.values()) - 1) < 1e-9 for values in fields.values()), reply)
        alone = hone_json("ask", MODEL, "Hello", "--regex", "[0-9]{3}")
        check(alone["answer"] == answers[0], "one form beside others changes no answer")
    print("answer forms: kept")


if __name__ == "__main__":
    main()
