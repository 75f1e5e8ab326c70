"""The verdict of a report in figures: the facts of its card, and the raw values behind its sentence and its caveats.

`card(comparison)` gives names with values, `about(comparison)` the verdict as data: whoever reads the document beside the
page finds there what every number of the first screen was rounded from. It decides nothing; `compare` did.
"""

import re
from collections.abc import Callable
from typing import Any

from workbench.compare import Comparison, wording
from workbench.compare.caveats import MOST_TOLD, Caveat, losses
from workbench.compare.family import corrected
from workbench.compare.figure import figure_of
from workbench.compare.pairing import Difference, difference
from workbench.compare.seeds import apart, order_of_seeds, range_words
from workbench.compare.table import ranking
from workbench.report.blocks import Fact
from workbench.scores.catalog import eval_info
from workbench.scores.task import BASE

OF_THE_SENTENCE = (
    "value",
    "difference",
    "low",
    "high",
    "n",
    "p",
    "seeds",
    "by_seed",
    "wide_low",
    "wide_high",
    "could_have_seen",
    "margin",
)
"""The fields of a verdict that its sentence tells."""


def card(comparison: Comparison) -> list[Fact]:
    """The figures of a verdict, each with its name; all differences are of one sign, the best minus the other."""
    found, sort = comparison.verdict, comparison.reading.sort_of(comparison.primary)
    unit = sort.unit if sort else ""
    decimals = wording.decimals_beside(found.difference, unit)
    several = found.seeds > 1 and len(found.by_seed) > 1
    extreme = "lowest" if sort and sort.better == "lower" else "highest"
    value = wording.amount(found.value, unit, decimals=decimals)
    seen = found.could_have_seen
    seen_decimals = wording.decimals_beside(seen, unit)
    ends, wide = (found.low, found.high), (found.wide_low, found.wide_high)
    return [
        Fact("best" if found.kind in ("winner", "single") else extreme, found.best, found.best),
        Fact(f"on {found.primary}", value if found.value is not None else "", found.value),
        Fact(
            f"against {found.against}",
            _signed_gap(found.difference, unit, decimals=decimals),
            found.difference,
        ),
        Fact(
            "95 % interval" + f", {found.n} items" * several,
            wording.interval(*ends, unit, decimals=decimals),
            [*ends, found.n],
        ),
        Fact(
            f"over {len(found.by_seed)} seeds and items",
            wording.interval(*wide, unit, decimals=decimals),
            [*wide, len(found.by_seed)],
        ),
        Fact("p over items, corrected", _p_text(found.p), found.p),
        Fact("items", str(found.n) if found.n and not several else "", found.n),
        Fact(
            f"over {len(found.by_seed)} seeds",
            range_words(list(found.by_seed), unit, decimals=decimals),
            list(found.by_seed),
        )
        if several
        else Fact("seeds", str(found.seeds) if found.seeds else "", found.seeds),
        Fact(
            "could have seen",
            wording.gap(seen, unit, decimals=seen_decimals) if seen else "",
            seen,
        ),
        Fact("cheapest within 2 points", found.cheapest_enough, found.cheapest_enough),
    ]


def about(comparison: Comparison) -> dict[str, Any]:
    """The verdict as data, its sentence and its caveats with the raw values behind them."""
    found, sort = comparison.verdict, comparison.reading.sort_of(comparison.primary)
    told = found.model_dump(exclude={"caveats"})
    unit = {"unit": sort.unit if sort else "", "better": sort.better if sort else ""}
    caveats = [
        {"code": one.code, "sentence": one.sentence, "numbers": behind(one, comparison)}
        for one in found.caveats
    ]
    return {**told, **unit, "numbers": numbers(comparison), "caveats": caveats}


def numbers(comparison: Comparison) -> dict[str, Any]:
    """The raw values behind a verdict's sentence."""
    found, reading, primary = comparison.verdict, comparison.reading, comparison.primary
    ranked = ranking(reading, primary=primary) if primary else []
    names = [one.name for one in ranked]
    values = {name: figure_of(reading, name, primary) for name in names}
    elsewhere = [eval for eval in reading.evals if eval != primary]
    told = {name: getattr(found, name) for name in OF_THE_SENTENCE} | {
        "trials": len(reading.trials),
        "compared": len(ranked),
        "first": len(found.tied) + 1,
        "seeds_led": order_of_seeds(reading, ranked, primary=primary),
        "figures": {name: one.value for name, one in values.items() if one is not None},
    }
    if found.kind == "tie":
        told["elsewhere"] = {
            name: {e: difference(reading, name, names[0], eval=e).value for e in elsewhere}
            for name in names[1:]
        }
    if found.kind in ("unpaired", "single"):
        told["pairs"] = [{"n": one.n, "left_out": one.left_out} for one in comparison.contests]
    return told


