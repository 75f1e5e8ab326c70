"""The peers that everybody has: `peft` + `trl.SFTTrainer`, one trial after the other, and variants of it.

`train_stock(base, trial, ...)` puts a fresh adapter on a base, trains it the stock way and takes it off again. The
variants change one thing each: `flat` and `rows` take the padding away (TRL's own `padding_free`; one row a pass with
accumulation), `completion` computes logits only where the loss looks, and no metrics; `both` is `flat` and
`completion`. None of our code trains here.
"""

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

from bench.clock import Clock, share_moved
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


def train_stock(
    base: Any, tokenizer: Any, *, job: Job, trial: TrialPlan, variant: str = "plain"
) -> dict[str, Any]:
    """Train one trial on a base, which is given back as it was; its losses, stamps and faults."""
    set_seed(job.seed)
    model = get_peft_model(base, lora_config(trial))
    first = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
    clock = Clock(job)
    trainer = SFTTrainer(
        model=model,
        args=_arguments(job, trial=trial, variant=variant),
        train_dataset=Dataset.from_list(job.rows()),
        processing_class=tokenizer,
        callbacks=[_marking(clock)],
    )
    if job.dtype == "nf4":
        # SFTTrainer casts the adapter of a quantized base to bf16; every arm trains it in fp32.
        for name, parameter in trainer.model.named_parameters():
            if name in first:
                parameter.data = first[name]
    if variant in ("completion", "both"):
        trainer.compute_loss = _completion_loss
    kept = _keep_losses(trainer)
    trainer.train()
    losses = [0.0] * job.steps
    for step, loss in kept:
        losses[step] += float(loss)
    trained = {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}
    told = {
        "losses": losses,
        "stamps": clock.stamps,
        "faults": clock.faults,
        "moved": share_moved(trained),
    }
    model.unload()
    return told


def _arguments(job: Job, *, trial: TrialPlan, variant: str) -> SFTConfig:
    by_row = variant == "rows"
    return SFTConfig(
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


def _marking(clock: Clock) -> Any:
    """A callback that marks when training begins and when each step ends."""

    def mark(*arguments: Any, **named: Any) -> None:
        clock.mark()

    callback = TrainerCallback()
    callback.on_train_begin = callback.on_step_end = mark
    return callback


def _keep_losses(trainer: Any) -> list[tuple[int, torch.Tensor]]:
    """A list that the trainer fills: the loss of every micro-batch with its step, unrounded, on its device."""
    plain = trainer.training_step
    kept: list[tuple[int, torch.Tensor]] = []

    def training_step(*inputs: Any, **named: Any) -> Any:
        loss = plain(*inputs, **named)
        kept.append((trainer.state.global_step, loss.detach()))
        return loss

    trainer.training_step = training_step
    return kept


def _completion_loss(
    model: Any, inputs: Any, return_outputs: Any = False, num_items_in_batch: Any = None
) -> Any:
    """What `compute_loss` gives, from the logits of the positions that the loss looks at."""
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
