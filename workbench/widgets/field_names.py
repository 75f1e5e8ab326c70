"""What the fields of the form are called in the spec, and which of them a message of the spec is about.

`DOTTED` is the list, `by_field(message)` sorts the lines of a message. It knows no value.
"""

import re

from workbench.mistakes import PARTS
from workbench.widgets.entries import BY_NAME

DOTTED = {
    "name": "name",
    "model_id": "model.id",
    "data_id": "data.id",
    "ranks": "adapter.r",
    "alpha": "adapter.lora_alpha",
    "targets": "adapter.target_modules",
    "rank_pattern": "adapter.rank_pattern",
    "alpha_pattern": "adapter.alpha_pattern",
    "quantization": "quantization",
    "learning_rate": "train.learning_rate",
    "epochs": "train.num_train_epochs",
    "max_steps": "train.max_steps",
    "seeds": "seed",
    "evals": "evals",
    **{name: entry.dotted for name, entry in BY_NAME.items()},
}
"""Field of the form -> field of the spec."""

_SHORTEST_LAST = sorted(DOTTED.items(), key=lambda item: -len(item[1]))


def by_field(message: str) -> dict[str, str]:
    r"""A message of the spec, sorted to the fields of the form that it names.

    >>> by_field("the spec cannot be used:\n  train.learning_rate: must be above 0; got -1.0")
    {'learning_rate': 'must be above 0; got -1.0'}
    """
    problems: dict[str, str] = {}
    rest = []
    for line in message.splitlines():
        if line.endswith("cannot be used:"):
            continue
        where, colon, reason = line.strip().partition(": ")
        field = next((f for f, d in _SHORTEST_LAST if _lies_in(where, d)), None)
        if not (colon and field):
            # A rule between fields begins with one of them.
            reason = reason if colon and where in PARTS else line.strip()
            field = next((w for w in re.findall(r"\w+", reason)[:1] if w in DOTTED), None)
        if field:
            problems.setdefault(field, reason)
        else:
            rest.append(line.strip())
    if rest:
        problems[""] = "\n".join(rest)
    return problems


def _lies_in(where: str, dotted: str) -> bool:
    return where == dotted or where.startswith((dotted + ".", dotted + "["))
