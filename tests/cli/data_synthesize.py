"""Laws of `hone data synthesize` and `hone data rationale` against a server that plays the teacher: only training rows are shown to it,
nothing that repeats a row of any side or whose answer is not found again is kept, nothing is asked or paid for twice, a cap is never
passed, every row says who made it, and none of them is ever tested on."""
import collections
import contextlib
import http.server
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from data_task import COMMON, THEMES, make, rows, text
from harness import HONE, MODEL, check, hone, hone_json, write_rows

ENVIRONMENT = {"HONE_API_KEY": "sk-test-1"}
USAGE = {"prompt_tokens": 100, "completion_tokens": 50}
PRICES = "prices.json"


class Teacher(http.server.ThreadingHTTPServer):
    """Writes texts of the label that is asked for; every fourth one of another label, every fifth a copy of `leak`."""

    daemon_threads = True

    def __init__(self, leak=(), delay=0.0):
        super().__init__(("127.0.0.1", 0), Handler)
        self.leak, self.delay = list(leak), delay
        self.bodies, self.asked, self.lock = [], collections.Counter(), threading.Lock()

    def handle_error(self, *arguments):
        pass

    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def answer(self, body):
        question = body["messages"][-1]["content"]
        rng = random.Random(question)
        if "exactly one of these labels" in body["messages"][0]["content"]:
            words = question.split("What decides it:")[0].split()
            return max(THEMES, key=lambda theme: sum(word in THEMES[theme] for word in words))
        label = re.search(r'"(sport|food|money)"', question)
        if "Say in one sentence" in question:
            return "\n".join(["No." if rng.random() < 0.2 else f"It speaks of {rng.choice(THEMES[label[1]])} and the like."])
        if "80 to 150 words" in question:
            held = re.search(r"<<<\n(.*?)\n>>>", question, re.S)[1]
            return f"Dear all,\n\n{text(rng, 'food')}\n{held}\n{text(rng, 'sport')}"
        word = re.search(r'hold the word "(\w+)"', question)
        lines = []
        for i in range(3):
            kind = rng.random()
            theme = rng.choice([t for t in THEMES if t != label[1]]) if kind < 0.25 else label[1]
            line = rng.choice(self.leak) if self.leak and kind > 0.8 else text(rng, theme)
            lines.append(f"{i + 1}. {line} {word[1] if word and rng.random() < 0.7 else ''}")
        return "\n".join(lines)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *arguments):
        pass

    def do_POST(self):
        teacher = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with teacher.lock:
            teacher.bodies.append(body)
            teacher.asked[json.dumps(body["messages"])] += 1
        time.sleep(teacher.delay)
        reply = {"choices": [{"message": {"role": "assistant", "content": teacher.answer(body)}, "finish_reason": "stop"}], "usage": USAGE}
        data = json.dumps(reply).encode()
        with contextlib.suppress(OSError):
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)


