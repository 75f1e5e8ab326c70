"""What serving an adapter takes beside time: memory counted and by formula, what fits some machines, money, and energy.

`parts(found, price=...)` gives the pieces that stand under the times of a deployment. Money needs a price that somebody stated, energy
a counter that was there when the calls were timed; without them their tables are left out and the reason is told.
"""

from markupsafe import Markup

from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.deployment.reading import Deployment
from workbench.plan.serving import MACHINES, USABLE
from workbench.report import blocks
from workbench.stats.intervals import Interval
from workbench.timing.call import Cell as Work
from workbench.timing.cost import Price
from workbench.timing.energy import of_requests, of_tokens

WAY = Column(key="variant", title="way")


def parts(found: Deployment, *, price: Price | None = None) -> list[Markup | None]:
    """Memory, room, cost and energy of one deployment."""
    small, *others = found.cells
    told: list[Markup | None] = [
        blocks.table(memory(found)),
        _peak(found),
        None if (fits := room(found)) is None else blocks.table(fits),
    ]
    if price is not None:
        more = [blocks.table(cost(found, work, price)) for work in others]
        told += [
            blocks.table(cost(found, small, price)),
            blocks.folded("Cost at other sizes of work", blocks.joined(*more)) if more else None,
        ]
    told.append(blocks.table(energy(found)) if found.turns else None)
    told.append(blocks.listing(f"Energy was not counted: {why}." for why in found.uncounted))
    told.append(blocks.paragraph(found.clock_note, numbers={"moved": found.wall_clock_moved}))
    return told


def memory(found: Deployment) -> Table:
    """Bytes of every way: weights, adapters among them, the cache of a token counted and by formula, and what a GPU adds."""
    facts = found.facts["variants"]
    on_gpu = any(one.get("cuda") for one in facts.values())
    columns = [
        WAY,
        number_column("weights", "weights", note="MB"),
        number_column("adapters", "adapters among them", note="MB"),
        number_column("cache", "cache, counted", note="bytes a token"),
        number_column("formula", "cache, by its shape", note="bytes a token"),
        number_column("apart", "difference", note="bytes a token"),
    ]
    if on_gpu:
        columns += [
            number_column("allocated", "a call adds, allocated", note="MB"),
            number_column("reserved", "a call adds, reserved", note="MB"),
        ]
    lines = []
    for name in found.variants:
        one = facts[name]
        counted, formula = one["cache_bytes_per_token"], found.cache_by_formula(name)
        apart = None if counted is None or formula is None else counted - formula
        cells = [
            Cell(raw=name, text=name),
            _plain(one["weights_bytes"], per=1e6, digits=1),
            _plain(one.get("adapter_bytes"), per=1e6, digits=2),
            *(_plain(size, digits=0) for size in (counted, formula, apart)),
        ]
        if on_gpu:
            held = one.get("cuda") or {}
            cells += [
                _plain(held.get(f"{what}_bytes"), per=1e6, digits=1)
                for what in ("allocated", "reserved")
            ]
        lines.append(Line(cells=tuple(cells)))
    caption = "Memory of every way. The cache is that of one row, counted in its tensors and worked out from the shape in the config."
    return Table(columns=tuple(columns), lines=tuple(lines), caption=caption)


def _peak(found: Deployment) -> Markup | None:
    """What the process held that timed them."""
    peak, many = found.facts.get("peak_rss_bytes"), len(found.variants)
    if not peak:
        return None
    words = f"The process that timed them held {peak / 1e6:.0f} MB at most, Python, torch and all {many} ways in it."
    return blocks.paragraph(words, numbers={"peak": peak, "ways": many})


