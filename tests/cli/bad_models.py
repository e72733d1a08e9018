"""Model files that are cut, lie about their sizes, were changed or are something else: named, exit code 3, never a crash, no memory taken."""
import pathlib
import random
import resource
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tiny_model
from harness import HONE, MODEL, check, hone, hone_json, hone_rows

HUGE = (1 << 60, (1 << 64) - 1, 1 << 33)


def refuses(command, *said):
    """Exit code 3 and one message that says these; at most 4 GB of address space, so that a size believed is seen."""
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))  # noqa: E731
    done = subprocess.run([HONE, *map(str, command)], capture_output=True, input=b"", preexec_fn=limit)
    message = done.stderr.decode()
    check(done.returncode == 3 and done.stdout == b"", f"{command}: exit code {done.returncode}: {message}")
    for part in said:
        check(str(part) in message, f"{command}: {part!r} is not in: {message}")


def cut_gguf(root, whole):
    file = root / "cut.gguf"
    for share in (0, 1, 3, 4, 8, 20, 24, 200, len(whole) // 20, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:share])
        refuses(("models", "show", file), "cut.gguf")
        refuses(("ask", file, "x", "--raw"), "cut.gguf")


def lying_gguf(root):
    file = root / "lies.gguf"
    tokens, size = tiny_model.vocabulary()
    kind = tiny_model.field("general.architecture", tiny_model.STRING, "llama")
    tensor = tiny_model.string("token_embd.weight")
    for n in HUGE:
        q = struct.pack("<Q", n)
        for name, content in {
            "tensors": b"GGUF" + struct.pack("<I", 3) + q + struct.pack("<Q", 0),
            "keys": b"GGUF" + struct.pack("<IQ", 3, 0) + q,
            "a key's length": b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + q + b"x" * 64,
            "a string's length": b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + tiny_model.string("k") + struct.pack("<I", 8) + q + b"x" * 64,
            "an array's length": b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + tiny_model.string("k") + struct.pack("<II", 9, 5) + q + b"x" * 64,
            "a tensor's shape": b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + kind + tensor + struct.pack("<I", 2) + q + struct.pack("<QIQ", 32, 0, 0) + b"\0" * 64,
            "a tensor's place": b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + kind + tensor + struct.pack("<IQQI", 2, 32, 4, 0) + q + b"\0" * 64,
        }.items():
            file.write_bytes(content)
            refuses(("models", "show", file), "lies.gguf")
            refuses(("tokenize", file), "lies.gguf")
    file.write_bytes(b"GGUF" + struct.pack("<IQQ", 99, 0, 0))
    refuses(("models", "show", file), "lies.gguf", "99")
    tiny_model.write_gguf(file, [tiny_model.field("general.architecture", tiny_model.STRING, "mamba"), *tokens], {})
    refuses(("models", "show", file), "mamba")


def changed_bytes(root, whole):
    """Any byte changed: an answer or a refusal, never a signal."""
    rng = random.Random(1)
    file = root / "changed.gguf"
    header = whole.index(b"token_embd.weight") + 2000
    for _ in range(40):
        content = bytearray(whole)
        for _ in range(rng.choice((1, 4))):
            content[rng.randrange(header)] = rng.randrange(256)
        file.write_bytes(bytes(content))
        done = subprocess.run([HONE, "ask", file, "hello", "--max-tokens", "2"], capture_output=True)
        check(done.returncode in (0, 3), f"exit code {done.returncode}: {done.stderr[:300]}")


def bad_folders(root):
    good = tiny_model.write_folder(root / "folder")
    weights = (good / "model.safetensors").read_bytes()
    tokenizer = (good / "tokenizer.json").read_bytes()

    def damaged(name, content):
        kept = (good / name).read_bytes()
        (good / name).write_bytes(content)
        refuses(("models", "show", good), good / name)
        (good / name).write_bytes(kept)

    for n in HUGE + (len(weights),):
        damaged("model.safetensors", struct.pack("<Q", n) + weights[8:])
    for content in (b"", weights[:7], weights[: len(weights) // 2], struct.pack("<Q", 4) + b"null", struct.pack("<Q", 9) + b'{"a": 12}', weights[:8] + b"[" * 4000 + weights[4008:]):
        damaged("model.safetensors", content)
    for content in (b"", b"{", b"[]", b"\xff", b'{"model_type": "llama"}', b"[" * 100_000):
        damaged("config.json", content)
    for content in (b"", tokenizer[: len(tokenizer) // 2], b"{}", b"7"):
        damaged("tokenizer.json", content)
    check(hone_json("models", "show", good)["layers"] == tiny_model.LAYERS, "the folder is whole again")
    (good / "model.safetensors").unlink()
    refuses(("models", "show", good), good)
    check(hone_rows("tokenize", good, text="hello\n"), "a folder without weights still has its tokenizer")


def something_else(root):
    (root / "text.gguf").write_text("this is no model\n" * 100)
    (root / "empty").mkdir()
    refuses(("models", "show", root / "text.gguf"), "text.gguf", "GGUF")
    refuses(("models", "show", root / "empty"), "config.json")
    refuses(("tokenize", "/dev/null"), "/dev/null")
    vocabulary = tiny_model.write_vocabulary(root / "vocabulary.gguf")
    check(hone_rows("tokenize", vocabulary, text="hello the\n") == hone_rows("tokenize", tiny_model.write_model(root / "tiny.gguf"), text="hello the\n"), "a vocabulary alone tokenizes")
    refuses(("ask", vocabulary, "x"), "vocabulary")


def wrong_hash(root):
    """A cached file of the right size that is not the pinned one is named with both hashes, and how to fetch it again."""
    entry = next(m for m in hone_json("models", "list", env={"XDG_CACHE_HOME": str(root)}) if m["name"] == MODEL)
    path = pathlib.Path(entry["path"])
    check(not entry["cached"] and str(path).startswith(str(root)), entry)
    env = {"XDG_CACHE_HOME": str(root)}
    message = hone("tokenize", MODEL, code=4, env=env, text="x\n")[1]
    check(f"hone models pull {MODEL}" in message, message)
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(entry["bytes"])  # a hole: nothing is written
    message = hone("tokenize", MODEL, code=3, env=env, text="x\n")[1]
    check(entry["sha256"] in message and str(path) in message and f"hone models pull {MODEL}" in message, message)


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        whole = tiny_model.write_model(root / "whole.gguf").read_bytes()
        cut_gguf(root, whole)
        lying_gguf(root)
        changed_bytes(root, whole)
        bad_folders(root)
        something_else(root)
        wrong_hash(root)
    print("bad models: kept")


if __name__ == "__main__":
    main()
