"""Ways to serve an adapter, as they were timed: attached, merged, mixed, swapped, quantized, each beside the base.

`ways(report)` shows what `workbench deploy` stored of a trial; nothing where nobody measured. Ratios are within blocks of
calls taken in turns, so they hold where the times themselves are of another day.
"""

from markupsafe import Markup

from workbench.compare.drawing import Chart
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.deployment.reading import Deployment, read
from workbench.deployment.stored import read_facts
from workbench.deployment.variants import CONTROL, REFERENCE, VARIANTS
from workbench.report import blocks, served_costs
from workbench.report.blocks import Section
from workbench.report.sections import Report
from workbench.report.served_batch import over_batch
from workbench.report.served_chart import over_base
from workbench.report.served_marks import size_numbers, within
from workbench.report.served_quality import weighed
from workbench.report.served_sizes import over_tokens
from workbench.report.served_spread import spread
from workbench.timing.call import Cell as Work
from workbench.timing.figures import figures
from workbench.timing.flags import Flag
from workbench.timing.pairs import LEVEL

TIMES = ("e2e", "ttft", "tpot")
"""What a table of times has of every way."""


def ways(report: Report) -> Section:
    """What each way to serve takes, for every trial of which that was measured."""
    store = report.comparison.reading.store
    found = [
        read(folder)
        for trial in report.comparison.reading.trials
        if read_facts(folder := store.folder(trial.name))
    ]
    return blocks.section("Ways to serve", *(part for one in found for part in _parts(one, report)))


def _parts(found: Deployment, report: Report) -> list[Markup | None]:
    return [*_of_one(found), *served_costs.parts(found, price=report.price)]


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
        *(blocks.figure(chart) for chart in charts(found)),
        blocks.listing(said) if said else None,
        blocks.folded("Doubts about the times", blocks.listing(doubts)),
    ]


def charts(found: Deployment) -> tuple[Chart, ...]:
    """What can be drawn of a deployment beside the times over its base; sizes that were not varied have no figure."""
    small = found.cells[0]
    writing = next((work for work in found.cells if work.output_tokens > 1), small)
    drawn = (
        weighed(found, small),
        over_batch(found, metric="decode"),
        over_batch(found, metric="prefill"),
        over_tokens(found, metric="ttft"),
        over_tokens(found, metric="e2e"),
        spread(found, small, metric="e2e"),
        spread(found, writing, metric="itl"),
    )
    return tuple(chart for chart in drawn if chart is not None)


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
        told = figures(found.calls, of=name, cell=work, metrics=TIMES)
        cells = [Cell(raw=name, text=name)]
        cells += [within(*told[m].median[:3]) if m in told else within() for m in TIMES]
        if name == CONTROL:
            cells.append(Cell(raw=1.0, text="1"))
        else:
            over = found.ratio(name, work)
            cells.append(within(over.value, over.low, over.high))
        lines.append(Line(cells=tuple(cells)))
    calls = len([c for c in found.calls if c.cell == work and c.block >= 0]) // len(found.variants)
    caption = (
        f"{work}. Medians of {calls} calls of each way, taken in turns, with their 95 % order-statistic intervals; the ratio "
        f"is taken within blocks, with a {100 * LEVEL:g} % interval."
    )
    numbers = {"calls": calls, "level": LEVEL, **size_numbers(work)}
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
                    within(apart.value, apart.low, apart.high) if apart else within(),
                    within(*(None if v is None else 100 * v for v in same[:3]))
                    if same
                    else within(),
                    Cell(raw=VARIANTS[name].choose, text=VARIANTS[name].choose),
                )
            )
        )
    caption = f"How far each way moved the answers of the {REFERENCE} adapter: {found.facts['texts']}, 95 % intervals over texts."
    return Table(columns=columns, lines=tuple(lines), caption=caption)


def _plain(value: float | None, *, per: float) -> Cell:
    return Cell(raw=None) if value is None else Cell(raw=value / per, text=f"{value / per:.2f}")
