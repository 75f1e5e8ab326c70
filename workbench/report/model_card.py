"""The model card of one adapter: a README.md in the Hub's format, made from what its run stored and what people stated.

`card("runs/rank-sweep", "r4-seed0")` gives its text; `write(...)` puts it beside the adapter's weights or where it is
told. A README.md that is there stays, unless it is PEFT's own and untouched or its replacement is asked for. Nothing is sent anywhere, no
model is loaded.
"""

import os
from pathlib import Path

from huggingface_hub import ModelCard, ModelCardData

from workbench.errors import RunError, StoreError
from workbench.report.card_body import body
from workbench.report.card_metadata import metadata
from workbench.report.stated import Stated
from workbench.report.subject import Subject, subject
from workbench.runs.atomic import write_bytes

NAME = "README.md"


def card(path: str | Path, trial: str, *, stated: Stated | None = None) -> str:
    """The card of one trial.

    Args:
        path: A sweep folder.
        trial: One of its trials.
        stated: What only people know; None takes the sweep's card.yaml, where there is one.
    """
    return _card(subject(path, trial, stated=stated))


def write(
    path: str | Path,
    trial: str,
    *,
    out: Path | None = None,
    stated: Stated | None = None,
    overwrite: bool = False,
) -> Path:
    """Write the card and return its path.

    Args:
        path: A sweep folder.
        trial: One of its trials.
        out: The file to write; None is README.md beside the adapter's weights.
        stated: What only people know; None takes the sweep's card.yaml, where there is one.
        overwrite: Whether a file that somebody may have edited is replaced.
    """
    found = subject(path, trial, stated=stated)
    place = _place(found, out)
    text = _card(found)
    if os.path.lexists(place) and not overwrite and not _may_be_replaced(place, text):
        raise StoreError(
            f"{str(place)!r} exists already and may have been edited; it is not overwritten. Give another name with "
            "--out, or ask for it to be replaced (overwrite=True, --overwrite)"
        )
    try:
        write_bytes(place, text.encode())
    except (RunError, OSError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        why = getattr(cause, "strerror", None) or error
        raise StoreError(
            f"{str(place)!r} cannot be written: {why}. Give a place that can be written: --out FILE"
        ) from None
    return place


def _card(found: Subject) -> str:
    return str(ModelCard(f"---\n{metadata(found).to_yaml()}\n---\n\n{body(found)}\n"))


def _place(found: Subject, out: Path | None) -> Path:
    if out is None:
        if not found.folder.is_dir():
            raise StoreError(
                f"{found.name!r} has no adapter yet (it is {found.outcome.state}): there is no folder "
                f"{str(found.folder)!r} for its card. Let it train to its end, or say where the card goes: --out FILE"
            )
        return found.folder / NAME
    if out.is_dir():
        raise StoreError(f"{str(out)!r} is a folder; give the name of a file, such as {NAME}")
    if out.suffix.lower() != ".md":
        raise StoreError(f"a card is a Markdown file; got {str(out)!r}, give a name ending in .md")
    return out


def _may_be_replaced(place: Path, text: str) -> bool:
    """Whether nobody's work is lost: the file says the same, or is what PEFT writes by itself."""
    if not place.is_file():
        return False
    try:
        there = place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return there == text or _is_of_peft(there)


def _is_of_peft(text: str) -> bool:
    """Whether a card is the Hub's empty template with the lines that PEFT adds to it."""
    template = ModelCard.from_template(ModelCardData()).text
    told = text.partition("\n---\n")[2]
    mine, _, added = told.partition("### Framework versions")
    before, _, quantized = mine.partition("## Training procedure\n")
    lines = [line for line in (*quantized.splitlines(), *added.splitlines()) if line.strip()]
    return before.strip() == template.strip() and all(_is_added(line) for line in lines)


def _is_added(line: str) -> bool:
    return line.startswith(("- ", "The following `bitsandbytes` quantization config"))
