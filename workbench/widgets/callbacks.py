"""What happens when a callback of a face goes wrong: `@shown` puts the reason on the face instead of in a cell.

Jupyter swallows or scatters exceptions raised in observers, in clicks and in threads. An object whose methods carry
`@shown` has a `say_problem(text)`; nothing is hidden, nothing is raised into the kernel. `reachable(widget)` keeps the
way from the browser to a callback open while a cell runs.
"""

import functools
import logging
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from workbench.errors import WorkbenchError

_log = logging.getLogger(__name__)


class Face(Protocol):
    """Whoever can show a problem to a person."""

    def say_problem(self, text: str) -> None: ...


F = TypeVar("F", bound=Face)
P = ParamSpec("P")


def shown(method: Callable[Concatenate[F, P], Any]) -> Callable[Concatenate[F, P], None]:
    """The method, with its failures shown on the face it belongs to."""

    @functools.wraps(method)
    def guarded(face: F, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(face, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - shown: nobody else sees it
            _log.debug("in %s", method.__qualname__, exc_info=True)
            face.say_problem(in_words(error))

    return guarded


def in_words(error: Exception) -> str:
    """What a face says of an error: ours are sentences; another has its kind before it, for a defect must be seen too."""
    if isinstance(error, WorkbenchError | OSError):
        return str(error)
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def reachable(widget: Any) -> None:
    """Let what the browser says about a widget arrive at once, also while a cell runs and after a reload.

    From 7.4 on, ipykernel hands a message to the shell that last spoke about that widget: to the busy main one when a
    cell is running, or to one that went with the page before. A Stop would then wait, or be lost. Without that
    detour the message takes the shell that the browser asked for; callbacks here are short and mind other threads.
    """
    comm: Any = getattr(widget, "comm", None)
    if getattr(comm, "_reply_subshell_for", None) is not None:
        comm._reply_subshell_for = None
    for child in getattr(widget, "children", ()):
        reachable(child)
