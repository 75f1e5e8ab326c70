"""What the panel asks, in which order and in which words: its groups of rows, the chips of each, and what stands in an empty field.

`TOP`, `ADAPTER`, `STORAGE`, `TRAINING`, `EVALS` and `MORE` are groups for a `FormView`; `chips_of(model)` gives the chips
of what is found. It draws nothing and changes nothing.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from workbench.plan.suites import tells_facts
from workbench.scores.catalog import EVALS as CATALOG
from workbench.scores.suites import SUITES, expand
from workbench.spec import Spec
from workbench.widgets.entries import BY_NAME, ENTRIES, Entry, allowed, neat, text_of
from workbench.widgets.form import ALL_LINEAR
from workbench.widgets.form_view import Group, Row
from workbench.widgets.panel_model import LABELS, PanelModel

RANKS = (1, 2, 4, 8, 16, 32, 64)
"""Ranks offered; others appear when a spec brings them."""

ALPHAS = {"0.5 r": "½ r", "1 r": "r", "": "2 r", "4 r": "4 r"}
"""Alphas offered, as multiples of the rank."""

VARIANTS = ("use_rslora", "use_dora")

_DEFAULT = Spec().model_dump(mode="json")


def _row(field: str, **said: Any) -> Row:
    return Row(field=field, label=LABELS.get(field, field), **said)


def _entry(name: str) -> Row:
    entry = BY_NAME[name]
    rule = allowed(entry.dotted)
    if rule.kind == "flag":
        return Row(field=name, label=entry.label, kind="flag", hint=entry.hint)
    if rule.kind == "choice":
        return Row(
            field=name, label=entry.label, kind="choice", hint=entry.hint, choices=rule.choices
        )
    return Row(field=name, label=entry.label, hint=entry.hint, placeholder=_blank(entry))


def _blank(entry: Entry) -> str:
    """What an empty field means."""
    part, name = entry.dotted.split(".")
    said = _DEFAULT[part].get(name) if isinstance(_DEFAULT.get(part), Mapping) else None
    default = text_of(entry.dotted, said)
    return str(default) if default else entry.hint


TOP = Group(
    title="Model and data",
    rows=(
        _row(
            "model_id",
            slow=True,
            placeholder="microworld",
            hint="microworld, a folder, or a hub id such as owner/name (downloaded once)",
        ),
        _row(
            "data_id",
            slow=True,
            placeholder="microworld/updates",
            hint="microworld/updates, a json, jsonl, csv or parquet file, or a hub id",
        ),
        _row("name", placeholder="sweep", hint="the folder that the sweep is written to"),
    ),
)

ADAPTER = Group(
    title="Adapter",
    rows=(
        _row("ranks", kind="chips", other="other", hint="Ranks to train: r of LoraConfig"),
        _row(
            "alpha",
            kind="one",
            other="a number",
            hint="lora_alpha: the update is scaled by alpha / r",
        ),
        _row("targets", kind="chips", other="a name", hint="Put an adapter on"),
    ),
)

STORAGE = (
    Group(
        rows=(
            _row("quantization", kind="one", hint="How the base is kept"),
            Row(field="double_quant", label="", kind="chips", hint="Quantize the scales too"),
            Row(field="variant", label="Variant", kind="chips"),
        )
    ),
    Group(rows=(_entry("lora_dropout"), _entry("init_lora_weights")), columns=2),
)  # fmt: skip

TRAINING = Group(
    title="Training",
    columns=3,
    rows=(
        _row("learning_rate", hint="several with commas are an axis of the sweep"),
        _row("epochs"),
        _row("max_steps", placeholder="by epochs", hint="empty: as many as the epochs take"),
        *(_entry(entry.name) for entry in ENTRIES if entry.group == "training"),
        _row("seeds", hint="several with commas: each trial once with each"),
    ),
)

EVALS = Group(title="Ask afterwards", rows=(_row("evals", kind="chips", other="eval:file"),))

_HEADS = {
    "method": "Adapter",
    "data": "Data",
    "base": "Base",
    "optimizer": "Optimizer",
    "watching": "Watching",
}


def _more() -> Iterable[Row]:
    for group, head in _HEADS.items():
        yield Row(field=f"head-{group}", label=head, kind="head")
        yield from (_entry(entry.name) for entry in ENTRIES if entry.group == group)


MORE = Group(title="More", fold=True, columns=2, rows=tuple(_more()))

Chips = list[tuple[Any, str, str]]


def chips_of(model: PanelModel) -> dict[str, Chips]:
    """The chips of each row, with what they are called and what explains them."""
    found, four = model.found, model.quantization.endswith("4")
    names = (ALL_LINEAR, *found.targets)
    extra = [name for name in model.targets if name not in names and "." not in name]
    counts = {ALL_LINEAR: sum(found.targets.values()), **found.targets}
    return {
        "ranks": [(r, str(r), f"Train rank {r}") for r in sorted({*RANKS, *model.ranks})],
        "alpha": [(text, label, f"lora_alpha is {label}") for text, label in ALPHAS.items()],
        "targets": [(name, name, _how_many(counts.get(name, 0))) for name in (*names, *extra)],
        "quantization": [
            (word, _with_bits(word, found.bits), f"Store the base as: {word}")
            for word in ("none", "8-bit", "nf4", "fp4")
        ],
        "double_quant": [
            (True, _with_bits("double quantization", found.bits, key=f"{model.quantization} double"),
             "Quantize the scales too")
        ] if four else [],
        "variant": [(name, BY_NAME[name].label, BY_NAME[name].hint) for name in VARIANTS],
        "evals": eval_chips(model),
    }  # fmt: skip


def _how_many(count: int) -> str:
    return f"{count} module{'' if count == 1 else 's'}" if count else ""


def _with_bits(word: str, bits: Mapping[str, float], *, key: str = "") -> str:
    """A way to store a weight, with the bits that one takes."""
    found = bits.get(key or word)
    return f"{word} · {neat(float(f'{found:.3g}'))} bits" if found else word


def eval_chips(model: PanelModel) -> Chips:
    """Suites, then evals that need no file; what a spec brings besides is added."""
    task = model.task_type  # type: ignore[attr-defined]
    suites = SUITES if task == "CAUSAL_LM" else ()
    plain = [n for n, i in CATALOG.items() if i.task == task and not (i.file or i.named or i.suite)]
    covered = {
        part for suite in suites if suite in lit_evals(model) for part in parts(suite, model)
    }
    extra = [n for n in model.evals if n not in (*suites, *plain) and n not in covered]
    chips: Chips = [(s, s, f"Suite: {', '.join(parts(s, model))}") for s in suites]
    for name in (*plain, *extra):
        info = CATALOG.get(name.partition(":")[0])
        chips.append((name, name, info.title if info else ""))
    return chips


def lit_evals(model: PanelModel) -> list[str]:
    """What of the evals is on, a suite in the place of all its parts."""
    lit = list(model.evals)
    for suite in SUITES:
        own = parts(suite, model)
        if suite not in lit and own and set(own) <= set(lit):
            lit.append(suite)
    return lit


def parts(suite: str, model: PanelModel) -> tuple[str, ...]:
    """The evals that a suite means here."""
    return _parts(suite, facts=tells_facts(model.data_id))


@cache
def _parts(suite: str, *, facts: bool) -> tuple[str, ...]:
    return expand([suite], task="CAUSAL_LM", tells_facts=facts)


def with_eval(model: PanelModel, name: str) -> tuple[str, ...]:
    """The evals with one more; a suite takes the place of its parts."""
    gone = set(parts(name, model)) if name in SUITES else set()
    return (*(e for e in model.evals if e not in gone and e != name), name)


def without_eval(model: PanelModel, name: str) -> tuple[str, ...]:
    """The evals without one; a suite takes its parts along."""
    gone = {name, *(parts(name, model) if name in SUITES else ())}
    return tuple(e for e in model.evals if e not in gone)
