"""A sweep as it runs: `LiveRun(job)` shows progress, curves, a row a trial, and what can be asked of each and of all.

One widget of our own, drawn by `static/live_run.js` from traits, so that a reloaded page shows the whole picture again
without asking the kernel. It reads the sweep folder and steers through the job: training itself happens in the worker
process. Where widgets cannot be shown the same picture is a plain table.
"""

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from workbench.errors import InputError, StoreError, nearest
from workbench.runs import control
from workbench.runs.status import WORKING
from workbench.widgets.assets import script, style
from workbench.widgets.callbacks import in_words, reachable, shown
from workbench.widgets.fallback import beside
from workbench.widgets.feed import Feed
from workbench.widgets.live_plain import as_table, as_text
from workbench.widgets.newcomers import changes_of, offers, step_of
from workbench.widgets.pump import PUMP
from workbench.widgets.watch import ADVICE, ENDED, QUANTITIES, Picture, Watch

if TYPE_CHECKING:
    from workbench.job import Job

__all__ = ["LiveRun", "as_table", "as_text"]

PATIENCE = 60
"""Looks at the folder within which the worker should have answered a command, or the folder be readable again."""

A_LOOK = 1.0
"""Seconds that a look may read: a long past comes in slices."""

FIRST_LOOK = 0.3
"""The same for the first one, which a cell waits for."""

COMMANDS = (*control.COMMANDS, "restart")
"""What the view may ask for."""

WITHDRAW = "withdraw"
"""What the view sends to take back a command that waits."""

SCORE = "score:"
"""What the name of a quantity begins with when it is an eval's score."""


