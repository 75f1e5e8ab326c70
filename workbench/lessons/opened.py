"""A lesson while it is taken: what was checked, hinted, shown and guessed, all of it in the kernel and gone with it.

Every verb gives a card that shows itself as the last value of a cell; `.state` and `.message` are there for who reads it
from code. Words and judging are elsewhere.
"""

from dataclasses import dataclass, field
from typing import Any

from workbench.errors import InputError, nearest
from workbench.lessons import cards
from workbench.lessons.answers import Number, Unreadable, described, is_untouched
from workbench.lessons.cards import Card
from workbench.lessons.exercise import Exercise, Facts, Lesson, judge
from workbench.lessons.taken import Guess, Tried


@dataclass
class OpenLesson:
    """One lesson in one kernel."""

    lesson: Lesson
    tried: dict[str, Tried] = field(default_factory=dict)
    guesses: dict[str, Guess] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tried = {exercise.name: Tried() for exercise in self.lesson.exercises}

    def check(self, name: str, answer: Any, **facts: Any) -> Card:
        """Whether an answer is right, and if not, what is wrong with it.

        Args:
            name: The exercise.
            answer: The student's; `...` is not attempted.
            facts: What the check computes from: the student's own model, spec or job.
        """
        exercise = self._find(name)
        verdict = judge(exercise, answer, **facts)
        tried = self.tried[name]
        if verdict.state != "not attempted":
            tried.checks += 1
        # What was right once stays so; an answer that is taken out again is not an attempt.
        if tried.state != "correct" and verdict.state != "not attempted":
            tried.state = verdict.state
        return cards.verdict(verdict, exercise=exercise, place=self._place(name))

    def hint(self, name: str, number: int | None = None) -> Card:
        """The next hint, each call one further; or the one of this number."""
        exercise, tried = self._find(name), self.tried[name]
        last = len(exercise.hints)
        wanted = min(tried.hints + 1, last) if number is None else number
        if wanted not in range(1, last + 1):
            return cards.note(
                f"There is no hint {number!r} here: this exercise has hints 1 to {last}.",
                title=exercise.title,
            )
        tried.hints = max(tried.hints, wanted)
        return cards.hint(exercise, number=wanted, place=self._place(name))

    def solution(self, name: str) -> Card:
        """What the answer cell says when it is right, and why."""
        exercise = self._find(name)
        self.tried[name].solved_for_them = True
        return cards.solution(exercise, place=self._place(name))

    def exercise(self, name: str) -> "Question":
        """One exercise with its verbs, for who prefers `q.check(answer)`."""
        self._find(name)
        return Question(self, name)

    def predict(self, name: str, guess: Any) -> Card:
        """Remember a guess, to be held against what comes out.

        Args:
            name: A word for what is predicted; `reveal` takes the same.
            guess: A number; `...` is no guess.
        """
        remembered = self.guesses.setdefault(name, Guess())
        if is_untouched(guess):
            return cards.note(
                "No guess yet. Type a number in place of `...` and run the cell again: a guess that "
                "turns out wrong teaches more than none.",
                title=f"Prediction: {name}",
                state="not attempted",
            )
        try:
            remembered.guess = Number()(guess, Facts())
        except Unreadable as problem:
            return cards.note(str(problem), title=f"Prediction: {name}", state="incorrect")
        shown = cards.in_figures(remembered.guess)
        return cards.note(f"You predict {shown}. Now run it.", title=f"Prediction: {name}")

    def reveal(self, name: str, actual: Any, *, unit: str = "") -> Card:
        """What came out, beside the guess.

        Args:
            name: The word that `predict` was given.
            actual: The measured number.
            unit: What it is counted in.
        """
        try:
            came = Number()(actual, Facts())
        except Unreadable:
            return cards.note(
                f"Nothing to show yet: {described(actual)} came, not a number. Run the cells above.",
                title=f"Prediction: {name}",
                state="not attempted",
            )
        remembered = self.guesses.setdefault(name, Guess())
        remembered.actual = came
        return cards.revealed(name, guess=remembered.guess, actual=came, unit=unit)

    def open_question(self) -> Card:
        """The question that nobody's code can check."""
        return cards.note(self.lesson.open_question, title="An open question")

    def progress(self) -> Card:
        """What is done and what is not."""
        return cards.progress(self.lesson, tried=self.tried, guesses=self.guesses)

    def _find(self, name: str) -> Exercise:
        for exercise in self.lesson.exercises:
            if exercise.name == name:
                return exercise
        known = [exercise.name for exercise in self.lesson.exercises]
        raise InputError(f"this lesson has no exercise {name!r}. {nearest(name, known)}")

    def _place(self, name: str) -> int:
        return 1 + [exercise.name for exercise in self.lesson.exercises].index(name)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return cards.heading(self.lesson)._repr_mimebundle_()

    def __repr__(self) -> str:
        return repr(cards.heading(self.lesson))


@dataclass(frozen=True)
class Question:
    """One exercise of an open lesson."""

    lesson: OpenLesson
    name: str

    def check(self, answer: Any, **facts: Any) -> Card:
        return self.lesson.check(self.name, answer, **facts)

    def hint(self, number: int | None = None) -> Card:
        return self.lesson.hint(self.name, number)

    def solution(self) -> Card:
        return self.lesson.solution(self.name)
