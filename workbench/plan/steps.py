"""How many optimizer steps a training takes: the Trainer's own arithmetic, in one pure function.

`optimizer_steps(90, train=spec.train)` is what `transformers.Trainer` would count for 90 rows on one device. It knows
nothing of rows that are dropped because they do not fit the context: give it the number that is trained on.
"""

import math

from workbench.spec import TrainSpec


def optimizer_steps(num_rows: int, *, train: TrainSpec) -> int:
    """Steps of a training on `num_rows` rows.

    >>> optimizer_steps(90, train=TrainSpec(num_train_epochs=3, per_device_train_batch_size=8))
    36
    """
    if train.max_steps > 0:
        return train.max_steps
    return math.ceil(train.num_train_epochs * steps_per_epoch(num_rows, train=train))


def steps_per_epoch(num_rows: int, *, train: TrainSpec) -> int:
    """Steps in one pass; a last window of fewer batches still makes a step."""
    batches = math.ceil(num_rows / train.per_device_train_batch_size)
    return max(math.ceil(batches / train.gradient_accumulation_steps), 1)
