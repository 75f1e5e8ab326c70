"""How log-likelihoods of whole texts become a perplexity: sums over sums, by byte, word and token.

A text's log-likelihood and its counts stand in its row's details. Its value is its bits over the mean bytes of a text, which
`weighed` works out when all texts were asked: so the plain mean of the rows is the figure of all texts as one, and two
adapters can be paired text by text. Bytes and words do not depend on the tokenizer, tokens do: only the first two can be
compared between models. It knows no model and no file.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.scores.figures import Figures, Parts, detail, mean_of, scored
from workbench.scores.task import Row
from workbench.stats.intervals import Interval

COUNTS = ("tokens", "words", "bytes")


def bits(logprob: float) -> float:
    """-log2 P, the information of a text.

    >>> bits(math.log(0.25))
    2.0
    """
    return -logprob / math.log(2)


def weighed(rows: Sequence[Row]) -> list[Row]:
    """Rows with their value: bits over the mean bytes of the texts that have a likelihood; errors as they are."""
    sizes = [detail(row)["bytes"] for row in rows if not row.error]
    if not sizes:
        return list(rows)
    mean = sum(sizes) / len(sizes)
    return [
        row if row.error else row.model_copy(update={"value": bits(detail(row)["logprob"]) / mean})
        for row in rows
    ]


def counts_of(text: str) -> dict[str, int]:
    """The words, parted by white space, and the bytes of a text.

    >>> counts_of("an  élan ")
    {'words': 2, 'bytes': 10}
    """
    return {"words": len(text.split()), "bytes": len(text.encode())}


def figures(rows: Sequence[Row]) -> Figures:
    """Bits a byte over all texts, and the three perplexities exp(-sum of log P / count)."""
    ours = scored(rows)
    told = [detail(row) for row in ours]
    parts: Parts = {}
    for count in COUNTS:
        parts[f"{count.removesuffix('s')}_perplexity"] = _perplexity(told, count=count)
        parts[count] = sum(int(one.get(count, 0)) for one in told)
    parts["in_windows"] = sum(one.get("windows", 1) > 1 for one in told)
    return Figures(
        interval=_ratio(ours, sizes=[float(one.get("bytes", 1)) for one in told]),
        parts=parts,
        measure="bits a byte over all texts",
    )


def _perplexity(told: Sequence[dict[str, Any]], *, count: str) -> float | None:
    known = [one for one in told if "logprob" in one and one.get(count)]
    if not known or len(known) < len(told):
        return None
    mean = math.fsum(one["logprob"] for one in known) / sum(one[count] for one in known)
    # Beyond this a float has no exponential; a model that bad has no perplexity worth printing.
    return math.exp(-mean) if -mean < 700 else None


def _ratio(rows: Sequence[Row], *, sizes: Sequence[float]) -> Interval:
    """The mean of the rows, with the interval of a ratio of sums (Cochran 1977, section 6.4).

    A long text has more bits for being long; only what it has beyond that is a reason to doubt the figure.
    """
    if not rows:
        return mean_of(rows)
    x = np.asarray([row.value for row in rows], dtype=np.float64)
    ratio = float(np.mean(x))
    beyond = ratio + x - ratio * np.asarray(sizes) / np.mean(sizes)
    found = mean_of(
        [
            row.model_copy(update={"value": float(one)})
            for row, one in zip(rows, beyond, strict=True)
        ]
    )
    return found._replace(value=ratio, method=f"{found.method} of a ratio of sums")
