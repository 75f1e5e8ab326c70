"""A sweep as it runs: `LiveRun(job)` shows progress, loss curves, a row a trial, and Stop, Pause and Go on.

One small widget of our own, drawn by `static/live_run.js` from traits, so that a reloaded page shows the whole picture
again without asking the kernel. It reads the sweep folder and steers through the job: training itself happens in the
worker process. Where widgets cannot be shown the same picture is a plain table.
"""

import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets
from markupsafe import escape

from workbench.widgets.assets import script, style
from workbench.widgets.callbacks import reachable, shown
from workbench.widgets.pump import PUMP
from workbench.widgets.watch import ENDED, Picture, TrialPicture, Watch

if TYPE_CHECKING:
    from workbench.job import Job

PATIENCE = 60
"""Looks at the folder within which the worker should have answered a command."""

COMMANDS = ("stop", "pause", "resume", "restart")
"""What the buttons of the view may ask for."""


class LiveRun(anywidget.AnyWidget):
    """The live view of one job."""

    _esm = script("live_run")
    _css = style("live_run")

    picture = traitlets.Dict().tag(sync=True)
    """All of `Picture` but the curves."""
    curves = traitlets.Dict().tag(sync=True)
    problem = traitlets.Unicode().tag(sync=True)
    asked = traitlets.Unicode().tag(sync=True)
    """The command on its way to the worker, until the worker's state shows it."""

    def __init__(self, job: "Job") -> None:
        super().__init__()
        self.job = job
        self._watch = Watch(job.path)
        self._reading = threading.Lock()
        self._waited = 0
        self._seen = Picture(name=job.path.name, state="queued")
        self.on_msg(self._on_message)
        reachable(self)
        if self.refresh():
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
        return self._seen.live or bool(self.asked)

    def say_problem(self, text: str) -> None:
        """Show what went wrong below the buttons."""
        self.problem = text

    def ask(self, command: str, *, trial: str = "") -> None:
        """Steer the sweep: stop, pause, resume or restart it, or stop one trial of it."""
        self._ask(command, trial)

    @shown
    def _look(self) -> None:
        with self._reading:
            seen = self._watch.look()
            plain = asdict(seen)
            curves = plain.pop("curves")
            self._note_answer(seen)
            self._seen = seen
            # Two assignments, not hold_sync: its flag is shared by threads without a lock.
            if plain != self.picture:
                self.picture = plain
            if curves != self.curves:
                self.curves = curves

    def _note_answer(self, seen: Picture) -> None:
        """Take a command back from `asked` once the sweep shows that it was heard."""
        if not self.asked:
            return
        self._waited += 1
        if seen.state != self._seen.state or _ended(seen) != _ended(self._seen):
            self.asked = ""
        elif self._waited > PATIENCE:
            self.say_problem(f"The worker has not answered {self.asked!r} yet; see log.txt.")
            self.asked = ""

    @shown
    def _on_message(self, _: Any, content: Any, __: Any) -> None:
        if not isinstance(content, dict) or content.get("command") not in COMMANDS:
            return
        self._ask(content["command"], str(content.get("trial") or ""))

    @shown
    def _ask(self, command: str, trial: str) -> None:
        self.problem = ""
        if command == "stop":
            self.job.stop(trial)
        elif command == "pause":
            self.job.pause()
        elif command == "resume":
            self.job.resume()
        else:
            self.job.restart()
        self.asked, self._waited = f"{command} {trial}".strip(), 0
        PUMP.add(self)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget, and beside it the plain table for places that show none."""
        bundle = super()._repr_mimebundle_(**options)
        plain = {"text/plain": as_text(self._seen), "text/html": as_table(self._seen)}
        if bundle is None:
            return plain
        data, metadata = bundle
        return {**data, **plain}, metadata


def _ended(picture: Picture) -> int:
    return sum(trial.state in ENDED for trial in picture.trials)


def as_text(picture: Picture) -> str:
    """One line a trial, for a terminal."""
    lines = [f"{picture.name}: {picture.state}"]
    for trial in picture.trials:
        loss = "" if trial.loss is None else f", loss {trial.loss:.4g}"
        lines.append(
            f"  {trial.name}: {trial.state}, step {trial.step} of {trial.total_steps}{loss}"
        )
    return "\n".join(lines)


def as_table(picture: Picture) -> str:
    """The picture as static HTML; everything that came from a file is escaped."""
    heads = ["trial", "state", "step", "loss", *(eval["name"] for eval in picture.evals)]
    head = "".join(f"<th scope='col'>{escape(word)}</th>" for word in heads)
    rows = "".join(_row(trial, picture.evals) for trial in picture.trials)
    said = f" — {escape(picture.message)}" if picture.message else ""
    return (
        f"<table><caption>{escape(picture.name)}: {escape(picture.state)}{said}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(trial: TrialPicture, evals: tuple[dict[str, str], ...]) -> str:
    step = f"{trial.step:,} of {trial.total_steps:,}" if trial.total_steps else ""
    loss = "" if trial.loss is None else f"{trial.loss:.4g}"
    cells = [trial.state, step, loss, *(_figure(trial.scores.get(eval["name"])) for eval in evals)]
    rest = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f"<tr><th scope='row'>{escape(trial.name)}</th>{rest}</tr>"


def _figure(score: dict[str, Any] | None) -> str:
    if not score or score["value"] is None:
        return ""
    if score["low"] is None or score["high"] is None:
        return f"{score['value']:.3g} (n {score['n']})"
    return f"{score['value']:.3g} ({score['low']:.3g} to {score['high']:.3g}, n {score['n']})"
