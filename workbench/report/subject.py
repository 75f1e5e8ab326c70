"""The adapter a card is about: one trial of a sweep, read together with its base and with nobody else.

`subject(path, trial)` reads the folder and leaves one candidate in it, so that intervals, differences and caveats are those of
this adapter alone, whatever its sweep holds besides. It writes nothing.
"""

import hashlib
import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePath

from workbench.compare.comparison import Comparison
from workbench.compare.outcomes import Outcome
from workbench.compare.pairing import Difference
from workbench.compare.reading import Candidate, Reading, primary_eval, read
from workbench.errors import StoreError
from workbench.report.stated import FILE, Stated
from workbench.scores.task import BASE
from workbench.spec import Spec, Trial

MICROWORLD = "microworld"
WEIGHTS = "adapter_model.safetensors"

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_ABSOLUTE = re.compile(r"^(/|~|[A-Za-z]:[\\/])")


@dataclass(frozen=True)
class Subject:
    """One trial and its base."""

    comparison: Comparison
    trial: Trial
    among: int
    """How many trials the sweep has, this one among them."""
    stated: Stated

    @property
    def reading(self) -> Reading:
        """What the folder says of the trial and its base."""
        return self.comparison.reading

    @property
    def spec(self) -> Spec:
        """The trial's own spec."""
        return self.trial.spec

    @property
    def name(self) -> str:
        """What the adapter is called."""
        return self.trial.name

    @property
    def outcome(self) -> Outcome:
        """How its training ended."""
        return self.reading.outcomes[self.name]

    @property
    def folder(self) -> Path:
        """Where what it learned lies."""
        return self.reading.store.folder(self.name) / self.spec.adapter.kept_as

    @property
    def is_full(self) -> bool:
        """Whether all weights were trained, so that it is a model and no adapter."""
        return self.spec.adapter.peft_type == "FULL"

    @property
    def is_classifier(self) -> bool:
        """Whether it tells rows apart."""
        return self.spec.adapter.task_type == "SEQ_CLS"

    @property
    def is_foreign(self) -> bool:
        """Whether it was trained elsewhere."""
        return bool(self.reading.made_elsewhere)

    @property
    def hub_base(self) -> str:
        """The base as the Hub knows it; empty for a folder and for the micro-world."""
        id = self.spec.model.id
        is_local = id == MICROWORLD or Path(id).expanduser().is_dir() or ".." in id
        return "" if is_local or not _HUB_ID.fullmatch(id) else id

    @property
    def base_name(self) -> str:
        """The base in a word that holds no path of this machine."""
        return for_others(self.spec.model.id)

    @cached_property
    def differences(self) -> dict[str, Difference]:
        """Eval -> the paired difference to the base, all of them corrected together."""
        return {one.eval: one for one in self.comparison.differences if one.of == self.name}

    @cached_property
    def sha256(self) -> str:
        """Of the adapter's weights; empty where there are none."""
        path = self.folder / WEIGHTS
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def subject(path: str | Path, trial: str, *, stated: Stated | None = None) -> Subject:
    """One trial of a sweep; what is stated comes from the sweep's card.yaml when it is not given."""
    reading = read(path)
    reading.store.folder(trial)
    if trial == BASE:
        raise StoreError(
            f"{BASE!r} is the model without an adapter and has no card here; name a trial: "
            + ", ".join(one.name for one in reading.trials[:20])
        )
    if stated is None:
        file = reading.store.path / FILE
        stated = Stated.load(file) if file.exists() else Stated()
    alone = _alone(reading, next(one for one in reading.trials if one.name == trial))
    comparison = Comparison(alone, primary_eval(alone, asked=None))
    return Subject(comparison, alone.trials[0], len(reading.trials), stated)


def for_others(name: str) -> str:
    """A model or a data set in a word that holds no path of this machine.

    >>> for_others("owner/name"), for_others("/data/ann/rows.jsonl")
    ('owner/name', 'rows.jsonl')
    """
    return PurePath(name.replace("\\", "/")).name if _ABSOLUTE.match(name) else name


def _alone(reading: Reading, trial: Trial) -> Reading:
    """The same folder with one trial in it."""
    outcome = reading.outcomes[trial.name]
    one = Candidate(
        name=trial.name,
        trials=(trial.name,),
        seeds=(trial.spec.seed,),
        varied={},
        trainable_parameters=outcome.trainable_parameters,
    )
    scores = {key: score for key, score in reading.scores.items() if key[0] in (BASE, trial.name)}
    asked = {eval for slot, eval in scores if slot == trial.name}
    return replace(
        reading,
        trials=(trial,),
        candidates=(one,),
        outcomes={trial.name: outcome},
        scores={key: score for key, score in scores.items() if key[1] in asked},
        evals=tuple(eval for eval in reading.evals if eval in asked),
        warnings=tuple(one for one in reading.warnings if one.trial in ("", BASE, trial.name)),
        problems=[],
        worked_out={},
    )
