"""How what a task of `lm-eval` says of its documents becomes a score with our interval.

A row's value is its task's main metric for one document, turned so that more is better; `Told` is what it keeps
besides. `figures(rows)` averages the values and shows the task's other metrics beside them, aggregated over the rows as
`lm-eval` does. It knows neither `lm-eval` nor any model.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from workbench.scores import perplexity
from workbench.scores.confusion import of_counts
from workbench.scores.entry import Measure
from workbench.scores.figures import (
    Figures,
    Parts,
    at_worst,
    detail,
    failed,
    group_means,
    mean_of,
    scored,
    share_of,
    values,
)
from workbench.scores.task import Row

Reading = Literal["as it is", "negated", "agreement", "log-likelihood", "bits"]
"""How a row's value was made of its main metric: see `READINGS`."""

READINGS: Mapping[str, str] = {
    "as it is": "{}",
    "negated": "minus {}, of which less is better",
    "agreement": "share of right answers; the task's own {} stands beside it",
    "log-likelihood": "log-likelihood of an answer, in nats; {} stands beside it",
    "bits": "minus bits a byte, of which less is better",
}
"""What a score says that it is."""

Raw = float | tuple[float, ...]


class Told(BaseModel):
    """What a task said of one document, and how its metrics are to be read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    measure: str
    """The main metric."""
    reading: Reading = "as it is"
    metrics: dict[str, Raw] = {}
    """Every metric that is a number or a few; two filters of one metric have a name each, `exact_match,strict`."""
    pooled: dict[str, str] = {}
    """How those are aggregated that are not simply averaged."""
    chance: float | None = None
    # What a text holds, under the names that `scores.perplexity` reads.
    logprob: float | None = None
    words: int | None = None
    bytes: int | None = None


def figures(rows: Sequence[Row]) -> Figures:
    """The mean of the main metric, and the other metrics beside it."""
    ours = scored(rows)
    told = [known for row in (*ours, *failed(rows)) if (known := told_of(row)) is not None]
    parts = aggregated([known for row in ours if (known := told_of(row)) is not None])
    parts |= group_means(ours, better="higher") | at_worst(rows)
    if not told:
        return Figures(interval=mean_of(ours), parts=parts)
    first, chances = told[0], [one.chance for one in told if one.chance is not None]
    if first.reading == "bits":
        return _of_texts(ours, parts=parts)
    bounded = all(0 <= one <= 1 for one in values(ours))
    return Figures(
        interval=share_of(ours) if bounded else mean_of(ours),
        parts=parts,
        measure=READINGS[first.reading].format(first.measure),
        unit=None if bounded else "nats" if first.reading == "log-likelihood" else first.measure,
        chance=math.fsum(chances) / len(chances) if len(chances) == len(told) else None,
    )


def told_of(row: Row) -> Told | None:
    """What a row keeps of its document; None for one that kept nothing."""
    kept = detail(row)
    return Told.model_validate(kept) if "measure" in kept else None


def _of_texts(rows: Sequence[Row], *, parts: Parts) -> Figures:
    found = perplexity.figures([_negated(row) for row in rows])
    interval = found.interval
    low, high = (None if one is None else -one for one in (interval.high, interval.low))
    value = None if interval.value is None else -interval.value
    return Figures(
        interval=interval._replace(value=value, low=low, high=high),
        parts=parts,
        measure=READINGS["bits"],
        unit="bits/byte",
    )


def weighed(rows: Sequence[Row]) -> list[Row]:
    """Rows of whole texts with their value: minus bits over the mean bytes of a text; see `perplexity.weighed`."""
    return [row if row.error else _negated(row) for row in perplexity.weighed(rows)]


def _negated(row: Row) -> Row:
    return row.model_copy(update={"value": None if row.value is None else -row.value})


def aggregated(told: Sequence[Told]) -> Parts:
    """Each metric over all documents that have it, by the aggregation of its name.

    >>> told = [Told(measure="acc", metrics={"acc": 1, "ppl": -2.0}, pooled={"ppl": "perplexity"})]
    >>> aggregated(told) == {"acc": 1.0, "ppl": math.exp(2)}
    True
    """
    parts: Parts = {}
    for name in dict.fromkeys(name for one in told for name in one.metrics):
        found = [one.metrics[name] for one in told if name in one.metrics]
        way = next(one.pooled.get(name, "mean") for one in told if name in one.metrics)
        if way in POOLED and _all_alike(found, way=way):
            parts[name] = POOLED[way](np.asarray(found, dtype=np.float64))
    return parts


def _all_alike(found: Sequence[Raw], *, way: str) -> bool:
    """Whether every document has as many numbers as the aggregation reads."""
    sizes = {len(one) if isinstance(one, tuple) else 0 for one in found}
    return sizes == ({2} if way in OF_PAIRS else {0})


def _mean(x: np.ndarray) -> float | None:
    return float(x.mean())


def _nanmean(x: np.ndarray) -> float | None:
    known = x[~np.isnan(x)]
    return float(known.mean()) if len(known) else None


def _median(x: np.ndarray) -> float | None:
    return float(np.median(x))


def _exp(x: float) -> float | None:
    # Beyond this a float has no exponential.
    return math.exp(x) if x < 700 else None


def _perplexity(x: np.ndarray) -> float | None:
    return _exp(-float(x.mean()))


def _weighted(x: np.ndarray) -> float | None:
    return _exp(-float(x[:, 0].sum() / x[:, 1].sum()))


def _bits(x: np.ndarray) -> float | None:
    return float(-x[:, 0].sum() / x[:, 1].sum() / math.log(2))


def _f1(x: np.ndarray) -> float | None:
    """Of the class 1, as `lm-eval` has it."""
    return _of_pairs(x, measure="f1")


def _matthews(x: np.ndarray) -> float | None:
    return _of_pairs(x, measure="matthews")


def _of_pairs(x: np.ndarray, *, measure: Measure) -> float | None:
    """A measure of (right, told) classes."""
    labels, codes = np.unique(x, return_inverse=True)
    right, told = codes.reshape(x.shape).T
    counts = np.bincount(right * len(labels) + told, minlength=len(labels) ** 2).astype(float)
    at = next((place for place, label in enumerate(labels) if label == 1), -1)
    return of_counts(counts.reshape(len(labels), -1), measure=measure, at=at)


POOLED: Mapping[str, Callable[[np.ndarray], float | None]] = {
    "mean": _mean,
    "nanmean": _nanmean,
    "median": _median,
    "perplexity": _perplexity,
    "weighted_perplexity": _weighted,
    "bits_per_byte": _bits,
    "f1": _f1,
    "matthews_corrcoef": _matthews,
}
"""What `lm-eval` calls an aggregation -> ours; a metric that is aggregated otherwise is not shown."""

OF_PAIRS = ("weighted_perplexity", "bits_per_byte", "f1", "matthews_corrcoef")
"""Aggregations that read two numbers of each document."""
