"""What a lesson and an exercise are, and how an answer is judged: correct, incorrect or not attempted, with a sentence.

An exercise reads the answer (`answers.py`), asks whether it is right, then looks for it among the mistakes that people
make, each with its own sentence. All of it may look at the facts, which are what the student's own run gave: nothing is
compared with a constant. `judge` never raises, whatever it is handed. It knows no notebook and counts nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Literal

from workbench.lessons.answers import Reader, Unreadable, is_untouched
from workbench.lessons.sameness import same

State = Literal["correct", "incorrect", "not attempted"]

Facts = SimpleNamespace
"""What the check was handed beside the answer, by name: `lesson.check("x", answer, model=m)` gives `facts.model`."""

Test = Callable[[Any, Facts], bool]
"""Whether an answer that was read is this one."""

Words = str | Callable[[Facts], str]
"""A sentence, or what makes one from the facts. `Backticks` mark code."""


@dataclass(frozen=True)
class Verdict:
    """What an answer comes to."""

    state: State
    message: str
    mistake: str = ""
    """The name of the mistake it was known for."""


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people give, and what to tell them."""

    name: str
    wrote: str
    """What their cell says, in place of the exercise's `solution`: the testing notebooks run it."""
    made: Test | None
    """Whether this is the mistake that was made: `equals(...)` for what it comes to; None where such an answer cannot
    even be read."""
    says: Words
    """What to tell them; where `made` is None, a part of what the reader tells them."""


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """One question of a lesson."""

    name: str
    title: str
    reads: Reader
    """What kind of answer is expected."""
    right: Test
    because: Words
    """Said of a right answer: why it is right."""
    mistakes: tuple[Mistake, ...]
    should: Words
    """Said of any other answer: what a right one satisfies, without giving it."""
    hints: tuple[str, ...]
    """From a nudge to nearly the answer."""
    solution: str
    """What the student's part of the cell says when it is right; the solution notebooks hold it."""
    needs: tuple[str, ...] = ()
    """The facts that the check must be handed."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """The words of one lesson: its notebook has the rest."""

    name: str
    number: int
    title: str
    notebook: str
    """Its file in `notebooks/learn/`."""
    minutes: tuple[int, int]
    """How long a student takes, from quick to thorough."""
    outcomes: tuple[str, ...]
    """What one will be able to do: each continues `You will be able to`."""
    before: tuple[str, ...]
    """What should be known."""
    exercises: tuple[Exercise, ...]
    open_question: str
    """A question that nothing here can check."""


def equals(gives: Callable[[Facts], Any], *, rel: float = 1e-6, abs: float = 1e-9) -> Test:
    """The test that an answer is what `gives` makes of the facts; numbers and arrays to a tolerance."""
    return lambda answer, facts: same(answer, gives(facts), rel=rel, abs=abs)


def judge(exercise: Exercise, answer: Any, **given: Any) -> Verdict:
    """What an answer comes to.

    Args:
        exercise: The question.
        answer: Anything; `...` and a function of which nothing was written are not attempted.
        given: The facts.
    """
    if is_untouched(answer):
        return Verdict(
            "not attempted", "Replace the `...` with your answer and run the cell again."
        )
    missing = [name for name in exercise.needs if is_untouched(given.get(name, ...))]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        return Verdict(
            "not attempted", f"This check needs {names}: run the cells above first, then this one."
        )
    facts = Facts(**given)
    try:
        read = exercise.reads(answer, facts)
    except Unreadable as problem:
        return Verdict("not attempted" if problem.untouched else "incorrect", str(problem))
    except Exception as error:  # noqa: BLE001 - a lesson never shows a traceback
        return _not_checked(error)
    try:
        return _judged(exercise, read, facts)
    except Exception as error:  # noqa: BLE001
        return _not_checked(error)


def _judged(exercise: Exercise, answer: Any, facts: Facts) -> Verdict:
    if exercise.right(answer, facts):
        return Verdict("correct", _words(exercise.because, facts))
    for mistake in exercise.mistakes:
        if _was_made(mistake, answer, facts):
            return Verdict("incorrect", _words(mistake.says, facts), mistake.name)
    came = exercise.reads.shown(answer)
    return Verdict("incorrect", f"{came} {_words(exercise.should, facts)}")


def _was_made(mistake: Mistake, answer: Any, facts: Facts) -> bool:
    try:
        return mistake.made is not None and bool(mistake.made(answer, facts))
    except (ArithmeticError, ValueError, TypeError, IndexError, KeyError):
        # In some configurations a mistake comes to nothing: a division by a rank of 0, shapes that do not fit.
        return False


def _words(words: Words, facts: Facts) -> str:
    return words if isinstance(words, str) else words(facts)


def _not_checked(error: Exception) -> Verdict:
    said = (str(error).strip().splitlines() or [""])[0][:200]
    return Verdict(
        "not attempted",
        f"This could not be checked ({type(error).__name__}: {said}). Run all cells above in their "
        "order, then this one.",
    )
