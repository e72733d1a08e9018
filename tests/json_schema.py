"""A JSON Schema validator for the keywords that docs/schemas uses; any other keyword is an error, so none is passed over."""
import re

ANNOTATIONS = {"$schema", "$defs", "title", "description"}
TYPES = {
    "null": lambda v: v is None,
    "boolean": lambda v: isinstance(v, bool),
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "integer": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool) and float(v).is_integer(),
}


def same(a, b):
    """JSON equality: 1 is 1.0 but true is not 1."""
    return a == b and isinstance(a, bool) == isinstance(b, bool)


class Schema:
    def __init__(self, root):
        self.root = root
        self.checks = {
            "$ref": self._ref, "type": self._type, "enum": self._enum, "const": self._const, "required": self._required,
            "properties": self._properties, "additionalProperties": self._additional, "items": self._items, "anyOf": self._any_of,
            "oneOf": self._one_of, "pattern": self._pattern,
            "minLength": lambda v, n, s, at: self._bound(isinstance(v, str) and len(v) < n, at, f"shorter than {n}"),
            "minItems": lambda v, n, s, at: self._bound(isinstance(v, list) and len(v) < n, at, f"fewer than {n} items"),
            "maxItems": lambda v, n, s, at: self._bound(isinstance(v, list) and len(v) > n, at, f"more than {n} items"),
            "minimum": lambda v, n, s, at: self._bound(TYPES["number"](v) and v < n, at, f"{v} is below {n}"),
            "maximum": lambda v, n, s, at: self._bound(TYPES["number"](v) and v > n, at, f"{v} is above {n}"),
        }

    def misfits(self, value, schema=None, at="$"):
        """What does not fit, each with its place; empty where all does."""
        schema = self.root if schema is None else schema
        if schema is True:
            return []
        if schema is False:
            return [f"{at}: nothing may stand here"]
        found = []
        for keyword, argument in schema.items():
            if keyword in ANNOTATIONS:
                continue
            if keyword not in self.checks:
                raise ValueError(f"the validator does not know the keyword {keyword!r}")
            found += self.checks[keyword](value, argument, schema, at)
        return found

    def _resolve(self, reference):
        if not reference.startswith("#/"):
            raise ValueError(f"only references within the document are known, not {reference!r}")
        target = self.root
        for part in reference[2:].split("/"):
            target = target[part]
        return target

    def _ref(self, value, argument, schema, at):
        return self.misfits(value, self._resolve(argument), at)

    def _type(self, value, argument, schema, at):
        names = argument if isinstance(argument, list) else [argument]
        return [] if any(TYPES[name](value) for name in names) else [f"{at}: expected {' or '.join(names)}, found {value!r:.60}"]

    def _enum(self, value, argument, schema, at):
        return [] if any(same(value, one) for one in argument) else [f"{at}: {value!r:.60} is none of {argument}"]

    def _const(self, value, argument, schema, at):
        return [] if same(value, argument) else [f"{at}: expected {argument!r}, found {value!r:.60}"]

    def _required(self, value, argument, schema, at):
        return [f"{at}: {name} is missing" for name in argument if isinstance(value, dict) and name not in value]

    def _properties(self, value, argument, schema, at):
        if not isinstance(value, dict):
            return []
        return [m for name, part in argument.items() if name in value for m in self.misfits(value[name], part, f"{at}.{name}")]

    def _additional(self, value, argument, schema, at):
        if not isinstance(value, dict):
            return []
        others = [name for name in value if name not in schema.get("properties", {})]
        if argument is False:
            return [f"{at}: {name} is not allowed" for name in others]
        return [m for name in others for m in self.misfits(value[name], argument, f"{at}.{name}")]

    def _items(self, value, argument, schema, at):
        if not isinstance(value, list):
            return []
        return [m for i, item in enumerate(value) for m in self.misfits(item, argument, f"{at}[{i}]")]

    def _any_of(self, value, argument, schema, at):
        tried = [self.misfits(value, one, at) for one in argument]
        return [] if any(not misfits for misfits in tried) else [f"{at}: fits none of {len(argument)}: " + "; ".join(m[0] for m in tried)]

    def _one_of(self, value, argument, schema, at):
        fits = sum(not self.misfits(value, one, at) for one in argument)
        return [] if fits == 1 else [f"{at}: fits {fits} of {len(argument)}, exactly one expected"]

    def _pattern(self, value, argument, schema, at):
        return [] if not isinstance(value, str) or re.search(argument, value) else [f"{at}: {value!r:.60} does not match {argument}"]

    @staticmethod
    def _bound(broken, at, what):
        return [f"{at}: {what}"] if broken else []


def keywords_of(schema):
    """Every keyword in a schema, those of its parts included."""
    found = set()
    todo = [schema]
    while todo:
        part = todo.pop()
        if not isinstance(part, dict):
            continue
        found |= set(part)
        for keyword in ("properties", "$defs"):
            todo += list(part.get(keyword, {}).values())
        for keyword in ("items", "additionalProperties"):
            todo.append(part.get(keyword))
        for keyword in ("anyOf", "oneOf"):
            todo += part.get(keyword, [])
    return found
