"""`workbench card RUNS/SWEEP/TRIAL`: the model card of one adapter, beside its weights or where it is told."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import results
from workbench.cli.printing import command, notes, say
from workbench.errors import StoreError

PRINTED = Path("-")
"""What `--out` is told so that the card is printed and nothing is written."""

KEPT_IN = ("adapter", "model")
"""Folders of a trial that hold what it learned; naming one of them means the trial."""


def card(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="The folder of a trial: that of its sweep, then its name."
        ),
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="The file to write, or - to print it; README.md beside the weights when left out.",
        ),
    ] = None,
    stated: Annotated[
        Path | None,
        typer.Option(
            "--stated",
            help="A YAML file with owner, licence, uses, consent; card.yaml in the sweep's folder when left out.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a card that is there.")
    ] = False,
) -> None:
    """Write the model card of one adapter, in the Hub's format. Nothing is sent anywhere."""
    sweep, trial = _sweep_and_trial(path)
    with notes().status("writing the card"):
        from workbench.report import model_card
        from workbench.report.stated import Stated

        told = None if stated is None else Stated.load(stated)
        if out == PRINTED:
            text = model_card.card(sweep, trial, stated=told)
        else:
            text = str(model_card.write(sweep, trial, out=out, stated=told, overwrite=overwrite))
    say(text)


def _sweep_and_trial(path: Path) -> tuple[Path, str]:
    """The folder of a trial, as its sweep's folder and its name."""
    if (path / "status.json").is_file():
        raise StoreError(
            f"{str(path)!r} is a sweep; a card is about one adapter: {command()} card {path}/TRIAL"
        )
    trial = path.parent if path.name in KEPT_IN else path
    return results.a_folder(trial.parent), trial.name
