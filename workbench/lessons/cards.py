"""What a lesson shows: small cards of HTML that need no script, and the same in plain text.

A card says its state in words and with a mark, not by colour alone, follows the theme around it, and is announced by
screen readers. All text is escaped here; backticks become code. It knows the words of a lesson and judges nothing.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from workbench.lessons.exercise import Exercise, Lesson, State, Verdict
from workbench.lessons.taken import Guess, Tried

STYLE = (Path(__file__).parent / "cards.css").read_text(encoding="utf-8")
MARKS = {"correct": "✓", "incorrect": "✗", "not attempted": "○", "": ""}
RECORD = "application/vnd.workbench.lesson+json"
"""What a card carries for who reads an executed notebook by program: a teacher's script, the tests."""
WORDS = {"correct": "Correct", "incorrect": "Incorrect", "not attempted": "Not attempted", "": ""}


@dataclass(frozen=True, repr=False)
class Card:
    """What a cell of a lesson ends with."""

    text: str
    html: Markup
    state: State | str = ""
    """Empty where nothing was judged."""
    message: str = ""
    exercise: str = ""
    mistake: str = ""
    """The name of the mistake an answer was known for."""
    states: tuple[tuple[str, State], ...] = ()
    """Of all exercises, where it is the progress."""

    @property
    def correct(self) -> bool:
        return self.state == "correct"

    @property
    def said(self) -> str:
        """`correct`, or what is wrong: what a grader prints of an answer."""
        return "correct" if self.correct else plain(self.message)

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return str(Markup("<style>{}</style>{}").format(Markup(STYLE), self.html))  # noqa: S704 - our own file

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        shown: dict[str, Any] = {"text/plain": self.text, "text/html": self._repr_html_()}
        if self.state or self.states:
            told = {"state": self.state, "message": self.message, "exercise": self.exercise}
            shown[RECORD] = {**told, "mistake": self.mistake, "states": dict(self.states)}
        return shown


def heading(lesson: Lesson) -> Card:
    """What a lesson opens with."""
    quick, thorough = lesson.minutes
    time = f"{quick} to {thorough} minutes"
    parts = (
        ("You will be able to", lesson.outcomes),
        ("Before you begin", lesson.before),
        ("Exercises", tuple(exercise.title for exercise in lesson.exercises)),
    )
    title = f"Lesson {lesson.number}: {lesson.title}"
    listed = Markup("").join(
        Markup("<h5>{}</h5><{}>{}</{}>").format(head, kind, _items(words), kind)
        for kind, (head, words) in zip(map(Markup, ("ul", "ul", "ol")), parts, strict=True)
    )
    body = Markup("<p>{}</p>{}<p class='wl-next'>{}</p>").format(
        time,
        listed,
        prose(
            "Replace each `...` with your answer and run the cell. What you answer is remembered by this "
            "kernel only; `lesson.progress()` shows it."
        ),
    )
    text = [title, time]
    for head, words in parts:
        text += ["", f"{head}:", *(f"  - {plain(word)}" for word in words)]
    return Card("\n".join(text), _card(title, body=body))


def verdict(given: Verdict, *, exercise: Exercise, place: int) -> Card:
    """What an answer came to."""
    more = ""
    if given.state != "correct":
        more = f'Stuck? Run `lesson.hint("{exercise.name}")` in a new cell.'
    body = _paragraphs(given.message) + (
        Markup("<p class='wl-next'>{}</p>").format(prose(more)) if more else Markup("")
    )
    title = f"Exercise {place}: {exercise.title}"
    text = f"{given.state} - {title}\n{plain(given.message)}" + (f"\n{plain(more)}" if more else "")
    return Card(
        text,
        _card(title, body=body, state=given.state),
        state=given.state,
        message=given.message,
        exercise=exercise.name,
        mistake=given.mistake,
    )


def hint(exercise: Exercise, *, number: int, place: int) -> Card:
    """One hint of an exercise, and how to get on from it."""
    said, last = exercise.hints[number - 1], len(exercise.hints)
    call = "solution" if number == last else "hint"
    more = f'{"The last one. " if number == last else ""}Next: `lesson.{call}("{exercise.name}")`'
    title = f"Exercise {place}, hint {number} of {last}"
    body = _paragraphs(said) + Markup("<p class='wl-next'>{}</p>").format(prose(more))
    return Card(f"{title}\n{plain(said)}\n{plain(more)}", _card(title, body=body), message=said)


def solution(exercise: Exercise, *, place: int) -> Card:
    """What the answer cell says when it is right."""
    title = f"Exercise {place}, a solution"
    said = (
        f'Write it in your own words above `lesson.check("{exercise.name}", …)` and run that cell.'
    )
    body = Markup("<pre tabindex='0'><code>{}</code></pre><p class='wl-next'>{}</p>").format(
        exercise.solution, prose(said)
    )
    text = f"{title}\n\n{exercise.solution}\n\n{plain(said)}"
    return Card(text, _card(title, body=body), message=exercise.solution)


