"""Rows as a model will read them, told by a process of its own: `python -m workbench.widgets.sample_rows`.

A line of JSON comes in (a spec's fields, the first row, how many), a line goes out: each row as tokens, and which of them
the loss looks at. The process exists because a tokenizer brings torch with it, which a kernel shall not have to load; it
keeps the tokenizer and the rows of the last question, and ends by itself when nobody asks.
"""

import json
import os
import select
import sys
from typing import Any

from workbench.errors import WorkbenchError
from workbench.spec import Spec

IDLE_SECONDS = 180
MOST_TOKENS = 400
"""Of a row, that are shown."""
WINDOW = 6
"""Tokens before one that may change how it is written."""


class Reader:
    """Answers questions about rows."""

    def __init__(self) -> None:
        self._tokenizers: tuple[Any, Any] = (None, None)
        self._rows: tuple[Any, Any] = (None, None)

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """The rows asked for, or what keeps them from being shown."""
        try:
            return self._answer(question)
        except (WorkbenchError, OSError) as error:
            return {"problem": str(error)}
        except Exception as error:  # noqa: BLE001 - told in the page; nobody sees this process
            return {"problem": f"{type(error).__name__}: {error}"}

    def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        from workbench.data.sources import load

        spec = Spec.from_fields(question["spec"])
        labelled = spec.adapter.task_type == "SEQ_CLS"
        if self._rows[0] != (spec.data, labelled):
            self._rows = ((spec.data, labelled), load(spec.data, labelled=labelled))
        rows = self._rows[1]
        if self._tokenizers[0] != spec.model:
            from workbench.models.load import load_tokenizer

            self._tokenizers = (spec.model, load_tokenizer(spec.model))
        total = len(rows.train)
        first = max(0, min(int(question["first"]), total - 1))
        chosen = rows.train[first : first + int(question["count"])]
        told = [self._told(row, spec=spec, labels=rows.labels) for row in chosen]
        return {"rows": told, "first": first, "total": total, "held_out": len(rows.held_out)}

    def _told(self, row: dict[str, Any], *, spec: Spec, labels: tuple[str, ...]) -> dict[str, Any]:
        from workbench.data.rendering import IGNORED, render, render_labelled

        tokenizer = self._tokenizers[1]
        longest = spec.train.max_length
        if labels:
            made = render_labelled(tokenizer, row, max_length=longest, labels=labels)
        else:
            only = spec.train.completion_only_loss
            made = render(tokenizer, row, max_length=longest, completion_only_loss=only)
        shown = made.input_ids[:MOST_TOKENS]
        # The first token is never predicted.
        looked_at = [i > 0 and label != IGNORED for i, label in enumerate(made.labels)]
        texts = pieces(tokenizer, shown)
        return {
            "id": str(row.get("id", "")),
            "tokens": [[text, on] for text, on in zip(texts, looked_at[: len(shown)], strict=True)],
            "length": len(made.input_ids),
            "trained": made.num_trained,
            "cut": made.truncated,
            "label": row["label"] if labels else None,
        }


def pieces(tokenizer: Any, ids: list[int]) -> list[str]:
    """What each token adds to the text."""

    def text(some: list[int]) -> str:
        # Tokens of half a character are shown where it is whole.
        return str(tokenizer.decode(some, clean_up_tokenization_spaces=False)).rstrip("\ufffd")

    found = []
    for place in range(len(ids)):
        start = max(0, place - WINDOW)
        before, after = text(ids[start:place]), text(ids[start : place + 1])
        found.append(after[len(before) :] if after.startswith(before) else after)
    return found


def main() -> None:
    """Answer line by line until nobody asks."""
    # What libraries print must not stand between the answers.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    reader = Reader()
    while select.select([sys.stdin], [], [], IDLE_SECONDS)[0]:
        line = sys.stdin.readline()
        if not line:
            return
        out.write(json.dumps(reader.answer(json.loads(line))) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
