"""Adapters from anywhere become the trials of a sweep that nobody has to train.

`adopt(paths, evals=...)` checks everything that can be checked without torch, makes the sweep's folder and puts a copy
of each adapter where training would have left it, so that asking, `compare` and `report` need not know the
difference. `foreign.json` in the folder says where each came from. It asks nobody: see `asking.py`.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench import events
from workbench.data.sources import check_data
from workbench.errors import InputError, ModelError, SpecError
from workbench.evals.quality.benchmarks import check_files
from workbench.foreign.fit import check_fit
from workbench.foreign.folder import CONFIG, WEIGHTS, Found, read_folder
from workbench.plan import plan as predict
from workbench.plan.locate import MICROWORLD, locate, name_for_others
from workbench.plan.shape import read_shape
from workbench.plan.suites import tells_facts
from workbench.runs.store import TAKEN, SweepStore
from workbench.scores.catalog import check_evals, eval_info
from workbench.scores.suites import expand
from workbench.spec import Spec

RECORD = "foreign.json"
"""Its presence says that a sweep's adapters were made elsewhere."""

NO_DATA = "none"
"""What the spec calls the rows where none were given."""

ASK_ROWS = ("recall", "sentiment", "dialogue", "slick")
"""Evals that ask rows of one's own, where the model did not grow up in the micro-world."""

MICROWORLD_ONLY = ("paraphrase", "letters")
"""Evals that know their answers in the micro-world only."""

_SAYS_LITTLE = re.compile(
    r"(adapter|model|final|last|best|output|checkpoint[-_]?\d*)", re.IGNORECASE
)


def adopt(
    paths: Sequence[Path],
    *,
    evals: Sequence[str],
    base: str | None = None,
    data: str | None = None,
    files: Mapping[str, str | Path] | None = None,
    out: Path | None = None,
) -> SweepStore:
    """A sweep folder whose trials are these adapters or models.

    Args:
        paths: Folders; each becomes a trial.
        evals: What they are going to be asked, suites among them.
        base: The model they are put on; None takes the one that they name.
        data: Rows to ask: a file, `microworld/<set>` or a hub id.
        files: Eval -> the file that it asks.
        out: The folder to make; None makes one under `runs`.
    """
    found = [read_folder(Path(path)) for path in paths]
    _check_twice(found)
    evals = expand(evals, files=files, tells_facts=tells_facts(data or ""))
    _check_names(evals)
    base = base or _stated(found)
    _check_rows(evals, base=base, data=data)
    shape = read_shape(locate(base))
    for one in found:
        check_fit(one, shape=shape, base=base)
    names = _names(found)
    spec = _spec(found, names, base=base, evals=evals, data=data, out=out)
    if spec.data.id != NO_DATA:
        check_data(spec.data)
    planned = predict(spec)
    if planned.refused:
        raise ModelError(next(iter(planned.refused.values())))
    store = SweepStore.create(spec, root=Path("runs") if out is None else out.parent)
    store.write_json("plan.json", planned.model_dump(mode="json"))
    _fill(store, dict(zip(names, found, strict=True)), base=base)
    return store


def _check_names(evals: Sequence[str]) -> None:
    if not evals:
        raise SpecError(
            "evals: nothing is to be asked; name at least one, with commas between them, such as "
            "--evals retention,fidelity"
        )
    check_evals(evals)
    check_files(evals)


def _check_twice(found: Sequence[Found]) -> None:
    places = [one.path.resolve() for one in found]
    for one, place in zip(found, places, strict=True):
        if places.count(place) > 1:
            raise InputError(f"{str(one.path)!r} is given twice; each folder is asked once")


def _stated(found: Sequence[Found]) -> str:
    """The base that folders name, when nobody else does; of a whole model itself."""
    stated = {one.stated_base or (str(one.path) if one.is_model else "") for one in found}
    if stated == {""}:
        raise ModelError(
            f"{str(found[0].path)!r} does not say on which base it was made; give it: --base MODEL"
        )
    if len(stated) > 1:
        named = ", ".join(repr(base) for base in sorted(stated) if base)
        raise ModelError(
            f"these folders name different bases ({named}); those that are compared need one: --base MODEL"
        )
    (base,) = stated
    try:
        locate(base)
    except ModelError as error:
        raise ModelError(
            f"{str(found[0].path)!r} was made on {base!r}, which is not to be had: {error}. Or say where "
            "its base is: --base MODEL"
        ) from None
    return MICROWORLD if _is_microworld(base) else base


