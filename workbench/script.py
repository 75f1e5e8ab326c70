"""The plain script of a trial: what `spec.as_code()` prints, in PEFT and TRL alone (of a classifier: transformers).

Everything that decides a number is said outright (device, precision, seed, order of rows), so that the script, run in
an empty folder beside its rows, gives the losses that the trial recorded. It takes plain fields and knows neither our
spec models nor our engine.
"""

from collections.abc import Collection, Sequence
from pprint import pformat
from typing import Any

_TEMPLATE = '''\
"""Trial of the sweep {name!r}, in {libraries} alone.

Run it beside {rows}, whose rows are tokenised already{ignored}:
    python script.py
It writes losses.jsonl, one line a step, and {what} into ./reproduced.{steered}
"""

import json
{extra_imports}
import torch
from datasets import Dataset
{peft_import}{imports}

SEED = {seed}
MODEL = {model}

with open({rows!r}, encoding="utf-8") as file:
    rows = [json.loads(line) for line in file]
dataset = Dataset.from_list([{{"input_ids": r["input_ids"], "labels": r["labels"]}} for r in rows])

{seed_head}model = {auto}.from_pretrained(
    MODEL,{revision}{num_labels}
    dtype=torch.{dtype},
    use_safetensors=True,
    trust_remote_code={trust_remote_code},{quantization}
)
tokenizer = AutoTokenizer.from_pretrained(MODEL{tokenizer_revision})
{pads}
{adapter}args = {args}(
    output_dir="trainer",
    use_cpu={use_cpu},
    seed=SEED,
    bf16={bf16},
    gradient_checkpointing={gradient_checkpointing},
{train}
    optim="adamw_torch",
{only_sft}    dataloader_pin_memory=False,
    logging_steps=1,
    save_strategy="no",
    report_to="none",
)


{loss}class Recorded({trainer}):
    """The stock trainer; it also keeps the loss of every micro-batch, unrounded."""

    losses: list = []

    def training_step(self, *inputs, **named):
        loss = super().training_step(*inputs, **named)
        self.losses.append((self.state.global_step + 1, float(loss)))
        return loss


set_seed(SEED)
{attach}{before_build}trainer = Recorded(model=model, args=args, train_dataset=dataset, processing_class=tokenizer{with_loss})
{after_build}trainer.train()
with open("losses.jsonl", "w", encoding="utf-8") as file:
    for step in sorted({{step for step, _ in trainer.losses}}):
        loss = sum(part for at, part in trainer.losses if at == step)
        file.write(json.dumps({{"step": step, "loss": loss}}) + "\\n")
trainer.model.save_pretrained("reproduced")
'''

_WRITER_IMPORTS = """\
from transformers import AutoModelForCausalLM, AutoTokenizer{bnb}, set_seed
from trl import SFTConfig, SFTTrainer"""

_WRITER = {
    "auto": "AutoModelForCausalLM",
    "args": "SFTConfig",
    "trainer": "SFTTrainer",
    "seed_head": "",
    "pads": """\
if tokenizer.eos_token is None:  # pads are masked everywhere, so any id will do
    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(0)
if tokenizer.pad_token is None:
    tokenizer.pad_token = tokenizer.eos_token
""",
    "only_sft": """\
    max_length=None,  # the rows are cut already
    packing=False,
    shuffle_dataset=False,  # the trainer's sampler shuffles, by the seed and the epoch
""",
    "loss": "",
    "with_loss": "",
}
"""What the script of a model that writes says where that of a classifier says something else."""

_CLASSIFIER_IMPORTS = """\
from transformers import AutoModelForSequenceClassification, AutoTokenizer{bnb}
from transformers import Trainer, TrainingArguments, set_seed"""

_CLASSIFIER = {
    "auto": "AutoModelForSequenceClassification",
    "args": "TrainingArguments",
    "trainer": "Trainer",
    "seed_head": "set_seed(SEED)  # the head is drawn when the model is loaded\n",
    "pads": """\
if tokenizer.pad_token is None:  # the model finds the end of a row by it: no row may end with it
    ends = {row["input_ids"][-1] for row in rows}
    free = next(i for i in range(len(tokenizer)) if i not in ends)
    tokenizer.pad_token = tokenizer.convert_ids_to_tokens(free)
model.config.pad_token_id = tokenizer.pad_token_id
""",
    "only_sft": "",
    "loss": """\
def over_window(outputs, labels, num_items_in_batch):
    # The model's own loss would add up the means of the micro-batches of an accumulated step.
    summed = torch.nn.functional.cross_entropy(outputs.logits, labels, reduction="sum")
    return summed / num_items_in_batch


""",
    "with_loss": ", compute_loss_func=over_window",
}

