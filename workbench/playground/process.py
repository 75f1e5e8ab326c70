"""The kernel's side of the process that answers: `Worker(heard=..., ended=...)` starts it, `send(...)` commands it.

What it tells arrives in bunches, at most ten a second, in one thread of this object; nothing here blocks the caller,
and what cannot be delivered is dropped with the process that it was for. Its log is a file without a name. It knows
nothing of models, widgets and what messages mean.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import psutil

from workbench.job import WORKER_ENVIRONMENT

A_BUNCH = 0.1
"""Seconds between two bunches."""
PATIENCE = 2.0
"""Seconds that a process has to end by itself."""
LOG_BYTES = 32_000

Message = dict[str, Any]


class Worker:
    """One process; it is started at once, and not again."""

    def __init__(
        self,
        *,
        heard: Callable[["Worker", Sequence[Message]], None],
        ended: Callable[["Worker"], None],
    ) -> None:
        """Start it.

        Args:
            heard: Called with what it told.
            ended: Called when it is gone, after all that it told.
        """
        self._heard, self._ended = heard, ended
        # An environment of one's own stays as it is; else threads that wait would take a core from the kernel.
        spin = {"GOMP_SPINCOUNT": WORKER_ENVIRONMENT["GOMP_SPINCOUNT"]}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - read when the process has died
        self._process = subprocess.Popen(
            [sys.executable, "-m", "workbench.playground.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**spin, **os.environ},
            # Interrupting a cell must not end it.
            start_new_session=True,
        )
        self._outbox: queue.Queue[Message | None] = queue.Queue()
        self._inbox: queue.Queue[Message | None] = queue.Queue()
        self._over = threading.Event()
        for work in (self._write, self._read, self._tell):
            threading.Thread(target=work, name="workbench-playground", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def rss(self) -> int | None:
        """Bytes that it holds; None when it is gone."""
        try:
            return int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.Error:
            return None

    def send(self, message: Message) -> None:
        """Put a command on its way."""
        self._outbox.put(message)

    def close(self) -> None:
        """Let it end, and see to it that it does; returns at once."""
        self._outbox.put(None)
        threading.Thread(target=self._see_it_end, name="workbench-playground", daemon=True).start()

    def wait(self, *, timeout: float) -> bool:
        """Wait until it is gone and all is told; false when it is not by then."""
        return self._over.wait(timeout)

    def how(self) -> str:
        """How it ended, in words."""
        code = self._process.poll()
        if code is None:
            return "it runs"
        if code < 0:
            names = {one.value: one.name for one in signal.Signals}
            name = names.get(-code, str(-code))
            killed = ": something ended it, the system perhaps, for lack of memory"
            return f"signal {name}{killed if -code == signal.SIGKILL else ''}"
        return f"exit code {code}"

    def log(self, *, lines: int = 12) -> list[str]:
        """The last lines that it and its libraries wrote."""
        with contextlib.suppress(OSError, ValueError):
            handle = self._log.fileno()
            size = os.fstat(handle).st_size
            # pread: the position belongs to the process that writes.
            text = os.pread(handle, LOG_BYTES, max(0, size - LOG_BYTES)).decode(errors="replace")
            return [line[:400] for line in text.splitlines() if line.strip()][-lines:]
        return []

    def _write(self) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        with contextlib.suppress(OSError, ValueError):
            while (message := self._outbox.get()) is not None:
                stdin.write(json.dumps(message).encode() + b"\n")
                stdin.flush()
        with contextlib.suppress(OSError):
            stdin.close()

    def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        for line in stdout:
            # A process that is killed may leave half a line.
            with contextlib.suppress(ValueError):
                self._inbox.put(json.loads(line))
        self._inbox.put(None)

    def _tell(self) -> None:
        """Hand on what comes, the first at once and then in bunches."""
        last = 0.0
        while True:
            bunch = [self._inbox.get()]
            while (left := last + A_BUNCH - time.monotonic()) > 0 and bunch[-1] is not None:
                with contextlib.suppress(queue.Empty):
                    bunch.append(self._inbox.get(timeout=left))
            while bunch[-1] is not None and not self._inbox.empty():
                bunch.append(self._inbox.get())
            last = time.monotonic()
            if told := [message for message in bunch if message is not None]:
                self._heard(self, told)
            if bunch[-1] is None:
                break
        self._see_it_end()
        self._ended(self)
        self._over.set()

    def _see_it_end(self) -> None:
        for hasten in (self._process.terminate, self._process.kill):
            try:
                self._process.wait(PATIENCE)
                return
            except subprocess.TimeoutExpired:
                hasten()
        self._process.wait()
