"""What a trial is like where it serves, in one table: how its base is stored, what it holds, how it is as attached and as merged.

`storage_table(report)` has a line for each trial where bases are stored differently, or where distances from full precision were
asked; elsewhere there is none. Memory is predicted, everything else was measured.
"""

from workbench.compare import wording
from workbench.compare.figure import Figure, figure_of
from workbench.compare.markup import Cell, Column, Line, Table, number_column
from workbench.compare.reading import Reading
from workbench.compare.table import Standing
from workbench.naming import storage_name
from workbench.report.sections import Report
from workbench.scores.task import BASE

LATENCY, FIDELITY = "latency", "fidelity"


def storage_table(report: Report) -> Table | None:
    """A trial a line; None where all are stored alike and no distance was asked."""
    reading, lines = report.comparison.reading, report.comparison.standings
    ours = [line for line in lines if line.name != BASE]
    has_memory = any(line.held_bytes for line in ours)
    has_distance = FIDELITY in reading.evals
    if not ours or not (has_memory or has_distance):
        return None
    has_latency = LATENCY in reading.evals
    columns = [Column(key="trial", title="trial"), Column(key="stored", title="base stored as")]
    if has_memory:
        columns.append(number_column("memory", "memory", note="MB, predicted"))
    if has_latency:
        columns.append(number_column("latency", "attached", note=_unit(reading, LATENCY)))
    if has_distance:
        unit = _unit(reading, FIDELITY)
        columns.append(number_column("attached", "distance, attached", note=unit))
        columns.append(number_column("merged", "distance, merged", note=unit))
    body = []
    for line in ours:
        cells = [Cell(raw=line.name, text=line.name), _stored(reading, line)]
        cells += [_memory(line)] if has_memory else []
        cells += [_figure(reading, line.name, LATENCY)] if has_latency else []
        if has_distance:
            cells += [_figure(reading, line.name, FIDELITY), _merged(reading, line.name)]
        body.append(Line(cells=tuple(cells)))
    return Table(columns=tuple(columns), lines=tuple(body), caption=_caption(reading))


def _caption(reading: Reading) -> str:
    words = "As stored, as attached"
    if FIDELITY in reading.evals:
        words += ", and as merged; distances are from full precision"
    base = figure_of(reading, BASE, LATENCY)
    if base is None or base.value is None:
        return f"{words}."
    time = wording.amount(base.value, _unit(reading, LATENCY))
    return (
        f"{words}. A merged adapter takes the time of its base; the base without one took {time}."
    )


def _unit(reading: Reading, eval: str) -> str:
    sort = reading.sort_of(eval)
    return "" if sort is None else wording.shown_unit(sort.unit)


def _stored(reading: Reading, line: Standing) -> Cell:
    slots = reading.slots(line.name)
    spec = next(trial.spec for trial in reading.trials if trial.name == slots[0])
    kept = spec.quantization.model_dump() if spec.quantization is not None else None
    name = storage_name(kept)
    said = str(spec.model.dtype) if kept is None else name
    return Cell(raw=said, text=said)


def _memory(line: Standing) -> Cell:
    held = line.held_bytes
    return Cell(raw=held, text=wording.MISSING if held is None else f"{held / 1e6:.3g}")


def _figure(reading: Reading, name: str, eval: str) -> Cell:
    found: Figure | None = figure_of(reading, name, eval)
    if found is None or found.value is None:
        return Cell(raw=None, text=wording.MISSING)
    unit = _unit(reading, eval)
    return Cell(
        raw=found.value,
        text=wording.number(found.value, unit),
        beside=wording.interval(found.low, found.high, unit),
        numbers=(("low", found.low), ("high", found.high)),
    )


def _merged(reading: Reading, name: str) -> Cell:
    """The distance of the merged adapter, of several seeds their mean."""
    scores = [reading.score(slot, FIDELITY) for slot in reading.slots(name)]
    values = [v for one in scores if one is not None and (v := one.parts.get("merged")) is not None]
    if not values:
        return Cell(raw=None, text=wording.MISSING)
    mean = sum(values) / len(values)
    return Cell(raw=mean, text=wording.number(mean, "nats/token"))
