#!/usr/bin/env python3
"""How fast `hone data import` reads JSONL, and in how much memory: import_speed.py [MEGABYTES] (default 500).

The file is made of 20,000 different rows of 8 to 60 words, some with escapes and letters beyond ASCII.
"""
import json
import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile

HONE = os.environ.get("HONE", str(pathlib.Path(__file__).resolve().parent.parent / "build/release/hone"))
WORDS = "the a of order refund card please help with my account why does it not work today thanks number payment transfer was declined".split()


def rows():
    rng = random.Random(1)
    for i in range(20_000):
        text = " ".join(rng.choices(WORDS, k=rng.randint(8, 60))) + (' "quoted"\né' if i % 20 == 0 else "")
        yield json.dumps({"input": text, "output": rng.choice("abc"), "score": i / 7}) + "\n"


def main():
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    block = "".join(rows())
    with tempfile.TemporaryDirectory() as name:
        file = pathlib.Path(name) / "rows.jsonl"
        with file.open("w") as out:
            for _ in range(max(1, megabytes * 1_000_000 // len(block))):
                out.write(block)
        for _ in range(3):
            done = subprocess.run([HONE, "data", "import", file, "--out", file.with_name("out.jsonl"), "--json"], capture_output=True, check=True)
            report = json.loads(done.stdout)
            print(f"{report['bytes'] / 1e6:.0f} MB, {report['rows']} rows: {report['bytes'] / 1e6 / report['seconds']:.0f} MB/s")
        print(f"peak memory {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
