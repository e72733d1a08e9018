"""hone constrain and ask --schema: texts let through or refused, schemas refused by keyword and place, answers always valid."""
import json
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from harness import MODEL, check, fits, hone, need_model, parse

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 30},
        "age": {"type": "integer", "minimum": 0, "maximum": 120},
        "tags": {"type": "array", "items": {"enum": ["red", "green", "blue"]}, "maxItems": 3},
    },
    "required": ["name", "age", "tags"],
    "additionalProperties": False,
}
GOOD = ['{"name":"Ana","age":31,"tags":["red","blue"]}', '{"tags": [], "age": 0, "name": "\\u00e9\u00e9"}']
BAD = ['{"name":"Ana","age":131,"tags":[]}', '{"name":"","age":1,"tags":[]}', '{"name":"Ana","age":1}', '{"name":"a","name":"b","age":1,"tags":[]}', "[]", "nonsense", '{"name":"Ana","age":1,"tags":[]} x']
# (schema, what the error says)
REFUSED = [
    ('{"type":"array","uniqueItems":true}', "uniqueItems at #"),
    ('{"properties":{"a":{"maxlength":3}}}', 'unknown keyword "maxlength" at #/properties/a'),
    ('{"$ref":"https://example.org/s.json"}', "$ref at # points outside"),
    ('{"allOf":[{"$ref":"#"}]}', "without end"),
    ('{"type":"string","minLength":3,"maxLength":1}', "no value satisfies"),
    ('{"pattern":"((a{1,100}){1,100}){1,100}"}', "pattern at #"),
    ('{"type":"string","type":"null"}', "twice"),
    ('{"oneOf":' + "[" * 2000 + "]" * 2000 + "}", "nested deeper"),
    ('{"enum":["' + "a" * 10_000_000 + '"]}', "at most 2000000"),
    ("{", "not valid JSON"),
]


def constrain(root, schema, lines=()):
    file, rows = root / "schema.json", root / "rows.jsonl"
    file.write_text(schema, encoding="utf-8")
    rows.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    begin = time.monotonic()
    out, err = hone("constrain", MODEL, "--schema", file, "--file", rows, "--json", code=None)
    return fits(parse(out), "constrain"), err, time.monotonic() - begin


def main():
    need_model()
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        document, _, opening = constrain(root, json.dumps(PERSON), GOOD + BAD)
        check(document["compiled"] and document["error"] is None, document)
        check([i["accepted"] for i in document["instances"]] == [True] * len(GOOD) + [False] * len(BAD), document["instances"])
        check(document["instances"][len(GOOD)]["stopped_at"] == BAD[0].index("1,"), "where 131 goes beyond 120")
        for schema, said in REFUSED:
            document, _, seconds = constrain(root, schema)
            check(not document["compiled"] and said in document["error"], f"{schema[:80]}: {document['error']}")
            check(document["compile_ms"] < 1000, f"{schema[:80]}: {document['compile_ms']} ms")
        document, _, _ = constrain(root, '{"type":"object","x-note":1}')
        check(document["ignored"] == ["#/x-note"], document["ignored"])

        file = root / "person.json"
        file.write_text(json.dumps(PERSON))
        for limit in (16, 24, 60):
            out, _ = hone("ask", MODEL, "Describe Bob, 42, who likes red.", "--schema", file, "--max-tokens", limit, "--json")
            reply = fits(parse(out), "ask")
            value = json.loads(reply["answer"])
            check(list(value) == ["name", "age", "tags"] and 0 <= value["age"] <= 120 and 1 <= len(value["name"]) <= 30, reply)
            check(reply["finish"] in ("stop", "length") and reply["usage"]["completion_tokens"] <= limit, reply)
        # The vocabulary has no token for this character's first byte: it is written by number.
        (root / "rare.json").write_text('{"enum": ["\\ud900\\udc00"]}')
        out, _ = hone("ask", MODEL, "Hello", "--schema", root / "rare.json", "--json")
        check(json.loads(parse(out)["answer"]) == "\U00050000", out)
        out, err = hone("ask", MODEL, "Describe Bob.", "--schema", file, "--max-tokens", 4, "--json", code=3)
        check(parse(out)["answer"] is None and "a whole answer takes" in err, out + err)
        file.write_text(REFUSED[0][0])
        _, err = hone("ask", MODEL, "Describe Bob.", "--schema", file, code=3)
        check("uniqueItems at #" in err, err)
    print("constrain: kept")


if __name__ == "__main__":
    main()
