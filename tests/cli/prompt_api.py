"""hone prompt against a server that fails in every way a server can: no row is lost, none is paid twice, a cap is never
passed, the key stays out of store and output, and what is private stays on the machine."""
import collections
import contextlib
import http.server
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tiny_model
from harness import HONE, check, hone, hone_json, small_guard_task

KEY = "sk-test-5f1d0c9a7b"
ENVIRONMENT = {"HONE_API_KEY": KEY, "OPENAI_API_KEY": "sk-other-000000000"}
USAGE = {"prompt_tokens": 20, "completion_tokens": 5}
ANSWERS = ["{}", "**{}**", " {}.\n", '"{}"', "`{}`"]


class Api(http.server.ThreadingHTTPServer):
    """An endpoint that knows the right labels. `faults[i]` says how the first tries of the i-th row it sees fail."""

    daemon_threads = True

    def __init__(self, gold, faults=(), delay=0.0):
        super().__init__(("127.0.0.1", 0), Handler)
        self.gold, self.faults, self.delay = gold, list(faults), delay
        self.order, self.tries, self.paid = {}, collections.Counter(), collections.Counter()
        self.keys, self.bodies = set(), []
        self.exact = False  # answers are the right ones as they are
        self.lock = threading.Lock()

    def handle_error(self, *arguments):
        """A client that was killed is no error of the server's."""

    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *arguments):
        pass

    def send(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fault(self, kind):
        if kind == "429":
            self.send(429, b'{"error": {"message": "slow down"}}', [("Retry-After", "0")])
        elif kind == "500":
            self.send(500, b"oops")
        elif kind == "malformed":
            self.send(200, b'{"choices": [{"message"')
        elif kind == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"choices": ')
            self.wfile.flush()
            self.connection.close()
            self.close_connection = True
        elif kind == "slow":
            time.sleep(1)
            self.send(200, b"too late")
        elif kind == "401":
            self.send(401, json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}"}}).encode())

    def do_POST(self):
        api = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        row = body["messages"][-1]["content"]
        with api.lock:
            api.keys.add(self.headers.get("Authorization"))
            api.bodies.append(body)
            place = api.order.setdefault(row, len(api.order))
            kinds = api.faults[place] if place < len(api.faults) else []
            tried = api.tries[row]
            api.tries[row] += 1
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, OSError):
            if tried < len(kinds):
                self.fault(kinds[tried])
                return
            time.sleep(api.delay)
            text = api.gold[row] if api.exact else "no idea" if place % 10 == 9 else ANSWERS[place % len(ANSWERS)].format(api.gold[row].title())
            reply = {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}], "usage": USAGE}
            self.send(200, json.dumps(reply).encode())
            with api.lock:
                api.paid[row] += 1


