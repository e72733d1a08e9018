"""hone decide: the conclusion that solve came to, from the store alone, and again when prices, margin or target change."""
import json
import pathlib
import random
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from harness import check, hone, hone_json, make_task
from tiny_model import write_model


def rows(n):
    """Two labels that words tell apart in nine rows of ten, the other words at random."""
    rng = random.Random(3)
    common = [f"{x}{y}" for x in ("ka", "lo", "mi", "nu", "pe") for y in ("ba", "do", "gi", "ru", "te", "zo")]
    made = []
    for i in range(n):
        label = "ab"[i % 2]
        said = label if rng.random() < 0.9 else "ab"[(i + 1) % 2]
        words = rng.choices(common, k=8) + [{"a": "apple", "b": "bread"}[said]]
        rng.shuffle(words)
        made.append({"id": f"r{i}", "input": " ".join(words), "output": label})
    return made


def solved(folder):
    """A task of 460 rows, solved with a tiny model, and what solve said."""
    folder.mkdir(parents=True)
    model = write_model(folder / "tiny.gguf")
    task = make_task(folder, rows(460), f'[model]\nbase = {json.dumps(str(model))}\n')
    document = json.loads(hone("solve", task, "--json", "--budget", "60s")[0])
    return task, document


def without_headings(comparison):
    return {key: comparison[key] for key in ("a_name", "b_name", "difference", "verdict")}


with tempfile.TemporaryDirectory() as name:
    task, document = solved(pathlib.Path(name) / "task")
    decided = hone_json("decide", task)
    check([c["name"] for c in decided["contenders"]] == [c["name"] for c in document["contenders"]], decided["contenders"])
    check(decided["recommendation"] == document["recommendation"], (decided["recommendation"], document["recommendation"]))
    check(without_headings(decided["primary"]) == without_headings(document["primary"]), decided["primary"])
    check(decided["comparisons"][0]["primary"] and not decided["comparisons"][1]["primary"], decided["comparisons"])

    out, _ = hone("decide", task)
    check("Verdict: " in out and "What it costs" in out and "p95" in out, out)
    check(all(len(line) <= 80 for line in out.splitlines() if "hone prompt" not in line), out)
    check(f"hone prompt {task} --model gpt-6-luna" in " ".join(out.split()), out)

    # Nothing runs: what is decided anew rests on the same answers.
    runs = hone_json("runs", "list", task)
    prices = pathlib.Path(name) / "prices.json"
    prices.write_text(json.dumps({"checked": "2020-01-01", "api": [
        {"id": "gpt-6-luna", "input": 1000, "output": 1000, "effective_from": "2020-01-01", "checked": "2020-01-01"}]}))
    dear = hone_json("decide", task, "--prices", prices)
    notes = " ".join(dear["recommendation"]["break_even"]["notes"])
    check("days ago" in notes, notes)
    check(dear["recommendation"]["break_even"]["requests_per_month"] < decided["recommendation"]["break_even"]["requests_per_month"], dear)
    check(dear["prices"] == {"file": str(prices), "checked": "2020-01-01"}, dear["prices"])
    (task / "hone.toml").write_text((task / "hone.toml").read_text().replace("[data]", "target = 0.999\n[data]"))
    missed = hone("decide", task, "--json", code=1)[0]
    check("reaches the target" in missed or "reach the target" in missed, missed)
    check(hone_json("runs", "list", task) == runs, "hone decide has run something")

    toml = (task / "hone.toml").read_text()
    (task / "hone.toml").write_text(toml + '[circumstances]\ncompare_price = "gpt-6-lunna"\n')
    for command in (("decide", task), ("solve", task), ("data", "check", task)):
        _, error = hone(*command, code=3)
        check('did you mean "gpt-6-luna"?' in error and "hone.toml" in error, error)
    (task / "hone.toml").write_text(toml)

    empty = make_task(pathlib.Path(name) / "empty", rows(40))
    _, error = hone("decide", empty, code=3)
    check(f"hone solve {empty}" in error, error)
    hone("decide", task, "--prices", pathlib.Path(name) / "none.json", code=3)
