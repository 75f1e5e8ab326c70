"""How a measured case looks in the terminal."""

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from bench.tables import (
    Sheet,
    arms_table,
    curve_table,
    gains_table,
    split_table,
    time_table,
    title_of,
    words_of,
)

WIDTH = 96
"""Of the widest table."""
console = Console(highlight=False)
console.width = max(console.width, WIDTH)


def say(text: str) -> None:
    """A line as it is, without markup."""
    console.print(text, markup=False)


def show(measured: dict[str, Any]) -> None:
    """All tables of a case."""
    points = measured["points"]
    for point in points:
        show_sheet(arms_table(point), title=title_of(point))
        for arm, figures in point["arms"].items():
            if figures["does_not_count"]:
                say(f"{arm} does not count: {figures['does_not_count']}")
        if not point["quiet"]:
            say("The machine was not quiet before every measurement.")
        for arm, message in point["failed"].items():
            say(f"{arm} failed: {message}")
    if len(points) > 1:
        show_sheet(curve_table(points), title="Gain against tokens a step of one trial")
    else:
        for arm, words in words_of(points[0]):
            say(f"  {arm}: {words}")
        for sheet in (gains_table(points[0]), split_table(points[0])):
            if sheet.rows:
                show_sheet(sheet)
    for point in points:
        if point["time_of_a_step"]:
            show_sheet(time_table(point["time_of_a_step"]))


def show_sheet(sheet: Sheet, *, title: str | None = None) -> None:
    """A table."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1))
    for index, name in enumerate(sheet.head):
        table.add_column(
            name, justify="right" if index else "left", vertical="bottom", no_wrap=index == 0
        )
    for row in sheet.rows:
        table.add_row(*row)
    console.print(table)
