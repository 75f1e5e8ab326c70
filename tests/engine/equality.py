"""The oracle of the engine's tests: `peft` + `trl.SFTTrainer`, run on the same rows with the same words of the spec.

Small random models of many architectures, rows of many lengths, and one function that trains a trial the stock way.
"""

import copy
import logging
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import torch
import transformers as hf
from peft import get_peft_model
from transformers.models.llama.modeling_llama import LlamaRMSNorm
from transformers.models.mistral.modeling_mistral import MistralRMSNorm
from transformers.models.qwen3.modeling_qwen3 import Qwen3RMSNorm

from workbench import microworld
from workbench.adapters.bank import Bank
from workbench.adapters.interchange import to_peft_config
from workbench.data.rendering import Rendered
from workbench.engine.loop import train
from workbench.engine.slot import Slot
from workbench.events import Step
from workbench.models.quantize import keep_trainable, to_bnb
from workbench.spec import QuantizationSpec, Spec, Trial

VOCAB = 97
DOUBLE = False
"""Whether models are built in fp64; see `in_double`."""

_SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": VOCAB}
_MLP = {**_SMALL, "intermediate_size": 64, "max_position_embeddings": 64}
_ENDS = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}

MODELS: dict[str, tuple[Any, tuple[str, ...], tuple[str, ...]]] = {
    "llama": (hf.LlamaConfig(**_MLP, **_ENDS), ("q_proj", "v_proj"), ("down_proj",)),
    "qwen3": (
        hf.Qwen3Config(**_MLP, **_ENDS, head_dim=8, num_key_value_heads=2),
        ("q_proj", "o_proj"),
        ("up_proj",),
    ),
    "gemma": (
        hf.GemmaConfig(**_MLP, **_ENDS, head_dim=8, num_key_value_heads=1),
        ("k_proj",),
        ("gate_proj", "down_proj"),
    ),
    "gpt2": (
        hf.GPT2Config(
            n_embd=32, n_layer=2, n_head=4, n_positions=64, vocab_size=VOCAB, **_ENDS,
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        ),
        ("c_attn",),
        ("c_proj", "c_fc"),
    ),
    "opt": (
        hf.OPTConfig(
            **_SMALL, **_ENDS, ffn_dim=64, word_embed_proj_dim=32, max_position_embeddings=64,
            dropout=0.0,
        ),
        ("q_proj", "v_proj"),
        ("fc1", "fc2"),
    ),
    "phi": (
        hf.PhiConfig(**_MLP, **_ENDS, resid_pdrop=0.0, embd_pdrop=0.0),
        ("q_proj", "dense"),
        ("fc1", "fc2"),
    ),
    "mistral": (
        hf.MistralConfig(**_MLP, **_ENDS, num_key_value_heads=2),
        ("q_proj", "v_proj"),
        ("down_proj",),
    ),
    "bloom": (  # positions are biases of attention: its rows cannot lie end to end
        hf.BloomConfig(
            hidden_size=32, n_layer=2, n_head=4, vocab_size=VOCAB, **_ENDS, hidden_dropout=0.0,
            attention_dropout=0.0,
        ),
        ("query_key_value",),
        ("dense_h_to_4h", "dense_4h_to_h"),
    ),
    "microworld": (None, ("q_proj", "v_proj"), ("down_proj",)),
}  # fmt: skip
"""Config (None: the embedded model with its trained weights), some targets, other targets."""


