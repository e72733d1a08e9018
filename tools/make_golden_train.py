"""Writes tests/golden/train.json: torch's AdamW and clip_grad_norm_ on given gradients, the same with LoRA+'s two groups, and
transformers' schedules.

python tools/make_golden_train.py  (torch and transformers needed)
"""

import json
import pathlib

import torch
from transformers import get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup


def rates(make, steps, warmup):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    schedule = make(optimizer, num_warmup_steps=warmup, num_training_steps=steps)
    factors = []
    for _ in range(steps + 1):
        factors.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return factors


def adamw():
    torch.manual_seed(3)
    weights = [torch.randn(3, 4), torch.randn(5)]
    start = [w.flatten().tolist() for w in weights]
    parameters = [torch.nn.Parameter(w.clone()) for w in weights]
    settings = dict(lr=3e-2, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.05)
    optimizer = torch.optim.AdamW(parameters, **settings)
    steps = []
    for step in range(10):
        gradients = [torch.randn_like(w) * (10.0 ** (step % 3 - 1)) for w in weights]
        for parameter, gradient in zip(parameters, gradients):
            parameter.grad = gradient.clone()
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        clipped = [p.grad.flatten().tolist() for p in parameters]
        optimizer.step()
        steps.append({
            "gradients": [g.flatten().tolist() for g in gradients],
            "norm": norm.item(),
            "clipped": clipped,
            "weights": [p.detach().flatten().tolist() for p in parameters],
        })
    return {"start": start, "steps": steps}


def lora_plus(rate=2e-2, ratio=16.0):
    """A [1, 16] and B [16, 1] in torch's parameter groups, as PEFT's create_loraplus_optimizer makes them."""
    torch.manual_seed(5)
    a, b = torch.nn.Parameter(torch.randn(16)), torch.nn.Parameter(torch.randn(16))
    start = [a.tolist(), b.tolist()]
    groups = [{"params": [a], "lr": rate, "weight_decay": 0.05}, {"params": [b], "lr": rate * ratio, "weight_decay": 0.05}]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), eps=1e-8)
    steps = []
    for _ in range(10):
        a.grad, b.grad = torch.randn(16), torch.randn(16)
        gradients = [a.grad.tolist(), b.grad.tolist()]
        optimizer.step()
        steps.append({"gradients": gradients, "weights": [a.tolist(), b.tolist()]})
    return {"rate": rate, "ratio": ratio, "start": start, "steps": steps}


golden = {
    "adamw": adamw(),
    "lora_plus": lora_plus(),
    "schedules": [
        {"decay": name, "steps": steps, "warmup": warmup, "factors": rates(make, steps, warmup)}
        for name, make in (("linear", get_linear_schedule_with_warmup), ("cosine", get_cosine_schedule_with_warmup))
        for steps, warmup in ((10, 3), (7, 0), (1, 1))
    ],
}
target = pathlib.Path(__file__).parent.parent / "tests" / "golden" / "train.json"
target.write_text(json.dumps(golden) + "\n")