def room(found: Deployment) -> Table | None:
    """How many rows of the whole context fit some machines at once, by arithmetic."""
    if "context" not in found.facts:
        return None
    columns = [WAY, *(number_column(f"at_{n}", one.name) for n, one in enumerate(MACHINES))]
    lines = []
    for name in found.variants:
        fits = [one for machine in MACHINES if (one := found.fit(name, machine))]
        if fits:
            cells = (
                Cell(raw=one.rows, text=f"{one.rows}" if one.is_enough else "does not fit")
                for one in fits
            )
            lines.append(Line(cells=(Cell(raw=name, text=name), *cells)))
    context, share = found.facts["context"], round(100 * USABLE)
    caption = (
        f"Rows of the whole context of {context} tokens at once, by arithmetic: weights, cache and the program in {share} % of a "
        "machine's memory. What passes through the layers while a long prompt is read is not in it."
    )
    numbers = {f"memory_gb_{n}": one.memory_bytes / 1e9 for n, one in enumerate(MACHINES)}
    numbers |= {"context": context, "share": share}
    return Table(
        columns=tuple(columns),
        lines=tuple(lines),
        caption=caption,
        numbers=tuple(numbers.items()),
    )


def cost(found: Deployment, work: Work, price: Price) -> Table:
    """What tokens and requests cost at one size of work."""
    columns = (
        WAY,
        number_column("tokens_in", "a million tokens in", note=price.currency),
        number_column("tokens_out", "a million tokens out", note=price.currency),
        number_column("requests", "a thousand requests", note=price.currency),
    )
    lines = []
    for name in found.variants:
        figures = found.figures(name, work)
        told = [
            price.of_tokens(figures[metric].median) if metric in figures else None
            for metric in ("prefill", "decode")
        ]
        whole = figures.get("e2e")
        told.append(price.of_requests(whole.median, batch=work.batch) if whole else None)
        lines.append(Line(cells=(Cell(raw=name, text=name), *map(_within, told))))
    used = 100 * price.utilization
    caption = (
        f"{work}. At {price.per_hour:g} {price.currency} an hour of the machine, {used:g} % used, as stated; 95 % intervals of the "
        "times carried through."
    )
    numbers = {**_size(work), "per_hour": price.per_hour, "used": used}
    return Table(
        columns=columns, lines=tuple(lines), caption=caption, numbers=tuple(numbers.items())
    )


def energy(found: Deployment) -> Table:
    """What the counters said of every way at every size of work."""
    columns = (
        WAY,
        Column(key="work", title="work"),
        number_column("call", "a call", note="J"),
        number_column("requests", "a thousand requests", note="Wh"),
        number_column("tokens", "a million tokens out", note="Wh"),
    )
    lines = []
    for name in found.variants:
        for work in found.cells:
            told = found.energy(name, work)
            if told is None:
                continue
            call = told.of_call
            figures = (call, of_requests(call, cell=work), of_tokens(call, cell=work))
            size = Cell(raw=str(work), text=str(work))
            cells = (Cell(raw=name, text=name), size, *map(_within, figures))
            lines.append(Line(cells=cells, more=(("turns", call.n),)))
    caption = (
        f"Energy as counters told it: {', '.join(found.counted)}, with whatever else ran there, and nothing else of the machine. "
        "Means over turns of calls with 95 % t intervals."
    )
    return Table(columns=columns, lines=tuple(lines), caption=caption)


def _size(work: Work) -> dict[str, float]:
    return {"in": work.input_tokens, "out": work.output_tokens, "rows": work.batch}


def _plain(value: float | None, *, per: float = 1.0, digits: int) -> Cell:
    if value is None:
        return Cell(raw=None)
    return Cell(raw=value / per, text=f"{value / per:.{digits}f}")


def _within(found: Interval | None) -> Cell:
    if found is None or found.value is None:
        return Cell(raw=None)
    low, high = found.low, found.high
    beside = "" if low is None or high is None else f"[{low:.3g}, {high:.3g}]"
    numbers = (("low", low), ("high", high))
    return Cell(raw=found.value, text=f"{found.value:.3g}", beside=beside, numbers=numbers)
