"""What base and adapters answered, item by item: `samples(path)` or `samples(job)` shows a sweep's stored answers.

One widget of our own, drawn by `static/samples.js` from traits, so that a reloaded page shows the same rows without asking
the kernel. The answers to one eval are joined once, in a thread of their own (`sample_pages.py`); a page at a time
goes to the browser, which marks the words that differ. Everything can be asked from Python too.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from workbench.errors import InputError, SpecError, StoreError, nearest
from workbench.runs.store import SweepStore
from workbench.scores.catalog import called, eval_info
from workbench.scores.task import BASE
from workbench.widgets.assets import script, style
from workbench.widgets.callbacks import shown
from workbench.widgets.samples_plain import as_table, as_text
from workbench.widgets.sweep_face import SweepFace

if TYPE_CHECKING:
    import pandas as pd

    from workbench.job import Job
    from workbench.widgets.sample_pages import Joined, Wanted

MOST_SHOWN = 6
"""Slots that are shown side by side unless more are asked for."""

FILTERS = ("which", "of", "group", "kind", "outcome", "search")
"""Traits that choose items."""


def samples(sweep: "str | Path | Job") -> "Samples":
    """The stored answers of a sweep, base and adapters side by side.

    Args:
        sweep: A sweep folder, or the job of one; it may still be running.
    """
    return Samples(sweep)


class Samples(SweepFace):
    """The answers of one sweep."""

    _esm = script("word_diff", "sample_table", "samples")
    _css = style("samples")

    view = traitlets.Dict().tag(sync=True)
    """The page that is shown: its rows, where it begins, how many there are."""
    ahead = traitlets.Dict().tag(sync=True)
    """The page after it, so that turning to it waits for nobody."""
    choices = traitlets.Dict().tag(sync=True)
    """What may be chosen: evals, slots, groups, kinds, outcomes, and how many items each filter has."""

    eval = traitlets.Unicode("").tag(sync=True)
    shown_slots = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Whose answers are shown, in this order."""
    which = traitlets.Unicode("all").tag(sync=True)
    """`all`, `changed`, `worse`, `better` or `errors`."""
    of = traitlets.Unicode("").tag(sync=True)
    """The slot that `which` and `outcome` are about; empty for any that is shown."""
    group = traitlets.Unicode("").tag(sync=True)
    kind = traitlets.Unicode("").tag(sync=True)
    outcome = traitlets.Unicode("").tag(sync=True)
    search = traitlets.Unicode("").tag(sync=True)
    against = traitlets.Unicode("expected").tag(sync=True)
    """What the words of an answer are held against: `expected`, `base`, or nothing."""
    number = traitlets.Int(1, min=1).tag(sync=True)
    """The page, from 1."""
    size = traitlets.Int(25, min=1, max=200).tag(sync=True)
    """Rows on a page."""

    def __init__(self, sweep: "str | Path | Job") -> None:
        super().__init__(sweep, what="answers", work_out=self._show, plain=self._as_table)
        self._joined: Joined | None = None
        self._found: tuple[Any, Any] = (None, None)
        """What was wanted last, and the places of these items."""
        self._offered: tuple[Any, Any] = (None, None)
        """What the choices that are offered are about."""
        self._choice = 0
        """Counts the choices: pages of one have the same number."""
        self._evals: list[str] = []
        self.observe(self._refilter, names=[*FILTERS, "eval", "shown_slots", "size"])
        self.observe(self._again, names=["number"])
        self._begin()

    # From Python.

    def filter(
        self,
        which: str | None = None,
        *,
        eval: str | None = None,
        of: str | None = None,
        group: str | None = None,
        kind: str | None = None,
        outcome: str | None = None,
        text: str | None = None,
    ) -> int:
        """Look at some items only, and say how many there are; what is not given stays as it is.

        Args:
            which: `all`, `changed`, `worse` (than base), `better` or `errors` (not scored).
            eval: The eval whose answers are looked at.
            of: The trial that `which` and `outcome` are about; "" for any that is shown.
            group: A group of items; "" for all.
            kind: A kind of items; "" for all.
            outcome: A class of answer, such as `wrong`; "" for all.
            text: What stands in prompt, expected answer, id or an answer; "" for anything.
        """
        given = {
            "eval": None if eval is None else called(eval), "which": which, "of": of,
            "group": group, "kind": kind, "outcome": outcome, "search": text,
        }  # fmt: skip
        self.settle()
        self._check({name: value for name, value in given.items() if value is not None})
        for name, value in given.items():
            if value is not None:
                setattr(self, name, value)
        self.settle()
        return int(self.view.get("total", 0))

    def page(self, number: int) -> list[dict[str, Any]]:
        """Go to a page, from 1, and give its rows; behind the last one it is the last."""
        self.number = max(1, int(number))
        self.settle()
        return list(self.view.get("rows", []))

    def frame(self) -> "pd.DataFrame":
        """Every item that is looked at, in full: texts, then answer, value, outcome and error of each slot shown."""
        import pandas as pd

        self.settle()
        if self._joined is None:
            raise StoreError(self.problem or f"{str(self.path)!r} has no answers")
        return pd.DataFrame(self._joined.record(self._found[1], shown=self.shown_slots))

    def _again(self, _: Any) -> None:
        self._errands.ask()

    def _refilter(self, _: Any) -> None:
        self.number = 1
        self._errands.ask()

    def _check(self, given: dict[str, str]) -> None:
        """Whether there is what was asked for, in words; before anything is changed."""
        from workbench.widgets.sample_pages import WHICH

        names = [slot["name"] for slot in self.choices.get("slots", [])]
        allowed = {
            "which": list(WHICH),
            "eval": [one["name"] for one in self.choices.get("evals", [])],
            "of": ["", *names],
        }
        for name, choices in allowed.items():
            if name in given and given[name] not in choices:
                told = [choice for choice in choices if choice]
                raise InputError(
                    f"{name}: {given[name]!r} is none of them. {nearest(given[name], told)}"
                )

    # In the background.

    @shown
    def _show(self) -> None:
        """Read if needed, filter, show a page."""
        if self._store is None:
            return
        joined = self._join(self._store)
        shown_slots = [slot for slot in self.shown_slots if slot in joined.slots]
        wanted = self._wanted()
        chosen = (wanted, shown_slots, self.size)
        if self._found[0] != chosen:
            self._found = (chosen, joined.places(wanted, shown=shown_slots))
            self._choice += 1
        about = (wanted.of, shown_slots)
        if self._offered != about:
            self.choices = self._choices(joined, shown_slots, of=wanted.of)
            self._offered = about
        self._show_page(joined)

    def _show_page(self, joined: "Joined") -> None:
        """The page that is asked for, and the next one before it is."""
        (_, shown_slots, size), places = self._found
        pages = max(1, -(-len(places) // size))
        number = min(self.number, pages)

        def page(number: int) -> dict[str, Any]:
            first = (number - 1) * size
            rows = joined.rows(places[first : first + size], shown=shown_slots)
            return {"choice": self._choice, "number": number, "first": first, "rows": rows}

        about = {"eval": joined.eval, "slots": shown_slots, "pages": pages, "total": len(places)}
        self.view = {**page(number), **about}
        if number != self.number:
            self.number = number
        self.problem = " ".join(joined.problems)
        self.ahead = page(number + 1) if number < pages else {}

    def _wanted(self) -> "Wanted":
        from workbench.widgets.sample_pages import WHICH, Wanted

        if self.which not in WHICH:
            raise InputError(f"which: {self.which!r} is none of them. {nearest(self.which, WHICH)}")
        return Wanted(
            which=self.which, of=self.of, group=self.group, kind=self.kind,
            outcome=self.outcome, text=self.search.strip(),
        )  # fmt: skip

    def _join(self, store: SweepStore) -> "Joined":
        """Have the answers of the chosen eval at hand."""
        from workbench.widgets.sample_join import join

        before = self._joined
        if before is not None and before.eval == self.eval and not self._must_read:
            return before
        self.doing = "reading the answers …"
        self._must_read = False
        if self._arrivals is not None:
            self._arrivals.take()
        self._evals = evals = _answered(store)
        if not evals:
            raise StoreError(
                "Nothing has been answered yet. Answers come when a trial is evaluated."
            )
        if self.eval and self.eval not in evals:
            raise SpecError(
                f"{self.eval!r} has no answers in this sweep. {nearest(self.eval, evals)}"
            )
        eval = self.eval or evals[0]
        another = before is not None and before.eval != eval
        # Two of them would need twice the memory.
        before = self._joined = None
        self._found = self._offered = (None, None)
        self._joined = joined = join(store, eval)
        self.news = ""
        if not any(slot in joined.slots for slot in self.shown_slots):
            self.shown_slots = list(joined.slots)[:MOST_SHOWN]
        if another:
            # What another eval has not would leave nothing to look at.
            for name in ("group", "kind", "outcome"):
                known = dict(joined.choices(name, shown=self.shown_slots))
                if getattr(self, name) not in known:
                    setattr(self, name, "")
        if not self.eval:
            self.eval = eval
        return joined

    def _choices(self, joined: "Joined", shown_slots: list[str], *, of: str) -> dict[str, Any]:
        from workbench.widgets.sample_pages import WHICH

        assert self._store is not None
        counts = joined.counts(of=of, shown=shown_slots)
        can_tell = joined.better != "none" and BASE in joined.slots
        return {
            "name": self.path.name,
            "evals": [{"name": e, "title": eval_info(e).title} for e in self._evals],
            "slots": [
                {"name": slot, "has": slot in joined.slots}
                for slot in (BASE, *(trial.name for trial in self._store.trials))
            ],
            "groups": joined.choices("group"),
            "kinds": joined.choices("kind"),
            "outcomes": joined.choices("outcome", shown=shown_slots),
            "which": [
                [which, word, counts[which]]
                for which, word in WHICH.items()
                if can_tell or which not in ("worse", "better")
            ],
            "items": len(joined),
            "better": joined.better,
        }

    @shown
    def _on_message(self, widget: Any, content: Any, buffers: Any) -> None:
        super()._on_message(widget, content, buffers)
        joined = self._joined
        if joined is None or not isinstance(content, dict) or content.get("command") != "whole":
            return
        item, part, slot = content.get("item"), content.get("part"), content.get("slot") or ""
        is_answer = part == "answer" and slot in joined.slots
        if isinstance(item, int) and (is_answer or part in ("prompt", "expected")):
            text = joined.whole(item, part=str(part), slot=slot)
            self.send({"whole": {"item": item, "part": part, "slot": slot, "text": text}})

    def _as_table(self) -> tuple[str, str]:
        """The page that is shown as a plain table."""
        said = self.problem or self.doing
        return as_text(self.view, problem=said), as_table(self.view, problem=said)


def _answered(store: SweepStore) -> list[str]:
    """The evals that anybody has answers to, in the order of the spec."""
    named = list(dict.fromkeys(map(called, store.spec.evals)))
    slots = (BASE, *(trial.name for trial in store.trials))
    files = {
        path.stem
        for slot in slots
        for path in (store.path / slot / "samples").glob("[!.]*.parquet")
    }
    # A colon in the name of an eval is a dash in that of its file.
    known = {name.replace(":", "-"): name for name in named}
    rest = sorted(files - known.keys())
    return [*(name for word, name in known.items() if word in files), *rest]
