"""How many tokens the rows of a set have, from some of them and the model's tokenizer file: no torch, no transformers.

`measured(folder, texts, spec=spec)` encodes a sample of (prompt, completion) texts as training would, within a few
milliseconds, so that a plan speaks of the rows there are and not of the longest that were allowed. Where the tokenizer
is no `tokenizer.json`, or nobody read rows, the plan takes rows of `max_length` and says so: an upper bound.
"""

import statistics
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from workbench.spec import Spec

SAMPLED = 64
"""Rows that are encoded."""
MAX_FILE_BYTES = 20_000_000
"""A larger tokenizer would take seconds to load."""

Texts = tuple[tuple[str, str], ...]
"""(what is read, what is learned) of each row."""


class Lengths(BaseModel):
    """Tokens of the rows of a set."""

    model_config = ConfigDict(frozen=True)

    mean: float
    spread: float
    """Their standard deviation."""
    longest: int
    trained: float
    """Tokens of a row that the loss looks at, on average; of labelled rows one."""
    sampled: int
    """Rows that were encoded; none where the longest that is allowed stands for all."""

    @property
    def said(self) -> str:
        """What a person is told of them.

        >>> Lengths(mean=41.3, spread=4.0, longest=55, trained=9.0, sampled=64).said
        'rows of 41 tokens (mean of 64 of them, the longest 55)'
        """
        if not self.sampled:
            return f"rows of {self.longest} tokens, the longest allowed"
        return f"rows of {self.mean:.0f} tokens (mean of {self.sampled} of them, the longest {self.longest})"


def allowed(limit: int, *, labelled: bool = False) -> Lengths:
    """Rows as long as they may be: what is known where none was read."""
    trained = 1.0 if labelled else float(limit - 1)
    return Lengths(mean=limit, spread=0.0, longest=limit, trained=trained, sampled=0)


def measured(folder: Path, texts: Texts | None, *, spec: Spec, limit: int) -> Lengths:
    """Of a sample of rows, cut where training cuts them.

    Args:
        folder: The model's, which holds its tokenizer.
        texts: Rows; None where nobody read any.
        spec: Whether the loss looks at completions alone, and whether rows are labelled.
        limit: The longest row in tokens.
    """
    labelled = spec.adapter.task_type == "SEQ_CLS"
    path = folder / "tokenizer.json"
    try:
        known = path.stat()
    except OSError:
        return allowed(limit, labelled=labelled)
    if not texts or known.st_size > MAX_FILE_BYTES:
        return allowed(limit, labelled=labelled)
    counts = _counts(path, known.st_mtime_ns, texts)
    if counts is None:
        return allowed(limit, labelled=labelled)
    # An end token follows what is learned.
    every = [min(read + said + (not labelled), limit) for read, said in counts]
    completion_only = spec.train.completion_only_loss
    trained = [
        max(0, total - (min(read, total) if completion_only and read else 1))
        for total, (read, _) in zip(every, counts, strict=True)
    ]
    return Lengths(
        mean=statistics.fmean(every),
        spread=statistics.pstdev(every),
        longest=max(every),
        trained=1.0 if labelled else statistics.fmean(trained),
        sampled=len(every),
    )


@lru_cache(maxsize=8)
def _counts(path: Path, changed: int, texts: Texts) -> tuple[tuple[int, int], ...] | None:
    """Tokens of what is read and of what is learned, for each row."""
    tokenizer = _tokenizer(path, changed)
    if tokenizer is None:
        return None
    whole = tokenizer.encode_batch([read + said for read, said in texts])
    read = tokenizer.encode_batch([read for read, _ in texts])
    return tuple(
        (len(r) if first else 0, len(w) - len(r) if first else len(w))
        for w, r, (first, _) in zip(whole, read, texts, strict=True)
    )


@lru_cache(maxsize=2)
def _tokenizer(path: Path, changed: int) -> Any:
    """A tokenizer; None where the file cannot be read, which whoever loads the model will say."""
    del changed
    from tokenizers import Tokenizer

    try:
        found = Tokenizer.from_file(str(path))
    except Exception:  # noqa: BLE001 - the library raises plain Exception for a file it cannot parse
        return None
    found.no_truncation()
    found.no_padding()
    return found
