"""`workbench lens`: the spectra of an adapter, a rank for each module under a budget, a truncation as plain PEFT, and its evals.

Nothing but `--evaluate` loads a model. A folder that is there is never written over.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.printing import note, say, say_json, table
from workbench.errors import InputError

if TYPE_CHECKING:
    # They bring numpy, for which no other command should wait.
    from workbench.lens import Lens
    from workbench.lens.curve import Curve
    from workbench.lens.spectra import Spectrum

BARS = "▁▂▃▄▅▆▇█"
WIDEST = 16
"""Singular values that are drawn of one module."""

CAVEAT = (
    "A truncation is not the run that would have been trained at that rank: --confirm RANKS prints the spec of "
    "that run."
)


PathArgument = Annotated[
    Path,
    typer.Argument(
        metavar="PATH", help="SWEEP/TRIAL, a sweep with one trial, or an adapter in PEFT's format."
    ),
]
Rank = Annotated[int | None, typer.Option(help="Cut every module to this rank.")]
Budget = Annotated[
    int | None, typer.Option(help="Suggest ranks with at most so many trainable parameters.")
]
Energy = Annotated[
    float | None,
    typer.Option(help="Suggest ranks that keep this share of the energy, such as 0.95."),
]
Evaluate = Annotated[bool, typer.Option("--evaluate", help="Ask several truncations in one pass.")]
Ranks = Annotated[
    str, typer.Option(help="Of --evaluate: which, with commas; eight at most when left out.")
]
Evals = Annotated[str, typer.Option(help="Of --evaluate: which; those of the trial when left out.")]
Beside = Annotated[
    list[Path] | None, typer.Option(help="Of --evaluate: a sweep or trial trained at such ranks.")
]
Base = Annotated[
    str | None, typer.Option(help="Of --evaluate: the base of an adapter from elsewhere.")
]
Data = Annotated[
    str | None, typer.Option(help="Of --evaluate: rows for an adapter from elsewhere.")
]
Confirm = Annotated[
    str, typer.Option(help="Print the spec that trains these ranks, with commas between.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Write the truncated adapter to this folder; of --evaluate the sweep to make."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


def lens_command(
    path: PathArgument,
    *,
    rank: Rank = None,
    budget: Budget = None,
    energy: Energy = None,
    evaluate: Evaluate = False,
    ranks: Ranks = "",
    evals: Evals = "",
    beside: Beside = None,
    base: Base = None,
    data: Data = None,
    confirm: Confirm = "",
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Look into the ranks of an adapter: which it uses, and what is left of it at fewer."""
    from workbench.lens import read_lens

    said: dict[str, Any] = {"rank": rank, "budget": budget, "energy": energy}
    how = {name: value for name, value in said.items() if value is not None}
    asked = {"ranks": ranks, "evals": evals, "beside": beside, "base": base, "data": data}
    _check(how, asked, evaluate=evaluate, confirm=confirm, out=out)
    found = read_lens(path)
    if confirm:
        say(found.confirm(ranks=_numbers(confirm, "--confirm")).to_yaml().rstrip())
        return
    if evaluate:
        _evaluate(found, asked, out=out, as_json=as_json)
        return
    cut = found.ranks(**how) if how else None
    if out is not None:
        found.truncate(ranks=cut, out=out)
    if as_json:
        say_json(as_numbers(found, cut=cut, out=out))
    else:
        tell(found, cut=cut, how=how)
        if out is not None:
            say(f"written: {out}")


def _check(
    how: dict[str, Any], asked: dict[str, Any], *, evaluate: bool, confirm: str, out: Path | None
) -> None:
    if len(how) > 1:
        raise InputError(f"--{' and --'.join(how)} both say how to cut; give one of them")
    stray = [name for name, value in asked.items() if value]
    if stray and not evaluate:
        raise InputError(f"--{stray[0]} says what is asked; add --evaluate")
    if (evaluate or confirm) and how:
        raise InputError(
            f"--{next(iter(how))} cuts one adapter; with --{'evaluate' if evaluate else 'confirm'} say the ranks "
            f"there: {'--ranks 1,2,4' if evaluate else '--confirm 4'}"
        )
    if confirm and (evaluate or out is not None):
        raise InputError(
            "--confirm prints a spec and does nothing else; leave out --evaluate and --out"
        )
    if out is not None and not how and not evaluate:
        raise InputError("--out needs to know how to cut: --rank, --budget or --energy")


