"""The part of `workbench deploy` that says what serving takes beside time: memory, what fits, money, energy, and the sweep itself.

`Terms` is what a person stated: price, watts, a budget of memory, how often a month the work is repeated. Without a price nothing
is priced, and without counter or watts no energy is shown. It knows no model and asks for none.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from workbench.cli.printing import duration, megabytes, say, table
from workbench.errors import InputError, StoreError
from workbench.plan.serving import MACHINES, Machine, budget

if TYPE_CHECKING:
    # They bring scipy, for which no other command should wait.
    from workbench.deployment.reading import Deployment
    from workbench.runs.spent import Spent
    from workbench.timing.call import Cell
    from workbench.timing.cost import Price
    from workbench.timing.energy import Power


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a person stated."""

    price: "Price | None" = None
    power: "Power | None" = None
    budget: Machine | None = None
    monthly: int = 1
    """How often a month training and evaluation are repeated."""

    def __post_init__(self) -> None:
        if self.monthly < 1:
            raise InputError(f"--monthly is a whole number from 1; got {self.monthly!r}")


NOTHING_STATED = Terms()


def stated(
    *, price: float | None, utilization: float, monthly: int, watts: float | None, memory: str
) -> Terms:
    """The terms of these options; what cannot be is refused."""
    from workbench.timing.cost import Price
    from workbench.timing.energy import Power

    if monthly != 1 and price is None:
        raise InputError("--monthly says how often the work is paid for; give --price as well")
    return Terms(
        price=None if price is None else Price(per_hour=price, utilization=utilization),
        power=None if watts is None else Power(watts=watts),
        budget=budget(memory) if memory else None,
        monthly=monthly,
    )


def tell_memory(found: "Deployment") -> None:
    """What of the cache is counted and what the shape says, what a call adds on a GPU, and the peak of the process."""
    for (counted, formula), names in _caches(found).items():
        told = f"cache of a token and row: {_kilobytes(counted)} counted, {_kilobytes(formula)} by the shape in the config"
        if counted is not None and formula:
            apart = counted - formula
            told += f", difference {'none' if not apart else f'{apart:+.0f} bytes ({apart / formula:+.1%})'}"
        say(f"{told} ({', '.join(names)})")
    for name in found.variants:
        on_gpu = found.facts["variants"][name].get("cuda")
        if on_gpu:
            say(
                f"{name} on the GPU: a call of {on_gpu['cell']} adds {megabytes(on_gpu['allocated_bytes'])} allocated, "
                f"{megabytes(on_gpu['reserved_bytes'])} reserved, to {megabytes(on_gpu['loaded_bytes'])} of all variants loaded"
            )
    peak = found.facts.get("peak_rss_bytes")
    if peak:
        say(
            f"this process held {megabytes(peak)} at most, Python, torch and all {len(found.variants)} variants in it"
        )
    say()


def tell_room(found: "Deployment", terms: Terms) -> None:
    """What fits a few machines, and a budget that was stated."""
    known = [name for name in found.variants if found.fit(name, MACHINES[0])]
    if not known:
        return
    context = found.facts["context"]
    columns = ("variant", *(machine.name for machine in MACHINES))
    rows = [(name, *(_rows(found, name, machine) for machine in MACHINES)) for name in known]
    say(
        f"rows of the whole context of {context:,} tokens at once, by arithmetic: weights, cache and the program, three quarters "
        "of a machine's memory; not what passes through the layers while a long prompt is read:"
    )
    table(columns, rows, right=columns[1:])
    say()
    budget = terms.budget
    if budget is None:
        return
    say(
        f"within {budget.name} for serving in all, of which Python and torch take {megabytes(budget.program_bytes)}, by the same:"
    )
    columns = ("variant", f"rows of {context:,} tokens", "longest context of one row, tokens")
    told = []
    for name in known:
        one = found.fit(name, budget)
        if one is not None:
            told.append((name, _rows(found, name, budget), f"{one.tokens:,}" if one.tokens else ""))
    table(columns, told, right=columns[1:])
    say()


def tell_cost(found: "Deployment", cost: "Price") -> None:
    """What tokens and requests cost."""
    say(f"at {cost.per_hour:g} {cost.currency} an hour, {100 * cost.utilization:g} % used:")
    columns = ("variant", "1M tokens in", "1M tokens out", "1,000 requests")
    for cell in found.cells:
        say(str(cell))
        rows = []
        for name in found.variants:
            figures = found.figures(name, cell)
            if "e2e" in figures:
                told = dict(costs(figures, cell, cost))
                rows.append((name, *(within(told.get(what)) for what in COSTS)))
        table(columns, rows, right=columns[1:])
        say()


COSTS = ("tokens_in", "tokens_out", "requests")


def costs(figures: Any, cell: "Cell", cost: "Price") -> Iterator[tuple[str, Any]]:
    """What is priced of a variant in a cell; of one token out there is no rate of writing."""
    if "prefill" in figures:
        yield "tokens_in", cost.of_tokens(figures["prefill"].median)
    if "decode" in figures:
        yield "tokens_out", cost.of_tokens(figures["decode"].median)
    if "e2e" in figures:
        yield "requests", cost.of_requests(figures["e2e"].median, batch=cell.batch)


