"""What a sweep will be before it runs: trials, trainable parameters, steps and memory, without loading anything.

`plan(spec)` reads the model's config and safetensors headers, applies each trial's adapter to them, and says what
cannot work: a target that matches nothing, an eval that does not exist. Rows are not read here: steps need
`num_rows`. Seconds stay unknown until a calibration has been measured on this machine.
"""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from workbench.plan.card import cost_card
from workbench.plan.locate import locate
from workbench.plan.memory import Memory, predict
from workbench.plan.shape import Shape, read_shape
from workbench.plan.sharing import alone_because, together
from workbench.plan.steps import optimizer_steps
from workbench.plan.targets import aim, counted
from workbench.scores.catalog import check_evals
from workbench.spec import ModelSpec, Spec, Trial


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
    """Base and adapter together."""
    steps: int | None
    """None where the number of rows is not known."""
    memory: Memory


class Plan(_Facts):
    """A sweep before it runs."""

    name: str
    model: ModelFacts
    """Of the first trial; a sweep over models has one in each trial."""
    trials: tuple[TrialPlan, ...]
    groups: tuple[tuple[str, ...], ...]
    """Trials that share each forward of one base: they are one training."""
    alone: dict[str, str]
    """Why a trial shares its forward with no other."""
    seconds: float | None = None
    """Unknown until this machine is calibrated."""

    def _repr_html_(self) -> str:
        return cost_card(self)


def plan(spec: Spec, *, num_rows: int | None = None) -> Plan:
    """What a sweep will be.

    Args:
        spec: The sweep, or one trial.
        num_rows: Rows of the training part, before `data.rows` takes some of them.
    """
    check_evals(spec.evals)
    shapes: dict[ModelSpec, Shape] = {}
    trials = []
    # Rows were counted once: where an axis changes which rows there are, the count says nothing.
    moving = {"data.id", "data.split", "data.eval_fraction"} & set(_axes(spec))
    for trial in spec.grid():
        model = trial.spec.model
        if model not in shapes:
            shapes[model] = read_shape(_folder(model))
        rows = None if moving else num_rows
        trials.append(_plan_trial(trial, shape=shapes[model], num_rows=rows))
    return Plan(
        name=spec.name,
        model=trials[0].model,
        trials=tuple(trials),
        groups=tuple(tuple(trial.name for trial in group) for group in together(spec.grid())),
        alone={t.name: why for t in spec.grid() if (why := alone_because(t.spec))},
    )


def _plan_trial(trial: Trial, *, shape: Shape, num_rows: int | None) -> TrialPlan:
    spec = trial.spec
    targets = aim(shape, adapter=spec.adapter)
    trainable = counted(shape, targets, adapter=spec.adapter)
    by_target: dict[str, int] = {}
    for target in targets:
        name = target.module.target
        by_target[name] = by_target.get(name, 0) + target.parameters
    return TrialPlan(
        name=trial.name,
        varied=trial.varied,
        model=_facts(shape, model_id=spec.model.id),
        trainable_parameters=trainable,
        by_target=by_target,
        total_parameters=shape.parameters + trainable,
        steps=_steps(spec, num_rows=num_rows),
        memory=predict(shape, spec=spec, targets=targets, trainable=trainable),
    )


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


def _folder(model: ModelSpec) -> Path:
    return locate(model.id, revision=model.revision, trust_remote_code=model.trust_remote_code)


def _axes(spec: Spec) -> list[str]:
    return [field.strip() for key in spec.sweep for field in key.split(",")]
