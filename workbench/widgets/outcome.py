"""What came of a sweep, below its live view: the leaderboard, the answers, and the report as a link, a press each.

The panel shows it once the sweep has ended with scores. The report is written by a process of its own and waited for
in a thread, so that the kernel stays free; it lies in the folder `reports` beside that of the sweeps, under the
sweep's name, and is written anew when it is asked for again.
"""

import os
from pathlib import Path

import ipywidgets
from markupsafe import escape

from workbench.scores.task import BASE
from workbench.widgets.callbacks import reachable, shown
from workbench.widgets.errands import Errands
from workbench.widgets.live_run import LiveRun
from workbench.widgets.served import address_of


class Outcome(ipywidgets.VBox):
    """The buttons that lead from a finished sweep to its winner, its answers and its report."""

    def __init__(self, live: LiveRun, *, reports: Path) -> None:
        super().__init__()
        self.add_class("wb-outcome")
        self.live = live
        self.page = reports / f"{live.job.path.name}.html"
        self.compare = _button("Compare", hint="Which trial is best, by how much and how sure")
        self.answers = _button("Read answers", hint="What base and adapters said, side by side")
        self.report = _button("Write report", hint="One HTML file with verdict, charts and origins")
        self.said = ipywidgets.HTML()
        self.said.add_class("wb-reason")
        self.shown = ipywidgets.VBox()
        self._faces: dict[str, ipywidgets.DOMWidget] = {}
        self._errands = Errands(self._write, name="workbench-report")
        actions = ipywidgets.HBox([self.compare, self.answers, self.report, self.said])
        actions.add_class("wb-actions")
        self.children = [actions, self.shown]
        self.compare.on_click(lambda _: self._toggle("leaderboard"))
        self.answers.on_click(lambda _: self._toggle("samples"))
        self.report.on_click(lambda _: self._ask())
        live.observe(lambda _: self._follow(), names=["picture"])
        reachable(self)
        self._follow()

    def settle(self, *, timeout: float = 300) -> bool:
        """Wait until the report that was asked for is written; false when that took longer."""
        return self._errands.settle(timeout=timeout)

    def say_problem(self, text: str) -> None:
        """Show what went wrong beside the buttons."""
        self.said.value = f"<span class='wb-problem' role='alert'>{escape(text)}</span>"

    def _follow(self) -> None:
        ended = not self.live.seen.live
        scored = ended and any((self.live.job.path / BASE / "scores").glob("*.json"))
        self.layout.display = "" if scored else "none"

    @shown
    def _toggle(self, name: str) -> None:
        """Show one of the faces, or put it away."""
        import workbench as wb

        if name in self._faces:
            self._faces.pop(name).close()
        else:
            self._faces[name] = getattr(wb, name)(self.live.job.path)
        self.shown.children = list(self._faces.values())

    @shown
    def _ask(self) -> None:
        self.report.disabled = True
        self.said.value = "<span role='status'>Writing the report …</span>"
        self._errands.ask()

    def _write(self) -> None:
        try:
            self._render()
        finally:
            self.report.disabled = False

    @shown
    def _render(self) -> None:
        from workbench.report import render

        page = render(self.live.job.path, self.page, overwrite=True)
        where, address = escape(os.path.relpath(page)), address_of(page)
        link = f"<a href='{escape(address)}' target='_blank'>Open the report</a>"
        self.said.value = (
            f"<span role='status'>{link} ({where})</span>"
            if address
            else (
                f"<span role='status'>The report is written. Open it in a browser: {where}</span>"
            )
        )


def _button(label: str, *, hint: str) -> ipywidgets.Button:
    return ipywidgets.Button(description=label, tooltip=hint)
