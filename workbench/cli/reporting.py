"""`workbench report PATH --out FILE`: one HTML file about a sweep or a trial; and `workbench template`, to have it otherwise.

What is typed is parsed here, the bar is drawn here; what a report is made of and how is in `workbench.report`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from workbench.cli import results
from workbench.cli.printing import command, notes, say, say_json, table
from workbench.errors import InputError

if TYPE_CHECKING:
    from workbench.report.pressing import Progress as Told


def report(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="The folder of a sweep, or of a trial in one.")
    ],
    *,
    out: Annotated[Path, typer.Option("--out", help="The HTML file to write.")],
    title: Annotated[str, typer.Option(help="The heading.")] = "",
    template: Annotated[
        str, typer.Option(help="A notebook of your own, or `comparison` or `card`.")
    ] = "",
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", metavar="NAME=VALUE", help="What the notebook's parameters are told."),
    ] = None,
    static: Annotated[
        bool, typer.Option("--static", help="Draw figures as SVG: a small file without scripts.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Make it anew, even if the same one was made before.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a report that is there.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Write one HTML file about a sweep or a trial, which opens without a network."""
    from workbench.report import render

    if not path.is_dir() and not (path.parent / "status.json").is_file():
        results.a_folder(path)
    with writing() as tell:
        written = render(
            path,
            out,
            title=title or None,
            template=template or None,
            parameters=_parameters(parameter or ()),
            static=static,
            overwrite=overwrite,
            fresh=fresh,
            progress=tell,
        )
    if as_json:
        say_json({"path": str(written)})
    else:
        say(str(written))


def template(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="Which; all are listed when it is left out.")
    ] = "",
    to: Annotated[
        Path | None, typer.Argument(metavar="[TO]", help="The notebook to write.")
    ] = None,
) -> None:
    """List the notebooks that reports are made of, or copy one to be edited."""
    from workbench.report.template import OURS, copied, found

    if not name:
        told = ((one, ", ".join(p.name for p in found(one).parameters)) for one in OURS)
        table(("template", "about", "parameters"), [(one, OURS[one], names) for one, names in told])
    elif to is None:
        raise InputError(f"say where to: {command()} template {name} my.ipynb")
    else:
        copy = copied(name, to)
        say(str(copy))


@contextmanager
def writing() -> Iterator["Told"]:
    """A bar of the parts that are written, which goes when they are."""
    console = notes()
    bar = Progress(
        TextColumn("writing the report"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _parameters(typed: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE, each once."""
    found: dict[str, str] = {}
    for one in typed:
        name, equals, value = one.partition("=")
        if not equals or not name.strip().isidentifier():
            raise InputError(f"-p {one!r} is no NAME=VALUE; write it as in -p primary=recall")
        if name.strip() in found:
            raise InputError(f"-p gives {name.strip()!r} twice; give it once")
        found[name.strip()] = value
    return found
