"""The oracle of classifiers: `peft` + `transformers.Trainer` under `AutoModelForSequenceClassification`, on the same rows.

`stored(name, folder)` puts a small random causal model where both sides load it from, `rows(count)` gives rows with
labels, `stock(trial, ...)` trains one trial the way transformers' own examples do.
"""

import copy
import logging
import random
import warnings
from pathlib import Path
from typing import Any

import torch

from tests.engine.equality import MODELS, VOCAB
from workbench.adapters.interchange import to_peft_config
from workbench.data.rendering import Rendered
from workbench.spec import Trial

LABELS = ("bad", "fair", "good")


def stored(name: str, folder: Path) -> Path:
    """A small random causal model, in a folder; its head for words is not a classifier's."""
    from transformers import AutoModelForCausalLM

    torch.manual_seed(7)
    place = folder / f"{name}-base"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = AutoModelForCausalLM.from_config(copy.deepcopy(MODELS[name][0]))
    model.save_pretrained(place)
    tokens = {"<pad>": 0, "<bos>": 1, "<eos>": 2} | {f"w{i}": i for i in range(3, VOCAB)}
    write_tokenizer(tokens, place)
    return place


def write_tokenizer(tokens: dict[str, int], folder: Path) -> None:
    """A tokenizer of whole words."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel(tokens, unk_token="<pad>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>"
    ).save_pretrained(folder)


def rows(count: int, *, seed: int = 5) -> list[Rendered]:
    """Rows of many lengths whose label is decided by their first word."""
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        ids = [1, *(rng.randrange(3, VOCAB) for _ in range(rng.randrange(2, 24)))]
        found.append(Rendered(ids, [-100] * len(ids), False, label=ids[1] % len(LABELS)))
    return found


def stock(
    trial: Trial, base: Path, data: list[Rendered], *, folder: Path
) -> tuple[Any, list[float]]:
    """Train one trial with `transformers.Trainer`; the model afterwards and the loss of every step."""
    from datasets import Dataset
    from peft import get_peft_model
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
        set_seed,
    )

    logging.getLogger("transformers").setLevel(logging.ERROR)
    spec, found = trial.spec.train, {}
    args = TrainingArguments(
        output_dir=str(folder / f"stock-{trial.name}"), use_cpu=True, bf16=False, optim="adamw_torch",
        dataloader_pin_memory=False, save_strategy="no", report_to="none", logging_steps=1,
        disable_tqdm=True, seed=trial.spec.seed, **_said(spec),
    )  # fmt: skip

    class Recorded(Trainer):
        def training_step(self, *inputs: Any, **named: Any) -> Any:
            loss = super().training_step(*inputs, **named)
            step = self.state.global_step
            found[step] = found.get(step, 0.0) + float(loss)
            return loss

    set_seed(trial.spec.seed)
    plain = AutoModelForSequenceClassification.from_pretrained(base, num_labels=len(LABELS))
    plain.config.pad_token_id = 0
    set_seed(trial.spec.seed)
    model = get_peft_model(plain, to_peft_config(trial.spec.adapter))
    trainer = Recorded(
        model=model,
        args=args,
        train_dataset=Dataset.from_list(
            [{"input_ids": r.input_ids, "label": r.label} for r in data]
        ),
        data_collator=DataCollatorWithPadding(AutoTokenizer.from_pretrained(base)),
        compute_loss_func=_over_window,
    )
    trainer.train()
    return trainer.model, [found[step] for step in sorted(found)]


def _over_window(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> torch.Tensor:
    """The loss over the rows of a whole window: the model's own adds the means of micro-batches up."""
    summed = torch.nn.functional.cross_entropy(outputs.logits, labels, reduction="sum")
    return summed / num_items_in_batch


def _said(spec: Any) -> dict[str, Any]:
    return {
        field: getattr(spec, field)
        for field in (
            "learning_rate", "num_train_epochs", "max_steps", "per_device_train_batch_size",
            "gradient_accumulation_steps", "lr_scheduler_type", "warmup_steps", "weight_decay",
            "max_grad_norm", "gradient_checkpointing",
        )
    }  # fmt: skip
