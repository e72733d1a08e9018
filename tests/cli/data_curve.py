"""Laws of `hone data curve`: it foretells from what is there, says whether more rows help, and leaves the folder as it is."""
import pathlib
import random
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from harness import check, hone, hone_json, make_task

LABELS = "ab"


def noisy_rows(count, wrong, seed=1):
    """Each label has 60 words of its own; a share `wrong` of the labels is drawn by chance."""
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        label = rng.choice(LABELS)
        words = [f"{label}{rng.randrange(60)}" if rng.random() < 0.3 else f"c{rng.randrange(300)}" for _ in range(9)]
        rows.append({"input": " ".join(words), "output": rng.choice(LABELS) if rng.random() < wrong else label})
    return rows


def more_rows(root):
    task = make_task(root / "clean", noisy_rows(700, 0), metric="accuracy")
    before = sorted(p.name for p in task.rglob("*"))
    report = hone_json("data", "curve", task)
    check(sorted(p.name for p in task.rglob("*")) == before, "data curve left a file")
    check([p["repetitions"] for p in report["points"]] == [5, 4, 3, 3, 2, 1], report["points"])
    check(report["points"][-1]["rows"] == report["train_rows"] and report["at_rows"]["rows"] == 2 * report["train_rows"], report)
    check(report["points"][0]["score"] < report["full_score"], report["points"])
    check(report["at_rows"]["low"] <= report["at_rows"]["value"] <= report["at_rows"]["high"], report["at_rows"])
    check(hone_json("data", "curve", task) == report, "not the same twice")
    check(hone_json("data", "curve", task, "--target", 0.5)["verdict"] == "target reached", "a target that is reached")


def no_use(root):
    task = make_task(root / "noise", noisy_rows(700, 1), metric="accuracy")
    report = hone_json("data", "curve", task, "--target", 0.95)
    check(report["verdict"] == "more rows won't help" and report["rows_for_target"]["at_best"] is None, report)
    shown = hone("data", "curve", task, "--target", 0.95)[0]
    check("More rows won't help" in shown and all(len(line) <= 80 for line in shown.splitlines()), shown)


def refused(root):
    check("too few for a learning curve" in hone("data", "curve", make_task(root / "few", noisy_rows(30, 0)), code=3)[1], "taken")


def main():
    with tempfile.TemporaryDirectory() as name:
        for law in (more_rows, no_use, refused):
            law(pathlib.Path(name))
    print("data curve: kept")


if __name__ == "__main__":
    main()