@contextlib.contextmanager
def serving(gold, **options):
    api = Api(gold, **options)
    thread = threading.Thread(target=api.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield api
    finally:
        api.shutdown()
        thread.join()
        api.server_close()


def make_task(folder, private=False):
    sides = small_guard_task(folder, train=20, validation=10, test=20)
    if private:
        with (folder / "hone.toml").open("a") as toml:
            toml.write("[circumstances]\nprivate = true\n")
    return {row["input"]: row["output"] for side in ("validation", "test") for row in sides[side]}


def recorded(folder):
    """input-independent facts of the store: {side: {row id: scored row}}, failed rows left out."""
    rows = collections.defaultdict(dict)
    with contextlib.closing(sqlite3.connect(folder / ".hone" / "store.db")) as store:
        for side, name, row in store.execute("SELECT side, id, row FROM rows"):
            row = json.loads(row)
            if not row["failed"]:
                rows[side][name] = row
    return rows


def rows_of(folder):
    rows = recorded(folder)
    return rows["validation"], rows["test"]


def check_no_key(folder, *outputs):
    for file in (f for f in folder.rglob("*") if f.is_file()):
        content = file.read_bytes()
        for key in ENVIRONMENT.values():
            check(key.encode() not in content, f"a key lies in {file}")
    for output in outputs:
        for key in ENVIRONMENT.values():
            check(key not in output, f"a key was printed:\n{output}")


def faults_of_all_kinds(root):
    folder = root / "faults"
    gold = make_task(folder)
    kinds = [["429"], ["500"], ["cut"], [], ["malformed"], ["slow"], [], [], ["429", "429"], []] + [[k] for k in ("500", "cut", "malformed", "slow", "429")]
    with serving(gold, faults=kinds) as api:
        out, err = hone("prompt", folder, "--model", "gpt-6-luna", "--url", api.url(), "--timeout", "0.5", "--json", env=ENVIRONMENT)
        document = json.loads(out)
        check(document["ended"] == "finished" and document["answered"] == 30 and document["failed"] == 0, document)
        check(document["name"] == "gpt-6-luna, zero-shot" and document["host"] == api.url()[7:-3], document)
        check(set(api.paid) == set(gold) and set(api.paid.values()) == {1}, f"paid: {api.paid}")
        check(document["requests"] == sum(api.tries.values()) == 30 + sum(map(len, kinds)), document)
        check(document["usage"] == {"prompt_tokens": 600, "completion_tokens": 150}, document)
        check(api.keys == {f"Bearer {KEY}"}, api.keys)
        system = api.bodies[0]["messages"][0]
        check(system["role"] == "system" and "\nbenign\nmalicious" in system["content"], system)
        rows = recorded(folder)
        check(len(rows["validation"]) == 10 and len(rows["test"]) == 20, rows)
        wrong = [r for side in ("validation", "test") for r in rows[side].values() if r["score"] == 0]
        check(len(wrong) == 3 and {r["answer"] for r in wrong} == {"no idea"}, f"only malformed answers are wrong: {wrong}")
        check(all(0 < r["latency_ms"] < 500 for r in rows["test"].values()), "the latency is that of the request alone")
        asked = len(api.bodies)
        again, _ = hone("prompt", folder, "--model", "gpt-6-luna", "--url", api.url(), env=ENVIRONMENT)
        check(len(api.bodies) == asked, "nothing is asked twice")
        check("accuracy" in again and max(map(len, again.splitlines())) <= 80, again)
        check_no_key(folder, out, err, again)


def killed_and_gone_on(root):
    folder = root / "killed"
    gold = make_task(folder)
    with serving(gold, delay=0.03) as api:
        lost_before = 0  # answers that were under way when a process was killed
        command = [HONE, "prompt", str(folder), "--model", "m", "--url", api.url(), "--concurrency", "3"]
        for least, how in ((4, signal.SIGKILL), (12, signal.SIGINT), (20, signal.SIGKILL)):
            process = subprocess.Popen(command, env=dict(os.environ, **ENVIRONMENT), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while sum(api.paid.values()) < least:
                time.sleep(0.005)
                check(process.poll() is None, "it ended before it could be killed")
            process.send_signal(how)
            code = process.wait()
            time.sleep(0.1)  # what the server was answering ends
            lost = sum(api.paid.values()) - sum(map(len, rows_of(folder)))
            if how == signal.SIGINT:
                check(code == 130 and lost == lost_before, f"exit code {code}; Ctrl-C lost {lost - lost_before} answers")
            check(0 <= lost - lost_before <= 3, f"{lost} answers were lost")
            lost_before = lost
        out, _ = hone(*command[1:], env=ENVIRONMENT)
        check(set(api.paid) == set(gold), "a row was lost")
        check(sum(api.paid.values()) == 30 + lost, "a recorded row was asked again")
        check(sum(map(len, rows_of(folder))) == 30, out)


def cap_is_kept(root):
    folder = root / "cap"
    gold = make_task(folder)
    prices = {"checked": "2026-11-01", "api": [{"id": "dear", "input": 1000, "output": 1000, "effective_from": "2026-11", "checked": "2026-11-01"}]}
    (root / "prices.json").write_text(json.dumps(prices))
    answer_usd = sum(USAGE.values()) / 1000
    faults = [["malformed"], [], ["500"]]  # the first may be billed: it counts
    with serving(gold, faults=faults) as api:
        ask = ["prompt", folder, "--model", "some", "--url", api.url(), "--max-tokens", "5", "--prices", root / "prices.json", "--price", "dear"]
        for cap in (0.8, 0.8):  # the cap holds for both starts together
            document = hone_json(*ask, "--max-usd", cap, env=ENVIRONMENT, code=1)
            check(document["ended"] == "capped" and 0 < document["answered"] < 30, document)
            check(sum(api.paid.values()) * answer_usd <= document["spent_usd"] <= cap, document)
        document = hone_json(*ask, "--max-usd", "9", env=ENVIRONMENT)
        check(document["ended"] == "finished" and set(api.paid.values()) == {1} and len(api.paid) == 30, document)
        check(document["spent_usd"] >= 30 * answer_usd, document)
        _, message = hone("prompt", folder, "--model", "unlisted", "--url", api.url(), "--max-usd", "1", code=2)
        check("price" in message, message)


def ends_early(root):
    folder = root / "early"
    gold = make_task(folder)
    with serving(gold, faults=[[]] * 6 + [["401"]]) as api:
        out, message = hone("prompt", folder, "--model", "m", "--url", api.url(), env=ENVIRONMENT, code=4)
        check("401" in message and "HONE_API_KEY" in message and "6 of 30 rows" in message, message)
        check(len(api.bodies) == 7 and len(recorded(folder)["validation"]) == 6, "the run ends at once and keeps what it has")
        check_no_key(folder, out, message)
        document = hone_json("prompt", folder, "--model", "m", "--url", api.url(), env=ENVIRONMENT)
        check(document["answered"] == 30 and set(api.paid.values()) == {1}, document)


def nothing_leaves_unasked(root):
    folder = root / "elsewhere"
    make_task(folder)
    elsewhere = ["prompt", folder, "--model", "gpt-6-luna", "--url", "https://api.example.invalid/v1"]
    _, message = hone(*elsewhere, env=ENVIRONMENT, code=2)
    check("api.example.invalid" in message and "30 requests" in message and "$" in message and "--yes" in message, message)
    out, _ = hone(*elsewhere, "--dry-run", env=ENVIRONMENT)
    check("api.example.invalid" in out and "30 requests" in out and "$" in out, out)
    document = hone_json(*elsewhere, "--dry-run", env=ENVIRONMENT)
    check(document["to_ask"] == 30 and document["estimate"]["usd"] > 0 and not document["local"], document)
    _, message = hone(*elsewhere, "--yes", env={"HONE_API_KEY": "", "OPENAI_API_KEY": ""}, code=4)
    check("HONE_API_KEY" in message, message)
    private = root / "private"
    gold = make_task(private, private=True)
    for arguments in (["--yes"], ["--dry-run"], []):
        _, message = hone("prompt", private, *elsewhere[2:], *arguments, env=ENVIRONMENT, code=2)
        check("private" in message and "api.example.invalid" in message, message)
    with serving(gold) as api:
        check(hone_json("prompt", private, "--model", "m", "--url", api.url(), env=ENVIRONMENT)["answered"] == 30, "a server on this machine may be asked")
    hone("prompt", folder, code=2)
    hone("prompt", folder, "--model", "m", "--url", "http://user:pass@host.invalid/", code=2)


def tells_the_schema(root):
    """A json task's schema goes to servers that take one; strict where it may be."""
    folder = root / "schema"
    folder.mkdir()
    schema = {"type": "object", "properties": {"who": {"enum": ["ann", "bob"]}}, "required": ["who"], "additionalProperties": False}
    (folder / "hone.toml").write_text(
        f'[task]\nname = "who asks"\nkind = "json"\ninstruction = "Say who."\nschema = "schema.json"\n'
        '[data]\ntrain = "train.jsonl"\nvalidation = "validation.jsonl"\ntest = "test.jsonl"\n'
    )
    gold = {}
    for side, first in (("train", 0), ("validation", 20), ("test", 30)):
        rows = [{"input": f"{'all' if i % 2 else 'what'} is {i} new", "output": json.dumps({"who": ["ann", "bob"][i % 2]})} for i in range(first, first + 10)]
        (folder / f"{side}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        gold.update((row["input"], row["output"]) for row in rows)
    with serving(gold) as api:
        api.exact = True
        for strict in (True, False):
            schema["additionalProperties"] = not strict
            (folder / "schema.json").write_text(json.dumps(schema))
            api.bodies.clear()
            document = hone_json("prompt", folder, "--model", "m", "--url", api.url(), env=ENVIRONMENT)
            check(document["metrics"]["exact"]["value"] == 1 and len(api.bodies) == 20, document)
            form = {"type": "json_schema", "json_schema": {"name": "who_asks", "schema": schema, "strict": strict}}
            check(all(body["response_format"] == form for body in api.bodies), api.bodies[0])
        api.bodies.clear()
        hone_json("prompt", folder, "--model", "m", "--url", api.url(), "--response-format", "none", env=ENVIRONMENT)
        check(len(api.bodies) == 20 and not any("response_format" in body for body in api.bodies), "asked in another way: asked anew")


def solve_shows_it(root):
    folder = root / "shown"
    gold = make_task(folder)
    with (folder / "hone.toml").open("a") as toml:
        toml.write(f'[model]\nbase = "{tiny_model.write_model(root / "tiny.gguf")}"\n')
    with serving(gold) as api:
        hone("prompt", folder, "--model", "gpt-6-luna", "--url", api.url(), env=ENVIRONMENT)
        hone("prompt", folder, "--model", "gpt-6-luna", "--shots", "4", "--url", api.url(), env=ENVIRONMENT)
    document = hone_json("solve", folder, code=None, env=ENVIRONMENT)
    shown = {c["name"]: c for c in document["contenders"] if c["kind"] == "api"}
    check(set(shown) == {"gpt-6-luna, zero-shot", "gpt-6-luna, few-shot, 4 examples"}, shown)
    # 20 tokens read and 5 written, at $0.10 and $0.50 for a million
    check(abs(shown["gpt-6-luna, zero-shot"]["usd_per_million"] - 4.5) < 1e-9, shown)
    check("No large model" not in json.dumps(document["recommendation"]), document["recommendation"])
    check("gpt-6-luna, zero-shot" in pathlib.Path(document["report"]).read_text(), "the report shows it")
    check_no_key(folder, json.dumps(document))


def main():
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        for part in (faults_of_all_kinds, killed_and_gone_on, cap_is_kept, ends_early, nothing_leaves_unasked, tells_the_schema, solve_shows_it):
            part(root)
    print(f"prompt over an API: kept ({time.monotonic() - started:.0f} s)")


if __name__ == "__main__":
    main()