class LiveRun(anywidget.AnyWidget):
    """The live view of one job."""

    _esm = script("scales", "curves", "newcomer_form", "trial_table", "live_run")
    _css = style("live_run")

    picture = traitlets.Dict().tag(sync=True)
    """`Picture`, as plain fields."""
    curves = traitlets.Dict().tag(sync=True)
    """All curves of the chosen quantity, as they were when they were last sent whole."""
    tail = traitlets.Dict().tag(sync=True)
    """How the curves end since then."""
    problem = traitlets.Unicode().tag(sync=True)
    asked = traitlets.Dict().tag(sync=True)
    """Trial (empty: the sweep) -> the command on its way to the worker, until the worker has answered it."""
    offers = traitlets.Dict().tag(sync=True)
    """What the forms for a new trial offer: see `newcomers.offers`."""
    answer = traitlets.Dict().tag(sync=True)
    """What became of the form that was sent last: its `form`, and what is wrong with it (`problem`), if anything."""

    quantity = traitlets.Unicode("loss").tag(sync=True)
    """What is drawn: a name of `QUANTITIES`, or `score:` and an eval."""
    log_x = traitlets.Bool(False).tag(sync=True)
    log_y = traitlets.Bool(False).tag(sync=True)
    smoothing = traitlets.Float(0.0, min=0.0, max=0.99).tag(sync=True)
    pinned = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Trials that are drawn strongly, the others faded."""
    sorted_by = traitlets.Unicode("").tag(sync=True)
    """The column that the table is sorted by, with `-` before it for falling; empty for the order of the sweep."""

    def __init__(self, job: "Job") -> None:
        super().__init__()
        self.job = job
        self._watch = Watch(job.path)
        self._feed = Feed()
        self._reading = threading.Lock()
        self._asking = threading.Lock()
        self._waited: dict[str, int] = {}
        self._offered: tuple[Any, ...] = ()
        self._knows_the_past = False
        self._failed_looks = 0
        self._restarting: threading.Thread | None = None
        self._seen = Picture(name=job.path.name, state="queued")
        self.on_msg(self._on_message)
        self.observe(lambda _: self._draw_curves(), names=["quantity", "log_x"])
        reachable(self)
        self._look(seconds=FIRST_LOOK)
        if self._may_change():
            PUMP.add(self)

    @property
    def state(self) -> str:
        """The state of the sweep when it was last looked at."""
        return self._seen.state

    @property
    def seen(self) -> Picture:
        """What was seen at the last look."""
        return self._seen

    def refresh(self) -> bool:
        """Look at the folder; true while more may come and the view is open."""
        if self.comm is None:
            return False
        self._look()
        return self._may_change()

    def _may_change(self) -> bool:
        if self._seen.state == "gone" or self._failed_looks > PATIENCE:
            return False
        return self._seen.live or bool(self.asked) or self._watch.is_behind

    def say_problem(self, text: str) -> None:
        """Show what went wrong below the buttons."""
        self.problem = text

    def ask(
        self,
        command: str,
        *,
        trial: str = "",
        changes: Mapping[str, Any] | None = None,
        at: int = 0,
    ) -> None:
        """Steer the sweep: stop, pause, resume, drop, clone or add, or start a worker again.

        What cannot be done is shown in the view and raises nothing. A restart returns when the worker has begun.

        Args:
            command: A word of `COMMANDS`.
            trial: Which; empty for the whole sweep.
            changes: Dotted fields of a clone, or of a trial that is added, with their values.
            at: The step after which it is followed; 0 is now.
        """
        self._ask(command, trial, changes=changes or {}, at=at)
        self.settle()

    def settle(self, *, timeout: float = 90) -> None:
        """Wait until a worker that was asked for has started."""
        if self._restarting is not None:
            self._restarting.join(timeout)

    def _look(self, *, seconds: float = A_LOOK) -> None:
        with self._reading:
            try:
                self._show(self._watch.look(seconds=seconds))
            except Exception as error:  # noqa: BLE001 - shown with its kind: nobody else sees this thread
                self._say_unreadable(error)
                return
            if self._failed_looks:
                self._failed_looks, self.problem = 0, ""

    def _show(self, seen: Picture) -> None:
        self._note_answers(seen)
        self._seen = seen
        trials = self._watch.store.trials
        if seen.live and trials is not self._offered:
            self._offered, self.offers = trials, offers(self._watch.store)
        self._feed_curves()
        plain = seen.plain()
        # Assignments one by one, not hold_sync: its flag is shared by threads without a lock.
        if plain != self.picture:
            self.picture = plain

    def _say_unreadable(self, error: Exception) -> None:
        self._failed_looks += 1
        if (self.job.path / "status.json").exists():
            said = in_words(error)
            if self._failed_looks > PATIENCE:
                said = (
                    f"{said}. It is not looked at any more: run the cell again once it can be read."
                )
            self.say_problem(said)
            return
        self.asked = {}
        self._seen = replace(
            self._seen,
            state="gone",
            message=f"The folder {str(self.job.path)!r} is no longer there.",
            advice=ADVICE["gone"],
            doing="",
        )
        self.picture = self._seen.plain()

    @shown
    def _draw_curves(self) -> None:
        quantity = self.quantity
        if not quantity.startswith(SCORE) and quantity not in QUANTITIES:
            raise InputError(f"{quantity!r} is no quantity. {nearest(quantity, QUANTITIES)}")
        with self._reading:
            self._feed_curves()

    def _feed_curves(self) -> None:
        quantity = self.quantity
        if quantity not in QUANTITIES:
            return  # scores come with the rows
        curves = self._watch.thinned(quantity, log=self.log_x)
        feed = self._feed
        feed.next(curves, quantity=quantity, log=self.log_x)
        if feed.base is not self.curves:
            self.curves = feed.base
        if feed.tail is not self.tail:
            self.tail = feed.tail

    def _note_answers(self, seen: Picture) -> None:
        """Take commands back from `asked` once the worker has answered them."""
        refused = [event for event in self._watch.heard if not event.applied]
        heard = {event.command for event in self._watch.heard}
        with self._asking:
            still = {}
            for trial, command in self.asked.items():
                told = f"{command} {trial}".strip()
                self._waited[trial] = self._waited.get(trial, 0) + 1
                if any(told == event.command for event in refused):
                    continue
                if _is_done(command, trial, seen=seen, heard=told in heard):
                    continue
                if self._waited[trial] > PATIENCE and command != "restart":
                    self.say_problem(
                        f"The worker has not answered {told!r} yet: a step may take long. Its log is below."
                    )
                    continue
                still[trial] = command
            if still != self.asked:
                self.asked = still
        # What was refused before this view was opened is told in its list alone.
        for event in refused if self._knows_the_past else ():
            self.say_problem(f"{event.command} was refused: {event.reason.rstrip('.')}.")
        self._knows_the_past = self._knows_the_past or not self._watch.is_behind

    @shown
    def _on_message(self, _: Any, content: Any, __: Any) -> None:
        if isinstance(content, dict) and content.get("command") == WITHDRAW:
            self._withdraw(str(content.get("file") or ""))
            return
        if not isinstance(content, dict) or content.get("command") not in COMMANDS:
            return
        if content["command"] in control.MAKE_A_TRIAL:
            self._hear_form(content)
        else:
            self._ask(content["command"], str(content.get("trial") or ""))

    def _withdraw(self, file: str) -> None:
        """Take back the command that waits in a file."""
        for one in self.job.waiting():
            if one.file == file:
                control.withdraw(self.job.path, one)
                self._look()
                return
        raise StoreError("That command waits no more: the worker has taken it")

    def _hear_form(self, content: dict[str, Any]) -> None:
        """Ask for the trial of a form; what is wrong with it is said beside it."""
        problem = ""
        try:
            self._steer(
                content["command"],
                str(content.get("trial") or ""),
                changes=changes_of(content.get("changes")),
                at=step_of(content.get("at")),
            )
        except Exception as error:  # noqa: BLE001 - shown: nobody else sees it
            problem = in_words(error)
        number = self.answer.get("number", 0) + 1
        self.answer = {"number": number, "form": content.get("form"), "problem": problem}

    @shown
    def _ask(
        self, command: str, trial: str, *, changes: Mapping[str, Any] | None = None, at: int = 0
    ) -> None:
        self._steer(command, trial, changes=changes or {}, at=at)

    def _steer(self, command: str, trial: str, *, changes: Mapping[str, Any], at: int) -> None:
        if command not in COMMANDS:
            raise InputError(f"{command!r} is no command. {nearest(command, COMMANDS)}")
        self.problem = ""
        if not self.job.path.exists():
            self._look()  # which says so
            return
        awaited = not at and command not in control.MAKE_A_TRIAL
        if awaited:
            # Before it is sent: the thread that looks may read the answer before this one goes on.
            self._expect(command, trial)
        try:
            self._pass_on(command, trial, changes=changes, at=at)
        except Exception:
            if awaited:
                self._expect("", trial)
            raise
        PUMP.add(self)
        if not awaited:
            self._look()  # the list of what waits has it from here on

    def _expect(self, command: str, trial: str) -> None:
        """Show that a command of a trial is on its way; none where it is empty."""
        with self._asking:
            others = {name: told for name, told in self.asked.items() if name != trial}
            self._waited[trial] = 0
            self.asked = {**others, trial: command} if command else others

    def _pass_on(self, command: str, trial: str, *, changes: Mapping[str, Any], at: int) -> None:
        if command == "restart":
            self._begin_restart()
        elif command == "clone":
            self.job.clone(trial, changes, at=at)
        elif command == "add" and not trial:
            self.job.add(changes, at=at)
        else:
            control.send(self.job.path, command, trial=trial, at=at, changes=changes)

    def _begin_restart(self) -> None:
        status = self.job.status()
        if status.state in WORKING:
            raise StoreError(f"{self.job.path.name!r} is {status.state} already")
        # Starting a worker takes a second, and a callback may not.
        self._restarting = threading.Thread(
            target=self._restart, name="workbench-restart", daemon=True
        )
        self._restarting.start()

    @shown
    def _restart(self) -> None:
        try:
            self.job.restart()
        finally:
            with self._asking:
                self.asked = {trial: told for trial, told in self.asked.items() if trial}
            PUMP.add(self)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget, and beside it the plain table for places that show none."""
        bundle = super()._repr_mimebundle_(**options)
        while self._watch.is_behind and self._seen.state != "gone" and not self._failed_looks:
            self._look()
        return beside(bundle, text=as_text(self._seen), html=as_table(self._seen))


def _is_done(command: str, trial: str, *, seen: Picture, heard: bool) -> bool:
    """Whether a sweep shows that a command was followed."""
    if command == "restart":
        return False  # whoever starts the worker takes it back
    if not seen.live:
        return True
    if command not in ("stop", "drop"):
        return heard
    if not trial:
        return seen.state == "stopping"
    return any(row.name == trial and row.state in ENDED for row in seen.trials)
