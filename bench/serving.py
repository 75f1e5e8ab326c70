"""Ways to serve an adapter, timed in turns: `python -m bench.serving`, `--only microworld`; what `workbench deploy` measures.

Each model is a process of its own with two adapters of drawn weights, which are served as trained ones are. It leaves
`serving-<model>.json`, from which the page is written. It trains nothing, and says nothing about quality.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.engine import write
from bench.machine import ROOT, describe, environment
from bench.page import PAGE, RESULTS, page
from bench.printing import say, show_sheet
from bench.serving_tables import size_table, time_tables
from bench.suite import SHARED


@dataclass(frozen=True, kw_only=True)
class ServingCase:
    """One model and the work that it is given."""

    name: str
    input_tokens: tuple[int, ...] = (32, 128)
    output_tokens: int = 16
    batch: tuple[int, ...] = (1, 8)
    seconds: float = 120.0


CASES = (
    ServingCase(name="microworld"),
    ServingCase(name="bitstories-3M"),
    ServingCase(
        name="smollm-135M-shape", input_tokens=(32,), output_tokens=8, batch=(1, 4), seconds=240
    ),
)
RANKS = (8, 16)


def main() -> None:
    """Measure the cases that are asked for, or one in this process."""
    parser = argparse.ArgumentParser(prog="python -m bench.serving", description=__doc__)
    parser.add_argument("--only", type=lambda text: text.split(","), default=[])
    parser.add_argument("--seconds", type=float, help="what each case may take")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    said = parser.parse_args()
    if said.case:
        case = next(one for one in CASES if one.name == said.case)
        write(measured(case, seconds=said.seconds or case.seconds), to=said.out)
        return
    for case in CASES:
        if said.only and case.name not in said.only:
            continue
        if why := skipped_because(case):
            say(f"without {case.name}: {why}")
            continue
        file = said.out / f"serving-{case.name}.json"
        command = [sys.executable, "-m", "bench.serving", "--case", case.name, "--out", str(file)]
        command += ["--seconds", str(said.seconds)] if said.seconds else []
        subprocess.run(command, cwd=ROOT, env=environment(), check=True)
        show(file)
    if said.out == RESULTS:
        PAGE.write_text(page(sorted(RESULTS.glob("*.json"))))


def skipped_because(case: ServingCase) -> str:
    """Why a case cannot be measured here; empty where it can."""
    if case.name == "bitstories-3M" and not (SHARED / "models" / case.name).is_dir():
        return f"{case.name} does not lie in {SHARED.name}; WORKBENCH_SHARED names another place"
    return ""


def show(file: Path) -> None:
    """The tables of a stored result."""
    import json

    stored = json.loads(file.read_text())
    for title, sheet in time_tables(stored):
        say(title)
        show_sheet(sheet)
    show_sheet(size_table(stored))


def measured(case: ServingCase, *, seconds: float) -> dict[str, Any]:
    """Everything that is kept of a case."""
    from workbench.cli.deploying import as_numbers
    from workbench.deployment.running import deploy

    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        trial = _sweep(case, Path(place))
        found = deploy(
            trial,
            input_tokens=case.input_tokens,
            output_tokens=(case.output_tokens,),
            batch=case.batch,
            seconds=seconds,
        )
        told = as_numbers(found)
        told["doubts"] = [f"{one.variant} at {one.cell}: {one.sentence}" for one in found.flags]
    return {"serving": case.name, "machine": describe(), **told}


def _sweep(case: ServingCase, place: Path) -> Path:
    """A sweep of two adapters with drawn weights, as it would lie after training; the folder of its first trial."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from workbench.runs.store import SweepStore
    from workbench.spec import Spec

    folder = _model(case, place)
    fields = {
        "name": "served",
        "model": {"id": "microworld" if case.name == "microworld" else str(folder)},
        "adapter": {"target_modules": "all-linear"},
        "data": {"id": "microworld/updates"},
        "sweep": {"adapter.r": list(RANKS)},
    }
    store = SweepStore.create(Spec.from_fields(fields), root=place / "runs")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    for seed, trial in enumerate(store.trials):
        config = LoraConfig(
            r=trial.spec.adapter.r, target_modules="all-linear", task_type="CAUSAL_LM"
        )
        adapted = get_peft_model(model, config)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, parameter in adapted.named_parameters():
                if "lora_B" in name:
                    parameter.copy_(0.02 * torch.randn(parameter.shape, generator=generator))
        adapted.save_pretrained(store.folder(trial.name) / "adapter")
        model = adapted.unload()
    store.set_status(state="done")
    return store.folder(store.trials[0].name)


def _model(case: ServingCase, place: Path) -> Path:
    """Where the base lies; one of random weights is made, with a tokenizer that is never asked."""
    import torch
    from transformers import AutoModelForCausalLM

    from bench.shapes import SHAPES
    from workbench import microworld

    if case.name == "microworld":
        return microworld.path()
    config = SHAPES[case.name].config
    if config is None:
        return SHARED / "models" / case.name
    torch.manual_seed(0)
    folder = place / "model"
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(microworld.path() / name, folder / name)
    return folder


if __name__ == "__main__":
    main()
