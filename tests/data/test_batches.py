"""Batches have the order, the number and the padding of a plain Trainer's."""

from pathlib import Path

import torch

from workbench.data.batches import collate, epoch_order
from workbench.data.rendering import IGNORED, Rendered


def test_the_order_is_the_trainers_in_every_epoch(tmp_path: Path) -> None:
    from datasets import Dataset
    from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments, set_seed

    config = LlamaConfig(
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        vocab_size=64,
    )
    rows = Dataset.from_list([{"input_ids": [n], "labels": [n]} for n in range(23)])
    arguments = TrainingArguments(
        tmp_path, seed=5, per_device_train_batch_size=4, use_cpu=True, dataloader_pin_memory=False
    )
    set_seed(5)
    trainer = Trainer(LlamaForCausalLM(config), arguments, train_dataset=rows)
    loader = trainer.get_train_dataloader()
    for epoch in range(3):
        loader.set_epoch(epoch)
        seen = [n for batch in loader for n in batch["input_ids"][:, 0].tolist()]
        assert seen == epoch_order(23, seed=5, epoch=epoch)


def test_a_batch_is_padded_on_the_right_and_padding_is_not_trained_on() -> None:
    batch = collate(
        [Rendered([5, 6, 7], [IGNORED, 6, 7], False), Rendered([8], [8], False)], pad_id=0
    )
    assert batch["input_ids"].tolist() == [[5, 6, 7], [8, 0, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["labels"].tolist() == [[IGNORED, 6, 7], [8, IGNORED, IGNORED]]
    assert all(tensor.dtype == torch.long for tensor in batch.values())


def test_an_end_token_used_as_padding_stays_trained_on_where_it_ends_a_row() -> None:
    batch = collate(
        [Rendered([5, 2], [5, 2], False), Rendered([6, 7, 2], [6, 7, 2], False)], pad_id=2
    )
    assert batch["labels"][0].tolist() == [5, 2, IGNORED]


def test_a_batch_is_that_of_trls_collator() -> None:
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    rows = [Rendered([5, 6, 7], [IGNORED, 6, 7], False), Rendered([8], [8], False)]
    theirs = DataCollatorForLanguageModeling(pad_token_id=3)(
        [{"input_ids": row.input_ids, "labels": row.labels} for row in rows]
    )
    ours = collate(rows, pad_id=3)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
