"""hone bench: says what a machine does with a task, compares int8's answers with f32's, and keeps what a fine-tuned model showed."""
import json
import os
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tiny_model
from harness import check, hone, hone_json, make_task


def check_gate(task, run):
    """ask takes int8 for a fine-tuned model once the gate has passed, says so, and never when told the precision."""
    gate, = pathlib.Path(os.environ["XDG_CACHE_HOME"], "hone", "gates").glob("*.json")
    ask = ("ask", run, "all that is old 3", "--task", task)
    exact = hone(*ask)
    check("int8" not in exact[1], "ten rows are too few to go by")
    kept = json.loads(gate.read_text())
    gate.write_text(json.dumps(kept | {"rows": 500, "differing": 1}))
    check("int8" in hone(*ask)[1], "500 rows are enough")
    check("int8" not in hone(*ask, "--precision", "f32")[1], "f32 was asked for")
    check("int8" not in hone(*ask, "--raw")[1], "raw text was never compared")
    gate.write_text(json.dumps(kept | {"rows": -5, "differing": 0}))
    check("int8" not in hone(*ask)[1], "a negative number of rows is no evidence")
    gate.write_text(json.dumps(kept | {"rows": 500, "differing": 9}))
    check("int8" not in hone(*ask)[1], "9 of 500 are too many")
    gate.write_text("{")
    check(hone(*ask) == exact, "a broken file is no evidence")


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        os.environ["XDG_CACHE_HOME"] = str(root / "cache")
        model = tiny_model.write_folder(root / "model")
        rows = [{"input": f"{'all that is old' if i % 2 else 'and what is new'} {i}", "output": "ab"[i % 2]} for i in range(60)]
        task = make_task(root / "task", rows, extra=f'[model]\nbase = "{model}"\n')
        document = hone_json("bench", task, "--rows", "30")
        check([f["precision"] for f in document["figures"]] == ["f32", "int8"], document)
        for figures in document["figures"]:
            check(figures["requests_per_second"] > 0 and figures["train_rows_per_second"] > 0, figures)
            check(0 < figures["latency_ms"]["p50"] <= figures["latency_ms"]["p90"], figures)
        check(document["figures"][0]["agreement"]["differing"] == 0, "f32 agrees with itself")
        check(not document["figures"][0]["agreement"]["passed"], "30 rows are too few to be sure")
        check(hone_json("runs", "list", task) == [], "a bench is no run")
        text = hone("bench", task, "--rows", "10")[0]
        check("int8" in text and max(map(len, text.splitlines())) <= 80, text)

        trained = hone_json("train", task, "--epochs", "1", "--rank", "4")
        tuned = hone_json("bench", task, "--rows", "10", "--model", trained["run"])
        check(tuned["model"] == trained["run"] and len(tuned["figures"]) == 2 and tuned["kept"], tuned)
        check(not document["kept"], "a bare model's figures are not kept")
        check_gate(task, trained["run"])
        message = hone("bench", task, "--model", "nothing-here", code=3)[1]
        check("nothing-here" in message, message)
    print("bench: says what it measured")


if __name__ == "__main__":
    main()
