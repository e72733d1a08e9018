"""Laws of `hone data review`: decisions are kept one by one beside the data and applied by every command, the files stay as they
are, a changed row is reported, test labels change only with --test, and the terminal is put back whatever ends it."""
import json
import os
import pathlib
import pty
import random
import re
import select
import signal
import subprocess
import sys
import tempfile
import termios
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from data_task import make, rows
from harness import HONE, check, hone, hone_json, write_rows

LABELS = ["sport", "food", "money"]


def flipped(root, name, count=14):
    """A task with `count` labels that are wrong, and the inputs that have them."""
    data = rows(80)
    wrong = {}
    for row in random.Random(9).sample(data, count):
        wrong[row["input"]] = row["output"]
        row["output"] = LABELS[(LABELS.index(row["output"]) + 1) % 3]
    return make(root / name, data, LABELS), wrong


def decisions(task):
    lines = (task / "review.jsonl").read_text().splitlines()
    check(json.loads(lines[0]) == {"hone_review": 1}, lines[0])
    return [json.loads(line) for line in lines[1:]]


def labels_in_use(task):
    """input -> label as commands see the rows, on all sides."""
    hone("data", "check", task, "--scores", task / "scores.jsonl")
    return {row["id"]: row["output"] for row in map(json.loads, (task / "scores.jsonl").open())}


def decisions_are_applied_and_files_stay(root):
    task, _ = flipped(root, "applied")
    before = (task / "train.jsonl").read_bytes()
    was = labels_in_use(task)
    document = hone_json("data", "review", task, "--who", "ann", text="r food\nn looks odd\nk\nd\nr 99\nr mon\nq\n")
    check(document["decisions"] == {"keep": 1, "relabel": 2, "drop": 1, "note": 1, "judge": 0}, document)
    made = decisions(task)
    check([d["action"] for d in made] == ["relabel", "note", "keep", "drop", "relabel"], made)
    check(made[0]["value"] == "food" and made[0]["who"] == "ann" and made[1]["note"] == "looks odd" and made[4]["value"] == "money", made)
    check(all(d["side"] in ("train", "validation") for d in made), "a test row was shown without --test")
    check((task / "train.jsonl").read_bytes() == before, "the source was edited")
    now = labels_in_use(task)
    check(now[made[0]["id"]] == "food" and now[made[4]["id"]] == "money" and made[3]["id"] not in now, "not applied")
    check({i: l for i, l in was.items() if i not in {d["id"] for d in made}} == {i: l for i, l in now.items() if i not in {d["id"] for d in made}}, "another row changed")
    notices = hone_json("data", "check", task)["notices"]
    check(any("2 answers changed and 1 row left out" in n for n in notices), notices)
    again = hone_json("data", "review", task, text="")
    check(not {d["id"] for d in made if d["action"] != "note"} & {d["id"] for d in decisions(task)[5:]}, again)
    check(again["left"] == again["shown"], "rows decided before are shown again")


def back_and_suggested(root):
    task, wrong = flipped(root, "back")
    hone("data", "review", task, text="k\nb\ns\nq\n")
    made = decisions(task)
    check([d["action"] for d in made] == ["keep", "relabel"] and made[0]["id"] == made[1]["id"], made)
    first = made[0]["id"]
    check(labels_in_use(task)[first] == made[1]["value"] and made[1]["value"] in wrong.values(), "the last decision holds")


def a_changed_row_is_reported(root):
    task, _ = flipped(root, "changed")
    hone("data", "review", task, text="r food\nd\nq\n")
    first = decisions(task)[0]["id"]
    lines = (task / "train.jsonl").read_text().splitlines()
    target = hone_json("data", "review", task, "--again", text="")  # rows are still there
    check(target["shown"] >= 2, target)
    # The same input under another label: somebody corrected the file.
    hone("data", "check", task, "--scores", task / "s.jsonl")
    line = next(json.loads(l)["line"] for l in (task / "s.jsonl").open() if json.loads(l)["id"] == first)
    row = json.loads(lines[line - 1])
    row["output"] = "food" if row["output"] != "food" else "sport"
    lines[line - 1] = json.dumps(row)
    (task / "train.jsonl").write_text("\n".join(lines) + "\n")
    notices = hone_json("data", "check", task)["notices"]
    check(any("1 decision was not applied" in n and "something else" in n for n in notices), notices)
    check(labels_in_use(task)[first] == row["output"], "a decision about another content was applied")


