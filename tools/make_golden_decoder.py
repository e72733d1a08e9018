"""Makes tests/golden/decoder/NAME: tiny random models of every family with LoRA, computed by transformers and PEFT in f64.

Needs torch, transformers, peft, safetensors and gguf. Usage: make_golden_decoder.py tests/golden/decoder

A case is a folder:
  config.json, model.safetensors   the model as transformers saves it (in several files where asked)
  config.old.json                  the same config in the form before transformers 5
  model.gguf                       the same weights under GGUF's names, rows and norms
  case.safetensors                 ids [rows] of sequences of `lengths`; targets [n, 2] (row, id) with weights [n]; LoRA
                                   A and B under PEFT's names; logits [rows, vocabulary], loss [1] (the weighted sum),
                                   grad.NAME; losses [10] of AdamW at the rate that the metadata names; prompt and its
                                   greedy continuation
  adapters/NAME                    llama2 only: adapters as PEFT saves them, one for each of its options, with
                                   case.safetensors: ids, lengths, targets, weights, loss and grad.NAME as above
  adapters/prompt_loss.json        the mean loss over rows whose prompts' tokens weigh less than their answers'
"""

import copy
import json
import pathlib
import sys

import gguf
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import (AutoModelForCausalLM, Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM, Qwen2Config,
                          Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM)

FAMILIES = {
    "llama": (LlamaConfig, LlamaForCausalLM),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM),
    "gemma3": (Gemma3TextConfig, Gemma3ForCausalLM),
}
MAPS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
STEPS = 10
RATE = 5e-3
DECAY = 0.01
ALPHA = 6
PLAIN_ROPE = {"rope_type": "default", "rope_theta": 500.0}