def tell(found: "Lens", *, cut: dict[str, int] | None, how: dict[str, Any]) -> None:
    """The table, for people."""
    from workbench.lens.budget import kept

    shown = sorted({max(1, found.highest // 4), max(1, found.highest // 2)})
    columns = ["module", "rank", "effective", *(f"kept at {rank}" for rank in shown)]
    columns += ["suggested"] if cut else []
    top = max((one.values[0] for one in found.spectra if one.values), default=0.0)
    rows = []
    for one in found.spectra:
        row = [one.module, one.rank, f"{one.effective_rank:.1f}"]
        row += [_percent(one.kept(rank)) for rank in shown]
        row += [cut[one.module]] if cut else []
        rows.append([*row, bars(one, top=top)])
    table([*columns, "singular values"], rows, right=columns[1:])
    say()
    say(
        f"{found.name}: {len(found.spectra)} modules, rank {found.highest}, {found.parameters:,} parameters"
    )
    for rank in shown:
        share = found.kept(rank)
        say(
            f"rank {rank} everywhere keeps {_percent(share)} of the energy in {found.parameters_at(rank):,} "
            f"parameters; its error is {_percent(math.sqrt(max(0.0, 1 - share)))} of the norm"
        )
    if found.is_empty:
        say("it adds nothing to its base: every singular value is 0")
    if found.carried:
        say(f"kept whole in every truncation: {', '.join(found.carried[:3])}")
    if cut:
        whole = kept(found.spectra, [cut[one.module] for one in found.spectra])
        _tell_cut(found, cut=cut, how=how, whole=whole)
    say(CAVEAT)


def _tell_cut(found: "Lens", *, cut: dict[str, int], how: dict[str, Any], whole: float) -> None:
    if "rank" in how:
        say(f"cut to {how['rank']}: keeps {_percent(whole)}")
        return
    one = found.suggestion(**how)
    say(f"suggested: {one.parameters:,} parameters keep {_percent(one.kept)} of the energy")
    if one.at_most > one.kept:
        say(f"no ranks within this budget keep more than {_percent(one.at_most)}")
    if one.uniform_rank is not None and one.uniform_kept is not None:
        say(f"rank {one.uniform_rank} everywhere, in no more, keeps {_percent(one.uniform_kept)}")
    say("rank_pattern:")
    for pattern, rank in found.suggest(**how).items():
        say(f"  '{pattern}': {rank}")


def as_numbers(found: "Lens", *, cut: dict[str, int] | None, out: Path | None) -> dict[str, Any]:
    """The same for programs."""
    told: dict[str, Any] = {
        "adapter": found.name,
        "parameters": found.parameters,
        "modules": [
            {
                "module": one.module,
                "rank": one.rank,
                "inputs": one.inputs,
                "outputs": one.outputs,
                "effective_rank": one.effective_rank,
                "norm": math.sqrt(one.energy),
                "singular_values": list(one.values),
            }
            for one in found.spectra
        ],
        "uniform": [
            {"rank": rank, "parameters": found.parameters_at(rank), "kept": found.kept(rank)}
            for rank in range(1, found.highest + 1)
        ],
        "carried": list(found.carried),
    }
    if cut:
        from workbench.lens.budget import kept
        from workbench.lens.patterns import patterns

        told["cut"] = {
            "ranks": cut,
            "parameters": sum(cut[one.module] * one.cost for one in found.spectra),
            "kept": kept(found.spectra, [cut[one.module] for one in found.spectra]),
            "rank_pattern": patterns(cut, default=None),
        }
    if out is not None:
        told["written"] = str(out)
    return told


def bars(one: "Spectrum", *, top: float) -> str:
    """Singular values as a row of bars, beside the largest of all modules; at most sixteen, evenly taken."""
    values = one.values
    if len(values) > WIDEST:
        values = tuple(values[round(n * (len(values) - 1) / (WIDEST - 1))] for n in range(WIDEST))
    if not top:
        return ""
    return "".join(BARS[min(len(BARS) - 1, int(value / top * len(BARS)))] for value in values)


def _evaluate(found: "Lens", asked: dict[str, Any], *, out: Path | None, as_json: bool) -> None:
    ranks = _numbers(asked["ranks"], "--ranks") if asked["ranks"] else ()
    note(f"asking truncations of {found.name} in one pass")
    curve = found.evaluate(
        ranks=ranks,
        evals=tuple(name.strip() for name in asked["evals"].split(",") if name.strip()),
        beside=asked["beside"] or (),
        base=asked["base"],
        data=asked["data"],
        out=out,
    )
    if as_json:
        say_json({"path": str(curve.path), "evals": _curve_numbers(curve)})
        return
    say(repr(curve))
    say(f"stored: {curve.path}")


def _curve_numbers(curve: "Curve") -> dict[str, Any]:
    told: dict[str, Any] = {}
    for eval in curve.evals:
        told[eval] = []
        for point in curve.points(eval):
            figure, apart = point.figure, point.over_untruncated
            told[eval].append(
                {
                    "name": point.name,
                    "rank": point.rank,
                    **{p: getattr(figure, p, None) for p in ("value", "low", "high", "n")},
                    "over_untruncated": None
                    if apart is None
                    else {
                        p: getattr(apart, p) for p in ("value", "low", "high", "p_corrected", "n")
                    },
                }
            )
    return told


def _numbers(text: str, option: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"{option} {text!r}: give ranks with commas between, such as {option} 2,4"
        ) from None


def _percent(share: float) -> str:
    """A share; what is not all of it is never told as 100 %.

    >>> _percent(0.9731), _percent(0.99999), _percent(1.0)
    ('97.3 %', '99.9 %', '100 %')
    """
    shown = 100 * share
    return "100 %" if shown >= 100 - 1e-9 else f"{min(shown, 99.9):.1f} %"