def damaged_patch(root):
    task, _ = flipped(root, "damaged")
    (task / "review.jsonl").write_text('{"hone_review": 1}\n{"id": "x", "cont')
    for command in (("data", "check", task), ("data", "review", task), ("solve", task)):
        check("review.jsonl:2" in hone(*command, code=3)[1], command)
    (task / "review.jsonl").unlink()
    (task / "hone.toml").write_text((task / "hone.toml").read_text() + 'patch = "gone.jsonl"\n')
    check("gone.jsonl" in hone("data", "check", task, code=3)[1], "a patch that is gone is passed over")


def blind_judgement_of_the_test(root):
    task, wrong = flipped(root, "blind", count=40)
    check("--test" in hone("data", "review", task, "--sample", 5, code=2)[1], "test rows without --test")
    shown = hone("data", "review", task, "--test", "--sample", 30, text="sport\n.u\n.b\nfood\n.q\n")[0]
    check("answer:" not in shown and "classifier" not in shown, "an answer is shown")
    check([d["action"] for d in decisions(task)] == ["judge"] * 3, decisions(task))
    # All of them, as somebody who knows.
    truth = {row["input"]: wrong.get(row["input"], row["output"]) for row in map(json.loads, (task / "train.jsonl").open())}
    (task / "review.jsonl").unlink()
    order = re.split(r"-- \d+ of 30 --\n", hone("data", "review", task, "--test", "--sample", 30, text=".u\n" * 30)[0])[1:]
    (task / "review.jsonl").unlink()
    inputs = [" ".join(part.split("label:")[0].split()) for part in order]
    check(len(inputs) == 30, len(inputs))
    document = hone_json("data", "review", task, "--test", "--sample", 30, "--who", "bo", text="".join(truth[i] + "\n" for i in inputs))
    given = {row["input"]: row["output"] for row in map(json.loads, (task / "train.jsonl").open())}
    expected = sum(truth[i] != given[i] for i in inputs)
    error = document["test_error"]
    check(error["judged"] == 30 and error["different"] == expected > 0, (error, expected))
    check(error["rate"]["low"] < expected / 30 < error["rate"]["high"], error)
    check(any("labels" in n for n in hone_json("data", "check", task)["notices"]) is False, "judgements change no label")
    # And then they are corrected, said to be test rows.
    hone("data", "review", task, "--test", text="s\n" + "q\n")
    last = decisions(task)[-1]
    check(last["action"] == "relabel" and last["side"] == "test", last)
    check(labels_in_use(task)[last["id"]] == last["value"], "not applied")
    notices = hone_json("data", "check", task)["notices"]
    check(any("1 of them of the test" in n for n in notices), notices)
    again = hone_json("data", "review", task, "--test", "--sample", 30, text="")
    check(again["test_error"]["different"] == expected, "a correction makes the file's labels no better")


def own_test_file(root):
    task, _ = flipped(root, "own")
    lines = (task / "train.jsonl").read_text().splitlines(keepends=True)
    random.Random(1).shuffle(lines)
    (task / "test.jsonl").write_text("".join(lines[:80]))
    (task / "train.jsonl").write_text("".join(lines[80:]))
    (task / "hone.toml").write_text((task / "hone.toml").read_text() + 'test = "test.jsonl"\n')
    hone("data", "review", task, "--test", text="d\n")
    text = (task / "review.jsonl").read_text()
    (task / "review.jsonl").write_text(text.replace('"side":"test"', '"side":"train"'))
    notices = hone_json("data", "check", task)["notices"]
    check(any("not made with --test" in n for n in notices), notices)


