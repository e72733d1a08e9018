"""Broken files, over forty: each gives a message with its line (its row in a spreadsheet), none a crash, none unbounded memory."""
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from harness import HONE, check

GOOD = '{"input": "fine", "output": "x"}\n'
MOST_BYTES = 512 << 20  # of address space: less than a bomb unpacks to

CONTENT = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
BOOK = '<workbook xmlns:r="R"><sheets><sheet name="rows" sheetId="1" r:id="rId1"/></sheets></workbook>'
RELATIONS = '<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>'
HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>input</t></is></c><c r="B1" t="inlineStr"><is><t>output</t></is></c></row>'


def cell(place, text):
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def row(number, *cells):
    return f'<row r="{number}">' + "".join(cells) + "</row>"


FINE = row(2, cell("A2", "fine"), cell("B2", "x"))


def xlsx(path, sheet=None, drop=(), **members):
    """A workbook of one sheet; `sheet` stands inside its sheetData, or is a whole XML file."""
    whole = sheet if sheet is None or sheet.startswith("<?") else f"<worksheet><sheetData>{sheet}</sheetData></worksheet>"
    files = {"[Content_Types].xml": CONTENT, "xl/workbook.xml": BOOK, "xl/_rels/workbook.xml.rels": RELATIONS, "xl/worksheets/sheet1.xml": whole}
    files |= {name.replace("__", "/") + ".xml": text for name, text in members.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            if text is not None and name not in drop:
                archive.writestr(name, text)


def bomb(path, unit, head="", tail=""):
    """A sheet of 600 MiB of one thing, packed to a few MiB."""
    xlsx(path, drop=("xl/worksheets/sheet1.xml",))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as out:
        out.write(("<worksheet><sheetData>" + HEADER + head).encode())
        block = unit.encode() * ((1 << 20) // len(unit))
        for _ in range(600):
            out.write(block)
        out.write((tail + "</sheetData></worksheet>").encode())


def cut(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


# name, bytes, exit code, what the message (or the list of rejected rows) says, the line it names
TEXTS = [
    ("open_quote.csv", b'input,output\nfine,x\n"never closed,y\n', 0, "never closed", 3),
    ("text_after_quote.csv", b'input,output\n"a" b,y\nfine,x\n', 0, "after the closing quote", 2),
    ("ragged.csv", b"input,output\nfine,x\na,b,c\n", 0, "3 fields", 3),
    ("short.csv", b"input,output\nfine,x\na\n", 0, "1 fields", 3),
    ("nul.csv", b"input,output\nfine,x\na\0b,y\n", 0, "NUL", 3),
    ("latin1.csv", b"input,output\nfine,x\ncaf\xe9,y\n", 0, "not UTF-8", 3),
    ("utf16.csv", "input,output\nfine,x\n".encode("utf-16"), 3, "UTF-16", None),
    ("bom_and_empty.csv", b"\xef\xbb\xbfinput,output\nfine,x\n,y\n", 0, "empty", 3),
    ("empty.csv", b"", 3, "empty", None),
    ("header_only.csv", b"input,output\n", 3, "expected two columns", None),
    ("twice_named.csv", b"input,output,input\na,b,c\n", 3, "two columns are named", 1),
    ("bad_header.csv", b"input,out\xffput\na,b\n", 3, "not UTF-8", 1),
    ("many_columns.csv", b",".join(b"c%d" % i for i in range(20_000)) + b"\n", 3, "20000 columns", 1),
    ("long_line.csv", b"input,output\nfine,x\n" + b"y" * 50_000_000 + b",z\n", 0, "refused", 3),
    ("long_quote.csv", b'input,output\nfine,x\n"' + b"y" * 3_000_000, 0, "never closed", 3),
    ("utf16.tsv", "input\toutput\nfine\tx\n".encode("utf-16-le"), 3, "NUL", 1),
    ("cut.jsonl", (GOOD + '{"input": "cut').encode(), 0, "not valid JSON", 2),
    ("long_line.jsonl", GOOD.encode() + b'{"input": "' + b"y" * 50_000_000 + b'", "output": "x"}\n', 0, "refused", 2),
    ("long_text.jsonl", GOOD.encode() + b'{"input": "' + b"y" * 2_000_000 + b'", "output": "x"}\n', 0, "2000000 bytes", 2),
    ("deep.jsonl", GOOD.encode() + b'{"input": ' + b"[" * 100_000 + b"]" * 100_000 + b', "output": "x"}\n', 0, "nested deeper", 2),
    ("duplicate.jsonl", (GOOD + '{"input": "a", "input": "b", "output": "x"}\n').encode(), 0, "twice", 2),
    ("deep_duplicate.jsonl", (GOOD + '{"input": {"a": 1, "a": 2}, "output": "x"}\n').encode(), 0, "twice", 2),
    ("nan.jsonl", (GOOD + '{"input": NaN, "output": "x"}\n').encode(), 0, "not valid JSON", 2),
    ("infinity.jsonl", (GOOD + '{"input": 1e999, "output": "x"}\n').encode(), 0, "not valid JSON", 2),
    ("nul.jsonl", (GOOD + '{"input": "a\\u0000b", "output": "x"}\n').encode(), 0, "NUL", 2),
    ("surrogate.jsonl", (GOOD + '{"input": "\\ud800", "output": "x"}\n').encode(), 0, "not valid JSON", 2),
    ("latin1.jsonl", GOOD.encode() + b'{"input": "caf\xe9", "output": "x"}\n', 0, "not UTF-8", 2),
    ("scalar.jsonl", (GOOD + "17\n").encode(), 0, "expected a JSON object", 2),
    ("many_keys.jsonl", (GOOD + json.dumps({f"k{i}": i for i in range(200_000)}) + "\n").encode(), 0, "missing", 2),
    ("no_answer.jsonl", b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n{"messages": [{"role": "user", "content": "a"}]}\n', 0, "no answer", 2),
    ("bad_turn.jsonl", b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n{"messages": [{"role": 7}]}\n', 0, "role", 2),
    ("cut.json", ('[\n{"input": "fine", "output": "x"},\n{"input": "cut').encode(), 0, "the file ends inside this row", 3),
    ("no_comma.json", ('[\n{"input": "fine", "output": "x"}\n{"input": "b", "output": "x"}]').encode(), 0, "comma", 3),
    ("uneven.json", b'{"input": ["fine", "b"],\n"output": ["x"]}', 0, "ends here", 2),
    ("two_lists.json", b'{"train": [{"a": 1}], "test": [{"a": 1}]}', 3, "train, test", None),
    ("scalar.json", b"\n17", 3, "expected a JSON array", 2),
    ("deep.json", b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 3, "no rows found", 1),
    ("aliases.yaml", b"a: &a [x, x, x, x, x, x, x, x, x, x]\n" + b"".join(b"%c: &%c [%s]\n" % (c, c, b", ".join([b"*%c" % (c - 1)] * 10)) for c in range(ord("b"), ord("j"))), 3, "values", None),
    ("broken.yaml", b"tests:\n  - vars: {a: 1\n  - [\n", 3, "not valid YAML", 3),
    ("no_answer.yaml", b"tests:\n- vars: {a: b}\n  assert: [{type: equals, value: x}]\n- vars: {a: b}\n", 0, "no assert", 4),
]

SHEETS = [
    ("no_zip.xlsx", lambda p: p.write_bytes(b"PK\3\4 no zip"), 3, "zip", None),
    ("cut.xlsx", lambda p: (xlsx(p, HEADER + FINE), cut(p, 0.5)), 3, "zip", None),
    ("no_book.xlsx", lambda p: xlsx(p, HEADER, drop=("xl/workbook.xml",)), 3, "xl/workbook.xml", None),
    ("no_sheet.xlsx", lambda p: xlsx(p, None), 3, "sheet1.xml", None),
    ("broken_xml.xlsx", lambda p: xlsx(p, HEADER + FINE + "\n<row><c></row>"), 3, "line 2 of the XML", None),
    ("document_type.xlsx", lambda p: xlsx(p, '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><worksheet/>'), 3, "document type", None),
    ("error_cell.xlsx", lambda p: xlsx(p, HEADER + FINE + row(3, '<c r="A3" t="e"><v>#N/A</v></c>', cell("B3", "x"))), 0, "A3 holds the error #N/A", 3),
    ("no_text.xlsx", lambda p: xlsx(p, HEADER + FINE + row(7, '<c r="A7" t="s"><v>9</v></c>', cell("B7", "x"))), 0, "refers to a text", 7),
    ("beside.xlsx", lambda p: xlsx(p, HEADER + FINE + row(3, cell("A3", "a"), cell("B3", "b"), cell("D3", "c"))), 0, "D3 stands in a column", 3),
    ("no_number.xlsx", lambda p: xlsx(p, HEADER + FINE + row(3, '<c r="A3"><v>1x</v></c>')), 0, "no number", 3),
    ("many_rows.xlsx", lambda p: xlsx(p, HEADER + FINE + row(2_000_000, cell("A2000000", "a"))), 0, "at most 1048576 rows", 2_000_000),
    ("row_bomb.xlsx", lambda p: bomb(p, "<row/>"), 3, "at most 1048576 rows", 1_048_577),
    ("text_bomb.xlsx", lambda p: bomb(p, "y", '<row r="2"><c r="A2" t="inlineStr"><is><t>', "</t></is></c></row>"), 3, "no honest file", None),
    ("tag_bomb.xlsx", lambda p: bomb(p, "y", '<row r="2" y="', '"/>'), 3, "tag of over 1 MiB", None),
    ("depth_bomb.xlsx", lambda p: bomb(p, "<a>"), 3, "nested too deep", None),
]


def limited():
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))


def run(file, code, said, line):
    out = file.with_name(file.name + ".out.jsonl")
    done = subprocess.run([HONE, "data", "import", str(file), "--out", str(out)], capture_output=True, text=True, timeout=300, preexec_fn=limited)
    message = done.stdout + done.stderr
    check(done.returncode == code, f"{file.name}: exit code {done.returncode}, expected {code}: {message[:400]}")
    rejected = out.with_suffix(".rejected.jsonl")
    told = " ".join(message.split()) if code else rejected.read_text()
    check(said in told, f"{file.name}: expected \"{said}\": {told[:400]}")
    if code == 0:
        lines = [json.loads(text) for text in told.splitlines()]
        check([one["line"] for one in lines] == [line] * len(lines) and lines, f"{file.name}: {[one['line'] for one in lines][:5]}, expected {line}")
        check(f"line {line}:" in " ".join(message.split()), f"{file.name}: {message[:400]}")
        check(len(out.read_text().splitlines()) >= 1, f"{file.name}: the good rows are kept")
        check(len(told) < 1_000_000, f"{file.name}: {len(told)} bytes of rejected rows")
    else:
        check(line is None or f":{line}:" in message or f"line {line}:" in message, f"{file.name}: no line {line}: {message[:400]}")
        check(not out.exists(), f"{file.name}: nothing is written")
    check(all(len(text) <= 400 for text in message.splitlines()), f"{file.name}: a message of {max(map(len, message.splitlines()))} columns")


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        wrong = []
        files = [(name, lambda path, content=content: path.write_bytes(content), *rest) for name, content, *rest in TEXTS] + SHEETS
        for name, make, code, said, line in files:
            make(root / name)
            try:
                run(root / name, code, said, line)
            except AssertionError as error:
                wrong.append(str(error))
        check(not wrong, "\n".join(wrong))
    print(f"{len(TEXTS) + len(SHEETS)} broken files: a message each")


if __name__ == "__main__":
    main()
