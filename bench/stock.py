"""The peers that everybody has: `peft` + `trl.SFTTrainer`, one trial after the other, and variants of it.

`train_stock(base, trial, ...)` puts a fresh adapter on a base, trains it the stock way and takes it off again. The
variants change one thing each: `flat` and `rows` take the padding away (TRL's own `padding_free`; one row a pass with
accumulation), `completion` computes logits only where the loss looks, and no metrics;
`both` is `flat` and `completion`. None of our code trains here.
"""

import time
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from torch.nn import functional
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    TrainerCallback,
    set_seed,
)
from trl import SFTConfig, SFTTrainer

from bench.job import Job, TrialPlan


def load_base(job: Job) -> tuple[Any, Any]:
    """The frozen base and its tokenizer, as `from_pretrained` gives them."""
    quantization = None
    if job.dtype == "nf4":
        quantization = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.float32
        )
    model = AutoModelForCausalLM.from_pretrained(
        job.model,
        dtype=torch.bfloat16 if job.dtype == "bfloat16" else torch.float32,
        use_safetensors=True,
        quantization_config=quantization,
        device_map={"": job.device} if quantization else None,
    )
    if quantization is None:
        model.to(job.device)
    tokenizer = AutoTokenizer.from_pretrained(job.model)
    if tokenizer.eos_token is None:
        tokenizer.eos_token = tokenizer.convert_ids_to_tokens(0)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model, tokenizer


def lora_config(trial: TrialPlan) -> LoraConfig:
    """The adapter of a trial."""
    return LoraConfig(
        r=trial.r, lora_alpha=trial.alpha, target_modules="all-linear", task_type="CAUSAL_LM"
    )


class _Stamps(TrainerCallback):
    """When training began and each step ended."""

    def __init__(self) -> None:
        self.found: list[float] = []

    def on_train_begin(self, *args: Any, **named: Any) -> None:
        self.found.append(time.time())

    def on_step_end(self, *args: Any, **named: Any) -> None:
        self.found.append(time.time())


class _Recorded(SFTTrainer):
    """The stock trainer; it also keeps the loss of every micro-batch, unrounded, on its device."""

    def training_step(self, *inputs: Any, **named: Any) -> Any:
        loss = super().training_step(*inputs, **named)
        self.__dict__.setdefault("kept", []).append((self.state.global_step, loss.detach()))
        return loss


class _CompletionOnly(_Recorded):
    """Logits at the positions that the loss looks at."""

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: Any = False, num_items_in_batch: Any = None
    ) -> Any:
        labels_BT = inputs.pop("labels")[:, 1:]
        wanted_BT = labels_BT != -100
        handle = model.get_base_model().lm_head.register_forward_pre_hook(
            lambda module, given: (given[0][:, :-1][wanted_BT],)
        )
        try:
            logits_NV = model(**inputs, use_cache=False).logits.float()
        finally:
            handle.remove()
        summed = functional.cross_entropy(logits_NV, labels_BT[wanted_BT], reduction="sum")
        return summed / num_items_in_batch


def train_stock(
    base: Any, tokenizer: Any, *, job: Job, trial: TrialPlan, variant: str = "plain"
) -> dict[str, Any]:
    """Train one trial on a base, which is given back as it was; its losses and stamps."""
    by_row = variant == "rows"
    args = SFTConfig(
        output_dir=f"{job.folder}/trainer",
        use_cpu=job.device == "cpu",
        seed=job.seed,
        bf16=False,
        gradient_checkpointing=False,
        learning_rate=trial.learning_rate,
        max_steps=job.steps,
        per_device_train_batch_size=1 if by_row else job.batch,
        gradient_accumulation_steps=job.batch if by_row else 1,
        padding_free=variant in ("flat", "both"),
        max_length=None,
        packing=False,
        shuffle_dataset=False,
        dataloader_pin_memory=False,
        logging_steps=10,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    set_seed(job.seed)
    model = get_peft_model(base, lora_config(trial))
    first = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
    stamps = _Stamps()
    trainer = (_CompletionOnly if variant in ("completion", "both") else _Recorded)(
        model=model,
        args=args,
        train_dataset=Dataset.from_list(job.rows()),
        processing_class=tokenizer,
        callbacks=[stamps],
    )
    if job.dtype == "nf4":
        # SFTTrainer casts the adapter of a quantized base to bf16; every arm trains it in fp32.
        for name, parameter in trainer.model.named_parameters():
            if name in first:
                parameter.data = first[name]
    trainer.train()
    losses = [0.0] * job.steps
    for step, loss in trainer.kept:
        losses[step] += float(loss)
    ended = time.time()  # after the last loss: a GPU has caught up
    model.unload()
    return {"losses": losses, "stamps": [*stamps.found[:-1], ended]}