_TRAIN = (
    "learning_rate", "num_train_epochs", "max_steps", "per_device_train_batch_size",
    "gradient_accumulation_steps", "lr_scheduler_type", "warmup_steps", "weight_decay",
    "max_grad_norm", "adam_beta1", "adam_beta2", "adam_epsilon",
)  # fmt: skip


_EMBEDDED = 'str(files("workbench") / "microworld" / "weights")  # the embedded model'

_CONFIGS = {
    "LORA": "LoraConfig",
    "IA3": "IA3Config",
    "VERA": "VeraConfig",
    "PROMPT_TUNING": "PromptTuningConfig",
}
"""What PEFT calls the config of a method; full fine-tuning has none."""


def trial_script(
    fields: dict[str, Any],
    *,
    alpha: float,
    rows: str,
    read: Collection[str],
    num_labels: int | None = None,
    use_cpu: bool = True,
    initial: str | None = None,
    steered: Sequence[str] = (),
) -> str:
    """The script of one trial.

    Args:
        fields: The plain fields of its spec.
        alpha: `lora_alpha` as it is used.
        rows: The file of tokenised rows beside it.
        read: The fields of the adapter that its method reads.
        num_labels: What a classifier tells apart; None counts them in the rows.
        use_cpu: Whether it keeps off a GPU.
        initial: The folder of the adapter it begins with; None draws a new one.
        steered: What a person told it while it trained.
    """
    quantization = fields["quantization"]
    adapter = {**fields["adapter"], "lora_alpha": int(alpha) if alpha == int(alpha) else alpha}
    classifies = adapter["task_type"] == "SEQ_CLS"
    bnb = ", BitsAndBytesConfig" if quantization else ""
    return _TEMPLATE.format(
        name=fields["name"],
        rows=rows,
        seed=fields["seed"],
        **_model(fields["model"]),
        quantization=_quantization(quantization),
        steered=_told(steered),
        **_method(
            adapter, read=read, trainer="transformers" if classifies else "TRL", initial=initial
        ),
        ignored="" if classifies else " (-100 marks tokens that the loss ignores)",
        use_cpu=use_cpu,
        bf16=fields["train"]["bf16"],
        gradient_checkpointing=fields["train"]["gradient_checkpointing"],
        train=_arguments({name: fields["train"][name] for name in _TRAIN}),
        # Only SFTTrainer casts.
        before_build=_FP32_BEFORE if quantization and not classifies else "",
        after_build=_FP32_AFTER if quantization and not classifies else "",
        imports=(_CLASSIFIER_IMPORTS if classifies else _WRITER_IMPORTS).format(bnb=bnb),
        **(_CLASSIFIER if classifies else _WRITER),
        num_labels=_labels(num_labels) if classifies else "",
    )


def _model(fields: dict[str, Any]) -> dict[str, Any]:
    """What the script says of the base."""
    embedded, revision = fields["id"] == "microworld", fields["revision"]
    return {
        "extra_imports": "from importlib.resources import files\n" if embedded else "",
        "model": _EMBEDDED if embedded else repr(fields["id"]),
        "revision": f"\n    revision={revision!r}," if revision else "",
        "tokenizer_revision": f", revision={revision!r}" if revision else "",
        "dtype": fields["dtype"],
        "trust_remote_code": fields["trust_remote_code"],
    }


def _labels(count: int | None) -> str:
    """How many outputs the head has; some may be of labels that no row of this trial has."""
    said = str(count) if count else 'len({row["labels"] for row in rows})'
    return f"\n    num_labels={said},"


def _told(steered: Sequence[str]) -> str:
    """What the script does not do by itself, so that a reader knows where the trial went another way."""
    if not steered:
        return ""
    lines = "".join(f"\n- {one}" for one in steered)
    return "\n\nWhile it trained it was told:" + lines.replace("\\", "/").replace('"', "'")


def _method(
    fields: dict[str, Any], *, read: Collection[str], trainer: str, initial: str | None
) -> dict[str, str]:
    """What the script says of the adapter; without one, of the model that is trained whole."""
    if initial is not None:
        begins = "  # the weights it began with\n"
        return {
            "libraries": f"PEFT and {trainer}",
            "what": "the adapter",
            "peft_import": "from peft import PeftModel\n",
            "adapter": "",
            "attach": f"model = PeftModel.from_pretrained(model, {initial!r}, is_trainable=True){begins}",
        }
    config = _CONFIGS.get(fields["peft_type"])
    if config is None:
        plain = {"libraries": trainer, "what": "the model"}
        return plain | dict.fromkeys(("peft_import", "adapter", "attach"), "")
    said = {k: v for k, v in fields.items() if k in read and v is not None and v != {}}
    return {
        "libraries": f"PEFT and {trainer}",
        "what": "the adapter",
        "peft_import": f"from peft import {config}, get_peft_model\n",
        "adapter": f"adapter = {config}(\n{_arguments(said)}\n)\n\n",
        "attach": "model = get_peft_model(model, adapter)\n",
    }


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