def llama3_rope(original):
    return {"rope_type": "llama3", "rope_theta": 500.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": original}


def gemma_ropes(factor):
    full = {"rope_type": "default", "rope_theta": 1000.0}
    if factor != 1:
        full = {"rope_type": "linear", "rope_theta": 1000.0, "factor": float(factor)}
    return {"full_attention": full, "sliding_attention": {"rope_type": "default", "rope_theta": 100.0}}


def sizes(width, hidden, layers, heads, kv_heads, head_dim):
    return {"hidden_size": width, "intermediate_size": hidden, "num_hidden_layers": layers,
            "num_attention_heads": heads, "num_key_value_heads": kv_heads, "head_dim": head_dim}


def every(pattern, layers):
    return ["full_attention" if (i + 1) % pattern == 0 else "sliding_attention" for i in range(layers)]


# name: family, config, lengths of the sequences, rank, dtype of the stored weights
GOLDEN = {
    "llama2": ("llama", {**sizes(24, 37, 2, 4, 2, 6), "vocab_size": 47, "max_position_embeddings": 64, "rope_parameters": PLAIN_ROPE,
                         "rms_norm_eps": 1e-5, "tie_word_embeddings": False}, [9, 1, 14], 3, "bfloat16"),
    "llama3": ("llama", {**sizes(24, 37, 2, 4, 2, 8), "vocab_size": 47, "max_position_embeddings": 64, "rope_parameters": llama3_rope(16),
                         "rms_norm_eps": 1e-5, "tie_word_embeddings": True}, [9, 40], 3, "bfloat16"),
    "qwen2": ("qwen2", {**sizes(24, 37, 2, 4, 2, 6), "vocab_size": 47, "max_position_embeddings": 64, "rope_parameters": PLAIN_ROPE,
                        "tie_word_embeddings": True}, [9, 20], 3, "bfloat16"),
    "qwen3": ("qwen3", {**sizes(20, 37, 2, 4, 1, 10), "vocab_size": 47, "max_position_embeddings": 64, "rope_parameters": PLAIN_ROPE,
                        "tie_word_embeddings": True}, [9, 20], 3, "bfloat16"),
    "gemma3": ("gemma3", {**sizes(24, 37, 3, 4, 2, 10), "vocab_size": 47, "max_position_embeddings": 64, "rope_parameters": gemma_ropes(8),
                          "layer_types": every(2, 3), "sliding_window": 5, "query_pre_attn_scalar": 10}, [4, 25], 3, "bfloat16"),
}


def random_model(family, config, dtype):
    """In f64, with values that `dtype` holds: norms around 1, biases small, maps of deviation 1 / sqrt(in)."""
    torch.set_default_dtype(torch.float64)
    config_class, model_class = FAMILIES[family]
    model = model_class(config_class(**copy.deepcopy(config), attn_implementation="eager")).double().eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if value.dim() == 2:
                drawn = torch.randn_like(value) * value.shape[1] ** -0.5
            else:
                # Gemma's norms hold what is added to 1.
                around = 1.0 if name.endswith("norm.weight") and family != "gemma3" else 0.0
                drawn = around + 0.3 * torch.randn_like(value)
            value.copy_(drawn.to(getattr(torch, dtype)))
    return model


def old_config(config):
    """config.json as transformers wrote it before version 5."""
    old = {key: value for key, value in config.items() if key not in ("rope_parameters", "layer_types", "dtype")}
    old["torch_dtype"] = config.get("dtype")
    ropes = config["rope_parameters"]
    full = dict(ropes.get("full_attention", ropes))
    old["rope_theta"] = full.pop("rope_theta")
    old["rope_scaling"] = None if full.get("rope_type") == "default" else full
    if "sliding_attention" in ropes:
        old["rope_local_base_freq"] = ropes["sliding_attention"]["rope_theta"]
    types = config.get("layer_types") or []
    if config["model_type"] == "gemma3_text":
        old["sliding_window_pattern"] = types.index("full_attention") + 1
    return old


def gguf_name(name, family):
    """GGUF's name of a tensor; its values are the same but for interleave() and Gemma's norms."""
    if name == "model.embed_tokens.weight":
        return "token_embd.weight"
    if name == "model.norm.weight":
        return "output_norm.weight"
    if name == "lm_head.weight":
        return "output.weight"
    _, _, layer, part = name.split(".", 3)
    names = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
             "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
             "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate",
             "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
    if family == "gemma3":
        names |= {"post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
                  "post_feedforward_layernorm": "post_ffw_norm"}
    part, kind = part.rsplit(".", 1)
    return f"blk.{layer}.{names[part]}.{kind}"


def interleave(weight, heads):
    """Rows of a llama q or k map in the order of interleaved RoPE."""
    return weight.reshape(heads, 2, -1, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)


def llama3_divisors(rope, head_dim):
    frequencies = rope["rope_theta"] ** (-torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim)
    lengths = 2 * torch.pi / frequencies
    original = rope["original_max_position_embeddings"]
    smooth = (original / lengths - rope["low_freq_factor"]) / (rope["high_freq_factor"] - rope["low_freq_factor"])
    blend = 1 / ((1 - smooth.clamp(0, 1)) / rope["factor"] + smooth.clamp(0, 1))
    return blend.float()


def write_gguf(path, model, family, dtype):
    config = model.config
    out = gguf.GGUFWriter(path, family)
    out.add_block_count(config.num_hidden_layers)
    out.add_embedding_length(config.hidden_size)
    out.add_feed_forward_length(config.intermediate_size)
    out.add_head_count(config.num_attention_heads)
    out.add_head_count_kv(config.num_key_value_heads)
    out.add_key_length(config.head_dim if hasattr(config, "head_dim") else config.hidden_size // config.num_attention_heads)
    out.add_value_length(config.head_dim if hasattr(config, "head_dim") else config.hidden_size // config.num_attention_heads)
    out.add_context_length(config.max_position_embeddings)
    out.add_layer_norm_rms_eps(config.rms_norm_eps)
    ropes = config.rope_parameters
    rope = ropes.get("full_attention", ropes)
    out.add_rope_freq_base(rope["rope_theta"])
    if rope["rope_type"] == "linear":
        out.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        out.add_rope_scaling_factor(rope["factor"])
    if rope["rope_type"] == "llama3":
        out.add_tensor("rope_freqs.weight", llama3_divisors(rope, config.head_dim).numpy())
    if family == "gemma3":
        out.add_sliding_window(config.sliding_window)
        out.add_sliding_window_pattern(config.layer_types.index("full_attention") + 1)
        out.add_float32("gemma3.rope.freq_base_swa", ropes["sliding_attention"]["rope_theta"])
    for name, value in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        value = value.detach()
        if family == "llama" and name.endswith(("q_proj.weight", "k_proj.weight")):
            value = interleave(value, config.num_attention_heads if "q_proj" in name else config.num_key_value_heads)
        if family == "gemma3" and name.endswith("norm.weight"):
            value = value + 1
        values = value.float().contiguous().numpy()
        if value.dim() == 2 and dtype == "bfloat16":
            kind = gguf.GGMLQuantizationType.BF16
            out.add_tensor(gguf_name(name, family), gguf.quants.quantize(values, kind), raw_dtype=kind)
        else:
            out.add_tensor(gguf_name(name, family), values)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def fill(peft):
    """A and B random; the parameters by PEFT's names in its files."""
    adapters = {name.replace(".default", ""): p for name, p in peft.named_parameters() if p.requires_grad}
    with torch.no_grad():
        for name, value in adapters.items():
            scale = value.shape[1] ** -0.5 if "lora_A" in name else 0.1
            value.copy_((torch.randn_like(value) * scale).bfloat16())
    return adapters


def adapted(model, rank):
    """`model` with LoRA on all maps, and what fill() gives."""
    peft = get_peft_model(model, LoraConfig(r=rank, lora_alpha=ALPHA, target_modules=MAPS, task_type="CAUSAL_LM")).double()
    return peft, fill(peft)


def make_targets(lengths, vocabulary):
    """About every second row, some with two targets, one of weight zero."""
    targets, weights = [], []
    for row in range(0, sum(lengths), 2):
        targets.append([row, int(torch.randint(vocabulary, ()))])
        weights.append(float(torch.randint(1, 5, ())) / 2)
        if row % 6 == 0:
            targets.append([row, int(torch.randint(vocabulary, ()))])
            weights.append(0.0 if row == 0 else 0.75)
    return torch.tensor(targets), torch.tensor(weights)


def logits_of(model, ids, lengths):
    return torch.cat([model(row[None], use_cache=False).logits[0] for row in ids.split(lengths)])


def weighted_loss(logits, targets, weights):
    log_p = logits[targets[:, 0]].log_softmax(-1)
    return -(weights * log_p.gather(1, targets[:, 1:])[:, 0]).sum()


def greedy(model, prompt, count):
    ids = prompt[None]
    with torch.no_grad():
        for _ in range(count):
            ids = torch.cat([ids, model(ids, use_cache=False).logits[:, -1].argmax(-1, keepdim=True)], 1)
    return ids[0, len(prompt):]


def compute(model, rank, lengths, rate):
    vocabulary = model.config.vocab_size
    peft, adapters = adapted(model, rank)
    out = {name: value.detach().clone().float() for name, value in adapters.items()}
    ids = torch.randint(0, vocabulary, (sum(lengths),))
    targets, weights = make_targets(lengths, vocabulary)
    logits = logits_of(peft, ids, lengths)
    loss = weighted_loss(logits, targets, weights)
    loss.backward()
    for name, value in adapters.items():
        out["grad." + name] = value.grad.float()
    prompt = ids[: min(5, lengths[0])]
    out |= {"ids": ids, "lengths": torch.tensor(lengths), "targets": targets, "weights": weights.float(), "prompt": prompt,
            "logits": logits.detach().float(), "loss": loss.detach().float().reshape(1),
            "greedy": greedy(peft, prompt, min(24, max(lengths)))}
    optimizer = torch.optim.AdamW(adapters.values(), lr=rate, weight_decay=DECAY)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = weighted_loss(logits_of(peft, ids, lengths), targets, weights) / weights.sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    out["losses"] = torch.tensor(losses).float()
    return {name: (value if value.is_floating_point() else value.int()).contiguous() for name, value in out.items()}


def make_case(folder, family, config, lengths, rank, dtype, seed=11, shard="50GB", rate=RATE):
    torch.manual_seed(seed)
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    model = random_model(family, config, dtype)
    write_gguf(folder / "model.gguf", model, family, dtype)
    copy.deepcopy(model).to(getattr(torch, dtype)).save_pretrained(folder, max_shard_size=shard)
    (folder / "generation_config.json").unlink(missing_ok=True)
    saved = json.loads((folder / "config.json").read_text())
    (folder / "config.old.json").write_text(json.dumps(old_config(saved), indent=1) + "\n")
    # PEFT changes the model's modules, so this comes last.
    save_file(compute(model, rank, lengths, rate), folder / "case.safetensors", metadata={"rate": repr(rate)})


# PEFT's options, one after the other and together: LoraConfig's arguments.
ADAPTERS = {
    "rslora": {"r": 3, "lora_alpha": 6, "use_rslora": True, "target_modules": MAPS},
    # Patterns overlap, and the first one counts; in the alphabet's order, in which PEFT saves them.
    "patterns": {"r": 3, "lora_alpha": 6, "target_modules": MAPS,
                 "rank_pattern": {"down_proj": 1, "layers.0.self_attn.q_proj": 5, r"mlp\..*": 2},
                 "alpha_pattern": {r"model\.layers\.1\..*": 9, "v_proj": 2.5}},
    "layers": {"r": 2, "lora_alpha": 5, "target_modules": ["q_proj", "v_proj", "down_proj"], "layers_to_transform": [1]},
    "together": {"r": 2, "lora_alpha": 5, "target_modules": ["v_proj", "o_proj", "up_proj"], "layers_to_transform": [1],
                 "use_rslora": True, "rank_pattern": {"up_proj": 4}, "alpha_pattern": {"o_proj": 3}},
}


def open_model(folder):
    torch.set_default_dtype(torch.float64)
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager").eval()


def make_adapter_case(base, out, options):
    torch.manual_seed(23)
    peft = get_peft_model(open_model(base), LoraConfig(task_type="CAUSAL_LM", **options)).double()
    adapters = fill(peft)
    peft.save_pretrained(out)
    (out / "README.md").unlink(missing_ok=True)
    save_file({name: value.detach().float().contiguous() for name, value in adapters.items()}, out / "adapter_model.safetensors",
              metadata={"format": "pt"})
    config = json.loads((out / "adapter_config.json").read_text()) | {"base_model_name_or_path": base.name}
    (out / "adapter_config.json").write_text(json.dumps(config, indent=1) + "\n")
    lengths = [6, 9]
    ids = torch.randint(0, peft.config.vocab_size, (sum(lengths),))
    targets, weights = make_targets(lengths, peft.config.vocab_size)
    loss = weighted_loss(logits_of(peft, ids, lengths), targets, weights)
    loss.backward()
    case = {"grad." + name: value.grad.float() for name, value in adapters.items()}
    case |= {"ids": ids.int(), "lengths": torch.tensor(lengths).int(), "targets": targets.int(), "weights": weights.float(),
             "loss": loss.detach().float().reshape(1)}
    save_file({name: value.contiguous() for name, value in case.items()}, out / "case.safetensors")


def make_prompt_loss(base, out, weight=0.25):
    torch.manual_seed(29)
    model = open_model(base)
    rows, total, weights = [], 0.0, 0.0
    for prompt, answer in ((5, 1), (3, 2), (7, 3)):
        ids = torch.randint(0, model.config.vocab_size, (prompt + answer,))
        with torch.no_grad():
            losses = torch.nn.functional.cross_entropy(model(ids[None], use_cache=False).logits[0, :-1], ids[1:], reduction="none")
        of = torch.tensor([weight] * (prompt - 1) + [1.0] * answer)
        total, weights = total + (losses * of).sum().item(), weights + of.sum().item()
        rows.append({"prompt": ids[:prompt].tolist(), "answer": ids[prompt:].tolist()})
    out.write_text(json.dumps({"weight": weight, "rows": rows, "loss": total / weights}) + "\n")


def make_adapters(base):
    for name, options in ADAPTERS.items():
        out = base / "adapters" / name
        out.mkdir(parents=True, exist_ok=True)
        make_adapter_case(base, out, options)
    make_prompt_loss(base, base / "adapters" / "prompt_loss.json")


def main(folder):
    for name, (family, config, lengths, rank, dtype) in GOLDEN.items():
        make_case(pathlib.Path(folder) / name, family, config, lengths, rank, dtype)
    make_adapters(pathlib.Path(folder) / "llama2")


if __name__ == "__main__":
    main(sys.argv[1])
