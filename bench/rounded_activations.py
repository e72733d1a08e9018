"""A model of llama.cpp's arithmetic over quantised weights, in PyTorch: what a map of the base reads is rounded to eight bits first.
It shifts log-odds about half as much as llama.cpp's quantised path does, and not row by row alike: it explains a part of that at most.

ggml multiplies Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0 weights by activations in blocks of 32: q = round(x / d), d = max |x| / 127, d kept as f16. In a
product with Q4_1 or Q5_1 the weight's minimum is multiplied by d * sum(q), which is the same as rounding x. LoRA's A and B are F32 in an adapter,
and so are the activations they read: only base maps are rounded. Everything else (norms, attention with F32 keys and values) stays f32.
"""
BLOCK = 32
ROUNDED = {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"}
SITES = {"q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output", "gate_proj": "ffn_gate", "up_proj": "ffn_up", "down_proj": "ffn_down"}


def rounded(x):
    import torch

    blocks = x.float().reshape(-1, BLOCK)
    scale = blocks.abs().amax(dim=1, keepdim=True) / 127
    steps = torch.where(scale > 0, torch.round(blocks / scale), torch.zeros(()))
    return (steps * scale.half().float()).reshape(x.shape)


def round_inputs(model, gguf_file):
    """Hooks the maps of `model` (transformers, PEFT's or not) whose weights lie in blocks in `gguf_file`; gives how many were, and what lay otherwise."""
    import gguf

    types = {t.name: t.tensor_type.name for t in gguf.GGUFReader(gguf_file).tensors}
    other, hooked = set(), 0
    for name, module in model.named_modules():
        parts = [part for part in name.split(".") if part not in ("base_model", "base_layer")]
        if parts and parts[-1] in SITES and not hasattr(module, "base_layer"):
            type_ = types[f"blk.{parts[parts.index('layers') + 1]}.{SITES[parts[-1]]}.weight"]
        elif parts and parts[-1] == "lm_head":
            type_ = types.get("output.weight", types["token_embd.weight"])
        else:
            continue
        if type_ in ROUNDED:
            module.register_forward_pre_hook(lambda _, inputs: (rounded(inputs[0]), *inputs[1:]))
            hooked += 1
        else:
            other.add(type_)
    return hooked, sorted(other)


def first_logprobs(model, all_ids, tokens):
    """log softmax of `tokens` after each prompt, one list a prompt."""
    import torch

    out = []
    for ids in all_ids:
        with torch.no_grad():
            logits = model(torch.tensor([ids]), logits_to_keep=1).logits[0, -1]
        out.append([float(v) for v in torch.log_softmax(logits.float(), dim=-1)[list(tokens)]])
    return out
