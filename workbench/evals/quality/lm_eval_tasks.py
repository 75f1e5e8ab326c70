"""The tasks of `lm-eval` by name, or by the path of a task file of one's own, ready to be asked.

`load_tasks("arc_easy")` gives the tasks that a name, a group or a tag stands for; `check_task` says beforehand what is wrong
with a name, and takes its data to this machine. What a task is made of, prompts, metrics and data, is `lm-eval`'s; its model classes, its caches and its
averages are not used. It asks nobody.
"""

import contextlib
import io
import logging
import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from yaml import YAMLError

from workbench.errors import DataError, SpecError, needs
from workbench.evals.metric_modules import offline
from workbench.evals.quality.lm_eval_files import check_metrics
from workbench.evals.quality.local_first import data_of_hub, is_missing
from workbench.scores.lm_eval import Reading

PACKAGE = "lm_eval"
FEWSHOT_SEED = 1234
"""That of `lm-eval`'s own command, so that the same examples stand before a question."""
FILE_ENDINGS = (".yaml", ".yml")
LOUD = (PACKAGE, "datasets", "huggingface_hub")
"""Whose loggers are silent while a task is loaded; what went wrong is said by our error."""

_BY_READING: dict[str, Reading] = {
    "mean": "as it is",
    "nanmean": "as it is",
    "bits_per_byte": "bits",
    "matthews_corrcoef": "agreement",
    "f1": "agreement",
    "perplexity": "log-likelihood",
}
"""How a metric is aggregated -> how one document of it is read; the first that a task has becomes its main metric."""


class Main(NamedTuple):
    """The metric whose value for a document becomes the value of a row."""

    name: str
    reading: Reading


class LoadedTask(NamedTuple):
    """One task of `lm-eval`, with what we need to know about it."""

    name: str
    task: Any
    main: Main
    pooled: dict[str, str]
    """Metric -> the name of its aggregation."""


def check_task(named: str) -> None:
    """Refuses what cannot be asked before anything starts: the name, the task file, and data that cannot be had."""
    check_name(named)
    if is_file(named):
        # It is its author's: whether it fits its data is seen only when its questions are made.
        load_tasks(named)
    else:
        _check_data(named)


def check_name(named: str) -> None:
    """Refuses a name that no task has, a task file that is not there, and any of them without the package."""
    if find_spec(PACKAGE) is None:
        raise needs(PACKAGE, f"the eval 'lm_eval:{named}'")
    if is_file(named):
        if not Path(named).expanduser().is_file():
            raise SpecError(f"evals: 'lm_eval:{named}': there is no file {named!r}")
    elif named not in _manager().all_tasks:
        # Thousands of names: the nearest help however far they are, and a list of the first ones never does.
        near = get_close_matches(named, _manager().all_tasks, n=3, cutoff=0)
        raise SpecError(
            f"evals: lm-eval has no task {named!r}. The nearest are {', '.join(map(repr, near))}; "
            "'lm_eval ls tasks' lists them all. A task file of your own is named by its path, "
            "'lm_eval:tasks/mine.yaml'"
        )


def is_file(named: str) -> bool:
    """Whether a task is named by the path of its file."""
    return named.lower().endswith(FILE_ENDINGS)


def load_tasks(named: str) -> list[LoadedTask]:
    """Every task that the name stands for, with its data and its prompts; a DataError where they cannot be had."""
    check_name(named)
    # A task file may name a metric that lm-eval has not; it would run what it finds of that name on the hub.
    with offline(), _quiet():
        loaded = _judged(named)
        for one in loaded:
            _make_requests(one)
    return loaded


@cache
def _check_data(named: str) -> None:
    """Once a process is enough: what was there stays there."""
    with offline(), _quiet():
        _judged(named)


def _judged(named: str) -> list[LoadedTask]:
    """Tasks with their data, of one metric, whose questions are not made yet."""
    loaded = [_prepared(task, name=name) for name, task in _load(named).items()]
    mains = {one.main for one in loaded}
    if len(mains) != 1:
        told = ", ".join(sorted(f"{one.name}: {one.main.name}" for one in loaded)[:6])
        raise DataError(
            f"'lm_eval:{named}' stands for tasks of different metrics, which have no mean ({told}); name "
            "those of one metric, each for itself"
        )
    return loaded


