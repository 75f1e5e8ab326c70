"""The plain script of a trial: what `spec.as_code()` prints, in PEFT and TRL alone.

Everything that decides a number is said outright (device, precision, seed, order of rows), so that the script, run in
an empty folder beside its rows, gives the losses that the trial recorded. It takes plain fields and knows neither our
spec models nor our engine.
"""

from pprint import pformat
from typing import Any

_TEMPLATE = '''\
"""Trial of the sweep {name!r}, in PEFT and TRL alone.

Run it beside {rows}, whose rows are tokenised already (-100 marks tokens that the loss ignores):
    python script.py
It writes losses.jsonl, one line a step, and the adapter into ./reproduced.
"""

import json
{extra_imports}
import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer{bnb_import}, set_seed
from trl import SFTConfig, SFTTrainer

SEED = {seed}
MODEL = {model}

model = AutoModelForCausalLM.from_pretrained(
    MODEL,{revision}
    dtype=torch.{dtype},
    use_safetensors=True,
    trust_remote_code={trust_remote_code},{quantization}
)
tokenizer = AutoTokenizer.from_pretrained(MODEL{tokenizer_revision})
if tokenizer.eos_token is None:  # pads are masked everywhere, so any id will do
    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(0)
if tokenizer.pad_token is None:
    tokenizer.pad_token = tokenizer.eos_token

lora = LoraConfig(
{lora}
)

args = SFTConfig(
    output_dir="trainer",
    use_cpu={use_cpu},
    seed=SEED,
    bf16={bf16},
    gradient_checkpointing={gradient_checkpointing},
{train}
    optim="adamw_torch",
    max_length=None,  # the rows are cut already
    packing=False,
    shuffle_dataset=False,  # the trainer's sampler shuffles, by the seed and the epoch
    dataloader_pin_memory=False,
    logging_steps=1,
    save_strategy="no",
    report_to="none",
)

with open({rows!r}, encoding="utf-8") as file:
    rows = [json.loads(line) for line in file]
dataset = Dataset.from_list([{{"input_ids": r["input_ids"], "labels": r["labels"]}} for r in rows])


class Recorded(SFTTrainer):
    """The stock trainer; it also keeps the loss of every micro-batch, unrounded."""

    losses: list = []

    def training_step(self, *inputs, **named):
        loss = super().training_step(*inputs, **named)
        self.losses.append((self.state.global_step + 1, float(loss)))
        return loss


set_seed(SEED)
model = get_peft_model(model, lora)
{before_build}trainer = Recorded(model=model, args=args, train_dataset=dataset, processing_class=tokenizer)
{after_build}trainer.train()
with open("losses.jsonl", "w", encoding="utf-8") as file:
    for step in sorted({{step for step, _ in trainer.losses}}):
        loss = sum(part for at, part in trainer.losses if at == step)
        file.write(json.dumps({{"step": step, "loss": loss}}) + "\\n")
trainer.model.save_pretrained("reproduced")
'''

_TRAIN = (
    "learning_rate", "num_train_epochs", "max_steps", "per_device_train_batch_size",
    "gradient_accumulation_steps", "lr_scheduler_type", "warmup_steps", "weight_decay",
    "max_grad_norm", "adam_beta1", "adam_beta2", "adam_epsilon",
)  # fmt: skip


def trial_script(fields: dict[str, Any], *, alpha: float, rows: str, use_cpu: bool = True) -> str:
    """The script of one trial, from the plain fields of its spec."""
    model, quantization = fields["model"], fields["quantization"]
    lora = {**fields["adapter"], "lora_alpha": int(alpha) if alpha == int(alpha) else alpha}
    embedded = model["id"] == "microworld"
    revision = model["revision"]
    return _TEMPLATE.format(
        name=fields["name"],
        rows=rows,
        extra_imports="from importlib.resources import files\n" if embedded else "",
        bnb_import=", BitsAndBytesConfig" if quantization else "",
        seed=fields["seed"],
        model='str(files("workbench") / "microworld" / "weights")  # the embedded model'
        if embedded
        else repr(model["id"]),
        revision=f"\n    revision={revision!r}," if revision else "",
        tokenizer_revision=f", revision={revision!r}" if revision else "",
        dtype=model["dtype"],
        trust_remote_code=model["trust_remote_code"],
        quantization=_quantization(quantization),
        lora=_arguments({k: v for k, v in lora.items() if v is not None and v != {}}),
        use_cpu=use_cpu,
        bf16=fields["train"]["bf16"],
        gradient_checkpointing=fields["train"]["gradient_checkpointing"],
        train=_arguments({name: fields["train"][name] for name in _TRAIN}),
        before_build=_FP32_BEFORE if quantization else "",
        after_build=_FP32_AFTER if quantization else "",
    )


_FP32_BEFORE = """\
first = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}
"""

_FP32_AFTER = """\
# SFTTrainer casts the adapter of a quantized base to bf16; the trial trained it in fp32.
for name, parameter in trainer.model.named_parameters():
    if name in first:
        parameter.data = first[name]
"""


def _quantization(fields: dict[str, Any] | None) -> str:
    if not fields:
        return ""
    said = {name: value for name, value in fields.items() if value not in (None, False)}
    if "bnb_4bit_compute_dtype" in said:
        said["bnb_4bit_compute_dtype"] = _Bare(f"torch.{said['bnb_4bit_compute_dtype']}")
    inner = _arguments(said, indent=8)
    return f"\n    quantization_config=BitsAndBytesConfig(\n{inner}\n    ),"


class _Bare(str):
    """Text that is code already."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _arguments(fields: dict[str, Any], *, indent: int = 4) -> str:
    pad = " " * indent
    return "\n".join(f"{pad}{name}={_literal(value)}," for name, value in fields.items())


def _literal(value: Any) -> str:
    return pformat(list(value) if isinstance(value, tuple) else value, width=88, compact=True)
