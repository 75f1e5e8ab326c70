"""One adapter under the lens: its spectra, what fewer ranks would keep, and every way to go on from there.

`lens = read_lens("runs/rank-sweep/r16")` reads matrices and computes; nothing else is loaded. `lens.spectra` has the numbers,
`lens.suggest`, `lens.spec`, `lens.confirm` hand ranks on to a spec, `lens.truncate` writes an adapter, and `lens.evaluate` asks. A
truncation is not the run that would have been trained: see docs/lens.md.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError, SpecError
from workbench.lens.budget import Suggestion, kept, parameters, reaching, within
from workbench.lens.patterns import patterns
from workbench.lens.place import Place, find
from workbench.lens.spectra import Spectrum, spectrum
from workbench.lens.truncating import checked, fields_of, uniform, write
from workbench.lens.weights import Adapter, read_adapter
from workbench.spec import Spec

if TYPE_CHECKING:
    from workbench.lens.curve import Curve

MOST_ASKED = 8
"""Truncations that are asked when nobody says which."""


def read_lens(path: str | Path) -> "Lens":
    """The lens on an adapter.

    Args:
        path: A trial of a sweep, a sweep with one trial, or a folder in PEFT's format.
    """
    return Lens(find(Path(path)))


class Lens:
    """Spectra of an adapter; final."""

    def __init__(self, place: Place) -> None:
        """Use `read_lens`; this reads the matrices."""
        self.place = place
        self.adapter: Adapter = read_adapter(place.folder)
        self.spectra: tuple[Spectrum, ...] = tuple(map(spectrum, self.adapter.pairs))
        """In the order of the model."""

    @property
    def name(self) -> str:
        """What the adapter is called."""
        return self.place.name

    @cached_property
    def highest(self) -> int:
        """The highest rank of any module."""
        return max(one.rank for one in self.spectra)

    @property
    def parameters(self) -> int:
        """Trainable numbers of the LoRA matrices as they are."""
        return self.parameters_at(self.highest)

    @property
    def carried(self) -> tuple[str, ...]:
        """Tensors that every truncation keeps as they are: heads trained whole, biases."""
        return tuple(self.adapter.carried)

    @property
    def is_empty(self) -> bool:
        """Whether it adds nothing to its base."""
        return not any(one.energy for one in self.spectra)

    def parameters_at(self, rank: int) -> int:
        """Trainable numbers where all modules have this rank."""
        return parameters(self.spectra, rank=rank)

    def kept(self, rank: int) -> float:
        """The share of the energy of all modules together that this rank keeps."""
        return kept(self.spectra, [rank] * len(self.spectra))

    def suggestion(self, *, budget: int | None = None, energy: float | None = None) -> Suggestion:
        """A rank for each module: the most within a budget of parameters, or few parameters for a share of the energy."""
        if (budget is None) == (energy is None):
            raise InputError("give a budget of parameters or a share of the energy, one of them")
        if budget is not None:
            return within(self.spectra, budget=budget)
        assert energy is not None
        return reaching(self.spectra, energy=energy)

    def suggest(self, *, budget: int | None = None, energy: float | None = None) -> dict[str, int]:
        """The same as a `rank_pattern`, with every module in it, so that `r` does not matter."""
        return patterns(self.suggestion(budget=budget, energy=energy).ranks, default=None)

    def ranks(
        self,
        *,
        rank: int | None = None,
        ranks: Mapping[str, int] | None = None,
        budget: int | None = None,
        energy: float | None = None,
    ) -> dict[str, int]:
        """The rank of each module by one of four ways to say it."""
        said = [one for one in (rank, ranks, budget, energy) if one is not None]
        if len(said) != 1:
            raise InputError("say how to cut, in one way: rank, ranks, budget or energy")
        if rank is not None:
            return uniform(self.adapter, rank=rank)
        if ranks is not None:
            return checked(self.adapter, ranks=ranks)
        return dict(self.suggestion(budget=budget, energy=energy).ranks)

    def spec(self, *, like: Spec | None = None, **how: Any) -> Spec:
        """The spec of a run with these ranks, each at the scale that it has now.

        Args:
            like: What else the run is; None takes the spec that the adapter was trained from.
            how: One of rank, ranks, budget and energy.
        """
        fields = fields_of(self.adapter, ranks=self.ranks(**how))
        plain = self._plain_spec(like)
        return plain.replace(
            {
                "name": self._named(plain, "suggested"),
                **{f"adapter.{field}": value for field, value in fields.items()},
            }
        )

    def confirm(self, *, ranks: Sequence[int], like: Spec | None = None) -> Spec:
        """The sweep that trains these ranks as this adapter was trained: same rows, seed, steps and scale.

        Args:
            ranks: One or two, most often: those a truncation speaks for.
            like: What else the runs are; None takes the spec that the adapter was trained from.
        """
        if not ranks or len(set(ranks)) < len(ranks):
            raise InputError(f"ranks {list(ranks)!r}: give at least one, each once")
        points = [fields_of(self.adapter, ranks=uniform(self.adapter, rank=rank)) for rank in ranks]
        names = ["r", "lora_alpha"]
        names += [f for f in ("rank_pattern", "alpha_pattern") if any(one[f] for one in points)]
        plain = self._plain_spec(like)
        changes: dict[str, Any] = {"name": self._named(plain, "confirm")}
        changes |= {f"adapter.{f}": points[0][f] for f in points[0] if f not in names}
        changes["sweep"] = {
            ", ".join(f"adapter.{f}" for f in names): [[one[f] for f in names] for one in points]
        }
        return plain.replace(changes)

    def truncate(self, *, out: str | Path, **how: Any) -> Path:
        """Write a truncation as a folder of plain PEFT; a folder that is there is refused.

        Args:
            out: The folder to make.
            how: One of rank, ranks, budget and energy.
        """
        return write(self.adapter, ranks=self.ranks(**how), folder=Path(out))

    def evaluate(
        self,
        *,
        ranks: Sequence[int] = (),
        evals: Sequence[str] = (),
        beside: Sequence[str | Path] = (),
        base: str | None = None,
        data: str | None = None,
        out: str | Path | None = None,
    ) -> "Curve":
        """Ask several truncations and the adapter itself in one pass, and store what they answered as a sweep.

        Args:
            ranks: What it is cut to; empty takes at most eight below its own.
            evals: Which; empty takes those that the trial was asked.
            beside: Sweeps or trials trained at such ranks, such as that of `confirm`.
            base: Of an adapter from elsewhere: its base, where it names none that is here.
            data: Of an adapter from elsewhere: rows to ask.
            out: The sweep folder to make.
        """
        # They bring scipy, for which looking should not wait.
        from workbench.lens.asking import ask
        from workbench.lens.curve import curve

        path = ask(
            self.place,
            ranks=tuple(ranks) or spread(self.highest),
            evals=evals,
            beside=beside,
            base=base,
            data=data,
            out=None if out is None else Path(out),
        )
        return curve(path)

    def _plain_spec(self, like: Spec | None) -> Spec:
        found = like or self.place.trained_here
        if found is None:
            raise SpecError(
                f"{self.name!r} was trained elsewhere, on rows that are not known here; give the spec of a run "
                "to put these ranks in, as in lens.confirm(ranks=[4], like=wb.Spec.load(FILE))"
            )
        if found.sweep:
            found = found.model_copy(update={"sweep": {}})
        return found

    def _named(self, plain: Spec, word: str) -> str:
        first = self.place.name.replace("/", "-") if self.place.store else plain.name
        return f"{first[: 62 - len(word)]}-{word}"

    def __repr__(self) -> str:
        return (
            f"Lens({self.name!r}, {len(self.spectra)} modules, rank {self.highest}, "
            f"{self.parameters:,} parameters)"
        )


def spread(highest: int) -> tuple[int, ...]:
    """Ranks below one, at most eight: all of them, or the powers of two with some halfway between.

    >>> spread(4), spread(16), spread(64)
    ((1, 2, 3), (1, 2, 3, 4, 6, 8, 12), (1, 2, 4, 8, 16, 24, 32, 48))
    """
    if highest <= MOST_ASKED + 1:
        return tuple(range(1, max(highest, 2)))
    doubled = [2**n for n in range(highest.bit_length()) if 2**n < highest]
    between = [3 * n for n in doubled if 3 * n < highest]
    chosen = [*doubled, *reversed(between)][:MOST_ASKED]
    return tuple(sorted(chosen))