def _load(named: str) -> dict[str, Any]:
    try:
        if is_file(named):
            check_metrics(Path(named).expanduser())
            manager, target = _of_file(Path(named).expanduser())
        else:
            manager, target = _manager(), named
        found: dict[str, Any] = data_of_hub(lambda: manager.load(target)["tasks"])
    except DataError:
        raise
    except (
        OSError,
        ImportError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RuntimeError,
        YAMLError,
    ) as e:
        # What datasets and the hub raise without a network, and a task's own packages that are missing.
        if isinstance(e, ImportError) or is_missing(e):
            raise DataError(
                f"the data of 'lm_eval:{named}' cannot be had: {_first_line(e)}. Where there is no network they must "
                "lie in the cache of datasets already; or write a task file about a file of your own (dataset_path: "
                "json, dataset_kwargs: {data_files: ...})"
            ) from None
        raise DataError(
            f"'lm_eval:{named}' cannot be read: {type(e).__name__}: {_first_line(e)}"
        ) from None
    return found


@cache
def _manager() -> Any:
    """Knows `lm-eval`'s own tasks by name; reading their files takes seconds."""
    from lm_eval.tasks import TaskManager

    with _quiet():
        return TaskManager()


def _of_file(path: Path) -> tuple[Any, str]:
    """Who loads a task file, and by which word."""
    from lm_eval.tasks import TaskManager

    group = re.search(r"^group:\s*(\S+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    if group is None:
        return TaskManager(include_defaults=False), str(path)
    # It loads a task by its path, and a group by its name alone.
    return TaskManager(include_defaults=False, include_path=path.parent), group[1].strip("'\"")


def _prepared(task: Any, *, name: str) -> LoadedTask:
    if getattr(task, "UNSAFE_CODE", False):
        raise DataError(
            f"the task {name!r} of lm-eval runs code that the model writes; the workbench never does"
        )
    if getattr(task, "MULTIMODAL", False):
        raise DataError(
            f"the task {name!r} of lm-eval shows pictures or sounds; only text is asked"
        )
    if task.get_config("num_fewshot") is None:
        task.set_config(key="num_fewshot", value=0)
    task.set_fewshot_seed(seed=FEWSHOT_SEED)
    pooled = _aggregations(task)
    return LoadedTask(name, task, _main_metric(task, pooled=pooled, name=name), pooled)


def _make_requests(loaded: LoadedTask) -> None:
    try:
        loaded.task.build_all_requests(rank=0, world_size=1)
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise DataError(
            f"the task {loaded.name!r} of lm-eval does not fit its data: {type(error).__name__}: {_first_line(error)}"
        ) from None


def _aggregations(task: Any) -> dict[str, str]:
    from lm_eval.api.registry import AGGREGATION_REGISTRY

    names = {function: name for name, function in AGGREGATION_REGISTRY.items()}
    return {metric: names.get(way, "its own") for metric, way in task.aggregation().items()}


def _main_metric(task: Any, *, pooled: dict[str, str], name: str) -> Main:
    """The first metric that one document can have alone, rather one of which more is better."""
    more = {metric: task.higher_is_better().get(metric, True) for metric in pooled}
    for way, reading in _BY_READING.items():
        fitting = [metric for metric, own in pooled.items() if own == way]
        for metric in sorted(fitting, key=lambda metric: not more[metric]):
            turned = reading == "as it is" and not more[metric]
            return Main(metric, "negated" if turned else reading)
    raise DataError(
        f"the task {name!r} of lm-eval has no metric that one document can have alone, so its figure "
        f"would have no interval; its metrics are {', '.join(pooled)}"
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Progress bars have no switch, and loggers tell at length of defaults and of what was tried again."""
    before = {name: logging.getLogger(name).level for name in LOUD}
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    # How we look into the cache is ours, and no advice.
    first = lines[0].replace(" (OfflineModeIsEnabled)", "") if lines else type(error).__name__
    return re.sub(r"\s+", " ", first)[:300]
