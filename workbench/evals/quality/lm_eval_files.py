"""Looks at a task file of one's own for `lm-eval` before it is loaded: the metrics that it names.

`check_metrics(path)` refuses a metric that neither `lm-eval` nor evaluate's cache has, by its name; `lm-eval` itself says only
that something was no key. It loads no data and runs none of the file's functions.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench.errors import DataError, SpecError, nearest
from workbench.evals import metric_modules


def check_metrics(path: Path) -> None:
    """Refuses a metric that nobody has, and one that lacks the word for how it is taken together."""
    from lm_eval.api import metrics as _  # noqa: F401  It fills the registry.
    from lm_eval.api.registry import metric_agg_registry, metric_registry
    from lm_eval.tasks._yaml_loader import load_yaml

    for entry in _entries(load_yaml(path, resolve_func=False)):
        name = entry.get("metric")
        if not isinstance(name, str) or "." in name:
            # A function of the author's own, which is named by where it lies.
            continue
        if name not in metric_registry or entry.get("hf_evaluate") is True:
            _check_cached(name, known=metric_registry, path=path)
        if "aggregation" not in entry and name not in metric_agg_registry:
            raise DataError(
                f"'lm_eval:{path}': nothing says how the metric {name!r} of its documents becomes one figure; "
                "write it below the metric, such as aggregation: mean"
            )


def _check_cached(name: str, *, known: Mapping[str, Any], path: Path) -> None:
    try:
        metric_modules.find(name)
    except SpecError:
        raise DataError(
            f"'lm_eval:{path}' names the metric {name!r}, which neither lm-eval nor the cache of evaluate on this "
            f"machine has. {nearest(name, known)}"
        ) from None


def _entries(said: Any) -> Iterator[Mapping[str, Any]]:
    """Every entry of a metric_list, in a task and in the tasks of a group."""
    if isinstance(said, Mapping):
        for key, value in said.items():
            if key == "metric_list" and isinstance(value, list):
                yield from (one for one in value if isinstance(one, Mapping))
            else:
                yield from _entries(value)
    elif isinstance(said, list):
        for one in said:
            yield from _entries(one)
