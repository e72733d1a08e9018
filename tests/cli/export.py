"""Laws of hone export: every format answers as the trained run; what cannot be exported, or is for another base, is refused by name; a
full disk and Ctrl-C leave nothing behind; where rounding changes answers it says so and exits 1."""
import contextlib
import hashlib
import json
import pathlib
import random
import resource
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tiny_model
from bundles import knn_bundle
from harness import HONE, check, hone, hone_json, small_guard_task

FORMATS = {
    ("peft",): {"adapter_config.json", "adapter_model.safetensors"},
    ("gguf-adapter",): {"adapter.gguf", "Modelfile"},
    ("hf",): {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"},
    ("gguf", "--type", "f32"): {"model.gguf", "Modelfile"},
    ("gguf",): {"model.gguf", "Modelfile"},
}


def trained_task(folder, base):
    small_guard_task(folder, train=24, validation=8, test=20)
    with (folder / "hone.toml").open("a") as file:
        file.write(f'[model]\nbase = "{base}"\n')
    trained = hone_json("train", folder, "--epochs", "1", "--rank", "4", "--alpha", "8")
    file = pathlib.Path(trained["adapter"]) / "adapter_model.safetensors"
    strengthen(file)
    message = hone("ask", trained["run"], "hi", "--task", folder, code=3)[1]
    check(str(file) in message and trained["run"] in message, f"other weights than those recorded: {message}")
    with contextlib.closing(sqlite3.connect(folder / ".hone/store.db")) as store:
        store.execute("UPDATE runs SET summary = json_set(summary, '$.adapter_sha256', ?) WHERE id = ?", (hashlib.sha256(file.read_bytes()).hexdigest(), trained["run"]))
        store.commit()
    return trained["run"]


def strengthen(file):
    """Random B: a run of a second leaves too little of it for a wrong scale or order of rows to change any answer."""
    data = bytearray(file.read_bytes())
    length = struct.unpack_from("<Q", data)[0]
    rng = random.Random(1)
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if ".lora_B." not in name:
            continue
        begin, end = entry["data_offsets"]
        struct.pack_into(f"<{(end - begin) // 4}f", data, 8 + length + begin, *(rng.gauss(0, 0.2) for _ in range((end - begin) // 4)))
    file.write_bytes(data)


def every_format(model, task, root):
    for how, files in FORMATS.items():
        place = root / ("out-" + "-".join(how).replace("--type-", ""))
        done = hone_json("export", model, "--to", place, "--format", *how, "--task", task)
        names = {file.name for file in place.iterdir()}
        check(names == files | {"hone_export.json"}, f"{how}: {names}")
        check({f["name"] for f in done["files"]} == names, f"{how}: {done['files']}")
        check(done["check"]["rows"] == 20 and done["check"]["agreement"] >= 0.99, f"{how}: {done['check']}")
        needs_gguf = how == ("gguf-adapter",) and not list(task.glob("*.gguf"))
        check(not done["commands"] and "GGUF" in " ".join(done["notes"]) if needs_gguf else done["commands"], f"{how}: {done}")
    peft = json.loads((root / "out-peft/adapter_config.json").read_text())
    check(peft["peft_type"] == "LORA" and peft["r"] == 4 and peft["lora_alpha"] == 8 and not peft["use_rslora"], peft)
    shown = hone("export", model, "--to", root / "out-hf", "--format", "hf", "--task", task)[0]
    check("20 of 20 test rows" in shown and "vllm serve" in shown, shown)
    check(all(len(line) <= 80 or " " not in line.strip(" \\") for line in shown.splitlines()), shown)
    modelfile = (root / "out-gguf/Modelfile").read_text()
    check("FROM ./model.gguf" in modelfile and "attack on an AI agent" in modelfile and 'stop "<|im_end|>"' in modelfile, modelfile)


def others_files(root, task):
    """What was exported is scored as what somebody else made: the merged model alone, and the adapter over a base."""
    own = hone_json("eval", root / "out-gguf-f32/model.gguf", "--data", task / "test.jsonl", "--task", task)
    other = hone_json("eval", root / "out-hf", "--data", task / "test.jsonl", "--task", task)
    check(own["metrics"] == other["metrics"] and own["n"] == 20, f"{own['metrics']} {other['metrics']}")
    again = hone_json("export", root / "out-peft", "--to", root / "again", "--format", "gguf", "--type", "f32", "--task", task)
    check(again["check"]["agreement"] == 1, again)
    check("SYSTEM" in (root / "again/Modelfile").read_text(), "the task that was named gives the Modelfile its instruction")
    check((root / "again/model.gguf").stat().st_size == (root / "out-gguf-f32/model.gguf").stat().st_size, "the same tensors")


def changed(folder, target, **fields):
    """A copy of an adapter folder with other fields in its config."""
    target.mkdir()
    for file in ("adapter_model.safetensors", "adapter_config.json"):
        (target / file).write_bytes((folder / file).read_bytes())
    config = json.loads((folder / "adapter_config.json").read_text())
    config.update(fields)
    (target / "adapter_config.json").write_text(json.dumps(config))
    return target


def refusals(root, task, run):
    peft = root / "out-peft"

    def refused(model, *more, code=3, how=("gguf",)):
        return hone("export", model, "--to", root / "refused", "--format", *how, "--task", task, *more, code=code)[1]

    check("use_dora" in refused(changed(peft, root / "dora", use_dora=True)), "DoRA by name")
    check("modules_to_save" in refused(changed(peft, root / "modules", modules_to_save=["lm_head"])), "modules_to_save by name")
    check("--base" in refused(changed(peft, root / "lost", base_model_name_or_path="somebody/else")), "a base that is not here")
    other = root / "other.gguf"
    tiny_model.write_model(other, seed=2)
    message = refused(peft, "--base", other)
    check("SHA-256" in message and "--base" in message, message)
    check("adapter" in refused(task / "tiny.gguf", code=2, how=("peft",)), "a bare model has no adapter")
    check("q8_0" in refused(run, "--type", "q8_0", code=2, how=("hf",)), "no quantised Hugging Face folders")
    check("language model" in refused(knn_bundle(root / "knn")), "a plain classifier")
    check("--base" in refused(run, "--base", other, code=2), "--base is for adapter folders")
    occupied = root / "occupied"
    occupied.mkdir()
    (occupied / "thesis.txt").write_text("years of work")
    message = hone("export", run, "--to", occupied, "--format", "hf", "--task", task, code=3)[1]
    check("occupied" in message and (occupied / "thesis.txt").read_text() == "years of work", message)
    (root / "out-peft/sub").mkdir()
    (root / "out-peft/sub/notes.txt").write_text("mine")
    message = hone("export", run, "--to", peft, "--format", "gguf", "--task", task, code=3)[1]
    check("sub" in message and (peft / "sub/notes.txt").read_text() == "mine", message)
    (peft / "sub/notes.txt").unlink()
    (peft / "sub").rmdir()
    check("--to" in hone("export", run, "--to", "", "--format", "gguf", "--task", task, code=2)[1], "an empty name")
    check("model.gguf" in hone("ask", root / "out-gguf", "hi", code=3)[1], "a folder with a model in it names it")
    check("adapter" in hone("ask", root / "out-gguf-adapter/adapter.gguf", "hi", code=3)[1], "an adapter is no model")
    check(not (root / "refused").exists(), "nothing is written where something is refused")


def broken_weights(root, task):
    """A NaN in an adapter: refused by the tensor's name, and nothing is left."""
    folder = changed(root / "out-peft", root / "nan")
    file = folder / "adapter_model.safetensors"
    data = bytearray(file.read_bytes())
    data[-4:] = struct.pack("<f", float("nan"))
    file.write_bytes(data)
    for how in ("peft", "gguf-adapter", "hf", "gguf"):
        message = hone("export", folder, "--to", root / "refused", "--format", how, "--task", task, code=3)[1]
        check("layers.1" in message and "nan" in message, message)
    check(not (root / "refused").exists() and not list(root.glob(".refused*")), "nothing is left")


def mismatch(root, task, run):
    """Weights far narrower than what was trained: the answers change, the cause is found, and the choice is the user's."""
    narrow = ("export", run, "--to", root / "narrow", "--format", "gguf", "--type", "q4_0", "--task", task)
    out, _ = hone(*narrow, "--json", code=None)
    done = json.loads(out)
    if done["check"]["agreement"] >= 0.99:
        print("export: four bits change no answer here, so the mismatch was not tried")
        return
    check(done["check"]["causes"][0]["cause"] == "precision", done["check"])
    check("Why: precision" in hone(*narrow, code=1)[0], "said in words as well")
    hone(*narrow, "--allow-mismatch", code=0)


def full_disk(root, task):
    for limit in (1000, 40_000):
        done = subprocess.run(
            [HONE, "export", root / "out-peft", "--to", root / "full", "--format", "gguf", "--task", task], capture_output=True, text=True,
            preexec_fn=lambda: (signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))),
        )
        check(done.returncode == 4 and "cannot write" in done.stderr, f"{done.returncode} {done.stderr}")
        check(not (root / "full").exists() and not list(root.glob(".full*")), "nothing is left on a full disk")


def stopped(root, task, run):
    """Ctrl-C at any moment: no folder, or a whole one."""
    for delay in (0.0, 0.01, 0.03, 0.1):
        process = subprocess.Popen([HONE, "export", run, "--to", root / "stopped", "--format", "hf", "--task", task], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        check(not list(root.glob(".stopped*")), "nothing is left aside")
        if (root / "stopped").exists():
            check((root / "stopped/model.safetensors").stat().st_size == (root / "out-hf/model.safetensors").stat().st_size, "whole")


def main():
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        task = root / "task"
        task.mkdir()
        tiny_model.write_model(task / "tiny.gguf")
        run = trained_task(task, "tiny.gguf")
        every_format(run, task, root)
        others_files(root, task)
        refusals(root, task, run)
        broken_weights(root, task)
        mismatch(root, task, run)
        full_disk(root, task)
        stopped(root, task, run)
        folder_task = root / "folder-task"
        folder_task.mkdir()
        tiny_model.write_folder(folder_task / "base")
        run = trained_task(folder_task, "base")
        (root / "from-folder").mkdir()
        every_format(run, folder_task, root / "from-folder")
    print("export: kept")


if __name__ == "__main__":
    main()
