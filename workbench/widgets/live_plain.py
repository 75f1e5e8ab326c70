"""A picture of a sweep where no widget can be shown: one line a trial for a terminal, and a plain table as HTML.

Everything that came from a file is escaped. It reads nothing.
"""

from typing import Any

from markupsafe import escape

from workbench.widgets.watch import Picture, TrialPicture


def as_text(picture: Picture) -> str:
    """One line a trial, for a terminal."""
    lines = [f"{picture.name}: {picture.state}"]
    for trial in picture.trials:
        loss = "" if trial.loss is None else f", loss {trial.loss:.4g}"
        joined = f", {trial.joined}" if trial.joined else ""
        lines.append(
            f"  {trial.name}: {trial.state}, step {trial.step} of {trial.total_steps}{loss}{joined}"
        )
    return "\n".join(lines)


def as_table(picture: Picture) -> str:
    """The picture as static HTML; everything that came from a file is escaped."""
    heads = ["trial", "state", "step", "loss", *(eval["name"] for eval in picture.evals)]
    head = "".join(f"<th scope='col'>{escape(word)}</th>" for word in heads)
    rows = "".join(_row(trial, picture.evals) for trial in picture.trials)
    said = f" — {escape(picture.message)}" if picture.message else ""
    return (
        f"<table><caption>{escape(picture.name)}: {escape(picture.state)}{said}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(trial: TrialPicture, evals: tuple[dict[str, str], ...]) -> str:
    step = f"{trial.step:,} of {trial.total_steps:,}" if trial.total_steps else ""
    loss = "" if trial.loss is None else f"{trial.loss:.4g}"
    cells = [trial.state, step, loss, *(_figure(trial.scores.get(eval["name"])) for eval in evals)]
    rest = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    called = f"{trial.name} ({trial.joined})" if trial.joined else trial.name
    return f"<tr><th scope='row'>{escape(called)}</th>{rest}</tr>"


def _figure(score: dict[str, Any] | None) -> str:
    if not score or score["value"] is None:
        return ""
    if score["low"] is None or score["high"] is None:
        return f"{score['value']:.3g} (n {score['n']})"
    return f"{score['value']:.3g} ({score['low']:.3g} to {score['high']:.3g}, n {score['n']})"
