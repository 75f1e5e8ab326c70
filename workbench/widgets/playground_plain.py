"""A playground as plain text and as a plain table, for places that show no widget."""

from collections.abc import Mapping
from typing import Any

from markupsafe import escape

from workbench.playground.manner import HOW

LONGEST = 400
"""Characters of a prompt that are shown here."""

STATES = {
    "looking": "looking at what is there",
    "nothing": "nothing can be asked",
    "asleep": "nothing is loaded",
    "loading": "loading",
    "ready": "ready",
    "answering": "answering",
    "dead": "the process that answers has ended",
}
"""What the states are called."""


def as_text(title: str, state: str, answers: Mapping[str, Any], problem: str) -> str:
    """The last question and its answers, a line each."""
    lines = [
        f"Playground of {title}: {STATES[state]}." if title else f"Playground: {STATES[state]}."
    ]
    lines += [problem] if problem else []
    if answers:
        lines += [answers["prompt"][:LONGEST]]
        lines += [f"  {slot}: {text}" for slot, text, _ in _rows(answers)]
    return "\n".join(lines)


def as_table(title: str, state: str, answers: Mapping[str, Any], problem: str) -> str:
    """The same as HTML; everything that came from a person or a model is escaped."""
    head = as_text(title, state, {}, "")
    told = f"<p>{escape(head)}</p>"
    if problem:
        told += f"<p>{escape(problem)}</p>"
    if not answers:
        return told
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(slot)}</th><td style='text-align:left'>{escape(text)}</td>"
        f"<td style='text-align:left'>{escape(how)}</td></tr>"
        for slot, text, how in _rows(answers)
    )
    caption = f"<caption style='text-align:left'>{escape(answers['prompt'][:LONGEST])}</caption>"
    head = "<tr><th></th><th style='text-align:left'>answer</th><th></th></tr>"
    return f"{told}<table>{caption}<thead>{head}</thead><tbody>{rows}</tbody></table>"


def _rows(answers: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    ends = answers["ends"]
    return [
        (slot, ends[slot]["text"], HOW[ends[slot]["how"]]) if slot in ends else (slot, "", "")
        for slot in answers["slots"]
    ]
