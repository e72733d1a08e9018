"""--precision: a base kept in any form trains, answers and is said so in what is recorded; --plan says what a training takes."""
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tiny_model
from harness import check, hone, hone_json, make_task

PRECISIONS = ["f32", "bf16", "int8", "int8-weights", "nf4", "nf4-double", "as-is"]


def tiny_task(root, model):
    rows = [{"input": f"{'all that is old' if i % 2 else 'and what is new'} {i}", "output": "ab"[i % 2]} for i in range(60)]
    return make_task(root / "task", rows, extra=f'[model]\nbase = "{model}"\n')


def plans(task):
    weights = {}
    for precision in PRECISIONS:
        plan = hone_json("train", task, "--plan", "--precision", precision)["plan"]
        memory = plan["memory_bytes"]
        check(plan["precision"] == precision and memory["total"] < memory["available"], plan)
        check(memory["total"] == sum(memory[part] for part in ("weights", "adapter", "activations", "program")), plan)
        weights[precision] = memory["weights"]
    check(weights["nf4-double"] < weights["nf4"] < weights["int8-weights"] < weights["f32"], weights)
    check(weights["bf16"] < 0.6 * weights["f32"] and weights["as-is"] == weights["f32"], weights)
    check(hone_json("runs", "list", task) == [], "a plan is no run")
    text = hone("train", task, "--plan")[0]
    check("weights" in text and "activations" in text and "time: about" in text, text)
    check(max(map(len, text.splitlines())) <= 80, text)


def trains(task, precision):
    trained = hone_json("train", task, "--epochs", "1", "--rank", "4", "--precision", precision)
    manifest = hone_json("runs", "show", trained["run"], "--task", task)["manifest"]
    check(manifest["base"].get("precision", "f32") == precision, manifest["base"])
    scored = hone_json("eval", trained["run"], "--task", task, "--data", task / "train.jsonl")
    check(scored["metrics"], scored)
    other = "int8-weights" if precision != "int8-weights" else "nf4"
    message = hone("eval", trained["run"], "--task", task, "--data", task / "train.jsonl", "--precision", other, code=2)[1]
    check(f"its base in {precision}" in message, message)
    return hone_json("ask", trained["run"], "all that is old", "--task", task)["label_probabilities"]


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        model = tiny_model.write_folder(root / "model")
        task = tiny_task(root, model)
        plans(task)
        answers = {precision: trains(task, precision) for precision in ("f32", "nf4", "bf16", "int8")}
        check(answers["f32"] != answers["nf4"], "four bits answer otherwise than f32")
        bare = [hone_json("ask", model, "all that is old", "--task", task, "--precision", p)["label_probabilities"] for p in ("f32", "as-is", "int8-weights", "int8")]
        check(bare[0] == bare[1] and len({str(b) for b in bare}) == 3, bare)
        scored = hone_json("eval", model, "--task", task, "--data", task / "train.jsonl", "--precision", "nf4")
        again = hone("reproduce", scored["run"], "--task", task)[0]
        check("bit for bit" in again, again)
        message = hone("train", task, "--precision", "fp4", code=2)[1]
        check("nf4-double" in message, message)
    print("precision: kept")


if __name__ == "__main__":
    main()
