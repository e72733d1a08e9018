"""hone bench: says what a machine does with a task, compares int8's answers with f32's, records nothing."""
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tiny_model
from harness import check, hone, hone_json, make_task


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
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
        check(tuned["model"] == trained["run"] and len(tuned["figures"]) == 2, tuned)
        message = hone("bench", task, "--model", "nothing-here", code=3)[1]
        check("nothing-here" in message, message)
    print("bench: says what it measured")


if __name__ == "__main__":
    main()
