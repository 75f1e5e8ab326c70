"""The data as the model will read it: a few rows at a time, what the loss looks at marked, the rest grey.

`Preview()` shows the rows of a spec: `show(spec)` says which one, `ask(first)` turns the page. Rows are tokenised in a
process of their own (`sample_rows`), so that the kernel loads no torch and never waits; until they are there, and when they
cannot be read, the view says so.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anywidget
import traitlets

from workbench.spec import Spec
from workbench.widgets.assets import script, style
from workbench.widgets.callbacks import reachable, shown

WAITING = "Rows are shown once the form is right."

ROWS = 5
"""Rows of a page."""


class Preview(anywidget.AnyWidget):
    """A page of rows."""

    _esm = script("preview")
    _css = style("panel")

    page = traitlets.Dict(read_only=True).tag(sync=True)
    """The rows that are shown, and where they stand."""
    reading = traitlets.Bool(default_value=False, read_only=True).tag(sync=True)
    problem = traitlets.Unicode(read_only=True).tag(sync=True)

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._asked = 0
        self._of: Any = None
        self._spec: Spec | None = None
        self._process: subprocess.Popen[str] | None = None
        self._log: Any = None
        self._background = ThreadPoolExecutor(max_workers=1, thread_name_prefix="workbench-rows")
        self.on_msg(self._on_message)
        reachable(self)

    def say_problem(self, text: str) -> None:
        """Show why there are no rows."""
        self.set_trait("problem", text)

    def show(self, spec: Spec) -> None:
        """Show the first rows of a spec, unless they are what is shown."""
        of = (
            spec.model, spec.data, spec.adapter.task_type, spec.train.max_length,
            spec.train.completion_only_loss,
        )  # fmt: skip
        if of != self._of:
            self._of, self._spec = of, spec
            self.ask(0)
        elif self.problem.startswith(WAITING):
            self.set_trait("problem", "")

    def ask(self, first: int) -> None:
        """Show the page that begins with a row."""
        if self._spec is None:
            return
        with self._lock:
            self._asked += 1
            asked = self._asked
        self.set_trait("reading", True)
        question = {
            "spec": self._spec.model_dump(mode="json", exclude_unset=True),
            "first": first,
            "count": ROWS,
        }
        self._background.submit(self._read, json.dumps(question), asked)

    def settle(self, *, timeout: float = 120) -> None:
        """Wait until what was asked for is there."""
        self._background.submit(lambda: None).result(timeout)

    def stop(self) -> None:
        """End the reading process; the next question starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                # A question that was under way has nobody to be flushed to.
                with contextlib.suppress(OSError):
                    assert pipe is not None
                    pipe.close()

    def close(self) -> None:
        """Close the view, and end the process."""
        with self._lock:
            self._asked += (
                1  # what is being read is not wanted any more, and starts no other process
            )
        self.stop()
        super().close()

    @shown
    def _read(self, question: str, asked: int) -> None:
        if asked != self._asked:
            return
        try:
            answer = self._answer(question, asked)
            if asked == self._asked:
                self.set_trait("problem", str(answer.pop("problem", "")))
                self.set_trait("page", answer)
        finally:
            if asked == self._asked:
                self.set_trait("reading", False)

    def _answer(self, question: str, asked: int) -> dict[str, Any]:
        for _ in range(2):  # one that has ended for want of questions is started anew
            if asked != self._asked:
                break
            try:
                process = self._running()
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(question + "\n")
                process.stdin.flush()
                line = process.stdout.readline()
            except (OSError, ValueError):
                line = ""
            if line:
                return dict(json.loads(line))
            if asked == self._asked:
                self.stop()
        return {"problem": f"the rows could not be read: {self._last_words()}"}

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            if self._log is not None:
                self._log.close()
            self._log = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
            self._process = subprocess.Popen(
                [sys.executable, "-m", "workbench.widgets.sample_rows"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
                encoding="utf-8",
                start_new_session=True,
            )
        return self._process

    def _last_words(self) -> str:
        if self._log is None:
            return "no process could be started"
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "the process ended and left no word"

    @shown
    def _on_message(self, _: Any, content: Any, __: Any) -> None:
        if isinstance(content, dict) and content.get("command") == "page":
            first = content.get("first")
            self.ask(max(0, first) if isinstance(first, int) else 0)