def note(message: str, *, title: str, state: str = "") -> Card:
    """A sentence under a title."""
    html = _card(title, body=_paragraphs(message), state=state)
    head = f"{state} - {title}" if state else title
    return Card(f"{head}\n{plain(message)}", html, state=state, message=message)


def revealed(name: str, *, guess: float | None, actual: float, unit: str) -> Card:
    """What came out beside what was guessed."""
    title = f"Prediction: {name}"
    told = f"{in_figures(actual)} {unit}".strip()
    if guess is None:
        said = f"It is {told}. You made no guess: put one in place of `...` above before you look."
        return note(said, title=title)
    rows = (("You predicted", f"{in_figures(guess)} {unit}".strip()), ("It is", told))
    said = _how_far(guess, actual)
    table = Markup("<table class='wl-table'><tbody>{}</tbody></table>").format(
        Markup("").join(
            Markup("<tr><th scope='row'>{}</th><td class='wl-num'>{}</td></tr>").format(*row)
            for row in rows
        )
    )
    text = "\n".join([title, *(f"{head}: {value}" for head, value in rows), said])
    return Card(text, _card(title, body=table + _paragraphs(said)), message=said)


def _how_far(guess: float, actual: float) -> str:
    if guess == actual:
        return "Exactly as you said."
    if actual and guess and (guess > 0) == (actual > 0):
        high, low = (
            max(guess / actual, actual / guess),
            "high" if abs(guess) > abs(actual) else "low",
        )
        if high >= 2:
            return f"You were {high:.3g} times too {low}."
        return f"You were {abs(guess - actual) / abs(actual):.1%} too {low}."
    return f"You were off by {in_figures(abs(guess - actual))}."


def progress(lesson: Lesson, *, tried: Mapping[str, Tried], guesses: Mapping[str, Guess]) -> Card:
    """All exercises with their state, and what was used on the way."""
    heads = ("exercise", "state", "checks", "hints", "solution")
    rows = []
    for place, exercise in enumerate(lesson.exercises, start=1):
        one = tried[exercise.name]
        seen = "seen" if one.solved_for_them else "–"
        hints = f"{one.hints} of {len(exercise.hints)}"
        state = f"{MARKS[one.state]} {WORDS[one.state].lower()}"
        rows.append((f"{place}. {exercise.title}", state, str(one.checks), hints, seen))
    right = sum(one.state == "correct" for one in tried.values())
    said = f"{right} of {len(tried)} correct."
    if guesses:
        made = sum(one.guess is not None for one in guesses.values())
        said += f" {made} of {len(guesses)} predictions made."
    head = Markup("").join(Markup("<th scope='col'>{}</th>").format(word) for word in heads)
    lines = Markup("").join(
        Markup("<tr class='{}'><th scope='row'>{}</th><td class='wl-state'>{}</td>{}</tr>").format(
            _class(tried[exercise.name].state),
            *row[:2],
            Markup("").join(Markup("<td>{}</td>").format(cell) for cell in row[2:]),
        )
        for exercise, row in zip(lesson.exercises, rows, strict=True)
    )
    table = Markup(
        "<div class='wl-scroll' tabindex='0' role='region' aria-label='Progress'>"
        "<table class='wl-table'><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>"
    ).format(head, lines)
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    text = [f"Progress in lesson {lesson.number}: {said}"]
    for row in (heads, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        text.append("  ".join(cells).rstrip())
    states = tuple((name, one.state) for name, one in tried.items())
    title = f"Progress in lesson {lesson.number}"
    return Card(
        "\n".join(text), _card(title, body=_paragraphs(said) + table), message=said, states=states
    )


def in_figures(number: float) -> str:
    """A number as a person writes it.

    >>> in_figures(12345.0), in_figures(0.25), in_figures(1.5e-7)
    ('12,345', '0.25', '1.5e-07')
    """
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.4g}"


def prose(text: str) -> Markup:
    """Text with code between backticks, escaped."""
    pieces = re.split(r"`([^`]+)`", text)
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if place % 2 else escape(piece)
        for place, piece in enumerate(pieces)
    )


def plain(text: str) -> str:
    """The same without marks."""
    return re.sub(r"`([^`]+)`", r"\1", text)


def _paragraphs(text: str) -> Markup:
    return Markup("").join(Markup("<p>{}</p>").format(prose(part)) for part in text.split("\n\n"))


def _items(words: Iterable[str]) -> Markup:
    return Markup("").join(Markup("<li>{}</li>").format(prose(word)) for word in words)


def _card(title: str, *, body: Markup, state: str = "") -> Markup:
    mark = Markup("<span class='wl-mark' aria-hidden='true'>{}</span> ").format(MARKS[state])
    said = Markup("{}<strong>{}</strong> ").format(mark, WORDS[state]) if state else Markup("")
    return Markup(
        "<div class='wb-lesson {}' role='status' data-state='{}'>"
        "<div class='wl-head'>{}<span class='wl-title'>{}</span></div>{}</div>"
    ).format(_class(state), state, said, prose(title), body)


def _class(state: str) -> str:
    # Of an answer that somebody else opens, JupyterLab keeps classes but no data attributes.
    return f"wl-{state.replace(' ', '-')}" if state else ""
