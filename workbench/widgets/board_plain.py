"""Stored figures as a plain table, for a place that shows no widget while the comparison is still being worked out.

`as_table(store)` and `as_text(store)` read `scores/` as they stand, test nothing and need no statistics, so that they
are there at once. Once the comparison is made its own table takes their place.
"""

from html import escape

from workbench.runs.store import SweepStore
from workbench.scores.task import BASE, Score

NOTE = "Figures as they are stored, with 95 % intervals; wb.compare(...) says which of them differ."


def as_table(store: SweepStore) -> str:
    """A table of HTML, a row a slot."""
    head, rows = _rows(store)
    cells = "".join(f"<th scope='col'>{escape(word)}</th>" for word in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(word)}</td>" for word in row) + "</tr>" for row in rows
    )
    name = escape(store.path.name)
    return f"<table><caption>{name}. {NOTE}</caption><tr>{cells}</tr>{body}</table>"


def as_text(store: SweepStore) -> str:
    """The same as lines."""
    head, rows = _rows(store)
    return "\n".join("  ".join(words) for words in ([store.path.name, NOTE], head, *rows))


def _rows(store: SweepStore) -> tuple[list[str], list[list[str]]]:
    scores = {(one.slot, one.eval): one for one in store.scores()}
    evals = list(dict.fromkeys(eval for _, eval in scores))
    slots = [BASE, *(trial.name for trial in store.trials)]
    rows = [[slot, *(_told(scores.get((slot, eval))) for eval in evals)] for slot in slots]
    return ["trial", *evals], rows


def _told(score: Score | None) -> str:
    if score is None:
        return "–"
    if score.value is None:
        return "withheld"
    factor, unit = (100.0, " %") if score.unit == "share" else (1.0, "")
    ends = ""
    if score.low is not None and score.high is not None:
        ends = f" [{score.low * factor:.3g}, {score.high * factor:.3g}]"
    return f"{score.value * factor:.3g}{unit}{ends}"
