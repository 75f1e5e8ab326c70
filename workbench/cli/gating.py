"""`workbench gate`: rules held against a sweep or a trial, told as a table, as JUnit XML and as JSON.

Exit codes: 0 every rule passes; 1 a rule fails, or is undecided unless that was asked to pass; 2 bad rules or paths, and
then nothing is written.
"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench.cli.printing import note, notes, output, say, say_json, table
from workbench.errors import InputError, StoreError
from workbench.runs.atomic import write_bytes

if TYPE_CHECKING:
    from workbench.gate import Held, Judgement

STANDARD_OUTPUT = Path("-")

ROOM = 120
"""Columns of a terminal that has room for reasons beside their rules."""


def gate(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A sweep's folder, or SWEEP/TRIAL for one trial.")
    ],
    *,
    rules: Annotated[Path, typer.Option(help="A YAML file of rules.")],
    baseline: Annotated[
        Path | None,
        typer.Option(
            help="What it is held against: a sweep, SWEEP/TRIAL or SWEEP/base; its own base when left out."
        ),
    ] = None,
    undecided: Annotated[
        Literal["fail", "pass"],
        typer.Option(help="What a rule counts as that the data cannot decide."),
    ] = "fail",
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML for a CI server.")] = None,
    to_json: Annotated[
        Path | None,
        typer.Option(
            "--json", help="Write JSON for a program; - for standard output, without a table."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there.")
    ] = False,
) -> None:
    """Hold a trial against rules: exit 0 when all pass, 1 when one does not."""
    for out in _files(junit, to_json):
        _check_free(out, overwrite=overwrite)
    with notes().status("judging"):
        from workbench.gate import Rules
        from workbench.gate import gate as judge

        judgement = judge(path, rules=Rules.load(rules), baseline=baseline)
    is_passed = judgement.verdict == "pass" or (
        judgement.verdict == "undecided" and undecided == "pass"
    )
    _write(judgement, junit=junit, to_json=to_json, is_passed=is_passed)
    if to_json != STANDARD_OUTPUT:
        _tell(judgement, undecided=undecided, is_passed=is_passed)
    raise typer.Exit(0 if is_passed else 1)


def _files(junit: Path | None, to_json: Path | None) -> list[Path]:
    found = [out for out in (junit, to_json) if out not in (None, STANDARD_OUTPUT)]
    if len({os.path.abspath(out) for out in found}) < len(found):  # noqa: PTH100
        raise InputError(f"--junit and --json are both {str(junit)!r}; give each a file of its own")
    return [out for out in found if out is not None]


def _check_free(out: Path, *, overwrite: bool) -> None:
    if out.is_dir():
        raise StoreError(f"{str(out)!r} is a folder; give the name of a file")
    if os.path.lexists(out) and not overwrite:
        raise StoreError(
            f"{str(out)!r} exists already and is not overwritten. Give another name, or --overwrite"
        )
    above = next(folder for folder in out.absolute().parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise StoreError(
            f"{str(out)!r} cannot be written; give a file in a folder that can be written"
        )


def _write(
    judgement: "Judgement", *, junit: Path | None, to_json: Path | None, is_passed: bool
) -> None:
    from workbench.gate import as_junit

    if junit is not None:
        write_bytes(junit, as_junit(judgement))
    if to_json is None:
        return
    told = _as_json(judgement, is_passed=is_passed)
    if to_json == STANDARD_OUTPUT:
        say_json(told)
    else:
        text = json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False)
        write_bytes(to_json, text.encode("utf-8", "backslashreplace") + b"\n")


def _as_json(judgement: "Judgement", *, is_passed: bool) -> dict[str, Any]:
    counts = {verdict: judgement.count(verdict) for verdict in ("pass", "fail", "undecided")}
    told = judgement.model_dump(mode="json")
    return {"passed": is_passed, "verdict": judgement.verdict, "counts": counts, **told}


def _tell(judgement: "Judgement", *, undecided: str, is_passed: bool) -> None:
    from workbench.compare.signs import written_out

    for candidate in dict.fromkeys(one.candidate for one in judgement.held):
        held = [one for one in judgement.held if one.candidate == candidate]
        others = dict.fromkeys(one.baseline for one in held if one.baseline)
        say(written_out(candidate + (f" against {' and '.join(others)}" if others else "")))
        _tell_table([_line(one) for one in held])
        say()
    for told in judgement.notes:
        note(written_out(told))
    counts = [f"{judgement.count(one)} {one}" for one in ("pass", "fail", "undecided")]
    more = ""
    if judgement.verdict == "undecided":
        more = "; undecided counts as " + ("passed" if undecided == "pass" else "failed")
    say(f"{'passed' if is_passed else 'not passed'}: {', '.join(counts)}{more}")


def _tell_table(lines: list[tuple[str, ...]]) -> None:
    """The rules, each with its reason: beside it where there is room, else below the table."""
    has_room = output().width >= ROOM
    columns = ("rule", "figure", "interval", "allowed", "n", "verdict", "reason")
    shown = columns if has_room else columns[:-1]
    table(
        shown, [line[: len(shown)] for line in lines], right=("figure", "interval", "allowed", "n")
    )
    if has_room:
        return
    for rule, *_, verdict, reason in lines:
        if reason and verdict != "pass":
            say(f"{verdict} {rule}: {reason}")


def _line(one: "Held") -> tuple[str, ...]:
    from workbench.compare.signs import written_out
    from workbench.gate.words import allowed_words, figure_words, interval_words

    verdict = one.verdict.upper() if one.verdict == "fail" else one.verdict
    n = "" if one.found.level is None else str(one.found.n)
    figure = (figure_words(one), interval_words(one), allowed_words(one))
    cells = (one.rule, *figure, n, verdict, one.reason)
    return tuple(" ".join(written_out(cell).split()) for cell in cells)
