"""Metrics of the library evaluate at hand: our own from the package, others from its cache on this machine; never a network.

`find("squad_f1")` is where a metric's module lies, `load("squad_f1")` a `Loaded` that computes it of texts. A metric that is
neither ours nor cached is our error, and names the nearest. Loading one runs its code: ours, or what you once loaded by
that name yourself; a file of that name in the working folder is never taken. It knows no eval.
"""

import atexit
import functools
import importlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import DataError, SpecError, nearest

_log = logging.getLogger(__name__)

OURS = Path(__file__).resolve().parent.parent / "metrics"
CACHED_AS = ("evaluate-metric--", "evaluate-measurement--")
"""How evaluate's cache calls the metrics of its own organisations."""
HASH_LENGTH = 64


@dataclass(frozen=True)
class Loaded:
    """A metric, ready to be computed of texts."""

    name: str
    module: Any
    numbers: type | None
    """What texts have to be turned into; None where they stay texts."""
    many: bool
    """Whether every reference is a list of texts."""

    def compute(
        self, said: Sequence[str | float], references: Sequence[Sequence[str | float]]
    ) -> dict[str, float]:
        """Every number that the metric gives; the one called as the metric first."""
        known: list[Any] = [list(some) if self.many else some[0] for some in references]
        try:
            found = self.module.compute(predictions=list(said), references=known)
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise DataError(
                f"the metric {self.name!r} cannot be computed: {type(error).__name__}: "
                f"{' '.join(str(error).split())[:200]}"
            ) from None
        numbers = {key: float(one) for key, one in (found or {}).items() if _is_number(one)}
        if not numbers:
            raise DataError(f"the metric {self.name!r} gives no number, but {found!r:.200}")
        first = next((key for key in numbers if key == self.name), next(iter(numbers)))
        return {first: numbers[first], **numbers}


def known() -> list[str]:
    """The metrics at hand, ours first."""
    return list(dict.fromkeys([*_ours(), *_cached()]))


def find(name: str) -> Path:
    """Where the module of a metric lies; an error where it is neither ours nor in the cache."""
    if name in _ours():
        return OURS / name / f"{name}.py"
    found = _cached().get(name)
    if found is None:
        raise SpecError(
            f"evals: there is no metric {name!r} here. {nearest(name, known())} Others can be used once they "
            f"are in the cache of evaluate on this machine: python -c 'import evaluate; evaluate.load(\"{name}\")'"
        )
    return found


@functools.cache
def load(name: str) -> Loaded:
    """The metric of that name."""
    script = find(name)
    import evaluate

    with offline():
        folder = _writable(evaluate)
        try:
            module = evaluate.load(
                str(script), cache_dir=str(folder / "computing"), keep_in_memory=True
            )
        except ImportError as error:
            reason = " ".join(str(error).split())[:300]
            raise DataError(f"the metric {name!r} needs a package: {reason}") from None
        except (OSError, ValueError, TypeError, RuntimeError, AttributeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"the metric {name!r} cannot be loaded: {reason}") from None
    return _shaped(name, module)


def _shaped(name: str, module: Any) -> Loaded:
    """How texts have to be handed to a metric, by the first form of its inputs that texts fit."""
    features = module.features
    for form in features if isinstance(features, list) else [features]:
        said, known = form.get("predictions"), form.get("references")
        inner = getattr(known, "feature", None)
        kinds = [
            getattr(one, "dtype", None) for one in (said, inner if inner is not None else known)
        ]
        if set(form) == {"predictions", "references"} and all(map(_is_plain, kinds)):
            return Loaded(name, module, _number_of(str(kinds[0])), inner is not None)
    raise DataError(
        f"the metric {name!r} asks for {str(features)[:300]}; supported are metrics of texts or numbers called "
        "predictions and references"
    )


def _is_plain(kind: Any) -> bool:
    return isinstance(kind, str) and kind.startswith(
        ("string", "large_string", "int", "uint", "float")
    )


def _number_of(kind: str) -> type | None:
    return float if kind.startswith("float") else int if "int" in kind else None


def _is_number(value: Any) -> bool:
    return hasattr(value, "__float__") and not isinstance(value, bool)


def _ours() -> list[str]:
    return sorted(path.name for path in OURS.iterdir() if (path / f"{path.name}.py").is_file())


def _cached() -> Mapping[str, Path]:
    """The metrics that evaluate has kept on this machine -> the newest file of each."""
    folder = _modules_folder() / "evaluate_modules" / "metrics"
    found: dict[str, Path] = {}
    for kept in sorted(folder.glob("*--*/")):
        file = kept.name.split("--")[-1] + ".py"
        scripts = [one / file for one in kept.iterdir() if len(one.name) == HASH_LENGTH]
        scripts = [one for one in scripts if one.is_file()]
        if scripts:
            newest = max(scripts, key=lambda one: one.stat().st_mtime)
            found.setdefault(_hub_name(kept.name), newest)
    return found


def _hub_name(folder: str) -> str:
    for prefix in CACHED_AS:
        if folder.startswith(prefix):
            return folder.removeprefix(prefix)
    return folder.replace("--", "/", 1)


def _modules_folder() -> Path:
    """Where evaluate keeps modules, found without importing it: that takes seconds."""
    stated = os.environ.get("HF_MODULES_CACHE")
    if stated:
        return Path(stated)
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface"
    return Path(os.environ.get("HF_HOME", str(cache))).expanduser() / "modules"


@contextmanager
def offline() -> Iterator[None]:
    """No request while a metric loads, whoever loads it: what is not here must be an error, and at once."""
    import evaluate

    before = evaluate.config.HF_EVALUATE_OFFLINE
    evaluate.config.HF_EVALUATE_OFFLINE = True
    try:
        yield
    finally:
        evaluate.config.HF_EVALUATE_OFFLINE = before


def _writable(evaluate: Any) -> Path:
    """Where evaluate may put copies of modules: its own folder, or one of ours where that cannot be written."""
    own = Path(evaluate.config.HF_MODULES_CACHE)
    try:
        own.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=own):
            return own
    except OSError as error:
        folder = Path(tempfile.mkdtemp(prefix="workbench-metrics-"))
        _log.warning("%s cannot be written (%s); metrics are copied to %s", own, error, folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    evaluate.config.HF_MODULES_CACHE = folder
    importlib.invalidate_caches()
    return folder
