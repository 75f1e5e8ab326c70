"""The process that answers in a playground: `python -m workbench.playground.worker`, started by a kernel, never by hand.

It reads commands from stdin and tells what happens on stdout, one JSON object a line: `open`, `load`, `ask` and `stop`
come in; `doing`, `ready`, `begin`, `said`, `over` and `problem` go out. Nothing else gets onto that stdout: whatever a
library prints goes to the log. When stdin closes, because the kernel ended or wants the memory back, so does the process.
"""

import contextlib
import json
import logging
import os
import queue
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any, TextIO

from workbench.errors import WorkbenchError
from workbench.models.quiet import hush_bitsandbytes

_log = logging.getLogger(__name__)

Message = dict[str, Any]


class Pipe:
    """The two ends of the pipe to the kernel."""

    def __init__(self, commands: TextIO, told: TextIO) -> None:
        self._commands, self._told = commands, told
        self._inbox: queue.Queue[Message] = queue.Queue()
        self._stopped: set[int] = set()

    def listen(self) -> None:
        """Take in commands until there will be none, and end the process then."""
        for line in self._commands:
            try:
                message = json.loads(line)
            except ValueError:
                break  # half a line: the kernel was killed
            if message["do"] == "stop":
                # At once, past whatever waits: who answers looks here before every token.
                self._stopped.add(message["id"])
            else:
                self._inbox.put(message)
        # Not sys.exit: the main thread may be within a long computation that nobody waits for any more.
        os._exit(0)

    def next(self) -> Message:
        """The next command."""
        return self._inbox.get()

    def is_stopped(self, id: int) -> bool:
        """Whether an answer is not wanted any more."""
        return id in self._stopped

    def tell(self, message: Message) -> None:
        """Tell the kernel something."""
        try:
            self._told.write(json.dumps(message) + "\n")
            self._told.flush()
        except OSError:
            os._exit(0)  # nobody listens


def main() -> None:
    """Serve until stdin closes."""
    pipe = Pipe(*_own_ends())
    _quiet_libraries()
    threading.Thread(target=pipe.listen, daemon=True).start()
    pipe.tell({"event": "doing", "text": "starting torch"})
    # Takes seconds, so the kernel hears from this process before.
    from workbench.playground.serving import Hall
    from workbench.spec import ModelSpec

    hall: Hall | None = None
    while True:
        message = pipe.next()
        try:
            if message["do"] == "open":
                sweep = message["sweep"]
                hall = Hall(
                    sweep=Path(sweep) if sweep else None,
                    model=ModelSpec.model_validate(message["model"]),
                    only=message["only"],
                )
                continue
            assert hall is not None, "open comes first"
            if message["do"] == "load":
                _load(pipe, hall, message["slots"])
            else:
                _answer(pipe, hall, message)
        except WorkbenchError as error:
            _say_problem(pipe, message, str(error))
        except (MemoryError, RuntimeError) as error:
            _log.exception("%s failed", message["do"])
            _say_problem(pipe, message, _of_memory(error))
        except Exception as error:  # noqa: BLE001 - every failure is told, and the next question may go well
            _log.exception("%s failed", message["do"])
            _say_problem(pipe, message, f"{type(error).__name__}: {error}")


def _own_ends() -> tuple[TextIO, TextIO]:
    """The pipe's ends under numbers of their own; prints of libraries go to the log, and questions of theirs nowhere."""
    commands = os.fdopen(os.dup(0), encoding="utf-8")
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    sys.stdout = sys.stderr
    return commands, told


def _quiet_libraries() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    hush_bitsandbytes()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")


def _load(pipe: Pipe, hall: Any, slots: list[str]) -> None:
    began = time.perf_counter()
    hall.load(slots, say=lambda text: pipe.tell({"event": "doing", "text": text}))
    seconds = time.perf_counter() - began
    pipe.tell({"event": "ready", "seconds": seconds, **hall.facts})


def _answer(pipe: Pipe, hall: Any, message: Message) -> None:
    from workbench.playground.manner import Manner

    id, began, first, count = message["id"], time.perf_counter(), 0.0, 0
    if pipe.is_stopped(id):
        pipe.tell({"event": "problem", "id": id, "text": "stopped before it was begun"})
        return
    hall.load(message["slots"], say=lambda text: pipe.tell({"event": "doing", "text": text}))
    pipe.tell({"event": "ready", "seconds": 0.0, **hall.facts})
    began = time.perf_counter()
    for event in hall.answer(
        message["prompt"],
        slots=message["slots"],
        manner=Manner.from_fields(message["manner"]),
        stopped=lambda: pipe.is_stopped(id),
    ):
        if event["event"] == "said":
            first = first or time.perf_counter() - began
            count += sum(map(len, event["of"].values()))
        pipe.tell({**event, "id": id})
    seconds = time.perf_counter() - began
    pipe.tell({"event": "over", "id": id, "seconds": seconds, "first": first, "tokens": count})


def _say_problem(pipe: Pipe, message: Message, text: str) -> None:
    pipe.tell({"event": "problem", "id": message.get("id"), "do": message["do"], "text": text})


def _of_memory(error: BaseException) -> str:
    told = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
    if isinstance(error, MemoryError) or "memory" in told.lower() or "alloc" in told.lower():
        return f"there is not memory enough: {told}. Free the memory, and choose fewer adapters"
    return f"{type(error).__name__}: {told}"


if __name__ == "__main__":
    main()
