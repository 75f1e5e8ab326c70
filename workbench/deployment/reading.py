"""A stored deployment, read back: figures, ratios and agreement of every variant, made of the stored rows. No torch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from workbench.deployment import stored
from workbench.deployment.variants import CONTROL
from workbench.errors import StoreError
from workbench.stats.intervals import Interval, mean_t
from workbench.timing.call import Call, Cell
from workbench.timing.figures import Figure, figures
from workbench.timing.flags import Flag, flags
from workbench.timing.pairs import Ratio, ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far a variant moved the answers, over texts."""

    variant: str
    divergence: Interval
    """Mean divergence a token, in nats."""
    same: Interval
    """Share of tokens at which it would write the same."""
    largest: float
    """The largest difference of a log-probability anywhere."""
    texts: int
    broken: int
    """Texts at which its numbers are none."""


@dataclass(frozen=True)
class Deployment:
    """What was measured of one adapter."""

    folder: Path
    facts: Mapping[str, Any]

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """Every call."""
        return tuple(stored.read_calls(self.folder))

    @property
    def variants(self) -> tuple[str, ...]:
        """Those that were measured, the control first."""
        return tuple(self.facts["variants"])

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The sizes of work, small ones first."""
        return tuple(sorted({call.cell for call in self.calls}))

    @property
    def refused(self) -> Mapping[str, str]:
        """Variants that could not be, and why."""
        return self.facts["refused"]  # type: ignore[no-any-return]

    def figures(self, variant: str, cell: Cell) -> dict[str, Figure]:
        """Every metric of a variant in a cell."""
        return figures(self.calls, of=variant, cell=cell)

    def ratio(
        self, variant: str, cell: Cell, *, metric: str = "e2e", against: str = CONTROL
    ) -> Ratio:
        """The time of a variant over that of another."""
        return ratio(self.calls, of=variant, against=against, cell=cell, metric=metric)

    @cached_property
    def flags(self) -> tuple[Flag, ...]:
        """What is doubtful about the times."""
        return tuple(flags(self.calls))

    @cached_property
    def agreement(self) -> dict[str, Agreement]:
        """How far each variant moved the answers of the attached adapter."""
        rows = stored.read_agreement(self.folder)
        found = {}
        for variant in dict.fromkeys(row["variant"] for row in rows):
            ours = [row for row in rows if row["variant"] == variant]
            sound = [row for row in ours if math.isfinite(row["divergence"])]
            found[variant] = Agreement(
                variant=variant,
                divergence=mean_t([row["divergence"] for row in sound]),
                same=mean_t([row["same"] for row in sound]),
                largest=max((row["largest"] for row in sound), default=math.nan),
                texts=len(ours),
                broken=len(ours) - len(sound),
            )
        return found


def read(folder: str | Path) -> Deployment:
    """What was stored in the folder of a trial."""
    place = Path(folder)
    facts = stored.read_facts(place)
    if not facts:
        raise StoreError(
            f"{str(place)!r} has no deployment yet; measure it with workbench deploy {place}"
        )
    return Deployment(place, facts)
