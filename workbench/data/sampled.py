"""Some rows of a set as texts, for whoever wants to know how long they are: `texts(spec.data, most=64)`.

They are spread evenly over the rows that could be trained on. Chat messages are joined about as a template would set them. It
knows no tokenizer.
"""

from typing import Any

from workbench.data.sources import trainable
from workbench.spec import DataSpec


def texts(data: DataSpec, *, labelled: bool = False, most: int) -> tuple[tuple[str, str], ...]:
    """What is read and what is learned of some rows, spread evenly; none where reading would take long."""
    rows = trainable(data, labelled=labelled) or []
    some = rows[:: max(1, len(rows) // most)][:most]
    return tuple(_read_and_learned(row, labelled=labelled) for row in some)


def _read_and_learned(row: dict[str, Any], *, labelled: bool) -> tuple[str, str]:
    if "text" in row:
        return "", row["text"]
    if "prompt" in row:
        return _joined(row["prompt"]), "" if labelled else _joined(row["completion"])
    return _joined(row["messages"][:-1]), _joined(row["messages"][-1:])


def _joined(said: Any) -> str:
    """A text as it is, or the turns of a chat about as a template would set them."""
    if isinstance(said, str):
        return said
    return "".join(f"<{turn.get('role', '')}>\n{turn.get('content', '')}\n" for turn in said)
