"""How answers to one question in many templates become figures: accuracy over all, and how much of it the template makes.

`figures(rows)` averages over items and templates. A row's kind is its template, its group the set of templates that its item is
asked in; within each set the variance is split in two ways, items and templates, and the sets are pooled. A model that always
says the same answers alike in all templates, so that is not told of whoever is not above chance. It knows no model.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from workbench.scores.figures import Figures, Parts, group_means, scored, share_of
from workbench.scores.figures import at_worst as if_wrong
from workbench.scores.robustness.clean import chance_of, item_of, said
from workbench.scores.task import Row
from workbench.stats.intervals import Floats, Interval
from workbench.stats.seeds import items_and_seeds

LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Items by templates, answered without a gap: the variance of their accuracies, in three parts."""

    values: Floats
    """A row an item, a column a template."""
    template: float
    """The variance between templates, as an estimate without bias: it may be negative."""
    item: float
    rest: float
    """What neither explains, a draw for each item in each template."""
    template_error: float
    """The standard error of the mean from templates alone."""

    @property
    def degrees(self) -> int:
        return int(self.values.shape[1]) - 1


def figures(rows: Sequence[Row]) -> Figures:
    """Accuracy over all items and templates."""
    ours = scored(rows)
    interval, chance = share_of(ours), chance_of(_first_of_each(rows))
    splits = [split for by_item in _sets(ours).values() if (split := _split(by_item)) is not None]
    is_mastered = interval.low is not None and interval.low > chance
    parts: Parts = {
        **_templates(ours),
        **_components(splits),
        **_over_templates(interval, splits),
        "same_in_all": _same_in_all(ours) if is_mastered else None,
        **group_means(ours, better="higher"),
        **if_wrong(rows),
    }
    known = sum(len(split.values) for split in splits)
    if splits and known < len({item_of(row) for row in rows}):
        parts["split/left_out"] = len({item_of(row) for row in rows}) - known
    what = "accuracy over items and templates"
    if not is_mastered:
        what += "; it is not shown to be above chance, so no agreement between templates is told"
    return Figures(interval=interval, parts=parts, measure=what, chance=chance)


def _first_of_each(rows: Sequence[Row]) -> list[Row]:
    return list({item_of(row): row for row in reversed(rows)}.values())


def _templates(rows: Sequence[Row]) -> Parts:
    """The accuracy in each template, the best, the worst, and how far they lie apart."""
    by_template: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        by_template[row.kind].append(row.value or 0.0)
    means = {kind: math.fsum(v) / len(v) for kind, v in sorted(by_template.items())}
    parts: Parts = {f"template/{kind}": mean for kind, mean in means.items()}
    if means:
        best, worst = max(means.values()), min(means.values())
        parts |= {"best_template": best, "worst_template": worst, "spread": best - worst}
    return parts


def _sets(rows: Sequence[Row]) -> Mapping[str, Mapping[str, dict[str, Row]]]:
    """Set of templates -> item -> template -> row."""
    found: dict[str, dict[str, dict[str, Row]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        found[row.group][item_of(row)][row.kind] = row
    return found


def _split(by_item: Mapping[str, Mapping[str, Row]]) -> Split | None:
    """The split of the items that have a value in every template; None with fewer than two of either."""
    templates = sorted({kind for found in by_item.values() for kind in found})
    whole = [found for found in by_item.values() if len(found) == len(templates)]
    if len(templates) < 2 or len(whole) < 2:
        return None
    y = np.array([[found[kind].value or 0.0 for kind in templates] for found in whole])
    clusters = tuple(found[templates[0]].cluster for found in whole)
    two_way = items_and_seeds(y, clusters=clusters)
    n, m = y.shape
    means = (y.mean(axis=0), y.mean(axis=1))
    rest = y - means[0] - means[1][:, None] + y.mean()
    left = float(np.sum(rest**2)) / ((n - 1) * (m - 1))
    return Split(
        values=y,
        template=float(means[0].var(ddof=1)) - left / n,
        item=float(means[1].var(ddof=1)) - left / m,
        rest=left,
        template_error=two_way.seed_error or 0.0,
    )


def _components(splits: Sequence[Split]) -> Parts:
    """The three standard deviations, of the variances pooled over sets; that of templates with its interval."""
    if not splits:
        return {}
    degrees = [split.degrees for split in splits]
    sizes = [len(split.values) - 1 for split in splits]
    template = float(np.average([split.template for split in splits], weights=degrees))
    # Where all answers are alike nothing is known of how much they might differ.
    some = any(split.values.std() > 0 for split in splits)
    low, high = map(_root, _template_limits(splits)) if some else (None, None)
    return {
        "sd/template": _root(template),
        "sd/template/low": low,
        "sd/template/high": high,
        "sd/item": _root(float(np.average([split.item for split in splits], weights=sizes))),
        "sd/rest": _root(float(np.average([split.rest for split in splits], weights=sizes))),
        "templates": sum(degrees) + len(splits),
    }


def _template_limits(splits: Sequence[Split]) -> tuple[float, float]:
    """Limits of the variance between templates: those of its mean square, less what items leave unexplained.

    Williams (1962), with the sets pooled: their mean squares, each of n_s items, are put on the scale of one item.
    """
    df = sum(split.degrees for split in splits)
    df_rest = sum(split.degrees * (len(split.values) - 1) for split in splits)
    between = sum(split.degrees * float(split.values.mean(axis=0).var(ddof=1)) for split in splits)
    noise = sum(split.degrees * split.rest / len(split.values) for split in splits)
    ends = []
    for at in ((1 + LEVEL) / 2, (1 - LEVEL) / 2):
        ratio = float(stats.f.ppf(at, df, df_rest))
        ends.append((between - ratio * noise) / float(stats.chi2.ppf(at, df)))
    return ends[0], ends[1]


def _over_templates(interval: Interval, splits: Sequence[Split]) -> Parts:
    """The interval for other items in these templates, and the one for other items in other templates.

    The second joins both errors by their squares, as `items_and_seeds` does; each set's templates are its own.
    """
    known = dict(zip(("low", "high"), (interval.low, interval.high), strict=True))
    parts: Parts = {f"over_items/{end}": at for end, at in known.items()}
    own = _half_of_templates(splits)
    for end, at in known.items():
        wide = None
        if at is not None and interval.value is not None and own is not None:
            half = math.copysign(math.hypot(at - interval.value, own), at - interval.value)
            wide = min(1.0, max(0.0, interval.value + half))
        parts[f"over_items_and_templates/{end}"] = wide
    return parts


def _half_of_templates(splits: Sequence[Split]) -> float | None:
    """How far the mean may lie from that of other templates; None where no set has two."""
    if not splits:
        return None
    sizes = [len(split.values) for split in splits]
    errors = [s.template_error * n / sum(sizes) for s, n in zip(splits, sizes, strict=True)]
    degrees = sum(split.degrees for split in splits)
    return float(stats.t.ppf((1 + LEVEL) / 2, degrees)) * math.hypot(*errors)


def _same_in_all(rows: Sequence[Row]) -> float | None:
    """The share of items that are answered the same in every template they were answered in."""
    by_item: dict[str, list[object]] = defaultdict(list)
    for row in rows:
        by_item[item_of(row)].append(said(row))
    several = [answers for answers in by_item.values() if len(answers) > 1]
    if not several:
        return None
    return sum(len(set(answers)) == 1 for answers in several) / len(several)


def _root(variance: float) -> float:
    return math.sqrt(max(0.0, variance))
