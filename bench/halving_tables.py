"""What pruning kept and lost of a grid, from a stored result: the chosen trial, the order, the steps.

The order of a grid is that of its losses; of a pruned sweep, those that went further come first, and among equals the lower
loss. Each seed's order is held against the mean of the *other* seeds' whole grids, over the pairs of configurations that those
can tell apart: a paired t-test over seeds, Holm's adjustment over all pairs, at 5 %.
"""

import itertools
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bench.tables import Sheet
from workbench.stats.family import holm

DELTA = 0.05
"""How much more held-out loss, in nats a token, the chosen trial may have than the grid's winner."""
ALPHA = 0.05
BARS = {"steps": 0.35, "seeds": 0.95, "tau": 0.9}

METHOD = """\
## Pruning against the whole grid, on `microworld/{data}`

{trials} configurations of rank, learning rate and targets in the micro-world, {steps} steps each on 384 rows, trained whole and once more with
`prune: {{reduction_factor: {factor:g}, min_resource: {first:g}}}`, for {seeds} seeds. The chosen trial is the one of lowest held-out loss among
those that went to the end; it is *not worse* when its loss in the whole grid of its seed is at most {delta:g} nats a token above that
grid's winner. *Tau* is Kendall's tau-b between the order of one seed and that of the mean of the other seeds' whole grids, over the pairs that
those tell apart (paired t-test over seeds, Holm, 5 %): of the pruned order, and of the whole grid's own, which is as much as anybody could ask for.
"""

Order = dict[str, tuple[float, float]]
"""The key of each configuration; a smaller one is better."""


def _whole_order(one: Mapping[str, Any]) -> Order:
    return {name: (0.0, told["loss"]) for name, told in one["grid"].items()}


def _pruned_order(one: Mapping[str, Any]) -> Order:
    return {name: (-told["step"], told["loss"]) for name, told in one["pruned"].items()}


def told_apart(seeds: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], bool]:
    """The pairs that whole grids tell apart, and whether the first of a pair is the better."""
    from scipy.stats import ttest_rel

    names = list(seeds[0]["grid"])
    losses = {name: [one["grid"][name]["loss"] for one in seeds] for name in names}
    pairs = list(itertools.combinations(names, 2))
    p = holm([float(ttest_rel(losses[a], losses[b]).pvalue) for a, b in pairs])
    return {
        (a, b): statistics.fmean(losses[a]) < statistics.fmean(losses[b])
        for (a, b), value in zip(pairs, p, strict=True)
        if value < ALPHA
    }


def tau(order: Order, truth: Mapping[tuple[str, str], bool]) -> float:
    """Kendall's tau-b over pairs of which the truth has no ties."""
    signs = [
        0 if order[a] == order[b] else 1 if (order[a] < order[b]) == first else -1
        for (a, b), first in truth.items()
    ]
    untied = sum(map(abs, signs))
    return sum(signs) / (untied * len(signs)) ** 0.5 if untied else 0.0


def taus(seeds: Sequence[Mapping[str, Any]], order_of: Callable[[Any], Order]) -> Iterator[float]:
    """Of each seed against the others."""
    for number, one in enumerate(seeds):
        others = [*seeds[:number], *seeds[number + 1 :]]
        yield tau(order_of(one), told_apart(others))


def share_of_steps(one: Mapping[str, Any]) -> float:
    """What the pruned sweep trained, of the grid."""
    pruned, grid = (
        sum(told["step"] for told in one[which].values()) for which in ("pruned", "grid")
    )
    return float(pruned / grid)


def regret(one: Mapping[str, Any]) -> float:
    """How much more loss the chosen trial has in the whole grid than that grid's winner."""
    last = max(told["step"] for told in one["pruned"].values())
    left = {name: told["loss"] for name, told in one["pruned"].items() if told["step"] == last}
    chosen = min(left, key=lambda name: left[name])
    return float(one["grid"][chosen]["loss"] - min(told["loss"] for told in one["grid"].values()))


def furthest_apart(seeds: Sequence[Mapping[str, Any]]) -> float:
    """The largest relative difference between the two losses of a trial that went to the end in both."""
    apart = [
        abs(told["loss"] - one["grid"][name]["loss"]) / one["grid"][name]["loss"]
        for one in seeds
        for name, told in one["pruned"].items()
        if told["step"] == one["grid"][name]["step"]
    ]
    return float(max(apart))