@contextlib.contextmanager
def teaching(**options):
    teacher = Teacher(**options)
    thread = threading.Thread(target=teacher.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield teacher
    finally:
        teacher.shutdown()
        thread.join()
        teacher.server_close()


def task_of(root, name):
    """A task split once, and its inputs by side."""
    task = make(root / name, rows(80, seed=11), list(THEMES))
    hone("data", "review", task, text="")  # fixes the split
    split = json.loads((task / ".hone/split.json").read_text())
    hone("data", "check", task, "--scores", task / "scores.jsonl")
    inputs = {}
    lines = (task / "train.jsonl").read_text().splitlines()
    groups = {group: side for side, members in split["groups"].items() for group in members}
    of_row = dict(split["rows"])
    for row in map(json.loads, (task / "scores.jsonl").open()):
        inputs[json.loads(lines[row["line"] - 1])["input"]] = groups[of_row.get(row["id"], row["id"])]
    return task, inputs


def read(path):
    return [json.loads(line) for line in path.open()] if path.exists() else []


def synthesize(task, teacher, *options, **more):
    return hone_json("data", "synthesize", task, "--teacher", "m", "--url", teacher.url(), *options, env=ENVIRONMENT, **more)


def what_is_kept(root):
    task, inputs = task_of(root, "kept")
    leak = [i for i, side in inputs.items() if side == "test"][:5] + [i for i, side in inputs.items() if side == "train"][:5]
    with teaching(leak=leak) as teacher:
        document = synthesize(task, teacher, "--count", 40)
        made = read(task / "generated.jsonl")
        check(document["ended"] == "finished" and document["accepted"] == len(made) == 40, document)
        dropped = document["dropped"]
        check(dropped["repeats_rows"] > 0 and dropped["disagreed"] > 0, document)
        check(document["texts"] >= 40 + sum(dropped.values()), document)
        sent = json.dumps(teacher.bodies)
        check(not any(i in sent for i, side in inputs.items() if side in ("test", "validation") and i not in leak), "a row of test or validation was sent")
        check(any(i in sent for i, side in inputs.items() if side == "train"), "no training row was shown")
        temperatures = {b["temperature"] for b in teacher.bodies if "exactly one" in b["messages"][0]["content"]}, {b["temperature"] for b in teacher.bodies if "exactly one" not in b["messages"][0]["content"]}
        check(temperatures == ({0}, {0.8}), temperatures)
        for row in made:
            check(row["source"].startswith("generated: paraphrase by m at 127.0.0.1") and row["labels_by"].startswith("m at") and row["made_on"], row)
            check(inputs.get(row["input"]) is None and not any(row["input"].rstrip() == i for i in inputs), row)
            check(row["output"] == max(THEMES, key=lambda t: sum(w in THEMES[t] for w in row["input"].split())), row)
        check(len({row["id"] for row in made}) == 40 and all(row["made_from"] for row in made), "ids")
        # The same command again asks for nothing; a larger count goes on.
        before = len(teacher.bodies)
        again = synthesize(task, teacher, "--count", 40)
        check(again["accepted"] == 0 and again["earlier"] == 40 and len(teacher.bodies) == before, again)
        more = synthesize(task, teacher, "--count", 50)
        check(more["accepted"] == 10 and read(task / "generated.jsonl")[:40] == made, more)
        check(max(teacher.asked.values()) == 1, "something was asked twice")
    return task, inputs


def they_train_and_never_judge(root):
    task, inputs = what_is_kept(root)
    plain = hone_json("data", "check", task)["rows"]
    (task / "hone.toml").write_text((task / "hone.toml").read_text() + 'generated = "generated.jsonl"\n')
    rows_now = hone_json("data", "check", task)["rows"]
    check(rows_now["train"] == plain["train"] + 50 and rows_now["test"] == plain["test"] and rows_now["validation"] == plain["validation"], (plain, rows_now))
    # One that was made from a test row, one that copies one, and one hidden in the training file.
    test_input = next(i for i, side in inputs.items() if side == "test")
    test_id = next(r["id"] for r in map(json.loads, (task / "scores.jsonl").open()) if json.loads((task / "train.jsonl").read_text().splitlines()[r["line"] - 1])["input"] == test_input)
    extra = {"output": "food", "source": "generated: by hand", "labels_by": "x", "made_on": "2026-01-01", "group": "g"}
    with (task / "generated.jsonl").open("a") as file:
        file.write(json.dumps({"id": "g-1", "input": text(random.Random(77), "food"), "made_from": test_id, **extra}) + "\n")
        file.write(json.dumps({"id": "g-2", "input": test_input + " !", "made_from": "", **extra}) + "\n")
    hidden = text(random.Random(78), "food")
    with (task / "train.jsonl").open("a") as file:
        file.write(json.dumps({"input": hidden, "output": "food", "source": "generated"}) + "\n")
    document = hone_json("data", "check", task)
    check(document["rows"]["train"] == rows_now["train"] + 1 and document["rows"]["test"] == plain["test"], document["rows"])
    check({row["id"] for row in document["set_aside"]} == {"g-1", "g-2"}, document["set_aside"])
    check(any("never tested on" in n for n in document["notices"]), document["notices"])


def other_kinds(root):
    task, inputs = task_of(root, "kinds")
    with teaching() as teacher:
        missing = synthesize(task, teacher, "--kind", "missing", "--label", "food", "--count", 10)
        check(missing["accepted"] == 10 and all(row["output"] == "food" for row in read(task / "generated.jsonl")), missing)
        negatives = synthesize(task, teacher, "--kind", "negatives", "--word", "urgent", "--label", "sport", "--count", 6, "--agree", "classifier")
        made = read(task / "generated.jsonl")[10:]
        check(negatives["accepted"] == 6 and all("urgent" in row["input"] and row["output"] == "sport" for row in made), made)
        document = synthesize(task, teacher, "--kind", "document", "--count", 5, "--agree", "none")
        made = read(task / "generated.jsonl")[16:]
        check(document["accepted"] == 5 == len(made), document)
        check(all(any(i in row["input"] and side == "train" for i, side in inputs.items()) for row in made), made)
        check("none of the labels" in hone("data", "synthesize", task, "--teacher", "m", "--url", teacher.url(), "--label", "x", code=2)[1], "label")


def a_cap_is_kept_and_gone_on_from(root):
    task, _ = task_of(root, "cap")
    prices = {"checked": "2026-11-01", "cpu_usd_per_month": 40, "engineer_usd_per_hour": 60, "utilisation": 0.3,
              "api": [{"id": "m", "input": 1000, "cached": 1000, "output": 1000, "effective_from": "2026-01", "source": "test", "checked": "2026-11-01"}]}
    (root / PRICES).write_text(json.dumps(prices))
    with teaching() as teacher:
        limits = ["--prices", root / PRICES]
        check("cap needs a price" in hone("data", "synthesize", task, "--teacher", "m", "--url", teacher.url(), "--max-usd", 1, code=2, env=ENVIRONMENT)[1], "no price")
        capped = synthesize(task, teacher, "--count", 60, "--max-usd", 3, *limits, code=1)
        # A request costs 0.15.
        check(capped["ended"] == "capped" and capped["spending"]["usd"] <= 3 and len(teacher.bodies) <= 20, capped)
        paid = len(teacher.bodies)
        again = synthesize(task, teacher, "--count", 60, "--max-usd", 3, *limits, code=1)
        check(again["ended"] == "capped" and again["spending"]["usd"] <= 3 and len(teacher.bodies) * 0.15 <= 3 + 1e-9, (again, len(teacher.bodies)))
        done = synthesize(task, teacher, "--count", 60, "--max-usd", 50, *limits)
        check(done["ended"] == "finished" and max(teacher.asked.values()) == 1, done)
        check(abs(done["spending"]["usd"] - 0.15 * len(teacher.bodies)) < 1e-6 and len(teacher.bodies) > paid, done)


def killed_and_gone_on_from(root):
    task, _ = task_of(root, "killed")
    with teaching(delay=0.05) as teacher:
        for how in (signal.SIGKILL, signal.SIGTERM):
            asked = len(teacher.bodies)
            process = subprocess.Popen([HONE, "data", "synthesize", str(task), "--teacher", "m", "--url", teacher.url(), "--count", "60"],
                                       env=dict(os.environ, **ENVIRONMENT), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            end = time.time() + 30
            while len(teacher.bodies) < asked + 8 and time.time() < end:
                time.sleep(0.01)
            process.send_signal(how)
            process.wait(30)
        done = synthesize(task, teacher, "--count", 60)
        made = read(task / "generated.jsonl")
        check(done["ended"] == "finished" and len(made) == 60, done)
        # What was under way when the process was killed is lost; no more than that is asked again.
        check(sum(n - 1 for n in teacher.asked.values()) <= 8, sorted(teacher.asked.values()))


def reasons(root):
    task, inputs = task_of(root, "reasons")
    with teaching() as teacher:
        document = hone_json("data", "rationale", task, "--teacher", "m", "--url", teacher.url(), "--count", 60, env=ENVIRONMENT)
        made = read(task / "rationales.jsonl")
        check(document["rows"] == 60 and document["accepted"] == len(made) > 20 and document["dropped"]["unusable"] > 0, document)
        check(document["accepted"] + sum(document["dropped"].values()) == 60, document)
        check(all(inputs[row["input"]] == "train" for row in made), "a row of another side")
        check(all(row["reasoned_output"] == f"{row['rationale']}\nAnswer:\n{row['output']}" for row in made), made[0])
        before = len(teacher.bodies)
        hone_json("data", "rationale", task, "--teacher", "m", "--url", teacher.url(), "--count", 60, env=ENVIRONMENT)
        check(len(teacher.bodies) == before and read(task / "rationales.jsonl") == made, "asked twice")


def nothing_leaves_unasked(root):
    task, _ = task_of(root, "private")
    for command in ("synthesize", "rationale"):
        error = hone("data", command, task, "--teacher", "m", "--url", "https://api.example.com/v1", code=2, env=ENVIRONMENT)[1]
        check("add --yes" in error, error)


def a_local_teacher(root):
    if not next(m for m in hone_json("models", "list") if m["name"] == MODEL)["cached"]:
        return
    task, _ = task_of(root, "local")
    document = hone_json("data", "synthesize", task, "--teacher", MODEL, "--count", 3, "--agree", "none", code=None)
    check(document["spending"]["usd"] is None and document["ended"] in ("finished", "exhausted"), document)
    check(document["accepted"] == len(read(task / "generated.jsonl")) > 0, document)


def main():
    with tempfile.TemporaryDirectory() as name:
        for law in (they_train_and_never_judge, other_kinds, a_cap_is_kept_and_gone_on_from, killed_and_gone_on_from, reasons, nothing_leaves_unasked, a_local_teacher):
            law(pathlib.Path(name))
    print("data synthesize: kept")


if __name__ == "__main__":
    main()