def outside_text_is_escaped(root):
    data = rows(80)
    data[0]["input"] += " \x1b[2J\x07 \u202e"
    data[0]["output"] = "food"
    task = make(root / "escape", data, LABELS)
    hone("data", "check", task, "--scores", task / "s.jsonl")
    ids = [json.loads(l)["id"] for l in (task / "s.jsonl").open() if json.loads(l)["line"] == 1]
    document = {"findings": [{"id": "x", "rows": ids, "title": "t\x1b[1m"}]}
    (task / "f.json").write_text(json.dumps(document))
    side = ["--test"] if "No row" in hone("data", "review", task, "--findings", task / "f.json", text="")[0] else []
    out = hone("data", "review", task, "--findings", task / "f.json", *side, text="n \x1b[3m\nq\n")[0]
    check("\x1b" not in out and "\x07" not in out and "\\x1b" in out.lower(), repr(out))


class Terminal:
    """hone on a terminal of its own."""

    def __init__(self, *arguments):
        self.master, slave = pty.openpty()
        self.slave = slave
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen([HONE, *map(str, arguments)], stdin=slave, stdout=slave, stderr=subprocess.DEVNULL, start_new_session=True)
        self.seen = ""

    def wait_for(self, text, seconds=60):
        end = time.time() + seconds
        while text not in self.seen:
            check(time.time() < end, f"{text!r} did not come: {self.seen[-500:]!r}")
            if select.select([self.master], [], [], 0.1)[0]:
                self.seen += os.read(self.master, 65536).decode(errors="replace")
        self.seen = self.seen.split(text, 1)[1]

    def press(self, keys):
        os.write(self.master, keys.encode())

    def is_restored(self):
        return termios.tcgetattr(self.slave)[3] == self.before[3] and termios.tcgetattr(self.slave)[6] == self.before[6]

    def is_raw(self):
        return not termios.tcgetattr(self.slave)[3] & (termios.ICANON | termios.ECHO)


def keys_on_a_terminal(root):
    task, _ = flipped(root, "keys")
    terminal = Terminal("data", "review", task)
    terminal.wait_for("> ")
    check(terminal.is_raw(), "keys need Enter")
    terminal.press("\x1b[A")  # an arrow is no decision
    terminal.press("k")
    terminal.wait_for("> ")
    check(len(decisions(task)) == 1, "kept at once")
    terminal.press("r")
    terminal.wait_for("label? ")
    terminal.press("2")
    terminal.wait_for("> ")
    terminal.press("n")
    terminal.wait_for("note: ")
    end = time.time() + 20
    while terminal.is_raw():
        check(time.time() < end, "a note is a line")
        time.sleep(0.01)
    terminal.press("why\n")
    terminal.wait_for("> ")
    check([(d["action"], d["value"], d["note"]) for d in decisions(task)] == [("keep", "", ""), ("relabel", "food", ""), ("note", "", "why")], decisions(task))
    terminal.press("q")
    check(terminal.process.wait(20) == 0 and terminal.is_restored(), "the terminal is left raw")


def stopped_on_a_terminal(root):
    task, _ = flipped(root, "stopped")
    for how in (signal.SIGTERM, signal.SIGINT):
        terminal = Terminal("data", "review", task)
        terminal.wait_for("> ")
        terminal.press("k")
        terminal.wait_for("> ")
        terminal.process.send_signal(how)
        check(terminal.process.wait(20) == 130, f"{how}: exit code {terminal.process.returncode}")
        check(terminal.is_restored(), f"{how}: the terminal is left raw")
    check(len(decisions(task)) == 2, "what was decided before a stop is lost")


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        for law in (decisions_are_applied_and_files_stay, back_and_suggested, a_changed_row_is_reported, damaged_patch, blind_judgement_of_the_test,
                    own_test_file, outside_text_is_escaped, keys_on_a_terminal, stopped_on_a_terminal):
            law(root)
    print("data review: kept")


if __name__ == "__main__":
    main()
