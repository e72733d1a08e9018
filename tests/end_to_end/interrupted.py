"""Ctrl-C, kill -9 and a full disk at any moment of a solve: each start that can still speak ends with the conclusion so far, and the next
one goes on, until it ends as one unbroken start does."""
import json
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from harness import HONE, check, fits, hone_json, parse, small_guard_task
from tiny_model import write_model


def tiny_task(folder, train=120):
    small_guard_task(folder, train=train)
    write_model(folder / "tiny.gguf")
    with (folder / "hone.toml").open("a") as toml:
        toml.write(f'[model]\nbase = "{folder / "tiny.gguf"}"\n')
    return folder


def start(task, *arguments, **options):
    return subprocess.Popen([HONE, "solve", task, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def interrupt(task, seconds, *arguments):
    """Ctrl-C after so many seconds; (exit code, stdout, stderr)."""
    process = start(task, *arguments)
    time.sleep(seconds)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def results(task):
    """What each run came to, by its name: of those started, each once."""
    found = {}
    for run in hone_json("runs", "list", task):
        check(run["status"] == "finished", f"{run['run']} is {run['status']}")
        check(run["name"] not in found, f"{run['name']} was done twice")
        found[run["name"]] = run["summary"].get("adapter_sha256") or json.dumps(run["summary"]["test"])
    return found


def ctrl_c_at_several_moments(task, whole):
    starts, moment = 0, 0.02
    while True:
        code, out, err = interrupt(task, moment)
        if code == 0:
            break
        starts += 1
        # On a busy machine the first signals come before anything of Hone's runs.
        check(code == 130 or code == -signal.SIGINT and not out, f"after {moment} s: exit code {code}\n{out}\n{err}")
        # Before the task is open there is nothing to conclude from.
        check(not out or "Verdict: " in out and "conclusion so far" in out, f"after {moment} s:\n{out}\n{err}")
        check(not out or f"hone solve {task}" in out, out)
        moment = moment * 1.25 + 0.02
        check(starts < 60, "it never ends")
    check(starts >= 4, f"interrupted {starts} times only")
    check(results(task) == results(whole), "many interrupted starts come to what one unbroken start comes to")


def ctrl_c_as_json(task):
    code, out, err = interrupt(task, 0.6, "--json")
    check(code == 130, f"{code} {err}")
    document = fits(parse(out), "solve")
    check(document["interrupted"] and document["problem"] is None and document["bundle"] == "", document)
    check(document["recommendation"]["verdict"], document)


def killed_at_several_moments(task, whole):
    moment = 0.1
    while True:
        process = start(task)
        time.sleep(moment)
        if process.poll() is not None:
            process.communicate()
            check(process.returncode == 0, f"exit code {process.returncode}")
            break
        process.kill()
        process.communicate()
        moment = moment * 1.3 + 0.05
        check(moment < 30, "it never ends")
    check(results(task) == results(whole), "many killed starts come to what one unbroken start comes to")


def full_disk(task, whole):
    def limit_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    process = start(task, preexec_fn=limit_files)
    out, err = process.communicate(timeout=60)
    check(process.returncode == 4, f"a full disk is the environment's: {process.returncode}\n{out}\n{err}")
    check("Verdict: " in out and "conclusion so far" in out, out + err)
    process = start(task)
    out, err = process.communicate(timeout=60)
    check(process.returncode == 0, out + err)
    check(results(task) == results(whole), "with room again it goes on to the same end")


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        whole = tiny_task(root / "whole")
        hone_json("solve", whole)
        ctrl_c_at_several_moments(tiny_task(root / "interrupted"), whole)
        ctrl_c_as_json(tiny_task(root / "json"))
        killed_at_several_moments(tiny_task(root / "killed"), whole)
        full_disk(tiny_task(root / "full"), whole)
    print("interrupted: kept")


if __name__ == "__main__":
    main()
