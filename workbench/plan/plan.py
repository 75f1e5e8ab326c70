"""What a sweep will be before it runs: trials, trainable parameters, steps and memory, without loading anything.

`plan(spec)` reads the model's config and safetensors headers, applies each trial's adapter to them, and says what
cannot work: an eval that does not exist, and trial by trial a target that matches nothing or memory that this machine
has not. A trial that cannot work is refused by name and the others stay; when none can, that is an error. Rows are not
read here: steps need `num_rows`, and the length of rows some `texts`. Seconds, and what sharing a training gains, are
known once a worker has calibrated this machine (`calibration.py`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from workbench.errors import InputError, ModelError
from workbench.plan.calibration import Calibration
from workbench.plan.calibration import read as read_calibration
from workbench.plan.card import cost_card
from workbench.plan.forecast import forecast
from workbench.plan.head import head_numbers, without_writing
from workbench.plan.hub_memory import HubMemory
from workbench.plan.lengths import Lengths, Texts
from workbench.plan.lengths import measured as measured_lengths
from workbench.plan.memory import Memory, longest, mapped_bytes, pass_tokens, predict
from workbench.plan.room import Need, all_bytes, free_room, group_parts, too_large
from workbench.plan.shape import Shape, read_shape
from workbench.plan.sharing import alone_because, by_base, together
from workbench.plan.steps import optimizer_steps
from workbench.plan.suites import with_suites
from workbench.plan.targets import aim, counted
from workbench.plan.time import Work
from workbench.scores.catalog import check_evals
from workbench.spec import DataSpec, ModelSpec, Spec, Trial


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, protected_namespaces=())


class ModelFacts(_Facts):
    """The base model by its sizes."""

    id: str
    model_type: str
    parameters: int
    layers: int
    hidden_size: int
    vocab_size: int
    context: int | None
    targets: tuple[str, ...]
    """What target_modules may name."""


class TrialPlan(_Facts):
    """One trial before it runs."""

    name: str
    varied: dict[str, Any]
    model: ModelFacts
    trainable_parameters: int
    by_target: dict[str, int]
    """Adapter parameters by what target_modules calls the layer."""
    total_parameters: int
    """Base and adapter together; of full fine-tuning the base alone."""
    steps: int | None
    """None where the number of rows is not known."""
    memory: Memory
    pass_tokens: int = 0
    """Of its forward pass."""
    fewest_tokens: int = 0
    """Of one that happens to be small."""
    longest_row: int = 0
    """Tokens of its longest row, as far as is known."""
    mapped: int = 0
    """Bytes of the checkpoint that stay mapped beside a quantized base; no need, because they are given back."""


class Plan(_Facts):
    """A sweep before it runs."""

    name: str
    model: ModelFacts
    """Of the first trial; a sweep over models has one in each trial."""
    trials: tuple[TrialPlan, ...]
    """Those that can run."""
    groups: tuple[tuple[str, ...], ...]
    """Trials that share each forward of one base: they are one training."""
    alone: dict[str, str]
    """Why a trial shares its forward with no other."""
    refused: dict[str, str] = {}
    """Why a trial cannot run; the others do."""
    peak: int = 0
    """Bytes of the largest training, predicted."""
    parts: dict[str, int] = {}
    """The same by what they are for."""
    room: int | None = None
    """Bytes that this machine has; None where a GPU decides, which only the worker asks."""
    seconds: float | None = None
    """Of training alone, until the last trial has ended; None while it is unknown."""
    gain: float | None = None
    """How many times as long the steps take one trial after the other as they do together, at the groups as planned; None while
    it is unknown or nothing is shared."""
    worth_fusing: bool | None = None
    """Whether that is more than is lost otherwise; None where the gain is unknown."""
    rows_said: str = ""
    """What rows the prediction is for."""
    time_said: str = ""
    """The time in words, or why it is unknown."""
    gain_said: str = ""
    """The gain in words; empty where nothing is shared."""

    def _repr_html_(self) -> str:
        return cost_card(self)


def plan(
    spec: Spec,
    *,
    num_rows: int | None = None,
    num_labels: int | None = None,
    texts: Mapping[DataSpec, Texts] | None = None,
    refused: Mapping[str, InputError] | None = None,
    hub: HubMemory | None = None,
) -> Plan:
    """What a sweep will be.

    Args:
        spec: The sweep, or one trial.
        num_rows: Rows of the training part, before `data.rows` takes some of them.
        num_labels: What a classifier tells apart; None takes two.
        texts: Some rows of the sets that were looked into.
        refused: Trials that are known not to work, such as those whose data cannot be read.
        hub: What a hub said already; None asks it anew.
    """
    spec = with_suites(spec)
    for trial in spec.grid():
        check_evals(trial.spec.evals, task=trial.spec.adapter.task_type)
    problems: dict[str, InputError] = dict(refused or {})
    # Rows were counted once: where an axis changes which rows there are, the count says nothing.
    moving = {"data.id", "data.split", "data.eval_fraction"} & set(_axes(spec))
    rows = None if moving else num_rows
    calibration = read_calibration()
    works = _plan_trials(
        spec,
        num_rows=rows,
        num_labels=num_labels,
        texts=texts or {},
        calibration=calibration,
        problems=problems,
        hub=hub or HubMemory(),
    )
    if not works:
        raise next(iter(problems.values()))
    able = [trial for trial in spec.grid() if trial.name not in problems]
    return _whole(spec, able=able, works=works, problems=problems, calibration=calibration)


def _whole(
    spec: Spec,
    *,
    able: Sequence[Trial],
    works: Mapping[str, tuple[TrialPlan, Work]],
    problems: Mapping[str, InputError],
    calibration: Calibration | None,
) -> Plan:
    """The sweep that its trials make up."""
    planned = [made for made, _ in works.values()]
    needs = {made.name: _need(made) for made in planned}
    groups = together(able, needs=needs, room=free_room())
    parts = _parts(able, works=works, needs=needs, groups=groups)
    return Plan(
        name=spec.name,
        model=planned[0].model,
        trials=tuple(planned),
        groups=tuple(tuple(trial.name for trial in group) for group in groups),
        alone={t.name: why for t in able if (why := alone_because(t.spec))},
        refused={name: str(error) for name, error in problems.items()},
        peak=round(sum(parts.values())),
        parts={part: round(size) for part, size in parts.items()},
        room=all_bytes(),
        rows_said=next(iter(works.values()))[1].lengths.said,
        **forecast(
            {name: (made.steps, work) for name, (made, work) in works.items()},
            groups=[[trial.name for trial in group] for group in groups],
            calibration=calibration,
        ),
    )


def needs_of(planned: Plan) -> dict[str, Need]:
    """What each planned trial asks for."""
    return {trial.name: _need(trial) for trial in planned.trials}


def _need(planned: TrialPlan) -> Need:
    return Need(planned.memory, planned.pass_tokens, planned.longest_row, planned.fewest_tokens)


def _least(planned: TrialPlan) -> Need:
    """What a trial asks for however short its rows are: an upper bound of them refuses nobody."""
    without = {"activations": 0, "logits": 0, "slack": 0}
    return Need(planned.memory.model_copy(update=without), planned.pass_tokens)


def _mapped(planned: TrialPlan) -> dict[str, float]:
    return (
        {"pages of the checkpoint, given back when needed": planned.mapped}
        if planned.mapped
        else {}
    )


def _parts(
    trials: Sequence[Trial],
    *,
    works: Mapping[str, tuple[TrialPlan, Work]],
    needs: Mapping[str, Need],
    groups: Sequence[Sequence[Trial]],
) -> dict[str, float]:
    """The peak of the largest training by its parts, with the adapters of every trial on its base in memory."""
    adapters: dict[str, int] = {}
    for loaded in by_base(trials):
        total = sum(needs[trial.name].memory.adapter for trial in loaded)
        adapters |= dict.fromkeys((trial.name for trial in loaded), total)
    every = [
        group_parts([needs[t.name] for t in group], adapters=adapters[group[0].name])
        | _mapped(works[group[0].name][0])
        for group in groups
    ]
    return max(every, key=lambda parts: sum(parts.values()))


class _Model(NamedTuple):
    """A model as it lies on the disk."""

    folder: Path
    shape: Shape


def _plan_trials(
    spec: Spec,
    *,
    num_rows: int | None,
    num_labels: int | None,
    texts: Mapping[DataSpec, Texts],
    calibration: Calibration | None,
    problems: dict[str, InputError],
    hub: HubMemory,
) -> dict[str, tuple[TrialPlan, Work]]:
    """The trials that can run; why another cannot is added to the problems."""
    models: dict[ModelSpec, _Model | InputError] = {}
    planned: dict[str, tuple[TrialPlan, Work]] = {}
    for trial in spec.grid():
        if trial.name in problems:
            continue
        model = trial.spec.model
        if model not in models:
            models[model] = _model(model, hub=hub)
        try:
            if isinstance(found := models[model], InputError):
                raise found
            lengths = measured_lengths(
                found.folder,
                texts.get(trial.spec.data),
                spec=trial.spec,
                limit=longest(found.shape, spec=trial.spec),
            )
            made = _plan_trial(
                trial,
                found.shape,
                lengths=lengths,
                floor=calibration.floor_bytes if calibration else None,
                num_rows=num_rows,
                num_labels=num_labels,
            )
            if why := too_large(_need(made[0]) if lengths.sampled else _least(made[0])):
                raise ModelError(f"{model.id!r} is too large: {why}")
        except InputError as error:
            problems[trial.name] = error
        else:
            planned[trial.name] = made
    return planned


def _plan_trial(
    trial: Trial,
    shape: Shape,
    *,
    lengths: Lengths,
    floor: int | None,
    num_rows: int | None,
    num_labels: int | None,
) -> tuple[TrialPlan, Work]:
    spec = trial.spec
    targets = aim(shape, adapter=spec.adapter)
    trainable, base = counted(shape, targets, adapter=spec.adapter), shape.parameters
    if spec.adapter.task_type == "SEQ_CLS":
        head = head_numbers(shape, num_labels=num_labels)
        base = without_writing(shape) + head
        trainable = base if spec.adapter.peft_type == "FULL" else trainable + head
    by_target: dict[str, int] = {}
    for target in targets:
        name = target.module.target
        by_target[name] = by_target.get(name, 0) + target.parameters
    planned = TrialPlan(
        name=trial.name,
        varied=trial.varied,
        model=_facts(shape, model_id=spec.model.id),
        trainable_parameters=trainable,
        by_target=by_target,
        total_parameters=base if spec.adapter.peft_type == "FULL" else base + trainable,
        steps=_steps(spec, num_rows=num_rows),
        memory=predict(
            shape,
            spec=spec,
            targets=targets,
            trainable=trainable,
            lengths=lengths,
            floor=floor,
        ),
        pass_tokens=pass_tokens(shape, spec=spec, lengths=lengths),
        fewest_tokens=pass_tokens(shape, spec=spec, lengths=lengths, deviations=-2.0),
        longest_row=lengths.longest + spec.adapter.num_ahead,
        mapped=mapped_bytes(shape, dtype=spec.model.dtype, quantization=spec.quantization),
    )
    return planned, Work(spec, shape, targets, trainable, lengths)


def _steps(spec: Spec, *, num_rows: int | None) -> int | None:
    if spec.train.max_steps > 0:
        return spec.train.max_steps
    if num_rows is None:
        return None
    rows = min(num_rows, spec.data.rows) if spec.data.rows else num_rows
    return optimizer_steps(rows, train=spec.train)


def _facts(shape: Shape, *, model_id: str) -> ModelFacts:
    return ModelFacts(
        id=model_id,
        model_type=shape.model_type,
        parameters=shape.parameters,
        layers=shape.layers,
        hidden_size=shape.hidden,
        vocab_size=shape.vocabulary,
        context=shape.context,
        targets=tuple(sorted({m.target for m in shape.modules})),
    )


def _model(model: ModelSpec, *, hub: HubMemory) -> _Model | InputError:
    """The sizes of a model and where it lies, or why there are none."""
    try:
        folder = hub.folder(model)
        return _Model(folder, read_shape(folder))
    except InputError as error:
        return error


def _axes(spec: Spec) -> list[str]:
    return [field.strip() for key in spec.sweep for field in key.split(",")]
