"""A place being asked: the process that answers, the question at hand, and how things stand, for whoever shows it.

`Session(place, changed=...)` starts a process when something is first loaded or asked, and calls `changed()` after each
bunch of news. It is spoken to from any thread and blocks nobody but in `wait` and `settle`. It knows no widget.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from workbench.errors import InputError, RunError
from workbench.playground.manner import Answer, Manner, check_prompt
from workbench.playground.place import Place
from workbench.playground.process import Worker
from workbench.playground.transcript import Transcript


class Session:
    """One place and the process that answers there."""

    def __init__(self, place: Place, *, changed: Callable[[], None]) -> None:
        self.place = place
        self.state = "asleep"
        """asleep, loading, ready, answering or dead."""
        self.doing = ""
        self.problem = ""
        self.log: list[str] = []
        """The last lines of a process that died."""
        self.facts: dict[str, Any] = {}
        """What is known once something is loaded: context, has_chat, device, device_bytes, refused, notes."""
        self.now: Transcript | None = None
        self.said: dict[str, Answer] = {}
        """The answers to the last question that is over."""
        self._changed = changed
        self._worker: Worker | None = None
        self._asked = 0
        self._news = threading.Condition(threading.RLock())

    @property
    def measured(self) -> int | None:
        """Bytes that the process holds; None when there is none."""
        worker = self._worker
        return None if worker is None else worker.rss

    @property
    def pid(self) -> int | None:
        """The process that answers."""
        worker = self._worker
        return None if worker is None else worker.pid

    def load(self, slots: Sequence[str]) -> None:
        """Load these; returns at once."""
        chosen = self.place.check(slots)
        with self._news:
            if self.state in ("loading", "answering"):
                return
            worker = self._started()
            worker.send({"do": "load", "slots": chosen})
            self._stand("loading", doing=self.doing or "starting a process")

    def begin(self, prompt: Any, *, slots: Sequence[str], manner: Manner) -> Transcript:
        """Ask these; returns at once."""
        prompt = check_prompt(prompt)
        chosen = self.place.check(slots)
        with self._news:
            if self.now is not None and not self.now.over:
                raise InputError("it is still answering; wait, or stop it first")
            worker = self._started()
            self._asked += 1
            now = self.now = Transcript(self._asked, prompt, slots=chosen, manner=manner)
            asked = {"id": now.id, "prompt": prompt, "slots": chosen, "manner": asdict(manner)}
            worker.send({"do": "ask", **asked})
            if self.facts:
                self._stand("answering")
            else:
                self._stand("loading", doing=self.doing or "starting a process")
        return now

    def wait(self, now: Transcript, *, timeout: float) -> dict[str, Answer]:
        """The answers to a question, waited for."""
        with self._news:
            if not self._news.wait_for(lambda: now.over, timeout):
                raise RunError(f"no answer within {timeout:g} s; it was stopped. Give more timeout")
        if now.problem:
            raise RunError("\n".join([now.problem, *self.log]))
        return now.answers

    def settle(self, *, timeout: float) -> None:
        """Wait until nothing is loaded or answered any more; RunError when nothing is loaded then."""
        with self._news:
            busy = ("loading", "answering")
            if not self._news.wait_for(lambda: self.state not in busy, timeout):
                raise RunError(f"it is not ready after {timeout:g} s: {self.doing or self.state}")
        if self.state != "ready":
            raise RunError("\n".join([self.problem, *self.log]))

    def stop(self) -> None:
        """Stop answering; what was said stays."""
        with self._news:
            if self._worker is not None and self.now is not None and not self.now.over:
                self._worker.send({"do": "stop", "id": self.now.id})

    def free(self, *, timeout: float | None = None) -> None:
        """End the process; with a timeout wait for that."""
        with self._news:
            worker, self._worker = self._worker, None
            if worker is None:
                return
            worker.close()
            self._give_up("the memory was freed")
            self._stand("asleep")
        if timeout is not None:
            worker.wait(timeout=timeout)

    def _started(self) -> Worker:
        """The process that answers, started where there is none."""
        self.problem = ""
        if self._worker is not None:
            return self._worker
        place = self.place
        if place.sweep is not None and not (place.sweep / "status.json").is_file():
            raise InputError(
                f"the folder {str(place.sweep)!r} is no longer there; it was deleted or moved. Make a "
                "playground of where it is now"
            )
        worker = Worker(heard=self._hear, ended=self._note_end)
        worker.send(
            {
                "do": "open",
                "sweep": str(place.sweep) if place.sweep else None,
                "model": place.model.model_dump(mode="json"),
                "only": list(place.askable),
            }
        )
        self._worker, self.facts, self.log = worker, {}, []
        return worker

    def _hear(self, worker: Worker, told: Sequence[Mapping[str, Any]]) -> None:
        with self._news:
            if worker is not self._worker:
                return
            for message in told:
                self._take_in(message)
            self._tell()

    def _take_in(self, message: Mapping[str, Any]) -> None:
        now = self.now
        match message["event"]:
            case "doing":
                self.doing = message["text"]
            case "ready":
                self.facts, self.doing = {k: v for k, v in message.items() if k != "event"}, ""
                busy = now is not None and not now.over
                self.state = "answering" if busy else "ready"
            case "problem":
                self._note_problem(message)
            case _ if now is not None and message["id"] == now.id and not now.over:
                now.add(message)
                if now.over:
                    self.said, self.state = now.answers, "ready"

    def _note_problem(self, message: Mapping[str, Any]) -> None:
        self.problem, self.doing = message["text"], ""
        now = self.now
        if now is not None and not now.over and message["do"] != "load":
            now.end(message["text"])
        if self.facts:
            self.state = "ready" if now is None or now.over else "answering"
            return
        # Nothing could be loaded, so it holds memory for nothing; what it wrote says more.
        self.log = self._worker.log() if self._worker else []
        self.free()

    def _note_end(self, worker: Worker) -> None:
        """It died; what was asked is told so."""
        with self._news:
            if worker is not self._worker:
                return
            self._worker, self.log = None, worker.log()
            self.problem = f"The process that answers has ended: {worker.how()}."
            self._give_up(self.problem)
            self._stand("dead")

    def _give_up(self, why: str) -> None:
        self.facts = {}
        if self.now is not None and not self.now.over:
            self.now.end(why)
            self.said = self.now.answers

    def _stand(self, state: str, *, doing: str = "") -> None:
        self.state, self.doing = state, doing
        self._tell()

    def _tell(self) -> None:
        self._news.notify_all()
        self._changed()
