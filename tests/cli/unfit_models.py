"""Models and adapters whose files are whole but do not fit: each refused (exit code 3), with the tensor or the field named. With --table it prints
commands and messages."""
import json
import math
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import tiny_model
from bundles import safetensors
from harness import HONE, check, hone_rows

TABLE = "--table" in sys.argv


def refuses(what, command, *said):
    done = subprocess.run([HONE, *map(str, command)], capture_output=True, text=True, timeout=60)
    message = " ".join(done.stderr.split())
    if TABLE:
        names = [pathlib.Path(str(word)).name if "/" in str(word) else str(word) for word in command]
        print(f"| {what} | `hone {' '.join(names)}` | {message} |")
    check(done.returncode == 3, f"{what}: exit code {done.returncode}: {message}")
    for part in said:
        check(part in message, f"{what}: {part!r} is not in: {message}")


def weights_of(seed=1):
    return dict(tiny_model.folder_tensor(name, *tensor) for name, tensor in tiny_model.random_weights(seed).items())


def changed_folder(root, name, weights=None, **files):
    """A model folder with other weights, and files whose JSON a function changes."""
    folder = tiny_model.write_folder(root / name)
    if weights is not None:
        (folder / "model.safetensors").write_bytes(safetensors(weights))
    for stem, change in files.items():
        path = folder / f"{stem}.json"
        content = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(change(content) or content))
    return folder


def unfit_weights(root):
    q = "model.layers.1.self_attn.q_proj.weight"
    shards = changed_folder(root, "missing_shard")
    (shards / "model.safetensors").unlink()
    (shards / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {name: "model-00001-of-00002.safetensors" for name in weights_of()}}))
    refuses("a missing shard", ("ask", shards, "x"), "model-00001-of-00002.safetensors", "model.embed_tokens.weight")
    weights = weights_of()
    weights[q] = ([32, 16], weights[q][1][: 32 * 16])
    refuses("a matrix of another shape", ("ask", changed_folder(root, "shape", weights), "x"), q, "[32, 16]", "[32, 32]")
    weights = weights_of()
    del weights[q]
    refuses("a missing tensor", ("ask", changed_folder(root, "missing_tensor", weights), "x"), q, "missing")
    weights = weights_of()
    weights[q][1][40] = math.nan
    refuses("weights that are not numbers", ("ask", changed_folder(root, "nan", weights), "x"), q, "nan")
    wrong = changed_folder(root, "dtype")
    data = (wrong / "model.safetensors").read_bytes()
    at = data.index(q.encode())
    # As many bytes, called something else.
    (wrong / "model.safetensors").write_bytes(data[:at] + data[at:].replace(b'"F32"', b'"I32"', 1))
    refuses("weights of a wrong type", ("ask", wrong, "x"), q, "I32")


def unfit_config(root):
    mamba = changed_folder(root, "mamba", config=lambda c: c.update(model_type="mamba", architectures=["MambaForCausalLM"]))
    refuses("an unsupported architecture", ("ask", mamba, "x"), "mamba", "llama", "qwen2", "qwen3", "gemma3")
    fields, _ = tiny_model.vocabulary()
    gguf = tiny_model.write_gguf(root / "mamba.gguf", [tiny_model.field("general.architecture", tiny_model.STRING, "mamba"), *fields], {})
    refuses("the same as GGUF", ("ask", gguf, "x"), "mamba", "llama", "qwen2", "qwen3", "gemma3")
    heads = changed_folder(root, "heads", config=lambda c: c.update(num_attention_heads=5))
    refuses("heads that do not divide", ("ask", heads, "x"), "config.json", "head")


