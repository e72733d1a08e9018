"""Bundles written by hand, so that tests of what answers need no training: docs/schemas has no say in them, generate/bundle_files does."""
import hashlib
import json
import struct

TASK = {
    "file": "hone.toml", "name": "t", "kind": "classify", "instruction": "Is it about a or about b?", "labels": ["a", "b"], "positive": "", "abstain": False,
    "list_labels": True, "metric": "macro_f1", "target": None, "margin": 0.02,
    "data": {"train": "train.jsonl", "validation": None, "test": None, "input": "input", "output": "output", "id": "", "group": "", "source": "source"},
    "circumstances": {"requests_per_month": None, "latency_ms": None, "private": False, "changes": "rarely", "compare_price": "gpt-6-luna"},
    "model": "smollm2-135m-instruct", "seed": 1,
}
ROWS = [{"id": f"{label}{i}", "input": f"{word} number {i}", "output": label} for i in range(6) for label, word in (("a", "apple"), ("b", "banana"))]


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def write_bundle(folder, kind, files=None, **record):
    """`files`: path inside the bundle -> bytes. `record` replaces fields of bundle.json."""
    folder.mkdir(parents=True)
    hashes = {}
    for name, content in sorted((files or {}).items()):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
        hashes[name] = hashlib.sha256(content).hexdigest()
    whole = {
        "format": 1, "kind": kind, "contender": kind, "task": TASK, "base_model": "", "base_sha256": "", "shots": [], "knn_shots": 0, "neighbours": 3,
        "today": "2026-01-02", "max_prompt_tokens": 1024, "max_answer_tokens": 0, "manifest": {}, "hashes": hashes, **record,
    }
    whole["record_sha256"] = hashlib.sha256(compact(whole).encode()).hexdigest()
    (folder / "bundle.json").write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n")
    return folder


def knn_bundle(folder, **record):
    return write_bundle(folder, "knn", {"rows.jsonl": "".join(compact(r) + "\n" for r in ROWS).encode()}, **record)


def safetensors(tensors):
    """{name: (shape, floats)} as a safetensors file of f32."""
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        part = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = compact(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data
