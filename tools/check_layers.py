#!/usr/bin/env python3
"""The folder law: a folder of src/ includes only the folders named for it here, and what those include.

The order is the order of data; docs/architecture.md says why. CMakeLists.txt must list the same uses.
"""
import pathlib
import re
import sys

USES = {
    "base": [],
    "net": ["base"],
    "text": ["base"],
    "tensor": ["base"],
    "ops": ["tensor"],
    "formats": ["tensor"],
    "data": ["text"],
    "classic": ["data"],
    "model": ["ops", "formats", "text", "net"],
    "train": ["model", "data"],
    "generate": ["model", "data", "classic"],
    "eval": ["data"],
    "prompt": ["classic", "eval", "net"],
    "track": ["train", "eval", "net"],
    "diagnose": ["track"],
    "decide": ["eval"],
    "report": ["diagnose", "decide"],
    "guard": ["generate", "prompt"],
    "solve": ["train", "generate", "prompt", "guard", "report"],
    "serve": ["guard", "report"],
    "cli": [],  # everything
}


def closure(folder: str) -> set[str]:
    seen = {folder}
    todo = [folder]
    while todo:
        for used in USES[todo.pop()]:
            if used not in seen:
                seen.add(used)
                todo.append(used)
    return seen


def check_includes(source: pathlib.Path) -> list[str]:
    errors = []
    for file in sorted(source.rglob("*")):
        if file.suffix not in (".h", ".cc", ".cu"):
            continue
        folder = file.relative_to(source).parts[0]
        if folder not in USES:
            errors.append(f"{file}: folder {folder} is not part of the design")
            continue
        allowed = set(USES) if folder == "cli" else closure(folder)
        for number, line in enumerate(file.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not match:
                continue
            target = match.group(1).split("/")[0]
            if "/" not in match.group(1) or target not in USES:
                if not match.group(1).startswith(("fmt/", "hwy/", "gtest/")):
                    errors.append(f'{file}:{number}: include "{match.group(1)}" as "folder/file.h"')
            elif target not in allowed:
                errors.append(f"{file}:{number}: {folder}/ may not include {target}/ (see docs/architecture.md)")
    return errors


def check_cmake(root: pathlib.Path) -> list[str]:
    errors = []
    for name, uses in re.findall(r"hone_folder\((\w+)\s+USES([^)]*?)(?:LINKS[^)]*)?\)", (root / "CMakeLists.txt").read_text()):
        listed = [word for word in uses.split() if word in USES]
        wanted = [word for word in USES[name] if (root / "src" / word).is_dir() and list((root / "src" / word).glob("*.cc"))]
        if not set(listed) <= set(USES[name]) or not set(wanted) <= closure_of(listed):
            errors.append(f"CMakeLists.txt: hone_folder({name}) uses {listed}, the folder law says {USES[name]}")
    return errors


def closure_of(folders: list[str]) -> set[str]:
    return set().union(*(closure(folder) for folder in folders)) if folders else set()


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    errors = check_includes(root / "src") + check_cmake(root)
    print("\n".join(errors) if errors else "folder law: kept")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
