#!/usr/bin/env python3
"""tests/golden/labels.json: metrics of lists of labels and of grades, by scikit-learn, for random answers.

    build/peers/bin/python tools/make_golden_labels.py
"""
import json
import pathlib
import random

from sklearn.metrics import cohen_kappa_score, f1_score, precision_score, recall_score
from sklearn.preprocessing import MultiLabelBinarizer

LABELS = ["billing", "card", "login", "other", "refund"]
GRADES = ["1", "2", "3", "4", "5"]


def main():
    rng = random.Random(7)
    lists = []
    for _ in range(80):
        wanted = rng.sample(LABELS, rng.choice([0, 1, 1, 2, 3]))
        answered = [label for label in wanted if rng.random() < 0.7] + [label for label in LABELS[:4] if label not in wanted and rng.random() < 0.15]
        rng.shuffle(answered)
        lists.append((answered, wanted))
    binary = MultiLabelBinarizer(classes=LABELS)
    answered, wanted = (binary.fit_transform([pair[side] for pair in lists]) for side in (0, 1))
    grades = [(g, GRADES[min(4, max(0, GRADES.index(g) + rng.choice([-2, -1, 0, 0, 0, 1, 3])))]) for g in (rng.choice(GRADES) for _ in range(90))]
    gold, given = zip(*grades)
    document = {
        "labels": LABELS,
        "lists": lists,
        "label_precision": precision_score(wanted, answered, average="micro"),
        "label_recall": recall_score(wanted, answered, average="micro"),
        "label_f1": f1_score(wanted, answered, average="micro"),
        "label_macro_f1": f1_score(wanted, answered, average="macro"),
        "exact": float((answered == wanted).all(axis=1).mean()),
        "grades": grades,
        "qwk": cohen_kappa_score(gold, given, labels=GRADES, weights="quadratic"),
        "within_one": sum(abs(int(a) - int(b)) <= 1 for a, b in grades) / len(grades),
    }
    path = pathlib.Path(__file__).resolve().parent.parent / "tests/golden/labels.json"
    path.write_text(json.dumps(document) + "\n")


if __name__ == "__main__":
    main()
