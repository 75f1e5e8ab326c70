"""How an answer is read: a number, a choice, an array, or what a student's function gives when it is called.

A reader gives the value that is judged, or raises `Unreadable` with a sentence: what came, what is expected, what to do.
`is_untouched` knows the `...` that a lesson is handed out with. It does not know which answers are right.
"""

import dis
import linecache
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FunctionType, SimpleNamespace
from typing import Any, Protocol

import numpy as np

from workbench.lessons.sameness import as_array

NOTHING_DONE = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}
"""What a function consists of that only returns a constant."""

MOST_SHOWN = 60


class Unreadable(Exception):
    """An answer that cannot be judged, and why, in a sentence for the student."""

    def __init__(self, said: str, *, untouched: bool = False) -> None:
        super().__init__(said)
        self.untouched = untouched


class Reader(Protocol):
    """Makes of an answer what is judged."""

    def __call__(self, answer: Any, facts: SimpleNamespace) -> Any: ...

    def shown(self, read: Any) -> str:
        """The sentence that repeats what came."""
        ...


def is_untouched(answer: Any) -> bool:
    """Whether nothing was put in place of `...`: alone, as one of several, or as all that a function has.

    >>> is_untouched(...), is_untouched((1, ...)), is_untouched(None), is_untouched(0)
    (True, True, False, False)
    """
    if answer is Ellipsis:
        return True
    if isinstance(answer, tuple | list):
        return any(part is Ellipsis for part in answer)
    if isinstance(answer, dict):
        return any(part is Ellipsis for part in answer.values())
    return isinstance(answer, FunctionType) and _does_nothing(answer)


