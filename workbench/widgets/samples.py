"""What base and adapters answered, item by item: `samples(path)` or `samples(job)` shows a sweep's stored answers.

One widget of our own, drawn by `static/samples.js` from traits, so that a reloaded page shows the same rows without asking
the kernel. The answers to one eval are joined once, in a thread of their own (`sample_pages.py`); a page at a time
goes to the browser, which marks the words that differ. Everything can be asked from Python too.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from workbench.errors import InputError, SpecError, StoreError, nearest
from workbench.runs.store import SweepStore
from workbench.scores.catalog import called, eval_info
from workbench.scores.task import BASE
from workbench.widgets.arrivals import Arrivals, folder_of, gone
from workbench.widgets.assets import script, style
from workbench.widgets.callbacks import reachable, shown
from workbench.widgets.errands import Errands
from workbench.widgets.pump import PUMP
from workbench.widgets.samples_plain import as_table, as_text

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from workbench.job import Job
    from workbench.widgets.sample_pages import Joined, Wanted

MOST_SHOWN = 6
"""Slots that are shown side by side unless more are asked for."""

SIZES = (10, 25, 50)
"""Rows that a page may have."""

MARKS = {"expected": "the expected answer", "base": "the base", "": "nothing"}
"""What the words of an answer may be held against."""

WATCHED, ALONE = 2.0, 120.0
"""Seconds that showing it waits for the first page: where a person waits, and where nobody does."""

FILTERS = ("which", "of", "group", "kind", "outcome", "search")


def samples(sweep: "str | Path | Job") -> "Samples":
    """The stored answers of a sweep, base and adapters side by side.

    Args:
        sweep: A sweep folder, or the job of one; it may still be running.
    """
    return Samples(sweep)


class Samples(anywidget.AnyWidget):
    """The answers of one sweep."""

    _esm = script("word_diff", "sample_table", "samples")
    _css = style("samples")

    view = traitlets.Dict().tag(sync=True)
    """The page that is shown: its rows, where it begins, how many there are."""
    choices = traitlets.Dict().tag(sync=True)
    """What may be chosen: evals, slots, groups, kinds, outcomes, and how many items each filter has."""
    doing = traitlets.Unicode("").tag(sync=True)
    news = traitlets.Unicode("").tag(sync=True)
    problem = traitlets.Unicode("").tag(sync=True)

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
        super().__init__()
        self.path = folder_of(sweep)
        self._store: SweepStore | None = None
        self._arrivals: Arrivals | None = None
        self._joined: Joined | None = None
        self._found: tuple[Any, Any] = (None, None)
        self._must_read = False
        self._was_live = False
        self._errands = Errands(self._work, name="workbench-samples")
        self.on_msg(self._on_message)
        self.observe(self._refilter, names=[*FILTERS, "eval", "shown_slots", "size"])
        self.observe(self._again, names=["number"])
        reachable(self)
        self._begin()

    @shown
    def _begin(self) -> None:
        self._store = SweepStore.open(self.path)
        self._arrivals = Arrivals(self._store)
        self._was_live = self._arrivals.look().is_live
        self.doing = "reading the answers …"
        self._errands.ask()
        if self._was_live:
            PUMP.add(self)

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

    def read(self) -> None:
        """Read the folder again, in the background."""
        self._must_read = True
        self._errands.ask()

    def settle(self, *, timeout: float | None = None) -> bool:
        """Wait until what was asked for is shown; false when that took longer."""
        return self._errands.settle(timeout=timeout)

    # What keeps it fresh.

    def refresh(self) -> bool:
        """Look whether answers have come; true while more may and the view is open."""
        if self.comm is None or self._arrivals is None:
            return False
        news = self._arrivals.look()
        if news.is_gone:
            self.news = gone(self.path)
            return False
        if news.is_new and news.is_live:
            self.news = "New answers have come since this was read."
        if self._was_live and not news.is_live:
            self.read()
        self._was_live = news.is_live
        return news.is_live

    def say_problem(self, text: str) -> None:
        """Show what went wrong below the head."""
        self.problem = text

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

    def _work(self) -> None:
        self._show()
        self.doing = ""

    @shown
    def _show(self) -> None:
        if self._store is None:
            return
        self._join()
        joined = self._joined
        assert joined is not None
        shown_slots = [slot for slot in self.shown_slots if slot in joined.slots]
        wanted = self._wanted()
        key = (id(joined), wanted, tuple(shown_slots))
        if self._found[0] != key:
            self._found = (key, joined.places(wanted, shown=shown_slots))
            choices = self._choices(joined, shown_slots)
            if choices != self.choices:
                self.choices = choices
        places = self._found[1]
        self._page_of(joined, places, shown_slots)

    def _page_of(self, joined: "Joined", places: "np.ndarray", shown_slots: list[str]) -> None:
        pages = max(1, -(-len(places) // self.size))
        number = min(self.number, pages)
        first = (number - 1) * self.size
        self.view = {
            "eval": joined.eval,
            "slots": shown_slots,
            "first": first,
            "number": number,
            "pages": pages,
            "total": len(places),
            "rows": joined.rows(places[first : first + self.size], shown=shown_slots),
        }
        if number != self.number:
            self.number = number
        self.problem = " ".join(joined.problems)

    def _wanted(self) -> "Wanted":
        from workbench.widgets.sample_pages import WHICH, Wanted

        if self.which not in WHICH:
            raise InputError(f"which: {self.which!r} is none of them. {nearest(self.which, WHICH)}")
        return Wanted(
            which=self.which, of=self.of, group=self.group, kind=self.kind,
            outcome=self.outcome, text=self.search.strip(),
        )  # fmt: skip

    def _join(self) -> None:
        """Have the answers of the chosen eval at hand."""
        from workbench.widgets.sample_pages import join

        assert self._store is not None
        assert self._arrivals is not None
        joined = self._joined
        if joined is not None and joined.eval == self.eval and not self._must_read:
            return
        self.doing = "reading the answers …"
        self._must_read = False
        self._arrivals.take()
        evals = _answered(self._store)
        if not evals:
            raise StoreError(
                "Nothing has been answered yet. Answers come when a trial is evaluated."
            )
        if self.eval and self.eval not in evals:
            raise SpecError(
                f"{self.eval!r} has no answers in this sweep. {nearest(self.eval, evals)}"
            )
        eval = self.eval or evals[0]
        self._joined = None  # two of them would need twice the memory
        self._joined = join(self._store, eval)
        self.news = ""
        is_other = joined is None or joined.eval != eval
        if not any(slot in self._joined.slots for slot in self.shown_slots):
            self.shown_slots = list(self._joined.slots)[:MOST_SHOWN]
        if is_other and joined is not None:
            # What another eval has not would leave nothing to look at.
            for name in ("group", "kind", "outcome"):
                known = dict(self._joined.choices(name, shown=self.shown_slots))
                if getattr(self, name) not in known:
                    setattr(self, name, "")
        if not self.eval:
            self.eval = eval

    def _choices(self, joined: "Joined", shown_slots: list[str]) -> dict[str, Any]:
        from workbench.widgets.sample_pages import WHICH

        assert self._store is not None
        counts = joined.counts(of=self.of, shown=shown_slots)
        can_tell = joined.better != "none" and BASE in joined.slots
        return {
            "name": self.path.name,
            "evals": [{"name": e, "title": eval_info(e).title} for e in _answered(self._store)],
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
    def _on_message(self, _: Any, content: Any, __: Any) -> None:
        if not isinstance(content, dict):
            return
        if content.get("command") == "read":
            self.read()
        if content.get("command") == "whole" and self._joined is not None:
            item, part, slot = content.get("item"), content.get("part"), content.get("slot") or ""
            is_known = part in ("prompt", "expected") or (
                part == "answer" and slot in self._joined.slots
            )
            if isinstance(item, int) and is_known:
                text = self._joined.whole(item, part=str(part), slot=slot)
                self.send({"whole": {"item": item, "part": part, "slot": slot, "text": text}})

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget, and beside it the first page as a plain table for places that show none."""
        bundle = super()._repr_mimebundle_(**options)
        # A server with a page names the session in the environment; without one nobody waits for the cell.
        self.settle(timeout=WATCHED if "JPY_SESSION_NAME" in os.environ else ALONE)
        said = self.problem or self.doing
        plain = {
            "text/plain": as_text(self.view, problem=said),
            "text/html": as_table(self.view, problem=said),
        }
        if bundle is None:
            return plain
        data, metadata = bundle
        return {**data, **plain}, metadata


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
