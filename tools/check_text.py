#!/usr/bin/env python3
"""What may not stand in the repository: paths of one machine, and files that are too large to be sources."""
import pathlib
import re
import subprocess
import sys

MACHINE = re.compile(r"(?<![\w.])/(?:work|opt|root|home/\w+)/[\w.]|(?<![\w.])/tmp/[a-z]")
MAX_BYTES = 1_500_000


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    errors = []
    for name in subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True).stdout.decode().split("\0"):
        file = root / name
        if not name or not file.is_file() or name == "tools/check_text.py":
            continue
        if file.stat().st_size > MAX_BYTES:
            errors.append(f"{name}: {file.stat().st_size} bytes, more than {MAX_BYTES}")
        if file.suffix in (".cc", ".h", ".py", ".sh", ".cmake", ".txt", ".toml") or file.suffix == ".md":
            for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
                if MACHINE.search(line) and "#!/" not in line:
                    errors.append(f"{name}:{number}: a path of one machine: {line.strip()[:80]}")
    print("\n".join(errors) if errors else "text: kept")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