def build(
    name: str,
    *,
    folder: Any = None,
    quantization: QuantizationSpec | None = None,
    dtype: str = "float32",
) -> Any:
    """A small random model; with a quantization it is stored in the folder and loaded as bitsandbytes has it."""
    torch.manual_seed(7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = copy.deepcopy(MODELS[name][0])
        if config is None:
            model = hf.AutoModelForCausalLM.from_pretrained(microworld.path(), dtype=torch.float32)
        else:
            model = hf.AutoModelForCausalLM.from_config(config)
        if DOUBLE:
            model = model.double()
        if quantization is None:
            return model.bfloat16() if dtype == "bfloat16" else model
        model.save_pretrained(folder / "model")
        quantized = hf.AutoModelForCausalLM.from_pretrained(
            folder / "model", quantization_config=to_bnb(quantization), device_map={"": "cpu"}
        )
        keep_trainable(quantized)
        return quantized


@contextmanager
def in_double() -> Iterator[None]:
    """Models in fp64, and norms that compute in the dtype they are given instead of fp32."""
    global DOUBLE

    def native(self: Any, x: torch.Tensor) -> torch.Tensor:
        return (
            self.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon)
        )

    norms = (LlamaRMSNorm, MistralRMSNorm, Qwen3RMSNorm)
    stock_forwards = [norm.forward for norm in norms]
    DOUBLE = True
    for norm in norms:
        norm.forward = native
    try:
        yield
    finally:
        DOUBLE = False
        for norm, forward in zip(norms, stock_forwards, strict=True):
            norm.forward = forward