def _is_microworld(base: str) -> bool:
    return base == MICROWORLD or name_for_others(base) == name_for_others(MICROWORLD)


def _check_rows(evals: Sequence[str], *, base: str, data: str | None) -> None:
    """Refuse what would have nothing to ask."""
    if _is_microworld(base):
        return
    for name in evals:
        kind = eval_info(name).name
        if kind in MICROWORLD_ONLY:
            raise SpecError(
                f"evals: {name!r} asks about the micro-world, and {base!r} is another model; leave it out"
            )
        if kind in ASK_ROWS and data is None:
            raise SpecError(
                f"evals: {name!r} asks rows of your own, and none are given; say which: --data FILE"
            )


def _names(found: Sequence[Found]) -> list[str]:
    """What each is called: its folder, with the one above where that says little or is not the only one."""
    short = [_word(one.path.resolve().name) for one in found]
    names: list[str] = []
    for one, word in zip(found, short, strict=True):
        path = one.path.resolve()
        if word == "adapter" and (path.parents[1] / "status.json").is_file():
            word = _word(f"{path.parents[1].name}-{path.parent.name}")  # of a trial of a sweep
        elif _SAYS_LITTLE.fullmatch(word) or short.count(word) > 1 or word in TAKEN:
            word = _word(f"{path.parent.name}-{path.name}")
        plain, number = word, 2
        while word in names or word in TAKEN:
            word, number = f"{plain}-{number}", number + 1
        names.append(word)
    return names


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.")[-60:].strip("-.") or "adapter"


def _spec(
    found: Sequence[Found],
    names: Sequence[str],
    *,
    base: str,
    evals: Sequence[str],
    data: str | None,
    out: Path | None,
) -> Spec:
    """The spec of such a sweep: what differs between adapters is one axis of many fields."""
    every = list(dict.fromkeys(field for one in found for field in one.adapter))
    first = found[0].adapter
    same = [f for f in every if all(f in o.adapter and o.adapter[f] == first[f] for o in found)]
    differ = [field for field in every if field not in same]
    points = [[n, *(_said(o, f) for f in differ)] for n, o in zip(names, found, strict=True)]
    axis = ", ".join(f"adapter.{field}" for field in ("adapter_name", *differ))
    if data is None:
        data = "microworld/updates" if _is_microworld(base) else NO_DATA
    return Spec.from_fields(
        {
            "name": out.name if out is not None else names[0] if len(names) == 1 else "adapters",
            "model": {"id": base},
            "adapter": {field: first[field] for field in same},
            "data": {"id": data},
            "evals": list(evals),
            "sweep": {axis: points if differ else list(names)},
        },
        source="a sweep of these adapters",
    )


def _said(one: Found, field: str) -> Any:
    if field in one.adapter:
        return one.adapter[field]
    said: dict[str, Any] = one.spec.model_dump(mode="json")
    return said[field]


def _fill(store: SweepStore, found: Mapping[str, Found], *, base: str) -> None:
    """Each adapter where training would have left it, and what is known of where it comes from."""
    record = {}
    for trial in store.trials:
        one = found[trial.name]
        place = store.folder(trial.name) / trial.spec.adapter.kept_as
        if one.is_model:
            # A whole model is large: it stays where it is, as the base does.
            place.symlink_to(one.path.resolve(), target_is_directory=True)
        else:
            place.mkdir()
            for name in (CONFIG, WEIGHTS):
                shutil.copyfile(one.path / name, place / name)
        record[trial.name] = {
            "path": str(one.path.resolve()),
            "base": one.stated_base,
            "sha256": one.sha256,
        }
        for why in _doubts(one, base=base):
            store.append(
                events.Warned(trial=trial.name, code="base", message=f"{trial.name}: {why}")
            )
    store.write_json(RECORD, record)
    store.set_status(trials=dict.fromkeys(found, "trained"))


def _doubts(one: Found, *, base: str) -> list[str]:
    stated = one.stated_base
    if not stated or stated == base or name_for_others(base) == _place(stated):
        return []
    return [
        f"it says that it was made on {stated!r}, and is put on {base!r}; where that is another model "
        "its figures say nothing"
    ]


def _place(stated: str) -> str:
    folder = Path(stated).expanduser()
    return str(folder.resolve()) if folder.is_dir() else stated
