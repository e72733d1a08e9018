#!/usr/bin/env python3
"""Writes tests/golden/eval.json: what scikit-learn, scipy, numpy and sacrebleu say of made-up answers.

Needs: pip install scikit-learn scipy numpy sacrebleu
"""
import json
import pathlib
import random

import numpy
import sacrebleu
import scipy.stats
import sklearn.metrics

draw = random.Random(7)


def classification(name, labels, gold_weights, right_share, n, extra=()):
    """Random gold labels and answers; `extra` are answers that are no class."""
    gold = draw.choices(labels, gold_weights, k=n)
    answers = [g if draw.random() < right_share else draw.choice(list(labels) + list(extra)) for g in gold]
    outside = sorted(set(answers) - set(labels))
    known = [label for label in labels if label in gold or label in answers]
    merged = ["?" if a in outside else a for a in answers]
    return {
        "name": name, "labels": labels, "gold": gold, "answers": answers,
        "accuracy": sklearn.metrics.accuracy_score(gold, answers),
        "macro_f1": sklearn.metrics.f1_score(gold, answers, labels=known, average="macro", zero_division=0),
        "mcc": sklearn.metrics.matthews_corrcoef(gold, merged),
        "precision": list(sklearn.metrics.precision_score(gold, answers, labels=labels, average=None, zero_division=0)),
        "recall": list(sklearn.metrics.recall_score(gold, answers, labels=labels, average=None, zero_division=0)),
    }


def bootstrap():
    """Percentile interval of a paired macro-F1 difference, resampled by group in numpy."""
    rng = numpy.random.default_rng(3)
    n, groups = 240, 120
    group = rng.integers(0, groups, n)
    gold = rng.integers(0, 2, n)
    a = numpy.where(rng.random(n) < .88, gold, 1 - gold)
    b = numpy.where(rng.random(n) < .80, gold, 1 - gold)
    members = [numpy.flatnonzero(group == g) for g in numpy.unique(group)]

    def f1(gold, answer):
        return sklearn.metrics.f1_score(gold, answer, average="macro", zero_division=0)

    samples = []
    for _ in range(4000):
        rows = numpy.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
        samples.append(f1(gold[rows], a[rows]) - f1(gold[rows], b[rows]))
    return {"group": group.tolist(), "gold": gold.tolist(), "a": a.tolist(), "b": b.tolist(),
            "difference": f1(gold, a) - f1(gold, b), "low": numpy.percentile(samples, 2.5),
            "high": numpy.percentile(samples, 97.5)}


def chrf():
    pairs = [("the cat sat on the mat", "the cat is on the mat"), ("", "something"), ("abc", "abc"), ("x", "yz"),
             ("Straße über den Fluß", "Strasse über dem Fluss"), ("日本語の文章", "日本語の文"), ("a\u00a0b\u3000c", "abc"),
             ("🙂🙃 ok", "🙂 ok"), ("long " * 40, "long " * 30 + "tail"), ("ab", "abcdefgh"), ("abcdefgh", "ab")]
    metric = sacrebleu.metrics.CHRF()
    return {"pairs": pairs,
            "rows": [metric.sentence_score(h, [r]).score / 100 for h, r in pairs],
            "corpus": metric.corpus_score([h for h, _ in pairs], [[r for _, r in pairs]]).score / 100}


golden = {
    "classification": [
        classification("balanced", ["malicious", "benign"], [1, 1], .9, 80),
        classification("imbalanced", ["a", "b", "c"], [8, 2, 1], .6, 60),
        classification("absent classes", ["a", "b", "c", "d", "e"], [5, 5, 0, 0, 1], .8, 40),
        classification("answers outside", ["a", "b", "c"], [1, 1, 1], .5, 50, extra=["abstain", "neither"]),
    ],
    "wilson": [[k, n, *scipy.stats.binomtest(k, n).proportion_ci(method="wilson")]
               for k, n in [(0, 1), (1, 1), (0, 300), (94, 100), (2999, 3000), (296, 339), (1, 50)]],
    "mcnemar": [[b, c, scipy.stats.binomtest(min(b, c), b + c, .5).pvalue if b + c else 1.0]
                for b, c in [(0, 0), (6, 0), (8, 1), (4, 0), (10, 10), (40, 12), (600, 400), (60000, 61000), (900, 100)]],
    "percentiles": {"values": [5.0, 1.0, 9.5, 2.5, 7.0, 3.0, 8.0],
                    "p50": numpy.percentile([5.0, 1.0, 9.5, 2.5, 7.0, 3.0, 8.0], 50),
                    "p95": numpy.percentile([5.0, 1.0, 9.5, 2.5, 7.0, 3.0, 8.0], 95)},
    "bootstrap": bootstrap(),
    "chrf": chrf(),
}
target = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "eval.json"
target.write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")) + "\n")
print(target, target.stat().st_size, "bytes")
