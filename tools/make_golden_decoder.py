"""Makes tests/golden/decoder.safetensors: a tiny random Llama with LoRA, computed by transformers and PEFT in f64.

Needs torch, transformers, peft and safetensors. Usage: make_golden_decoder.py tests/golden/decoder.safetensors
"""

import sys

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

MAPS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LENGTHS = [9, 1, 14]
# Row of the packed stream, token, weight: two targets on one row, one of weight zero.
TARGETS = [(3, 7, 1.0), (7, 30, 0.5), (7, 2, 0.25), (9, 61, 2.0), (15, 0, 1.0), (20, 5, 0.0), (22, 33, 1.5)]


def main(path):
    torch.manual_seed(11)
    torch.set_default_dtype(torch.float64)
    config = LlamaConfig(
        hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        head_dim=8, vocab_size=64, max_position_embeddings=64, rope_parameters={"rope_type": "default", "rope_theta": 500.0},
        rms_norm_eps=1e-5, tie_word_embeddings=False, attn_implementation="eager")
    base = LlamaForCausalLM(config).double().eval()
    out = {}
    with torch.no_grad():
        for name, value in base.named_parameters():
            scale = 0.3 if value.dim() == 1 else value.shape[1] ** -0.5
            value.copy_((torch.randn_like(value) * scale + (value.dim() == 1)).float())
            out[name] = value.float().clone()
    model = get_peft_model(base, LoraConfig(r=4, lora_alpha=6, target_modules=MAPS, task_type="CAUSAL_LM")).double()
    adapters = {n.replace(".default", ""): p for n, p in model.named_parameters() if p.requires_grad}
    with torch.no_grad():
        for name, value in adapters.items():
            value.copy_((torch.randn_like(value) * (0.2 if "lora_A" in name else 0.1)).float())
            out[name] = value.float().clone()
    ids = torch.randint(0, 64, (sum(LENGTHS),))
    logits = torch.cat([model(row[None]).logits[0] for row in ids.split(LENGTHS)])
    log_p = logits.log_softmax(-1)
    loss = -sum(weight * log_p[row, token] for row, token, weight in TARGETS)
    loss.backward()
    out["ids"] = ids.int()
    out["logits"] = logits.detach().float()
    out["loss"] = loss.detach().float().reshape(1)
    for name, value in adapters.items():
        out["grad." + name] = value.grad.float()
    save_file({name: value.contiguous() for name, value in out.items()}, path)


if __name__ == "__main__":
    main(sys.argv[1])