def summary_sheet(result: Mapping[str, Any]) -> Sheet:
    """The figures that are asked of pruning."""
    seeds = result["seeds"]
    shares, lost = [share_of_steps(one) for one in seeds], [regret(one) for one in seeds]
    pruned, whole = (list(taus(seeds, order)) for order in (_pruned_order, _whole_order))
    pairs = len(told_apart(seeds))
    of = len(list(itertools.combinations(seeds[0]["grid"], 2)))
    rows = (
        ("steps, of the grid's", f"{statistics.fmean(shares):.1%}", f"{max(shares):.1%}"),
        (
            "loss above the winner's, nats a token",
            f"{statistics.median(lost):.3f}",
            f"{max(lost):.3f}",
        ),
        (
            f"seeds not worse by more than {DELTA:g}",
            f"{sum(one <= DELTA for one in lost)} of {len(seeds)}",
            "",
        ),
        (
            "seeds in which the winner was chosen",
            f"{sum(one == 0 for one in lost)} of {len(seeds)}",
            "",
        ),
        ("tau of the pruned order", f"{statistics.fmean(pruned):.3f}", f"{min(pruned):.3f}"),
        ("tau of a whole grid's order", f"{statistics.fmean(whole):.3f}", f"{min(whole):.3f}"),
        ("pairs told apart", f"{pairs} of {of}", ""),
    )
    return Sheet(("over seeds", "mean or median", "worst"), rows)


def configurations_sheet(result: Mapping[str, Any]) -> Sheet:
    """Every configuration: its loss in the whole grids, and how far pruned sweeps let it train."""
    seeds = result["seeds"]
    rows = []
    for name in seeds[0]["grid"]:
        losses = [one["grid"][name]["loss"] for one in seeds]
        steps = [one["pruned"][name]["step"] for one in seeds]
        spread = statistics.stdev(losses) if len(losses) > 1 else 0.0
        rows.append((statistics.fmean(losses), name, spread, statistics.fmean(steps)))
    told = [(n, f"{loss:.3f}", f"{sd:.3f}", f"{steps:.0f}") for loss, n, sd, steps in sorted(rows)]
    head = ("configuration", "held-out loss", "over seeds, sd", "steps when pruned")
    return Sheet(head, tuple(told))


def missed(result: Mapping[str, Any]) -> list[str]:
    """The bars that are not met, in words; none when all are."""
    seeds = result["seeds"]
    steps = statistics.fmean(share_of_steps(one) for one in seeds)
    good = sum(regret(one) <= DELTA for one in seeds) / len(seeds)
    order = statistics.fmean(taus(seeds, _pruned_order))
    found = []
    if steps > BARS["steps"]:
        found.append(f"{steps:.0%} of the steps, over {BARS['steps']:.0%}")
    if good < BARS["seeds"]:
        found.append(f"not worse in {good:.0%} of the seeds, under {BARS['seeds']:.0%}")
    if order < BARS["tau"]:
        found.append(f"a tau of {order:.2f}, under {BARS['tau']:g}")
    return found


def section(result: Mapping[str, Any], *, as_text: Callable[[Sheet], str]) -> Iterator[str]:
    """The part of the page of figures."""
    machine, prune, seeds = result["machine"], result["prune"], result["seeds"]
    yield METHOD.format(
        data=result["halving"],
        trials=len(seeds[0]["grid"]),
        steps=result["fields"]["train"]["max_steps"],
        factor=prune["reduction_factor"],
        first=prune["min_resource"],
        seeds=len(seeds),
        delta=DELTA,
    )
    yield (
        f"{machine['date']}, commit {machine['commit']}, {machine['cores']} cores, {result['seconds'] / 60:.0f} minutes. Trials that "
        f"went to the end in both have the same loss within {furthest_apart(seeds):.1e}.\n"
    )
    yield as_text(summary_sheet(result))
    lacking = missed(result)
    yield ("Not met: " + "; ".join(lacking) if lacking else "Every bar is met") + ".\n"
    yield as_text(configurations_sheet(result))