def tell_energy(found: "Deployment", terms: Terms) -> None:
    """What calls take in energy, counted or modelled, and what was not counted."""
    told = {
        cell: [
            (name, one) for name in found.variants if (one := energies(found, name, cell, terms))
        ]
        for cell in found.cells
    }
    ways = {one["how"] for rows in told.values() for _, one in rows}
    if "counted" in ways:
        say(
            f"energy counted: {', '.join(found.counted)}, with whatever else ran there; nothing else of the machine is in it"
        )
    for why in found.uncounted:
        say(f"energy not counted: {why}")
    if terms.power is not None and "modelled" in ways:
        say(
            f"energy modelled: {terms.power.watts:g} W as stated, times the seconds of a call; no counter said so"
        )
    if not ways:
        say("state the power of this machine with --watts to have its energy modelled")
    columns = ("variant", "call, J", "1,000 requests, Wh", "1M tokens out, Wh", "how")
    for cell, rows in told.items():
        if rows:
            say(str(cell))
            shown = [
                (name, *(within(one[part]) for part in ENERGIES), one["how"]) for name, one in rows
            ]
            table(columns, shown, right=columns[1:4])
    say()


ENERGIES = ("call_joules", "requests_wh", "tokens_out_wh")


def energies(found: "Deployment", name: str, cell: "Cell", terms: Terms) -> dict[str, Any]:
    """Energy of a variant in a cell, and how it is known; empty where it is not."""
    from workbench.timing.energy import of_requests, of_tokens

    known = found.energy(name, cell, power=terms.power)
    if known is None:
        return {}
    told = (
        known.of_call,
        of_requests(known.of_call, cell=cell),
        of_tokens(known.of_call, cell=cell),
    )
    return {**dict(zip(ENERGIES, told, strict=True)), "how": known.how}


def tell_sweep(found: "Deployment", terms: Terms) -> None:
    """What training and evaluation of the sweep took, once and every month."""
    spent = sweep_of(found)
    if spent is None or (terms.price is None and terms.power is None):
        return
    times = "once" if terms.monthly == 1 else f"{terms.monthly:,} times"
    columns = ["the work itself", "time"]
    columns += [] if terms.price is None else ["cost once", f"a month, {times}", "a year"]
    columns += [] if terms.power is None else ["energy modelled, Wh"]
    say(
        "what the sweep itself took, each measured once and so without an interval; no idle hours are charged:"
    )
    rows = []
    for what, seconds in _parts(found, spent):
        if seconds is None:
            continue
        row = [what, duration(seconds)]
        if terms.price is not None:
            once = terms.price.of_seconds(seconds)
            row += [f"{n * once:.3g}" for n in (1, terms.monthly, 12 * terms.monthly)]
        row += [] if terms.power is None else [f"{terms.power.of_seconds(seconds):.3g}"]
        rows.append(row)
    table(columns, rows, right=columns[1:])
    if spent.note:
        say(spent.note)
    say()


def _parts(found: "Deployment", spent: "Spent") -> Iterator[tuple[str, float | None]]:
    yield f"training, {_counted(spent.trials, 'trial')}", spent.training
    yield f"evaluation, {_counted(spent.scores, 'score')}", spent.evaluation
    yield "the sweep from its last start to its end", spent.whole
    yield "measuring these ways to serve", found.facts["seconds"]


def sweep_of(found: "Deployment") -> "Spent | None":
    """What the sweep of a deployment took; None where the trial's folder lies in no sweep."""
    from workbench.runs.spent import spent
    from workbench.runs.store import SweepStore

    try:
        return spent(SweepStore.open(found.folder.absolute().parent))
    except StoreError:
        return None


def room_as_numbers(found: "Deployment", terms: Terms) -> dict[str, Any]:
    """What fits, for programs."""
    machines = [*MACHINES, *([terms.budget] if terms.budget else [])]
    told: dict[str, Any] = {}
    for name in found.variants:
        fits = [one for machine in machines if (one := found.fit(name, machine))]
        told[name] = [
            {
                "machine": one.machine.name,
                "memory_bytes": one.machine.memory_bytes,
                "usable_bytes": one.machine.usable,
                "fits": one.is_enough,
                "rows": one.rows,
                "tokens": one.tokens,
            }
            for one in fits
        ]
    return told


def sweep_as_numbers(found: "Deployment", terms: Terms) -> dict[str, Any] | None:
    """What the sweep took, for programs."""
    spent = sweep_of(found)
    if spent is None:
        return None
    told: dict[str, Any] = {**asdict(spent), "measuring": found.facts["seconds"]}
    for what in ("training", "evaluation", "whole", "measuring"):
        if terms.price is not None and told[what] is not None:
            once = terms.price.of_seconds(told[what])
            told[f"{what}_cost"] = {"once": once, "a_month": once * terms.monthly}
    return told


def within(found: Any) -> str:
    """A figure with its interval; empty for none."""
    if found is None or found.value is None:
        return ""
    return f"{found.value:.3g}{ends(found.low, found.high)}"


def ends(low: float | None, high: float | None, *, digits: int = 3) -> str:
    """An interval, where there is one."""
    return "" if low is None or high is None else f" [{low:.{digits}g}, {high:.{digits}g}]"


def _caches(found: "Deployment") -> dict[tuple[Any, Any], list[str]]:
    """Variants by what their cache takes: counted, and by the formula."""
    groups: dict[tuple[Any, Any], list[str]] = {}
    for name in found.variants:
        counted = found.facts["variants"][name]["cache_bytes_per_token"]
        groups.setdefault((counted, found.cache_by_formula(name)), []).append(name)
    return groups


def _kilobytes(size: float | None) -> str:
    return "not" if size is None else f"{size / 1e3:.3f} kB"


def _rows(found: "Deployment", name: str, machine: Machine) -> str:
    one = found.fit(name, machine)
    if one is None:
        return ""
    return f"{one.rows:,} rows" if one.is_enough else "does not fit"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
