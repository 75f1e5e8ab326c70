"""Ways to serve an adapter, as they were timed: attached, merged, mixed, swapped, quantized, each beside the base.

`ways(report)` shows what `workbench deploy` stored of a trial; nothing where nobody measured. Ratios are within blocks of
calls taken in turns, so they hold where the times themselves are of another day.
"""

from markupsafe import Markup

from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.deployment.reading import Deployment, read
from workbench.deployment.stored import read_facts
from workbench.deployment.variants import CONTROL, REFERENCE, VARIANTS
from workbench.report import blocks
from workbench.report.blocks import Section
from workbench.report.sections import Report
from workbench.report.served_chart import over_base
from workbench.timing.call import Cell as Work
from workbench.timing.flags import Flag


def ways(report: Report) -> Section:
    """What each way to serve takes, for every trial of which that was measured."""
    store = report.comparison.reading.store
    found = [
        read(folder)
        for trial in report.comparison.reading.trials
        if read_facts(folder := store.folder(trial.name))
    ]
    return blocks.section("Ways to serve", *(part for one in found for part in _of_one(one)))


def _of_one(found: Deployment) -> list[Markup | None]:
    small, *others = found.cells
    said = [f"{name}: {why}" for name, why in found.refused.items()]
    doubts = [_doubt(flag) for flag in found.flags]
    more = [blocks.table(times(found, cell)) for cell in others]
    return [
        blocks.subheading(f"Serving {found.facts['trial']}"),
        blocks.figure(over_base(found, small, table=times(found, small))),
        blocks.folded("Other sizes of work", blocks.joined(*more)),
        blocks.table(sizes(found)),
        blocks.listing(said) if said else None,
        blocks.folded("Doubts about the times", blocks.listing(doubts)),
    ]


def _doubt(flag: Flag) -> blocks.Sentence:
    text = f"{flag.variant} at {flag.cell}: {flag.sentence}"
    work = {"in": flag.cell.input_tokens, "out": flag.cell.output_tokens, "rows": flag.cell.batch}
    return blocks.Sentence(text, {**work, **flag.numbers})


def times(found: Deployment, work: Work) -> Table:
    """The times of every variant at one size of work."""
    columns = (
        Column(key="variant", title="way"),
        number_column("e2e", "call", note="ms"),
        number_column("ttft", "first token", note="ms"),
        number_column("tpot", "a token", note="ms"),
        number_column("over", "time over base"),
    )
    lines = []
    for name in found.variants:
        figures = found.figures(name, work)
        cells = [Cell(raw=name, text=name)]
        for metric in ("e2e", "ttft", "tpot"):
            told = figures[metric].median if metric in figures else None
            cells.append(_within(told.value, told.low, told.high) if told else _within())
        if name == CONTROL:
            cells.append(Cell(raw=1.0, text="1"))
        else:
            over = found.ratio(name, work)
            cells.append(_within(over.value, over.low, over.high))
        lines.append(Line(cells=tuple(cells)))
    calls = len([c for c in found.calls if c.cell == work and c.block >= 0]) // len(found.variants)
    caption = (
        f"{work}. Medians of {calls} calls of each way, taken in turns, with their order-statistic intervals; the ratio is "
        "taken within blocks. 95 % intervals."
    )
    numbers = {
        "calls": calls,
        "in": work.input_tokens,
        "out": work.output_tokens,
        "rows": work.batch,
    }
    return Table(
        columns=columns, lines=tuple(lines), caption=caption, numbers=tuple(numbers.items())
    )


def sizes(found: Deployment) -> Table:
    """What each variant holds in memory, and how far it moved the answers."""
    columns = (
        Column(key="variant", title="way"),
        number_column("weights", "weights", note="MB"),
        number_column("cache", "cache", note="kB a token"),
        number_column("divergence", "divergence", note="nats a token"),
        number_column("same", "same token", note="%"),
        Column(key="choose", title="for", is_text=True),
    )
    lines = []
    for name in found.variants:
        facts, moved = found.facts["variants"][name], found.agreement.get(name)
        weights, cache = facts["weights_bytes"] / 1e6, facts["cache_bytes_per_token"]
        apart, same = (moved.divergence, moved.same) if moved else (None, None)
        lines.append(
            Line(
                cells=(
                    Cell(raw=name, text=name),
                    Cell(raw=weights, text=f"{weights:.1f}"),
                    _plain(cache, per=1000),
                    _within(apart.value, apart.low, apart.high) if apart else _within(),
                    _within(*(None if v is None else 100 * v for v in same[:3]))
                    if same
                    else _within(),
                    Cell(raw=VARIANTS[name].choose, text=VARIANTS[name].choose),
                )
            )
        )
    caption = f"How far each way moved the answers of the {REFERENCE} adapter: {found.facts['texts']}, 95 % intervals over texts."
    return Table(columns=columns, lines=tuple(lines), caption=caption)


def _plain(value: float | None, *, per: float) -> Cell:
    return Cell(raw=None) if value is None else Cell(raw=value / per, text=f"{value / per:.2f}")


def _within(
    value: float | None = None, low: float | None = None, high: float | None = None
) -> Cell:
    if value is None:
        return Cell(raw=None, text="")
    ends = "" if low is None or high is None else f"[{low:.3g}, {high:.3g}]"
    return Cell(raw=value, text=f"{value:.3g}", beside=ends, numbers=(("low", low), ("high", high)))
