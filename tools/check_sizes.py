#!/usr/bin/env python3
"""Sizes and signatures: no source file over 800 lines, no function over 60, none with more than 5 parameters or a boolean
one (but for a datum called `value`), no header without a head comment.

Reads clang-formatted text: a body's closing brace stands at the indentation of the declaration's first line.
"""
import pathlib
import re
import sys

MAX_FILE = 800
MAX_FUNCTION = 60
MAX_PARAMETERS = 5
IN_STRING = "@"  # stands for a line of a raw string, which is no line of code
NOT_FUNCTIONS = re.compile(r"^\s*(namespace|struct|class|enum|union|extern|else|do|try|if|for|while|switch|case|default|return|\}|#)")


def plain(line: str) -> str:
    """Without string and character literals and comments, so that braces and commas count as code."""
    line = re.sub(r'"(\\.|[^"\\])*"', '""', line)
    line = re.sub(r"'(\\.|[^'\\])'", "''", line)
    return line.split("//")[0].rstrip()


def indent_of(line: str) -> int:
    return len(line) - len(line.lstrip())


def without_raw_strings(text: str) -> str:
    return re.sub(r'R"(\w*)\((.*?)\)\1"', lambda match: '""' + f"\n{IN_STRING}" * match.group(0).count("\n"), text, flags=re.S)


def closing_line(lines: list[str], start: int) -> int:
    """The line on which the last brace opened on line `start` closes."""
    depth = 1
    for i in range(start + 1, len(lines)):
        for character in lines[i]:
            depth += {"{": 1, "}": -1}.get(character, 0)
            if depth == 0:
                return i
    return start


def parameters(declaration: str) -> list[str]:
    """The parameters of the function that `declaration` starts; [] where it is none."""
    match = re.search(r"(\w+|operator\S+|\))\s*\(", declaration)
    if not match or "[" in declaration[: match.start()]:
        return []
    found, depth, current = [], 0, ""
    for character in declaration[match.end() :]:
        if character in "(<{[":
            depth += 1
        elif character in ")>}]":
            if depth == 0:
                break
            depth -= 1
        if character == "," and depth == 0:
            found.append(current)
            current = ""
        else:
            current += character
    return [p.strip() for p in found + [current] if p.strip()]


def functions(lines: list[str]):
    """(first line, body lines, declaration text) of each function, lambdas with a name included."""
    for i, line in enumerate(lines):
        if not line.endswith("{"):
            continue
        close = closing_line(lines, i)
        indent = indent_of(lines[close])
        first = i
        while first > 0 and (indent_of(lines[first]) > indent or lines[first].lstrip().startswith((")", ":"))):
            first -= 1
        declaration = " ".join(lines[first : i + 1])
        if indent_of(lines[first]) != indent or NOT_FUNCTIONS.match(declaration) or ")" not in declaration:
            continue
        yield first + 1, sum(not code.startswith(IN_STRING) for code in lines[i + 1 : close]), declaration


def check(name: str, text: str) -> list[str]:
    errors = []
    count = len(text.splitlines())
    if count > MAX_FILE:
        errors.append(f"{name}: {count} lines, more than {MAX_FILE}")
    if name.endswith(".h") and not text.startswith("//"):
        errors.append(f"{name}:1: a header starts with a comment that says what it is for")
    lines = [plain(line) for line in without_raw_strings(text).splitlines()]
    for line, length, declaration in functions(lines):
        if length > MAX_FUNCTION:
            errors.append(f"{name}:{line}: a function of {length} lines, more than {MAX_FUNCTION}")
        taken = parameters(declaration)
        if len(taken) > MAX_PARAMETERS:
            errors.append(f"{name}:{line}: {len(taken)} parameters, more than {MAX_PARAMETERS}: use a struct")
        errors += [f"{name}:{line}: a boolean parameter ({p}): use an enum or two functions" for p in taken if re.match(r"(const )?bool (?!value$)\w+", p)]
    return errors


def self_test() -> None:
    wrapped = "void f(int a,\n       int b) {\n" + "  g();\n" * 61 + "}\n"
    initialised = "class A {\n  A(int a)\n      : a_(a),\n        b_(a) {\n" + "    g();\n" * 61 + "  }\n};\n"
    assert len(check("a.cc", wrapped)) == 1 and len(check("a.cc", initialised)) == 1
    assert len(check("a.cc", "int f(int a, bool b) {\n}\n")) == 1
    assert len(check("a.cc", "int f(int a, int b, int c, std::map<int, int> d, int e, int g) {\n}\n")) == 1
    assert not check("a.cc", "int f(std::map<int, bool> d, int e) {\n  if (x(1, 2, 3, 4, 5, 6, 7)) {\n  }\n}\n")


def main() -> int:
    self_test()
    root = pathlib.Path(__file__).resolve().parent.parent
    errors = []
    for file in sorted((root / "src").rglob("*")):
        if file.suffix in (".h", ".cc", ".cu"):
            errors += check(str(file.relative_to(root)), file.read_text())
    print("\n".join(errors) if errors else "sizes: kept")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
