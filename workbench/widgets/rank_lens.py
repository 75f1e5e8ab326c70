"""The rank lens in a notebook: `lens = wb.lens("runs/rank-sweep/r16")` shows an adapter's ranks on the model, with a slider.

What it finds goes on from here: `lens.suggest(budget=...)` is a `rank_pattern`, `lens.spec(budget=...)` and `lens.confirm(ranks=...)`
are specs for `wb.start`, `lens.paint(budget=...)` shows the ranks on a model map, `lens.truncate` writes an adapter, and
`lens.evaluate` asks truncations and draws score against rank. No torch is loaded before something is asked.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets
from markupsafe import Markup

from workbench.lens.lens import Lens, read_lens
from workbench.spec import ModelSpec, Spec
from workbench.widgets.callbacks import reachable, shown
from workbench.widgets.lens_view import LensView, adapter_spec, in_words, share
from workbench.widgets.model_map import ModelMap

if TYPE_CHECKING:
    from workbench.lens.curve import Curve


def lens(path: str | Path) -> "RankLens":
    """What the ranks of an adapter hold, and what is left of it at fewer.

    Args:
        path: A trial of a sweep, a sweep with one trial, or a folder in PEFT's format.
    """
    return RankLens(read_lens(path))


class RankLens(ipywidgets.VBox):
    """The lens and, below it, the map that was asked for."""

    def __init__(self, found: Lens) -> None:
        super().__init__()
        self.lens = found
        self.view = LensView(found)
        self.map: ModelMap | None = None
        """The map that `paint` made; what a person changes on it is `map.adapter`."""
        self.children = [self.view]
        self.view.on_msg(self._on_message)
        reachable(self)

    @property
    def rank(self) -> int:
        """What the slider cuts to; may be set."""
        return int(self.view.rank)

    @rank.setter
    def rank(self, value: int) -> None:
        self.view.rank = value

    def suggest(self, *, budget: int | None = None, energy: float | None = None) -> dict[str, int]:
        """A `rank_pattern` within a budget of parameters, or for a share of the energy; without a word the one shown."""
        if budget is None and energy is None:
            budget = self.view.budget
        return self.lens.suggest(budget=budget, energy=energy)

    def spec(self, *, like: Spec | None = None, **how: Any) -> Spec:
        """The spec of a run with these ranks, as short as the model allows.

        Args:
            like: What else the run is; None takes the spec that the adapter was trained from.
            how: One of rank, ranks, budget and energy; without one the budget that is shown.
        """
        how = how or {"budget": self.view.budget}
        plain = self.lens.spec(like=like, **how)
        fields = self.view.fields_of(self.lens.ranks(**how))
        return plain.model_copy(update={"adapter": adapter_spec(fields, like=plain.adapter)})

    def confirm(self, *, ranks: Sequence[int] = (), like: Spec | None = None) -> Spec:
        """The sweep that trains these ranks as this adapter was trained; without a word the rank of the slider."""
        return self.lens.confirm(ranks=tuple(ranks) or (self.rank,), like=like)

    def paint(self, **how: Any) -> ModelMap:
        """A model map with these ranks on it, shown below.

        Args:
            how: One of rank, ranks, budget and energy; without one the budget that is shown.
        """
        fields = self.view.fields_of(self.lens.ranks(**(how or {"budget": self.view.budget})))
        trial = self.lens.place.trial
        model = trial.spec.model if trial else ModelSpec(id=self.lens.adapter.base or "microworld")
        if self.map is not None:
            self.map.close()
        made = ModelMap(model)
        made.load(adapter_spec(fields, like=trial.spec.adapter if trial else None))
        if trial is not None:
            made.load_quantization(trial.spec.quantization)
        self.map = made
        self.children = [self.view, made]
        reachable(self)
        return made

    def truncate(self, *, out: str | Path, **how: Any) -> Path:
        """Write a truncation as plain PEFT; without a word how, at the rank of the slider."""
        return self.lens.truncate(out=out, **(how or {"rank": self.rank}))

    def evaluate(self, **how: Any) -> "Curve":
        """Ask truncations in one pass, and draw what they answered; the arguments are those of `Lens.evaluate`."""
        found = self.lens.evaluate(**how)
        self.view.show_curve(found)
        return found

    def say_problem(self, text: str) -> None:
        """Show what went wrong below the head."""
        self.view.say_problem(text)

    def close(self) -> None:
        """Close the view and the map below it."""
        for child in self.children:
            child.close()
        super().close()

    def _on_message(self, _: Any, content: Any, __: Any) -> None:
        if isinstance(content, dict) and content.get("command") == "map":
            self._paint()

    @shown
    def _paint(self) -> None:
        self.view.problem = ""
        self.paint()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget, and beside it a table for places that show none."""
        bundle = super()._repr_mimebundle_(**options)
        plain = {"text/plain": as_text(self.lens, rank=self.rank), "text/html": as_table(self)}
        return {**bundle, **plain}


def as_text(found: Lens, *, rank: int) -> str:
    """A few lines, for a terminal."""
    return (
        f"{found!r}\nrank {rank} everywhere keeps {share(found.kept(rank))} of the energy in "
        f"{found.parameters_at(rank):,} parameters"
    )


def as_table(face: RankLens) -> str:
    """The lens as static HTML."""
    found, rank = face.lens, face.rank
    rows = Markup("").join(
        Markup("<tr><th scope='row'>{}</th><td>{}</td><td>{}</td><td>{}</td></tr>").format(
            one.module, one.rank, f"{one.effective_rank:.2f}", share(one.kept(rank))
        )
        for one in found.spectra
    )
    heads = Markup("").join(
        Markup("<th scope='col'>{}</th>").format(word)
        for word in ("module", "rank", "effective rank", f"energy kept at {rank}")
    )
    told = face.view.suggestion.get("problem") or in_words(
        found.suggestion(budget=face.view.budget)
    )
    return str(
        Markup(
            "<table><caption>{}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table><p>Suggested: {}</p>"
        ).format(as_text(found, rank=rank), heads, rows, told)
    )
