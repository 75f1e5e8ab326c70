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
from workbench.plan.serving import Fit, Machine, fit
from workbench.runs.spent import SLEW
from workbench.runs.store import SweepStore
from workbench.stats.intervals import Interval, mean_t
from workbench.timing.call import Call, Cell
from workbench.timing.energy import COUNTED, MODELLED, Power, Turn, of_call
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Joules of a call, and whether a counter said so or a person's watts."""

    of_call: Interval
    how: str
    """`counted` or `modelled`."""


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
    def turns(self) -> tuple[Turn, ...]:
        """Calls between two looks at the counters of energy; none where there was no counter."""
        return tuple(stored.turns(self.facts))

    @property
    def counted(self) -> tuple[str, ...]:
        """What the counters of energy are of."""
        return tuple(self.facts.get("energy", {}).get("counted", ()))

    @property
    def uncounted(self) -> tuple[str, ...]:
        """Why energy was not counted, or not all of it."""
        never = ["the energy of these calls was not looked at; they were timed before it could be"]
        return tuple(self.facts["energy"]["absent"] if "energy" in self.facts else never)

    def energy(self, variant: str, cell: Cell, *, power: Power | None = None) -> Energy | None:
        """What a call takes: by the counters, else modelled from the power that is given; None for neither."""
        told = of_call(self.turns, of=variant, cell=cell)
        if told.value is not None:
            return Energy(of_call=told, how=COUNTED)
        figure = self.figures(variant, cell).get("e2e")
        if power is None or figure is None or figure.median.value is None:
            return None
        return Energy(of_call=power.of_call(figure.median), how=MODELLED)

    def fit(self, variant: str, machine: Machine) -> Fit | None:
        """What of a variant fits a machine, by arithmetic; None where its cache could not be counted."""
        facts = self.facts["variants"][variant]
        cache = facts["cache_bytes_per_token"]
        if cache is None:
            return None
        return fit(
            machine,
            weights=facts["weights_bytes"],
            cache_per_token=cache,
            context=self.facts["context"],
            vocabulary=self.facts["vocabulary"],
        )

    def cache_by_formula(self, variant: str) -> float | None:
        """Bytes of keys and values a token by the shape in the config; measurements of before had one for all."""
        own = self.facts["variants"][variant]
        found = own.get("cache_bytes_by_formula", self.facts.get("cache_bytes_by_formula"))
        return None if found is None else float(found)

    @property
    def wall_clock_moved(self) -> float:
        """Seconds by which the wall clock went further than the clock that calls are timed by; 0 where nobody looked."""
        return float(self.facts.get("wall_clock_moved", 0.0))

    @property
    def clock_note(self) -> str:
        """That the wall clock was set meanwhile, in a sentence; empty where it was not."""
        moved = self.wall_clock_moved
        if abs(moved) < SLEW:
            return ""
        way = "set back" if moved < 0 else "set forward, or the machine slept,"
        return (
            f"the wall clock was {way} by {abs(moved):.0f} s during the measurement; times here are of another clock and are "
            "not touched"
        )

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
                divergence=mean_t([row["divergence"] for row in sound]).cut(least=0, most=math.inf),
                same=mean_t([row["same"] for row in sound]).cut(least=0, most=1),
                largest=max((row["largest"] for row in sound), default=math.nan),
                texts=len(ours),
                broken=len(ours) - len(sound),
            )
        return found


def read(folder: str | Path) -> Deployment:
    """What was stored in the folder of a trial, or of the only trial of a sweep."""
    given = Path(folder)
    place = _only_trial(given) if (given / "status.json").is_file() else given
    facts = stored.read_facts(place)
    if not facts:
        raise StoreError(
            f"{str(given)!r} has no deployment yet; measure it with workbench deploy {given}"
        )
    return Deployment(place, facts)


def _only_trial(sweep: Path) -> Path:
    store = SweepStore.open(sweep)
    if len(store.trials) > 1:
        measured = [t.name for t in store.trials if stored.read_facts(store.folder(t.name))]
        told = f"measured were {', '.join(measured)}" if measured else "none was measured yet"
        raise StoreError(
            f"{str(sweep)!r} has {len(store.trials)} trials; name one, {str(sweep / store.trials[0].name)!r} for instance "
            f"({told})"
        )
    return store.folder(store.trials[0].name)
