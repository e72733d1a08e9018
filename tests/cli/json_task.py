"""A json task's schema in hone.toml: rows that break it are left out and named, and everything that answers gives only what it allows,
but for eval --no-constraint."""
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tiny_model
from harness import check, hone, hone_json, write_rows

SCHEMA = {
    "type": "object",
    "properties": {"who": {"enum": ["ann", "bob"]}, "count": {"type": "integer", "minimum": 0, "maximum": 60}, "note": {"type": "string", "maxLength": 12}},
    "required": ["who", "count"],
    "additionalProperties": False,
}
# Line 61, 62: what breaks it, where and by which keyword.
BROKEN = [({"who": "carl", "count": 1}, "/who", "enum"), ({"who": "ann"}, "", "required")]


def make(folder, model, schema_line='schema = "schema.json"'):
    folder.mkdir(exist_ok=True)
    (folder / "schema.json").write_text(json.dumps(SCHEMA))
    (folder / "hone.toml").write_text(
        f'[task]\nname = "who"\nkind = "json"\ninstruction = "Say who and how many."\n{schema_line}\n[data]\ntrain = "train.jsonl"\n[model]\nbase = "{model}"\n'
    )
    rows = [{"input": f"{'all' if i % 2 else 'what'} is {i} new", "output": json.dumps({"who": ["ann", "bob"][i % 2], "count": i})} for i in range(60)]
    write_rows(folder / "train.jsonl", rows + [{"input": f"broken {i}", "output": output} for i, (output, *_) in enumerate(BROKEN)])
    write_rows(folder / "new.jsonl", rows[:20])
    return folder


def answers(scored):
    """The answers that are there, as values; None for one that is no JSON."""
    rows = [json.loads(line) for line in open(scored["rows"], encoding="utf-8")]
    values = []
    for row in rows:
        if row.get("failed"):
            continue
        try:
            values.append(json.loads(row["answer"]))
        except ValueError:
            values.append(None)
    return values


def allowed(value):
    """SCHEMA in plain Python."""
    if not isinstance(value, dict) or not {"who", "count"} <= set(value) <= {"who", "count", "note"}:
        return False
    note = value.get("note", "")
    return value["who"] in ("ann", "bob") and type(value["count"]) is int and 0 <= value["count"] <= 60 and isinstance(note, str) and len(note) <= 12


def scores(what, task):
    held = hone_json("eval", what, "--task", task, "--data", task / "new.jsonl")
    values = answers(held)
    check(len(values) == 20 and all(allowed(v) for v in values), f"{what}: {values}")
    check(held["metrics"]["valid"]["value"] == 1, held["metrics"])
    free = hone_json("eval", what, "--task", task, "--data", task / "new.jsonl", "--no-constraint")
    check(not all(allowed(v) for v in answers(free)), f"{what}: random weights write JSON of a schema by themselves")
    check(free["metrics"]["valid"]["value"] < 1, free["metrics"])
    for run, constrained in ((held["run"], True), (free["run"], False)):
        manifest = hone_json("runs", "show", run, "--task", task)["manifest"]
        check(json.loads(manifest["task"]["schema"]) == SCHEMA and manifest["task"].get("constrain", True) == constrained, manifest["task"])
        again = hone("reproduce", run, "--task", task)[0]
        check("bit for bit" in again, again)


def finds_broken_rows(task):
    findings = hone_json("data", "check", task)["findings"]
    (finding,) = [f for f in findings if f["id"] == "breaks-schema"]
    check(finding["rows"] == ["train.jsonl:61", "train.jsonl:62"] and "61p;62p" in finding["command"], finding)
    for example, (_, pointer, keyword) in zip(finding["evidence"]["examples"], BROKEN):
        check(example["pointer"] == pointer and example["keyword"] == keyword, example)


def refuses(task):
    for schema, said in (({"type": "array", "uniqueItems": True}, "uniqueItems at #"), ({"properties": {"a": {"maxlength": 3}}}, "#/properties/a")):
        (task / "schema.json").write_text(json.dumps(schema))
        message = hone("data", "check", task, code=3)[1]
        check("hone.toml:5: schema: " in message and said in message, message)
    (task / "schema.json").unlink()


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        model = tiny_model.write_folder(root / "model")
        task = make(root / "task", model)
        finds_broken_rows(task)
        trained = hone_json("train", task, "--epochs", "1", "--rank", "4")
        scores(trained["run"], task)
        scores(model, task)
        reply = hone_json("ask", trained["run"], "what is 3 new", "--task", task)
        check(allowed(json.loads(reply["answer"])) and reply["finish"] in ("stop", "length"), reply)
        # Too little room for any whole answer is an error, never a piece of one.
        reply = json.loads(hone("ask", trained["run"], "what is 3 new", "--task", task, "--max-tokens", "2", "--json", code=3)[0])
        check(reply["answer"] is None and "whole answer" in reply["error"], reply)
        refuses(task)
        table = make(root / "table", model, '[task.schema]\ntype = "object"\nrequired = ["who", "count"]\n[task.schema.properties.who]\nenum = ["ann", "bob"]')
        finding = [f for f in hone_json("data", "check", table)["findings"] if f["id"] == "breaks-schema"]
        check(len(finding) == 1, finding)
        (table / "hone.toml").write_text((table / "hone.toml").read_text().replace("[task.schema", "[ignored").split("[ignored]")[0] + '[data]\ntrain = "train.jsonl"\n')
        message = hone("eval", model, "--task", table, "--data", table / "new.jsonl", "--no-constraint", code=2)[1]
        check("no schema" in message, message)
    print("json task: kept")


if __name__ == "__main__":
    main()
