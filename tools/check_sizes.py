#!/usr/bin/env python3
"""File and function sizes: no source file over 800 lines, no function over 60, no header without a head comment.

Functions are found by their braces in clang-formatted text: a definition starts in column 0 (or inside a class, deeper)
and its body's closing brace stands alone at the same indentation.
"""
import pathlib
import re
import sys

MAX_FILE = 800
MAX_FUNCTION = 60
OPENING = re.compile(r"^(\s*)(?!namespace|struct|class|enum|union|extern|else|do|try|if|for|while|switch|case|default|return)\S.*\)\s*(const|noexcept|override|final|->.*|:.*)*\s*\{$")


def long_functions(lines: list[str]):
    i = 0
    while i < len(lines):
        if OPENING.match(lines[i]) and lines[i].count("{") > lines[i].count("}"):
            indent = len(lines[i]) - len(lines[i].lstrip())
            close = next((j for j in range(i + 1, len(lines)) if lines[j].startswith(" " * indent + "}")), i)
            if close - i - 1 > MAX_FUNCTION:
                yield i + 1, close - i - 1
                i = close
        i += 1


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    errors = []
    for file in sorted((root / "src").rglob("*")):
        if file.suffix not in (".h", ".cc", ".cu"):
            continue
        lines = file.read_text().splitlines()
        name = file.relative_to(root)
        if len(lines) > MAX_FILE:
            errors.append(f"{name}: {len(lines)} lines, more than {MAX_FILE}")
        if file.suffix == ".h" and not (lines and lines[0].startswith("//")):
            errors.append(f"{name}:1: a header starts with a comment that says what it is for")
        for line, length in long_functions(lines):
            errors.append(f"{name}:{line}: a function of {length} lines, more than {MAX_FUNCTION}")
    print("\n".join(errors) if errors else "sizes: kept")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
