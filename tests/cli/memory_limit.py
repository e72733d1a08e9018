"""A training that will not fit is refused before it starts, and the setting that the refusal names makes it fit. The limit is one of the process's own
address space, as `ulimit -v` sets it."""
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tiny_model
from harness import HONE, check, hone_json, make_task

# No two rows share a beginning, which would be computed once.
ROWS = [{"input": f"{i:02d} " + " ".join(["all that is old" if i % 2 else "and what is new"] * 40), "output": "ab"[i % 2]} for i in range(64)]


def limited(most, *command):
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most))  # noqa: E731
    return subprocess.run([HONE, *map(str, command)], capture_output=True, text=True, preexec_fn=limit)


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        model = tiny_model.write_folder(root / "model")
        task = make_task(root / "task", ROWS, extra=f'[model]\nbase = "{model}"\n')
        options = ("--epochs", "1", "--rank", "4", "--batch", "64", "--micro-batch", "65536")
        free = hone_json("train", task, "--plan", *options)["plan"]["memory_bytes"]
        # What the program itself maps, and then half of what this training's activations take.
        mapped = 0
        for most in range(4, 128):
            done = limited(most << 25, "train", task, "--plan", *options)
            if done.returncode == 0:
                mapped = (most << 25) - free["total"]
                break
            check(done.returncode == 4 or "are free" not in done.stderr, done.stderr)
        check(mapped > 0, "the training never fits")
        most = mapped + free["total"] - free["activations"] // 2
        for plan in (("--plan",), ()):
            done = limited(most, "train", task, *options, *plan)
            check(done.returncode == 4, f"exit code {done.returncode}: {done.stderr}")
            said = re.search(r"it fits with (--[^\n]+)", " ".join(done.stderr.split()))
            check(said is not None, done.stderr)
        check(hone_json("runs", "list", task) == [], "what was refused is no run")
        setting = said.group(1).split()
        words = [w for i, w in enumerate(options) if w != "--micro-batch" and options[i - 1] != "--micro-batch"] if "--micro-batch" in setting else options
        done = limited(most, "train", task, *words, *setting)
        check(done.returncode == 0, f"{setting}: exit code {done.returncode}: {done.stderr}")
        print(f"memory limit: {most >> 20} MiB refused {free['total'] >> 20} MiB, and trained with {' '.join(setting)}")


if __name__ == "__main__":
    main()