def _does_nothing(function: FunctionType) -> bool:
    done = list(dis.get_instructions(function))
    if not {step.opname for step in done} <= NOTHING_DONE:
        return False
    last = [step.argval for step in done if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    return last[-1:] in ([None], [Ellipsis])


@dataclass(frozen=True)
class Number:
    """One finite number; `whole` takes nothing after the point."""

    whole: bool = False
    unit: str = ""

    def __call__(self, answer: Any, facts: SimpleNamespace) -> float:
        """The number that was given; a tensor of one number counts."""
        kind = "a whole number" if self.whole else "a number"
        if answer is None:
            raise Unreadable(f"Your answer is `None`. Give {kind}.")
        if isinstance(answer, str):
            raise Unreadable(f"You gave the text {clipped(answer)}. Give {kind}, without quotes.")
        if isinstance(answer, bool | np.bool_):
            raise Unreadable(f"You gave `{answer}`. Give {kind}.")
        if callable(answer):
            raise Unreadable(f"You gave a function. Call it, and give {kind}.")
        try:
            given = as_array(answer)
        except (TypeError, ValueError, RuntimeError):
            raise Unreadable(f"You gave {described(answer)}. Give {kind}.") from None
        if given.size != 1:
            raise Unreadable(f"You gave {described(answer)}. Give one number.")
        number = float(given.reshape(()))
        if not np.isfinite(number):
            raise Unreadable(
                f"Your answer is `{number}`, which is not a finite number. Look for a division by zero."
            )
        if self.whole and number != round(number):
            raise Unreadable(f"You gave {number:,.6g}. It must be a whole number.")
        return number

    def shown(self, read: float) -> str:
        digits = f"{read:,.0f}" if float(read).is_integer() else f"{read:,.6g}"
        return f"You gave {digits}{self.unit and ' ' + self.unit}."


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    options: tuple[str, ...]

    def __call__(self, answer: Any, facts: SimpleNamespace) -> str:
        """The option that was given, whatever its case."""
        allowed = ", ".join(f'`"{option}"`' for option in self.options)
        if not isinstance(answer, str):
            raise Unreadable(f"You gave {described(answer)}. Give one of {allowed}, with quotes.")
        for option in self.options:
            if answer.strip().casefold() == option.casefold():
                return option
        raise Unreadable(f"You gave {clipped(answer)}. Give one of {allowed}.")

    def shown(self, read: str) -> str:
        return f"You gave `{read}`."


@dataclass(frozen=True)
class Array:
    """An array or a tensor of one shape, read as float64; `shape` makes it from the facts, None takes any."""

    shape: Callable[[SimpleNamespace], tuple[int, ...]] | None = None
    name: str = "Your answer"

    def __call__(self, answer: Any, facts: SimpleNamespace) -> np.ndarray:
        """The array that was given."""
        if answer is None:
            raise Unreadable(f"{self.name} is `None`. A function without `return` gives `None`.")
        if isinstance(answer, str | bool) or (callable(answer) and not hasattr(answer, "shape")):
            raise Unreadable(f"{self.name} is {described(answer)}. It must be a tensor.")
        try:
            given = as_array(answer)
        except (TypeError, ValueError, RuntimeError):
            raise Unreadable(f"{self.name} is {described(answer)}. It must be a tensor.") from None
        if self.shape is not None:
            self._check_shape(given.shape, tuple(self.shape(facts)))
        if not np.isfinite(given).all():
            raise Unreadable(
                f"{self.name} has {(~np.isfinite(given)).sum():,} values that are not finite."
            )
        return given

    def _check_shape(self, came: tuple[int, ...], wanted: tuple[int, ...]) -> None:
        if came == wanted:
            return
        hint = " It looks transposed." if came == wanted[::-1] else ""
        raise Unreadable(f"{self.name} has shape `{came}`. It must have shape `{wanted}`.{hint}")

    def shown(self, read: np.ndarray) -> str:
        return f"{self.name} has shape `{read.shape}`, but not the right values."


@dataclass(frozen=True)
class Called:
    """What a student's function gives: `cases` makes its arguments from the facts, `gives` reads each result.

    What is judged is the list of results.
    """

    cases: Callable[[SimpleNamespace], Sequence[tuple[Any, ...]]]
    gives: Reader

    def __call__(self, answer: Any, facts: SimpleNamespace) -> list[Any]:
        """What came back, call by call."""
        if not callable(answer):
            raise Unreadable(
                f"You gave {described(answer)}. Give the function itself, without parentheses."
            )
        return [self.gives(_called(answer, case), facts) for case in self.cases(facts)]

    def shown(self, read: list[Any]) -> str:
        return self.gives.shown(read[0]).replace("You gave", "Your function gave")


@dataclass(frozen=True)
class Several:
    """Several answers at once, each with its reader; what is judged is the list of them."""

    parts: tuple[Reader, ...]

    def __call__(self, answer: Any, facts: SimpleNamespace) -> list[Any]:
        """Each answer, read."""
        if not isinstance(answer, tuple | list) or len(answer) != len(self.parts):
            raise Unreadable(f"You gave {described(answer)}. Give {len(self.parts)} values.")
        return [reader(part, facts) for reader, part in zip(self.parts, answer, strict=True)]

    def shown(self, read: list[Any]) -> str:
        return " ".join(reader.shown(part) for reader, part in zip(self.parts, read, strict=True))


def _called(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    try:
        result = function(*arguments)
    except Exception as error:  # noqa: BLE001 - whatever a student's code raises is told them in a sentence
        if "ellipsis" in str(error).lower():
            raise Unreadable(
                "There is still a `...` in your function: write that line too.", untouched=True
            ) from None
        said = (str(error).strip().splitlines() or [""])[0][:200]
        raise Unreadable(
            f"Your function raised {type(error).__name__}: {said}{_where(error, function)}."
        ) from None
    if is_untouched(result):
        raise Unreadable("Your function still gives `...` back.", untouched=True)
    return result


def _where(error: Exception, function: Callable[..., Any]) -> str:
    """The line of the student's own cell in which it happened."""
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename == file and frame.lineno is not None:
            line = linecache.getline(frame.filename, frame.lineno).strip()
            return f", in line {frame.lineno}" + (f": `{line}`" if line else "")
    return ""


def described(value: Any) -> str:
    """What a value is, in a few words.

    >>> described([1, 2]), described(None), described("x")
    ('a list of 2', '`None`', "the text 'x'")
    """
    if value is None or isinstance(value, bool | np.bool_):
        return f"`{value}`"
    if isinstance(value, str):
        return f"the text {clipped(value)}"
    if isinstance(value, list | tuple | dict):
        return f"a {type(value).__name__} of {len(value)}"
    if callable(value) and not hasattr(value, "shape"):
        return "a function"
    if getattr(value, "shape", None):
        return f"an array of shape `{tuple(value.shape)}`"
    if isinstance(value, int | float):
        return f"the number {value:,}"
    return f"a {type(value).__name__}"


def clipped(text: str) -> str:
    """A text in quotes, cut where it is long."""
    return repr(text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + " …")
