"""What is wrong with the rows: duplicates, near duplicates, and training rows that tell what is asked later.

`audit(train, held_out=...)` feeds the data card; `leaked(rows, items=items)` names the eval items whose text stands in
a training row, `repeated` those whose prompt is the whole of one. Near means: the word 5-grams of two rows overlap by
four fifths (Jaccard), found by MinHash and then checked exactly. It is written out here because the common packages
pull in a database driver for twenty lines.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.scores.task import Item

if TYPE_CHECKING:
    import numpy as np

GRAM = 5
NEAR = 0.8
"""Jaccard similarity from which two rows count as nearly the same."""
MAX_ROWS = 20_000
"""More rows than this are audited on an even sample, and the audit says so."""
_BANDS, _ROWS_PER_BAND, _SEED = 16, 4, 0
_PRIME = 4_294_967_311
"""The first prime above 32 bits: products of a 32-bit hash and a 29-bit factor wrap around it and stay in 63 bits."""
_BUCKET_LOOKS = 20


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found in one data set."""

    duplicates: int
    """Rows that say exactly what an earlier row says."""
    near_duplicates: int
    """Rows that say nearly what an earlier row says."""
    held_out_leaks: int
    """Held-out rows whose near or exact like is trained on."""
    audited: int
    of: int

    def as_card(self) -> dict[str, Any]:
        """The lines of the data card."""
        return {
            "duplicates": self.duplicates,
            "near_duplicates": self.near_duplicates,
            "held_out_leaks": self.held_out_leaks,
            "audited_rows": self.audited,
        }


def audit(train: Sequence[dict[str, Any]], *, held_out: Sequence[dict[str, Any]] = ()) -> Audit:
    """Duplicates within and between the two sides."""
    rows = [*train, *held_out]
    step = -(-len(rows) // MAX_ROWS) or 1
    chosen = range(0, len(rows), step)
    texts = [text_of(rows[i]) for i in chosen]
    first: dict[str, int] = {}
    exact = [first.setdefault(text, n) != n for n, text in enumerate(texts)]
    unique = list(first.values())
    near = near_pairs([texts[n] for n in unique])
    pairs = [(unique[a], unique[b]) for a, b in near]
    boundary = sum(1 for i in chosen if i < len(train))
    leaks = {b for a, b in pairs if a < boundary <= b}
    leaks |= {n for n, text in enumerate(texts) if exact[n] and first[text] < boundary <= n}
    return Audit(
        duplicates=sum(exact),
        near_duplicates=len({b for _, b in pairs}),
        held_out_leaks=len(leaks),
        audited=len(texts),
        of=len(rows),
    )


def leaked(rows: Iterable[Mapping[str, Any]], *, items: Sequence[Item]) -> list[str]:
    """Ids of the items whose prompt and expected answer stand together in a row, word for word."""
    index: dict[tuple[str, ...], list[tuple[tuple[str, ...], str]]] = defaultdict(list)
    for item in items:
        words = tuple(_words(f"{item.prompt} {item.expected}"))
        if words:
            index[words[:4]].append((words, item.id))
    lengths = sorted({len(head) for head in index})
    found: set[str] = set()
    for row in rows:
        words = tuple(_words(text_of(row)))
        for at, length in ((at, n) for at in range(len(words)) for n in lengths):
            for wanted, item_id in index.get(words[at : at + length], ()):
                if words[at : at + len(wanted)] == wanted:
                    found.add(item_id)
    return sorted(found)


def repeated(rows: Iterable[Mapping[str, Any]], *, items: Sequence[Item]) -> list[str]:
    """Ids of the items whose prompt is all that a row says; spaces, capitals and marks do not matter."""
    told = {tuple(_words(text_of(row))) for row in rows}
    return sorted(item.id for item in items if tuple(_words(item.prompt)) in told)


def near_pairs(texts: Sequence[str], *, threshold: float = NEAR) -> list[tuple[int, int]]:
    """For each text its first near like among the earlier ones: (earlier, later)."""
    grams = [_grams(text) for text in texts]
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    pairs = []
    for b, signature in enumerate(_signatures(grams)):
        keys = [(band, part.tobytes()) for band, part in enumerate(signature)]
        looks = sorted({a for key in keys for a in buckets[key][:_BUCKET_LOOKS]})
        like = next((a for a in looks if _jaccard(grams[a], grams[b]) >= threshold), None)
        if like is not None:
            pairs.append((like, b))
        for key in keys:
            buckets[key].append(b)
    return pairs


def text_of(row: Mapping[str, Any]) -> str:
    """All that a row says, with single spaces."""
    parts: list[str] = []
    for word in ("prompt", "completion", "messages", "text"):
        value = row.get(word)
        if isinstance(value, str):
            parts.append(value)
        elif isinstance(value, list):
            parts += [turn["content"] for turn in value]
    return " ".join(" ".join(parts).split())


def _words(text: str) -> list[str]:
    # Punctuation goes, so that "Ada lives in Rome." and "Ada lives in Rome" are the same words.
    plain = "".join(c if c.isalnum() else " " for c in text.lower())
    return plain.split()


def _grams(text: str) -> frozenset[int]:
    words = _words(text)
    count = max(len(words) - GRAM + 1, 1)
    return frozenset(zlib.crc32(" ".join(words[i : i + GRAM]).encode()) for i in range(count))


def _jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / len(one | other)


def _signatures(grams: Sequence[frozenset[int]]) -> Iterator["np.ndarray"]:
    """One MinHash for each text, in bands; alike texts share a band almost surely."""
    import numpy as np

    count = _BANDS * _ROWS_PER_BAND
    rng = np.random.default_rng(_SEED)
    scale = rng.integers(1, 1 << 29, size=count, dtype=np.int64)
    shift = rng.integers(0, _PRIME, size=count, dtype=np.int64)
    for found in grams:
        hashes = np.fromiter(found, dtype=np.int64)
        mixed = (np.outer(hashes, scale) + shift) % _PRIME
        yield mixed.min(axis=0).reshape(_BANDS, _ROWS_PER_BAND)