def behind(caveat: Caveat, comparison: Comparison) -> dict[str, Any]:
    """The raw values behind a caveat's sentence; none where it has no figures."""
    find = _BEHIND.get(caveat.code)
    return {} if find is None else find(comparison)


def held(sentence: str) -> str:
    """The sentence with figures that do not break from their units."""
    kept = re.sub(r"(\d) (%|points?\b)", "\\1\u00a0\\2", sentence)
    kept = re.sub(r"\[[^\]]*\]", lambda ends: ends[0].replace(" ", "\u00a0"), kept)
    return kept.replace("n = ", "n\u00a0=\u00a0")


def _rates(comparison: Comparison) -> dict[str, Any]:
    rates = {trial.spec.train.learning_rate for trial in comparison.reading.trials}
    return {"learning_rates": sorted(rates)}


def _left_out(comparison: Comparison) -> dict[str, Any]:
    best = comparison.verdict.best or next((one.of for one in comparison.contests), "")
    mine = [one for one in comparison.contests if one.of == best]
    return {one.against: {"n": one.n, "left_out": one.left_out} for one in mine}


def _leaks(comparison: Comparison) -> dict[str, Any]:
    cards = comparison.reading.data_cards
    rows = sum(int(card.get("held_out_leaks") or 0) for card in cards)
    return {"held_out_rows": rows, "evals": comparison.reading.eval_leaks}


def _chance(comparison: Comparison) -> dict[str, Any]:
    sort = comparison.reading.sort_of(comparison.primary)
    return {"chance": None if sort is None else sort.chance}


def _unscored(comparison: Comparison) -> dict[str, Any]:
    scores = comparison.reading.scores.items()
    found = [one for (slot, e), one in scores if e == comparison.primary and slot != BASE]
    return {
        "errors": sum(one.errors for one in found),
        "truncated": sum(one.truncated for one in found),
    }


def _like_the_base(comparison: Comparison) -> dict[str, Any]:
    reading, primary = comparison.reading, comparison.primary
    ranked = ranking(reading, primary=primary)
    asked = [difference(reading, one.name, BASE, eval=primary) for one in ranked]
    return _ends(corrected(reading, asked)[0])


def _clusters(comparison: Comparison) -> dict[str, Any]:
    trials = ranking(comparison.reading, primary=comparison.primary)[0].trials
    score = comparison.reading.score(trials[0], comparison.primary)
    return {"clusters": None if score is None else score.clusters}


def _order(comparison: Comparison) -> dict[str, Any]:
    ranked = ranking(comparison.reading, primary=comparison.primary)
    return {"seeds_led": order_of_seeds(comparison.reading, ranked, primary=comparison.primary)}


def _losses(comparison: Comparison) -> dict[str, Any]:
    reading, primary = comparison.reading, comparison.primary
    lost = losses(reading, ranking(reading, primary=primary), primary)
    others = max(0, len({one.of for one in lost}) - MOST_TOLD)
    return {
        "lost": [{"of": one.of, "eval": one.eval, **_ends(one)} for one in lost],
        "others": others,
    }


def _seeds(comparison: Comparison) -> dict[str, Any]:
    reading, primary = comparison.reading, comparison.primary
    first, second = (one.name for one in ranking(reading, primary=primary)[:2])
    both = apart(reading, first, second, eval=primary)
    wide = {} if both is None else {"wide": [both.low, both.high], "seeds": both.seeds}
    return _ends(difference(reading, first, second, eval=primary)) | wide


def _uneven(comparison: Comparison) -> dict[str, Any]:
    """Every figure of an eval that knows what is even, and what that is."""
    reading = comparison.reading
    names = [BASE, *(one.name for one in ranking(reading, primary=comparison.primary))]
    told: dict[str, Any] = {}
    for eval in reading.evals:
        even = eval_info(eval).even
        figures = {name: figure_of(reading, name, eval) for name in names if even is not None}
        if even is not None:
            told[eval] = {"even": even} | {
                name: [one.value, one.low, one.high]
                for name, one in figures.items()
                if one is not None
            }
    return told


def _ends(one: Difference) -> dict[str, Any]:
    return {part: getattr(one, part) for part in ("value", "low", "high", "detectable", "n")}


_BEHIND: dict[str, Callable[[Comparison], dict[str, Any]]] = {
    "WB002": _rates,
    "WB003": _left_out,
    "WB004": _leaks,
    "WB005": _chance,
    "WB007": _unscored,
    "WB008": _like_the_base,
    "WB009": _clusters,
    "WB010": _order,
    "WB012": _losses,
    "WB013": _seeds,
    "WB017": _uneven,
}


def _signed_gap(value: float | None, unit: str, *, decimals: int | None) -> str:
    """A difference with its unit and, where it is below zero, its sign."""
    if value is None:
        return ""
    return ("\u2212" if value < 0 else "") + wording.gap(value, unit, decimals=decimals)


def _p_text(p: float | None) -> str:
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
