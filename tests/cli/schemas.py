"""Every command with --json has a schema in docs/schemas/, and the validator that the tests use refuses bad documents."""
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from harness import SOURCE, check, hone, load_schema, schema_name
from json_schema import Schema, keywords_of

# (schema, fits, does not fit)
CASES = [
    ({"type": "integer"}, [1, 2.0, -3], [1.5, True, "1", None]),
    ({"type": "number"}, [1, 1.5], [True, "1", None]),
    ({"type": ["string", "null"]}, ["", None], [0, [], False]),
    ({"enum": ["a", 1, None]}, ["a", 1, None], ["b", True, 0]),
    ({"const": 1}, [1, 1.0], [True, 2]),
    ({"type": "object", "required": ["a"]}, [{"a": 1}, {"a": None, "b": 2}], [{}, {"b": 1}, []]),
    ({"properties": {"a": {"type": "string"}}, "additionalProperties": False}, [{}, {"a": ""}], [{"a": 1}, {"b": ""}]),
    ({"properties": {"n": {"type": "integer"}}, "additionalProperties": {"type": "string"}}, [{"n": 1, "x": ""}], [{"n": ""}, {"x": 1}]),
    ({"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2}, [[1], [1, 2]], [[], [1, 2, 3], ["a"], {}]),
    ({"type": "string", "minLength": 2, "pattern": "^[0-9a-f]+$"}, ["0f"], ["0", "xy", 12]),
    ({"minimum": 0, "maximum": 1}, [0, 1, 0.5, "not a number"], [-0.1, 1.1]),
    ({"anyOf": [{"type": "null"}, {"type": "object", "required": ["a"]}]}, [None, {"a": 1}], [{}, 1]),
    ({"oneOf": [{"type": "number"}, {"minimum": 5}]}, [1, "x"], [6]),
    ({"$defs": {"x": {"type": "integer"}}, "items": {"$ref": "#/$defs/x"}}, [[1]], [["1"]]),
    (False, [], [None, {}, 1]),
]


def validator_refuses():
    for schema, good, bad in CASES:
        for value in good:
            misfits = Schema(schema).misfits(value)
            check(not misfits, f"{schema} refuses {value!r}: {misfits}")
        for value in bad:
            check(Schema(schema).misfits(value), f"{schema} takes {value!r}")
    try:
        Schema({"minProperties": 1}).misfits({})
    except ValueError as error:
        check("minProperties" in str(error), error)
    else:
        raise AssertionError("a keyword that the validator does not know is passed over")
    place = Schema(load_schema("eval")).misfits({"metrics": {"accuracy": {"value": 1, "low": 0}}})
    check(any("$.metrics.accuracy: high is missing" in m for m in place), place)


def commands(*path):
    """Every command without commands below it, as its words."""
    help_text = hone(*path, "--help")[0]
    if "\nSubcommands:\n" not in help_text:
        return [(path, help_text)]
    names = re.findall(r"^  ([a-z]+)(?: |$)", help_text.split("\nSubcommands:\n")[1], re.M)
    return [command for name in names for command in commands(*path, name)]


def every_command_has_one():
    names = set()
    for path, help_text in commands():
        check("--json" in help_text, f"hone {' '.join(path)} takes no --json")
        names.add(schema_name(path))
    check(len(names) >= 18, names)
    files = {f.stem for f in (SOURCE / "docs/schemas").glob("*.json")}
    check(names == files, f"commands without a schema: {sorted(names - files)}; schemas without a command: {sorted(files - names)}")
    known = set(Schema({}).checks) | {"$schema", "$defs", "title", "description"}
    for name in files:
        schema = load_schema(name)
        check(schema["$schema"] == "https://json-schema.org/draft/2020-12/schema", f"{name}: no $schema")
        check(keywords_of(schema) <= known, f"{name}: keywords the validator does not know: {keywords_of(schema) - known}")
        check(Schema(schema).misfits("no document"), f"{name}: a bare string fits")
        check(Schema(schema).misfits({"no": "document"}), f"{name}: any object fits")


def main():
    validator_refuses()
    every_command_has_one()
    print("schemas: kept")


if __name__ == "__main__":
    main()