def unfit_tokenizer(root):
    weights = weights_of()
    shape, values = weights["model.embed_tokens.weight"]
    weights["model.embed_tokens.weight"] = ([shape[0] - 8, shape[1]], values[: (shape[0] - 8) * shape[1]])
    small = changed_folder(root, "small_table", weights, config=lambda c: c.update(vocab_size=shape[0] - 8))
    refuses("an embedding smaller than the vocabulary", ("ask", small, "x"), "embedding", str(shape[0] - 8), str(shape[0]))
    # Fewer tokens than rows are what padded models have: they work.
    weights["model.embed_tokens.weight"] = ([shape[0] + 8, shape[1]], values + [0.0] * (8 * shape[1]))
    padded = changed_folder(root, "padded_table", weights, config=lambda c: c.update(vocab_size=shape[0] + 8))
    check(hone_rows("ask", padded, "x", "--max-tokens", "2"), "a padded embedding answers")
    wrong = changed_folder(root, "wrong_size", config=lambda c: c.update(vocab_size=shape[0] + 3))
    refuses("a vocab_size that the table does not have", ("ask", wrong, "x"), "model.embed_tokens.weight", "vocab_size")

    def no_end(c):
        c.clear()
        c.update(bos_token="<|im_start|>")

    def unnamed(c):
        names = {t["content"]: f"<unnamed{t['id']}>" for t in c["added_tokens"]}
        c["added_tokens"] = [{**t, "content": names[t["content"]]} for t in c["added_tokens"]]
        c["model"]["vocab"] = {names.get(token, token): number for token, number in c["model"]["vocab"].items()}

    endless = changed_folder(root, "endless", tokenizer_config=no_end, tokenizer=unnamed, config=lambda c: c.pop("eos_token_id") and None)
    refuses("a tokenizer with no end token", ("ask", endless, "x"), "eos_token")
    unigram = changed_folder(root, "unigram", tokenizer=lambda c: c.update(model={"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.0]]}))
    refuses("a unigram tokenizer", ("tokenize", unigram, "--file", root / "nothing"), "Unigram")
    refuses("the same with weights", ("ask", unigram, "x"), "Unigram")


def endless_template(root):
    for name, template in {"loop": "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", "recursion": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
                           "output": "{% for a in range(99999) %}{{ messages[0].content * 1000 }}{% endfor %}"}.items():
        folder = changed_folder(root, f"template_{name}", tokenizer_config=lambda c, t=template: c.update(chat_template=t))
        refuses(f"a template without end: {name}", ("ask", folder, "x"), "template")


def write_adapter(folder, config=None, weights=None):
    folder.mkdir()
    name = "base_model.model.model.layers.0.self_attn.q_proj"
    weights = weights or {f"{name}.lora_A.weight": ([2, 32], [0.5] * 64), f"{name}.lora_B.weight": ([32, 2], [0.1] * 64)}
    usual = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "tiny", "r": 2, "lora_alpha": 2, "target_modules": ["q_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps({**usual, **(config or {})}))
    (folder / "adapter_model.safetensors").write_bytes(safetensors(weights))
    return folder


def unfit_adapters(root):
    base = tiny_model.write_folder(root / "base")
    fits = write_adapter(root / "fits")
    check(hone_rows("ask", fits, "x", "--base", base, "--max-tokens", "2"), "the adapter fits")
    for number, (field, value) in enumerate({"use_dora": True, "modules_to_save": ["lm_head"], "bias": "all", "lora_bias": True, "peft_type": "IA3", "fan_in_fan_out": True,
                                             "layer_replication": [[0, 1]], "init_lora_weights": "pissa", "r": 0, "lora_alpha": "two",
                                             "rank_pattern": {"q_proj": -1}, "layers_to_transform": [1], "target_modules": ["v_proj"],
                                             "use_rslora": "x"}.items()):
        refuses(f"an adapter with {field}", ("ask", write_adapter(root / f"adapter{number}", {field: value}), "x", "--base", base), field)
    name = "base_model.model.model.layers.0.self_attn.q_proj"
    wide = {f"{name}.lora_A.weight": ([2, 48], [0.5] * 96), f"{name}.lora_B.weight": ([32, 2], [0.1] * 64)}
    refuses("an adapter for a wider model", ("ask", write_adapter(root / "wide", weights=wide), "x", "--base", base), f"{name}.lora_A.weight", "[2, 48]", "[2, 32]")
    beyond = {f"base_model.model.model.layers.7.self_attn.q_proj.lora_{p}.weight": (s, [0.1] * 64) for p, s in (("A", [2, 32]), ("B", [32, 2]))}
    refuses("an adapter for more layers", ("ask", write_adapter(root / "beyond", weights=beyond), "x", "--base", base), "layers.7")
    half = {f"{name}.lora_A.weight": ([2, 32], [0.5] * 64)}
    refuses("half an adapter", ("ask", write_adapter(root / "half", weights=half), "x", "--base", base), "lora_B")
    dora = {f"{name}.lora_A.weight": ([2, 32], [0.5] * 64), f"{name}.lora_B.weight": ([32, 2], [0.1] * 64), f"{name}.lora_magnitude_vector": ([32], [1.0] * 32)}
    refuses("a DoRA adapter whose config hides it", ("ask", write_adapter(root / "dora", weights=dora), "x", "--base", base), "lora_magnitude_vector")
    broken = {f"{name}.lora_A.weight": ([2, 32], [math.inf] + [0.5] * 63), f"{name}.lora_B.weight": ([32, 2], [0.1] * 64)}
    refuses("an adapter that is not numbers", ("ask", write_adapter(root / "infinite", weights=broken), "x", "--base", base), f"{name}.lora_A.weight")


def adapter_of_another_base(root):
    """What Hone trained names its base's hash."""
    from harness import hone_json, make_task

    tiny_model.write_model(root / "one.gguf", seed=1)
    other = tiny_model.write_model(root / "two.gguf", seed=2)
    rows = [{"input": f"text {i} {'ab'[i % 2]}", "output": "ab"[i % 2]} for i in range(40)]
    task = make_task(root / "task", rows, f'[model]\nbase = "{root}/one.gguf"\n')
    trained = hone_json("train", task, "--epochs", "1", "--rank", "2")
    refuses("an adapter for another base, by its hash", ("ask", trained["adapter"], "x", "--base", other), "SHA-256")
    shutil.copy(other, root / "one.gguf")
    refuses("a run whose base was replaced", ("ask", trained["run"], "x", "--task", task), "SHA-256", "one.gguf")


def main():
    if TABLE:
        print("| what | command | message |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        failed = []
        for part in (unfit_weights, unfit_config, unfit_tokenizer, endless_template, unfit_adapters, adapter_of_another_base):
            folder = root / part.__name__
            folder.mkdir()
            try:
                part(folder)
            except AssertionError as error:
                if not TABLE:
                    raise
                failed.append(str(error))
        check(not failed, "\n".join(failed))
    print("unfit models: refused")


if __name__ == "__main__":
    main()