def _double_loss(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> torch.Tensor:
    """The trainer's loss in fp64; TRL's own head computes it in fp32."""
    wanted = labels[:, 1:] != -100
    logits = outputs.logits[:, :-1][wanted]
    summed = torch.nn.functional.cross_entropy(logits, labels[:, 1:][wanted], reduction="sum")
    return summed / num_items_in_batch


def rows(count: int, *, seed: int = 5) -> list[Rendered]:
    """Rows of many lengths, with prompts of many lengths."""
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        ids = [1, *(rng.randrange(3, VOCAB) for _ in range(rng.randrange(4, 24))), 2]
        prompt = rng.randrange(1, len(ids) - 2)
        found.append(Rendered(ids, [-100] * prompt + ids[prompt:], False))
    return found


def trials(name: str, *, steps: int) -> list[Trial]:
    """Four trials that differ in rank, targets, learning rate, accumulation, schedule and seed."""
    _, few, others = MODELS[name]
    kinds: list[dict[str, Any]] = [
        {"r": 1, "target_modules": few, "learning_rate": 1e-2, "accumulate": 1, "schedule": "linear"},
        {"r": 8, "target_modules": few + others, "learning_rate": 3e-3, "accumulate": 2, "schedule": "cosine"},
        {"r": 32, "target_modules": others, "learning_rate": 2e-3, "accumulate": 3, "schedule": "constant"},
        {"r": 5, "target_modules": "all-linear", "learning_rate": 2e-3, "accumulate": 1,
         "schedule": "constant_with_warmup"},
    ]  # fmt: skip
    return [
        Trial(
            name=f"t{index}",
            spec=Spec.from_fields(
                {
                    "adapter": {
                        "r": kind["r"],
                        "target_modules": kind["target_modules"],
                        "use_rslora": index == 2,
                        "lora_alpha": 16 if index == 2 else None,
                    },
                    "train": {
                        "learning_rate": kind["learning_rate"],
                        "lr_scheduler_type": kind["schedule"],
                        "gradient_accumulation_steps": kind["accumulate"],
                        "per_device_train_batch_size": 4,
                        "warmup_steps": 3,
                        "weight_decay": 0.01 * index,
                        "max_grad_norm": 0.5,
                        "max_steps": steps,
                    },
                    "seed": 11 + index,
                }
            ),
        )
        for index, kind in enumerate(kinds)
    ]


def slots(some: list[Trial], data: list[list[Rendered]], *, folder: Any) -> list[Slot]:
    """A slot of each trial on its own rows."""
    return [
        Slot(
            name=trial.name, train=trial.spec.train, rows=own, seed=trial.spec.seed,
            fingerprint=trial.name, checkpoint=folder / trial.name,
        )
        for trial, own in zip(some, data, strict=True)
    ]  # fmt: skip


def bank(name: str, some: list[Trial], *, folder: Any = None) -> Bank:
    """The trials' adapters on one small model, quantized as the trials say."""
    spec = some[0].spec
    model = build(name, folder=folder, quantization=spec.quantization, dtype=spec.model.dtype)
    return Bank(model, SimpleNamespace(pad_token_id=0), some)


def losses(events: list[Any]) -> dict[str, list[float]]:
    """The loss of every step, by trial."""
    found: dict[str, list[float]] = {}
    for event in events:
        if isinstance(event, Step):
            found.setdefault(event.trial, []).append(event.loss)
    return found


def fused(
    name: str, some: list[Trial], data: list[list[Rendered]], *, folder: Any
) -> tuple[Bank, dict]:
    """Train trials together; the bank afterwards and the losses of each."""
    held = bank(name, some, folder=folder)
    told = list(train(held, slots(some, data, folder=folder)))
    return held, losses(told)


def stock(
    name: str,
    trial: Trial,
    data: list[Rendered],
    *,
    folder: Any,
    held_out: list[Rendered] | None = None,
) -> tuple[Any, list[float], list[float]]:
    """Train one trial with `trl.SFTTrainer`; the model afterwards, the loss of every step and of held-out rows."""
    from datasets import Dataset
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast, set_seed
    from trl import SFTConfig, SFTTrainer

    logging.getLogger("transformers").setLevel(logging.ERROR)
    words = {"<pad>": 0, "<bos>": 1, "<eos>": 2} | {f"w{i}": i for i in range(3, VOCAB)}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="<pad>")),
        pad_token="<pad>", bos_token="<bos>", eos_token="<eos>",
    )  # fmt: skip
    spec = trial.spec.train
    said = {
        field: getattr(spec, field)
        for field in (
            "learning_rate", "num_train_epochs", "max_steps", "per_device_train_batch_size",
            "gradient_accumulation_steps", "lr_scheduler_type", "warmup_steps", "weight_decay",
            "max_grad_norm", "gradient_checkpointing",
        )
    }  # fmt: skip
    watched: dict[str, Any] = {"save_strategy": "no"}
    if held_out:
        watched = {
            "eval_strategy": "steps", "eval_steps": spec.eval_steps, "save_strategy": "steps",
            "save_steps": spec.eval_steps, "load_best_model_at_end": spec.load_best_model_at_end,
            "per_device_eval_batch_size": len(held_out), "metric_for_best_model": "eval_loss",
        }  # fmt: skip
    args = SFTConfig(
        output_dir=str(folder / f"trl-{trial.name}"), use_cpu=True, bf16=spec.bf16, max_length=None,
        packing=False, shuffle_dataset=False, optim="adamw_torch", dataloader_pin_memory=False,
        report_to="none", logging_steps=1, disable_tqdm=True, seed=trial.spec.seed,
        **said, **watched,
    )  # fmt: skip
    found: dict[int, float] = {}

    class Recorded(SFTTrainer):
        def training_step(self, *inputs: Any, **named: Any) -> Any:
            loss = super().training_step(*inputs, **named)
            step = self.state.global_step
            found[step] = found.get(step, 0.0) + float(loss)
            return loss

    set_seed(trial.spec.seed)
    plain = build(
        name,
        folder=folder,
        quantization=trial.spec.quantization,
        dtype=trial.spec.model.dtype,
    )
    set_seed(trial.spec.seed)
    whole = trial.spec.adapter.peft_type == "FULL"
    model = plain if whole else get_peft_model(plain, to_peft_config(trial.spec.adapter))
    first = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
    kept, asked = (
        Dataset.from_list([{"input_ids": r.input_ids, "labels": r.labels} for r in some])
        if some
        else None
        for some in (data, held_out)
    )
    patience = spec.early_stopping_patience
    stopping = hf.EarlyStoppingCallback(patience or 1, spec.early_stopping_threshold)
    trainer = Recorded(
        model=model, args=args, train_dataset=kept, eval_dataset=asked, processing_class=tokenizer,
        callbacks=[stopping] if patience else None, compute_loss_func=_double_loss if DOUBLE else None,
    )  # fmt: skip
    for key, parameter in trainer.model.named_parameters():
        if key in first:
            parameter.data = first[key]  # SFTTrainer casts the adapters of a quantized base to bf16
    trainer.train()
    watching = [log["eval_loss"] for log in trainer.state.log_history if "eval_loss" in log]
    return trainer.model, [found[step] for step in sorted(found)], watching
