"""Every form goes out and comes back: the same cases, whatever they hold. Peers of other programs agree."""
import csv
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from harness import SOURCE, check, hone, hone_json

TEXTS = ["plain", "two\nlines, and \"quotes\"", "Why is it pending?", "é 你好 😀", "a;b\tc", "x\r\ny", "{\"a\": [1, 2.50]}", "ends with \\", "_x0041_ & <b>", "0012", "tab\tand\x0bvertical"]
FORMULAS = ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-x"]
FORMS = ["csv", "tsv", "jsonl", "json", "xlsx", "openai-chat", "sharegpt", "alpaca", "prompt-completion"]
ENDINGS = {name: ".jsonl" for name in FORMS} | {name: "." + name for name in ("csv", "tsv", "json", "xlsx")}


def rows_of(path):
    return [json.loads(line) for line in path.read_text().splitlines() if line]


def cases(path):
    return [(row["input"], row["output"]) for row in rows_of(path)]


def round_trips(root):
    texts = TEXTS + FORMULAS
    rows = [{"input": text, "output": f"{texts[-1 - i]}"} for i, text in enumerate(texts)]
    source = root / "rows.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for form in FORMS:
        out = root / f"out_{form}{ENDINGS[form]}"
        said = hone_json("data", "export", source, "--out", out, "--format", form)
        back = root / f"back_{form}.jsonl"
        report = hone_json("data", "import", out, "--out", back)
        check(said["rows"] == report["rows"] == len(rows) and report["rejected"] is None, f"{form}: {said} {report}")
        wanted = [(row["input"], row["output"]) for row in rows]
        if form in ("csv", "tsv"):
            check(said["escaped"] == 2 * len(FORMULAS), said)
            escaped = [tuple("'" + text if text in FORMULAS else text for text in case) for case in wanted]
            check(cases(back) == escaped, f"{form}: {cases(back)}")
            with out.open(newline="") as file:
                read = list(csv.reader(file, delimiter="\t" if form == "tsv" else ","))
            check([tuple(line) for line in read[1:]] == escaped, f"{form}: Python reads {read[:3]}")
        else:
            check(cases(back) == wanted, f"{form}: {[pair for pair in zip(cases(back), wanted) if pair[0] != pair[1]]}")
        if form in ("openai-chat", "sharegpt"):
            check(report["format"] == form, report)


def columns(root):
    table = root / "mail.csv"
    table.write_text('nr,subject,body,tags,grade,team\n1,Refund,"Where is it?",billing; urgent ;billing,4,a\n2,,Hello,,2,b\n3,Hi,"",spam,,c\n')
    out = root / "mail.jsonl"
    report = hone_json("data", "import", table, "--out", out, "--input", "{subject}\\n{body}", "--output", "tags", "--split-labels", ";", "--id", "nr", "--labels-by", "people")
    check(rows_of(out) == [
        {"input": "Refund\nWhere is it?", "output": ["billing", "urgent"], "id": "1", "labels_by": "people"},
        {"input": "Hi", "output": ["spam"], "id": "3", "labels_by": "people"},
    ], rows_of(out))
    check(report["reasons"] == {"empty": 1} and rows_of(root / "mail.rejected.jsonl")[0]["line"] == 3, report)
    hone_json("data", "import", table, "--out", out, "--input", "subject", "--input", "body", "--output", "grade", "--output", "team")
    check([row["output"] for row in rows_of(out)] == [{"grade": "4", "team": "a"}, {"grade": "2", "team": "b"}, {"grade": None, "team": "c"}], rows_of(out))
    check(not (root / "mail.rejected.jsonl").exists(), "the rejected rows of an import before this one are gone")
    before = out.read_bytes()
    message = hone("data", "import", table, "--out", out, "--input", "sujbect", "--output", "team", code=3)[1]
    check('did you mean "subject"' in message and out.read_bytes() == before, message)
    check("--out" in hone("data", "import", table, "--out", table, code=2)[1], "never over its own source")
    check("did you mean" in hone("data", "import", table, "--out", out, "--format", "cvs", code=2)[1], "a form misspelt")


def direct(root):
    """A task may name its files in these forms: `init` and `data check` read them as they are."""
    labels = ["refund", "card", "login"]
    made = [{"input": f"case {i} about {labels[i % 3]}", "output": labels[i % 3]} for i in range(60)]
    source = root / "cases.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in made))
    for form in FORMS:
        folder = root / f"task_{form}"
        folder.mkdir()
        hone("data", "export", source, "--out", folder / f"cases{ENDINGS[form]}", "--format", form)
        hone("init", folder / f"cases{ENDINGS[form]}")
        checked = hone_json("data", "check", folder)
        sides = checked["rows"]
        check(sides["rejected"] == 0 and sides["train"] + sides["validation"] + sides["test"] + sides["set_aside"] == len(made), f"{form}: {sides}")


def idea(root):
    """Without data there is a task file, ten cases to write and a verdict; written cases are then rows."""
    folder = root / "idea"
    made = hone_json("init", "--idea", "Sort support mails by urgency", "--folder", folder)
    check(made["verdict"] == "prompt for now" and len(made["would_change"]) >= 2, made)
    cases_file = folder / "cases.csv"
    with cases_file.open(newline="") as file:
        written = [{**row, "input": f"mail {i}", "output": "yes" if i % 2 else "no"} for i, row in enumerate(csv.DictReader(file))]
    check(len(written) == 10, written)
    check(hone_json("data", "check", folder)["rows"]["rejected"] == 10, "cases not yet written are no rows")
    with cases_file.open("w", newline="") as file:
        table = csv.DictWriter(file, written[0].keys())
        table.writeheader()
        table.writerows(written)
    check(hone_json("data", "check", folder)["rows"]["rejected"] == 0, "ten cases")
    check("--force" in hone("init", "--idea", "again", "--folder", folder, code=2)[1], "written cases are not written over")
    check("--idea" in hone("init", code=2)[1], "neither a file nor an idea")


def banking(root):
    table = SOURCE.parent / "shared/data/banking77/train.csv"
    if not table.exists():
        print("no shared data: Banking77 is not tried")
        return
    out, back, again = root / "bank.jsonl", root / "bank.xlsx", root / "bank2.jsonl"
    hone("data", "import", table, "--out", out)
    hone("data", "export", out, "--out", back)
    hone("data", "import", back, "--out", again)
    check(out.read_bytes() == again.read_bytes(), "Banking77 through XLSX")
    with table.open(newline="", encoding="utf-8-sig") as file:
        check(cases(out) == [(row["text"], row["category"]) for row in csv.DictReader(file)], "Banking77 as Python reads it")


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        round_trips(root)
        columns(root)
        direct(root)
        idea(root)
        banking(root)
    print("import and export: the same cases")


if __name__ == "__main__":
    main()
