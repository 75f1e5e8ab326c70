"""A curve of any length at a size that a screen can show: `Buckets(most=300)` takes points as they come and merges them.

Each bucket stands for a run of steps and knows their mean, their lowest and their highest value, so that no peak is lost.
Adding a point costs the same however long the curve is, and `since` says from where on it changed. It knows no file and
no widget.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence

Point = tuple[int, float | None, float | None, float | None]
"""Step, then mean, lowest and highest value of the steps it stands for; None where no value is finite."""

_COUNT, _STEP, _FINITE, _TOTAL, _LOW, _HIGH, _KEY = range(7)


class Buckets:
    """A growing curve, thinned.

    On a linear axis a bucket is a run of steps whose length is a power of two: runs merge in pairs, they never shift, so
    that a growing curve does not shimmer. On a logarithmic axis each doubling of the step has as many buckets as any other.
    """

    def __init__(self, *, most: int, log: bool = False) -> None:
        self.most = most
        self.log = log
        self.since = 0
        """The first bucket that changed since `mark()`."""
        self._width = 1
        # 24 doublings are 16 million steps.
        self._per_octave = max(1, most // 16)
        self._buckets: list[list[float]] = []

    def __len__(self) -> int:
        return len(self._buckets)

    def extend(self, steps: Sequence[int], values: Sequence[float]) -> None:
        """Take more points, their steps rising."""
        if not self._buckets and not self.log:
            while len(steps) > self.most * self._width:
                self._width *= 2
        at = 0
        while at < len(steps):
            end = at + self._room(steps, at)
            self._take(steps[end - 1], values[at:end])
            at = end

    def mark(self) -> None:
        """From here on, `since` tells of later changes."""
        self.since = len(self._buckets)

    def points(self, first: int = 0) -> list[Point]:
        """The buckets from the given one on."""
        return [_point(bucket) for bucket in self._buckets[first:]]

    def means(self) -> tuple[float | None, ...]:
        """The mean of every bucket alone."""
        return tuple(_short(b[_TOTAL] / b[_FINITE]) if b[_FINITE] else None for b in self._buckets)

    def _room(self, steps: Sequence[int], at: int) -> int:
        """How many of the points from a place on go into one bucket, the last or a new one."""
        last = self._buckets[-1] if self._buckets else None
        if not self.log:
            if last is None or last[_COUNT] >= self._width:
                self._open()
            return min(len(steps) - at, self._width - int(self._buckets[-1][_COUNT]))
        key = int(math.log2(max(1, steps[at])) * self._per_octave)
        if last is None or last[_KEY] != key:
            self._open(key)
        first_beyond = 2 ** ((key + 1) / self._per_octave)
        return max(1, bisect_left(steps, first_beyond, at) - at)

    def _open(self, key: int = 0) -> None:
        if not self.log and len(self._buckets) >= self.most:
            self._halve()
            if self._buckets[-1][_COUNT] < self._width:
                return
        self._buckets.append([0, 0, 0, 0.0, math.inf, -math.inf, key])

    def _take(self, step: int, values: Sequence[float]) -> None:
        bucket = self._buckets[-1]
        self.since = min(self.since, len(self._buckets) - 1)
        bucket[_COUNT] += len(values)
        bucket[_STEP] = step
        if not math.isfinite(total := sum(values)):
            values = [value for value in values if math.isfinite(value)]
            total = sum(values)
        if values:
            bucket[_FINITE] += len(values)
            bucket[_TOTAL] += total
            bucket[_LOW] = min(bucket[_LOW], min(values))
            bucket[_HIGH] = max(bucket[_HIGH], max(values))

    def _halve(self) -> None:
        merged = []
        for at in range(0, len(self._buckets), 2):
            one, *rest = self._buckets[at : at + 2]
            for other in rest:
                one[_STEP] = other[_STEP]
                one[_LOW], one[_HIGH] = min(one[_LOW], other[_LOW]), max(one[_HIGH], other[_HIGH])
                for field in (_COUNT, _FINITE, _TOTAL):
                    one[field] += other[field]
            merged.append(one)
        self._buckets = merged
        self._width *= 2
        self.since = 0


def thin(points: Iterable[tuple[int, float]], *, most: int, log: bool = False) -> list[Point]:
    """At most `most` points (on a logarithmic axis, about as many).

    >>> thin([(1, 4.0), (2, 2.0), (3, 1.0), (4, 3.0)], most=2)
    [(2, 3.0, 2.0, 4.0), (4, 2.0, 1.0, 3.0)]
    >>> [point[0] for point in thin(((step, 1.0) for step in range(1, 1025)), most=16, log=True)]
    [1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 1024]
    """
    known = list(points)
    buckets = Buckets(most=most, log=log)
    buckets.extend([step for step, _ in known], [value for _, value in known])
    return buckets.points()


def _point(bucket: list[float]) -> Point:
    step, finite = int(bucket[_STEP]), bucket[_FINITE]
    if not finite:
        return step, None, None, None
    return step, _short(bucket[_TOTAL] / finite), _short(bucket[_LOW]), _short(bucket[_HIGH])


def _short(value: float) -> float | None:
    """Five digits are more than a screen can show."""
    return float(f"{value:.5g}") if math.isfinite(value) else None
