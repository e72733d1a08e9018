"""A llama of two layers with seeded random weights and a real (tiny) vocabulary, as a GGUF file or a folder: whatever needs a model but
not its wits runs on it in milliseconds."""
import json
import random
import struct

from bundles import safetensors
from harness import SOURCE

LAYERS, WIDTH, HIDDEN, HEADS, KV_HEADS, CONTEXT = 2, 32, 64, 4, 2, 2048
U32, F32, BOOL, STRING, ARRAY, I32 = 4, 6, 7, 8, 9, 5


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def field(key, kind, value):
    simple = {U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}
    out = string(key) + struct.pack("<I", kind)
    if kind == STRING:
        return out + string(value)
    if kind == ARRAY:
        of, items = value
        body = b"".join(string(i) if of == STRING else struct.pack(simple[of], i) for i in items)
        return out + struct.pack("<IQ", of, len(items)) + body
    return out + struct.pack(simple[kind], value)


def golden_tokenizer():
    return json.loads((SOURCE / "tests/golden/tokenizer_tiny.json").read_text())["tokenizer"]


def vocabulary_names():
    """Token texts by id, and the ids of the special ones."""
    tokenizer = golden_tokenizer()
    tokens = dict((i, t) for t, i in tokenizer["model"]["vocab"].items())
    tokens.update((t["id"], t["content"]) for t in tokenizer["added_tokens"])
    return [tokens[i] for i in range(len(tokens))], {t["id"] for t in tokenizer["added_tokens"]}


def vocabulary(without=""):
    """`without`: letters that get no token of their own."""
    names, special = vocabulary_names()
    names = [f"unused {i}" if name in without else name for i, name in enumerate(names)]
    merges = [" ".join(m) for m in golden_tokenizer()["model"]["merges"]]
    return [
        field("tokenizer.ggml.model", STRING, "gpt2"),
        field("tokenizer.ggml.pre", STRING, "smollm"),
        field("tokenizer.ggml.tokens", ARRAY, (STRING, names)),
        field("tokenizer.ggml.token_type", ARRAY, (I32, [3 if i in special else 1 for i in range(len(names))])),
        field("tokenizer.ggml.merges", ARRAY, (STRING, merges)),
        field("tokenizer.ggml.bos_token_id", U32, 1),
        field("tokenizer.ggml.eos_token_id", U32, 2),
    ], len(names)


def write_gguf(path, fields, tensors):
    """`tensors`: name -> (shape as in torch, floats)."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(fields)) + b"".join(fields)
    data = b""
    for name, (shape, values) in tensors.items():
        head += string(name) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", n) for n in reversed(shape)) + struct.pack("<IQ", 0, len(data))
        data += struct.pack(f"<{len(values)}f", *values)
        data += b"\0" * (-len(data) % 32)
    path.write_bytes(head + b"\0" * (-len(head) % 32) + data)
    return path


def write_vocabulary(path):
    """A GGUF file without weights."""
    fields, _ = vocabulary()
    return write_gguf(path, [field("general.architecture", STRING, "llama"), *fields], {})


def random_weights(seed):
    """GGUF name -> (shape, floats)."""
    rng = random.Random(seed)
    tensors = {}

    def matrix(name, rows, columns):
        tensors[name] = ([rows, columns], [rng.gauss(0, 0.15) for _ in range(rows * columns)])

    def norm(name):
        tensors[name] = ([WIDTH], [1.0] * WIDTH)

    matrix("token_embd.weight", len(vocabulary_names()[0]), WIDTH)
    norm("output_norm.weight")
    kv = WIDTH // HEADS * KV_HEADS
    for i in range(LAYERS):
        norm(f"blk.{i}.attn_norm.weight")
        norm(f"blk.{i}.ffn_norm.weight")
        for name, rows, columns in (("attn_q", WIDTH, WIDTH), ("attn_k", kv, WIDTH), ("attn_v", kv, WIDTH), ("attn_output", WIDTH, WIDTH),
                                    ("ffn_gate", HIDDEN, WIDTH), ("ffn_up", HIDDEN, WIDTH), ("ffn_down", WIDTH, HIDDEN)):
            matrix(f"blk.{i}.{name}.weight", rows, columns)
    return tensors


def write_model(path, seed=1, without=""):
    tokens, size = vocabulary(without)
    numbers = {"block_count": LAYERS, "embedding_length": WIDTH, "feed_forward_length": HIDDEN, "attention.head_count": HEADS,
               "attention.head_count_kv": KV_HEADS, "context_length": CONTEXT, "rope.dimension_count": WIDTH // HEADS, "vocab_size": size}
    fields = [field("general.architecture", STRING, "llama"), *[field(f"llama.{k}", U32, v) for k, v in numbers.items()],
              field("llama.rope.freq_base", F32, 10000.0), field("llama.attention.layer_norm_rms_epsilon", F32, 1e-5), *tokens]
    return write_gguf(path, fields, random_weights(seed))


FOLDER_NAMES = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
                "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}


def folder_tensor(name, shape, values):
    """The name and the rows as transformers has them: GGUF holds those of q and k in the order of interleaved RoPE."""
    part = name.split(".")[-2]
    if part in ("attn_q", "attn_k"):
        rows = [values[i * WIDTH : (i + 1) * WIDTH] for i in range(shape[0])]
        width = WIDTH // HEADS
        order = [h * width + 2 * i + j for h in range(shape[0] // width) for j in range(2) for i in range(width // 2)]
        values = [v for row in order for v in rows[row]]
    if name.startswith("blk."):
        return f"model.layers.{name.split('.')[1]}.{FOLDER_NAMES[part]}.weight", (shape, values)
    return {"token_embd": "model.embed_tokens.weight", "output_norm": "model.norm.weight"}[part], (shape, values)


def write_folder(folder, seed=1):
    """The model of write_model() as a Hugging Face folder."""
    folder.mkdir()
    names, _ = vocabulary_names()
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": LAYERS, "hidden_size": WIDTH, "intermediate_size": HIDDEN,
              "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS, "max_position_embeddings": CONTEXT, "vocab_size": len(names), "hidden_act": "silu",
              "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": True, "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float32"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(json.dumps(golden_tokenizer()))
    (folder / "tokenizer_config.json").write_text(json.dumps({"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}))
    weights = dict(folder_tensor(name, *tensor) for name, tensor in random_weights(seed).items())
    (folder / "model.safetensors").write_bytes(safetensors(weights))
    return folder
