"""What a deployment leaves in the folder of its trial: `deployment/` with every call, every text compared, and the facts.

    deployment/calls.parquet      a row a call: variant, cell, block, place, times
    deployment/agreement.parquet  a row a variant and text: divergence, share of same tokens
    deployment/deployment.json    variants, memory, energy, settings, machine, what was refused

Figures are made of the rows when they are read. It loads no torch.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.errors import StoreError
from workbench.runs.atomic import replacing, write_bytes
from workbench.timing.call import Call, Cell
from workbench.timing.energy import Turn

FOLDER = "deployment"
CALLS, AGREEMENT, FACTS = "calls.parquet", "agreement.parquet", "deployment.json"


def write(
    folder: Path,
    *,
    calls: Iterable[Call],
    agreement: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Any],
) -> None:
    """Put all three where they belong; the facts come last, so that a folder that has them is whole."""
    import pyarrow as pa

    place = folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    _write_table(place / CALLS, pa.Table.from_pylist([_row(call) for call in calls], _calls()))
    _write_table(place / AGREEMENT, pa.Table.from_pylist(list(agreement), _texts()))
    write_bytes(place / FACTS, json.dumps(facts, indent=1, allow_nan=False).encode())


def read_calls(folder: Path) -> list[Call]:
    """Every call, in the order in which they were made."""
    return [_call(row) for row in _read_table(folder / FOLDER / CALLS)]


def read_agreement(folder: Path) -> list[dict[str, Any]]:
    """Every text compared."""
    return _read_table(folder / FOLDER / AGREEMENT)


def read_facts(folder: Path) -> dict[str, Any]:
    """The facts; empty where nothing was measured."""
    path = folder / FOLDER / FACTS
    if not path.is_file():
        return {}
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"{str(path)!r} cannot be read: {error}. Measure it again") from None
    return told


def turns(facts: Mapping[str, Any]) -> list[Turn]:
    """Every turn of calls whose energy was counted, of the facts; none where no counter was."""
    kept = facts.get("energy", {}).get("turns", ())
    return [Turn(**{**turn, "cell": Cell(**turn["cell"])}) for turn in kept]


def _row(call: Call) -> dict[str, Any]:
    cell = call.cell
    return {
        "variant": call.variant,
        "input_tokens": cell.input_tokens,
        "output_tokens": cell.output_tokens,
        "batch": cell.batch,
        "block": call.block,
        "place": call.place,
        "began": call.began,
        "ttft_ms": None if call.error else call.ttft_ms,
        "gaps_ms": list(call.gaps_ms),
        "error": call.error,
    }


def _call(row: Mapping[str, Any]) -> Call:
    timed = {} if row["ttft_ms"] is None else {"ttft_ms": row["ttft_ms"]}
    return Call(
        variant=row["variant"],
        cell=Cell(row["input_tokens"], row["output_tokens"], row["batch"]),
        block=row["block"],
        place=row["place"],
        began=row["began"],
        gaps_ms=tuple(row["gaps_ms"]),
        error=row["error"],
        **timed,
    )


def _calls() -> Any:
    import pyarrow as pa

    whole, real, text = pa.int64(), pa.float64(), pa.string()
    return pa.schema(
        [
            ("variant", text),
            ("input_tokens", whole),
            ("output_tokens", whole),
            ("batch", whole),
            ("block", whole),
            ("place", whole),
            ("began", real),
            ("ttft_ms", real),
            ("gaps_ms", pa.list_(real)),
            ("error", text),
        ]
    )


def _texts() -> Any:
    import pyarrow as pa

    whole, real = pa.int64(), pa.float64()
    return pa.schema(
        [
            ("variant", pa.string()),
            ("text", whole),
            ("tokens", whole),
            ("divergence", real),
            ("same", real),
            ("largest", real),
        ]
    )


def _write_table(path: Path, table: Any) -> None:
    import pyarrow.parquet as pq

    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def _read_table(path: Path) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[dict[str, Any]] = pq.ParquetFile(path).read().to_pylist()
    except FileNotFoundError:
        raise StoreError(f"{str(path)!r} is not there; measure the deployment again") from None
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{str(path)!r} cannot be read: {error}") from None
    return rows
