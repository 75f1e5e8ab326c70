"""Lesson 1: what fine-tuning changes. All weights against LoRA on the same new facts: trained, learned, forgotten, moved, kept.

What its checks are handed is the student's own: the plan of their two trials, what these got, their weights and their files.
"""

from typing import Any

import numpy as np

from workbench.lessons.answers import Called, Choice, Number, Several
from workbench.lessons.exercise import Exercise, Facts, Lesson, Mistake, equals
from workbench.lessons.sameness import as_array

__all__ = ["ADAM", "DISK", "FORGOT", "LESSON", "MOVED", "TRAINED"]

# 1. How many numbers LoRA trains.


def _sizes(facts: Facts) -> list[tuple[int, int]]:
    return [(module.in_features, module.out_features) for module in facts.modules]


def _numbers(of_one: Any) -> Any:
    """The test that an answer is a sum over the modules."""
    return equals(lambda f: sum(of_one(d_in, d_out, f.r) for d_in, d_out in _sizes(f)))


TRAINED = Exercise(
    name="trained",
    title="How many numbers LoRA trains",
    reads=Number(whole=True, unit="numbers"),
    needs=("lora", "full", "modules", "r"),
    right=equals(lambda f: f.lora.trainable_parameters),
    because=lambda f: (
        f"r × (d_in + d_out), summed over {len(f.modules)} matrices, and what the plan counts too. Full fine-tuning trains "
        f"{f.full.trainable_parameters:,} numbers: LoRA trains "
        f"{f.lora.trainable_parameters / f.full.trainable_parameters:.1%} of that."
    ),
    mistakes=(
        Mistake(
            "whole-matrices",
            wrote="trained = sum(m.in_features * m.out_features for m in modules)",
            made=_numbers(lambda d_in, d_out, r: d_in * d_out),
            says="Those are the numbers of the matrices themselves. LoRA leaves them as they are: count A and B beside each.",
        ),
        Mistake(
            "multiplied",
            wrote="trained = sum(r * m.in_features * m.out_features for m in modules)",
            made=_numbers(lambda d_in, d_out, r: r * d_in * d_out),
            says="That is more than the matrices have. A and B are two matrices: their sizes are added.",
        ),
        Mistake(
            "no-rank",
            wrote="trained = sum(m.in_features + m.out_features for m in modules)",
            made=_numbers(lambda d_in, d_out, r: d_in + d_out),
            says="That is rank 1: one row in A and one column in B. Yours have `r` of each.",
        ),
        Mistake(
            "one-matrix",
            wrote="trained = r * (modules[0].in_features + modules[0].out_features)",
            made=equals(lambda f: f.r * sum(_sizes(f)[0])),
            says="That is one matrix. Every matrix in `modules` gets a pair of its own: sum over them.",
        ),
        Mistake(
            "everything",
            wrote="trained = full.trainable_parameters",
            made=equals(lambda f: f.full.trainable_parameters),
            says="That is what full fine-tuning trains: the whole model.",
        ),
    ),
    should="Sum over all matrices the numbers in A, r × d_in, and in B, d_out × r.",
    hints=(
        "How many numbers are in A, how many in B, for one matrix?",
        "For one matrix `m`: `r * m.in_features` in A, `m.out_features * r` in B.",
        "`sum(r * (...) for m in modules)`, with both sizes of `m` inside.",
    ),
    solution="trained = sum(r * (m.in_features + m.out_features) for m in modules)",
)


# 2. What Adam keeps.


def _both(full: Any, lora: Any = None) -> Any:
    """The test that the two answers are these, each made from the plan of a trial."""
    return equals(lambda f: (full(f.full), (lora or full)(f.lora)))


ADAM = Exercise(
    name="adam",
    title="What Adam keeps in memory",
    reads=Several((Number(whole=True, unit="bytes"), Number(whole=True, unit="bytes"))),
    needs=("full", "lora"),
    right=_both(lambda one: one.memory.optimizer),
    because=lambda f: (
        f"Two numbers of 4 bytes for each number that is trained: {f.full.memory.optimizer / 1e6:.2f} MB against "
        f"{f.lora.memory.optimizer / 1e6:.2f} MB. A model of 7 billion numbers, trained whole, needs 56 GB for this alone."
    ),
    mistakes=(
        Mistake(
            "one-number",
            wrote="adam_full = 4 * full.trainable_parameters\nadam_lora = 4 * lora.trainable_parameters",
            made=_both(lambda one: one.memory.optimizer // 2),
            says="That is one number of 4 bytes each. Adam keeps two: a mean of the gradients and a mean of their squares.",
        ),
        Mistake(
            "not-in-bytes",
            wrote="adam_full = 2 * full.trainable_parameters\nadam_lora = 2 * lora.trainable_parameters",
            made=_both(lambda one: 2 * one.trainable_parameters),
            says="So many numbers Adam keeps. Each takes 4 bytes.",
        ),
        Mistake(
            "frozen-too",
            wrote="adam_full = 8 * full.trainable_parameters\nadam_lora = 8 * lora.total_parameters",
            made=_both(
                lambda one: 8 * one.trainable_parameters, lambda one: 8 * one.total_parameters
            ),
            says="The first is right. In the second you count the frozen weights too: they get no gradient, so Adam keeps "
            "nothing for them.",
        ),
        Mistake(
            "gradients-too",
            wrote="adam_full = 12 * full.trainable_parameters\nadam_lora = 12 * lora.trainable_parameters",
            made=_both(lambda one: 12 * one.trainable_parameters),
            says="That counts the gradient as well: it is there while a step is taken, but it is not what Adam keeps.",
        ),
    ),
    should="For each number that is trained Adam keeps two numbers of 4 bytes each.",
    hints=(
        "Only what is trained has a gradient, and only what has a gradient has something kept for it.",
        "Two numbers of 4 bytes: how many bytes is that for each trained number?",
        "8 times `full.trainable_parameters`, and the same for `lora`.",
    ),
    solution="adam_full = 8 * full.trainable_parameters\nadam_lora = 8 * lora.trainable_parameters",
)


# 3. Which of the two forgot more.

WORDS = ("LoRA", "full", "cannot be told")
PLANTED = ((-0.20, -0.10), (0.05, 0.12), (-0.04, 0.10), (-0.10, 0.04))
"""Intervals asked beside the student's own, so that each way to be wrong shows whatever their run gave."""


def _intervals(facts: Facts) -> list[tuple[float, float]]:
    return [*PLANTED, (float(facts.kept.low), float(facts.kept.high))]


def _says(word: Any) -> Any:
    """The test that the student's function says this of each interval."""
    return equals(lambda f: [word(low, high) for low, high in _intervals(f)])


def _forgot_more(low: float, high: float) -> str:
    return "LoRA" if high < 0 else "full" if low > 0 else "cannot be told"


def _why_forgot(facts: Facts) -> str:
    kept = facts.kept
    told = {
        "LoRA": "LoRA forgot more than full fine-tuning",
        "full": "full fine-tuning forgot more than LoRA",
        "cannot be told": "which of them forgot more cannot be told",
    }[_forgot_more(kept.low, kept.high)]
    return (
        f"Right for every interval. In your run the difference is {100 * kept.value:+.1f} points "
        f"[{100 * kept.low:.1f}, {100 * kept.high:.1f}], n = {kept.n}: {told}. That is one seed and one learning rate each: "
        "it is a finding about these two trainings, not about LoRA."
    )


FORGOT = Exercise(
    name="forgot",
    title="Which of them forgot more",
    reads=Called(_intervals, Choice(WORDS)),
    needs=("kept",),
    right=_says(_forgot_more),
    because=_why_forgot,
    mistakes=(
        Mistake(
            "middle",
            wrote='def forgot_more(low, high):\n    return "LoRA" if (low + high) / 2 < 0 else "full"',
            made=_says(lambda low, high: "LoRA" if (low + high) / 2 < 0 else "full"),
            says="You look at the middle of the interval and always name a loser. Where the interval has both signs, the "
            "same training could be ahead or behind with other questions.",
        ),
        Mistake(
            "one-end",
            wrote='def forgot_more(low, high):\n    return "LoRA" if low < 0 else "full"',
            made=_says(lambda low, high: "LoRA" if low < 0 else "full"),
            says="You look at the lower end alone. LoRA is behind for sure only where the upper end is below zero too.",
        ),
        Mistake(
            "turned-round",
            wrote="def forgot_more(low, high):\n"
            '    return "full" if high < 0 else "LoRA" if low > 0 else "cannot be told"',
            made=_says(
                lambda low, high: "full" if high < 0 else "LoRA" if low > 0 else "cannot be told"
            ),
            says="You have the two turned round. The difference is LoRA minus full, of what was kept: below zero, LoRA kept "
            "less.",
        ),
        Mistake(
            "never-sure",
            wrote='def forgot_more(low, high):\n    return "cannot be told"',
            made=_says(lambda low, high: "cannot be told"),
            says="An interval that lies on one side of zero does tell: then one of them kept more.",
        ),
    ),
    should="Both ends below zero: LoRA kept less. Both above: full kept less. Else it cannot be told.",
    hints=(
        "Three cases: the interval lies below zero, above it, or reaches across.",
        "LoRA minus full, of what was kept: if even `high` is below zero, who kept less?",
        '`"LoRA"` if `high < 0`, `"full"` if `low > 0`, and otherwise?',
    ),
    solution='''def forgot_more(low, high):
    """Which kept less, from the interval of kept by LoRA minus kept by full."""
    if high < 0:
        return "LoRA"
    if low > 0:
        return "full"
    return "cannot be told"''',
)


# 4. How far weights moved.


def _pairs(facts: Facts) -> list[tuple[Any, Any]]:
    return [(facts.before[name], facts.after[name]) for name in facts.before]


def _came(of: Any, *, rel: float = 1e-4) -> Any:
    """The test that the student's function gives this of each matrix before and after."""
    return equals(lambda f: [of(as_array(b), as_array(a)) for b, a in _pairs(f)], rel=rel)


ROUNDED = 0.05
"""How far a small number may be off that is the difference of two large ones, in 32 bits."""


def _moved(before: np.ndarray, after: np.ndarray) -> float:
    return float(np.linalg.norm(after - before) / np.linalg.norm(before))


def _why_moved(facts: Facts) -> str:
    found = [_moved(as_array(b), as_array(a)) for b, a in _pairs(facts)]
    return (
        f"‖after - before‖ / ‖before‖: in your full training from {min(found):.2%} to {max(found):.2%} in the "
        f"{len(found)} matrices you were asked about."
    )


def _longer(before: np.ndarray, after: np.ndarray) -> float:
    return float(np.linalg.norm(after) / np.linalg.norm(before) - 1)


def _mean_square(x: np.ndarray) -> float:
    return float((x**2).mean())


MOVED = Exercise(
    name="moved",
    title="How far a matrix moved",
    reads=Called(_pairs, Number()),
    needs=("before", "after"),
    right=_came(_moved),
    because=_why_moved,
    mistakes=(
        Mistake(
            "not-divided",
            wrote="def moved(before, after):\n    return (after - before).norm()",
            made=_came(lambda b, a: np.linalg.norm(a - b)),
            says="That is the length of the change, and it grows with the matrix. Divide by the length of the matrix before.",
        ),
        Mistake(
            "difference-of-lengths",
            wrote="def moved(before, after):\n    return (after.norm() - before.norm()) / before.norm()",
            made=_came(_longer, rel=ROUNDED),
            says="You compare two lengths. A matrix can move far and keep its length, as the hand of a clock does: take the "
            "length of the difference.",
        ),
        Mistake(
            "squared",
            wrote="def moved(before, after):\n    return ((after - before) ** 2).mean() / (before**2).mean()",
            made=_came(lambda b, a: _mean_square(a - b) / _mean_square(b)),
            says="That is the square of it. Take the root.",
        ),
        Mistake(
            "upside-down",
            wrote="def moved(before, after):\n    return before.norm() / (after - before).norm()",
            made=_came(lambda b, a: np.linalg.norm(b) / np.linalg.norm(a - b)),
            says="That is upside down: the change goes on top.",
        ),
        Mistake(
            "signs-cancel",
            wrote="def moved(before, after):\n    return (after - before).sum() / before.sum()",
            made=_came(lambda b, a: (a - b).sum() / b.sum(), rel=ROUNDED),
            says="In a sum what went up and what went down cancel. A length squares first: `.norm()`.",
        ),
    ),
    should="The length of the difference, `(after - before).norm()`, as a share of the length of `before`.",
    hints=(
        "A difference of two matrices is a matrix; its `.norm()` is one number.",
        "To compare matrices of different sizes, take a share of the length before.",
        "`(after - before).norm()`, divided by `before.norm()`.",
    ),
    solution='''def moved(before, after):
    """The length of the change, as a share of the length before."""
    return (after - before).norm() / before.norm()''',
)


# 5. Many tasks on one disk.


def _bytes(full: Any, lora: Any) -> Any:
    """The test that the two answers are these, made from the sizes of the three files and the number of tasks."""

    def given(facts: Facts) -> tuple[int, int]:
        sizes = (facts.tasks, facts.base_file, facts.full_file, facts.lora_file)
        return full(*sizes), lora(*sizes)

    return equals(given)


def _why_disk(facts: Facts) -> str:
    whole = facts.tasks * facts.full_file
    thin = facts.base_file + facts.tasks * facts.lora_file
    return (
        f"{whole / 1e6:.1f} MB against {thin / 1e6:.1f} MB. Each task more costs {facts.full_file / 1e6:.2f} MB, or "
        f"{facts.lora_file / 1e6:.2f} MB; all adapters stand on one and the same base."
    )


DISK = Exercise(
    name="disk",
    title="Many tasks on one disk",
    reads=Several((Number(whole=True, unit="bytes"), Number(whole=True, unit="bytes"))),
    needs=("tasks", "base_file", "full_file", "lora_file"),
    right=_bytes(lambda n, b, f, a: n * f, lambda n, b, f, a: b + n * a),
    because=_why_disk,
    mistakes=(
        Mistake(
            "no-base",
            wrote="disk_full = tasks * full_file\ndisk_lora = tasks * lora_file",
            made=_bytes(lambda n, b, f, a: n * f, lambda n, b, f, a: n * a),
            says="An adapter alone answers nothing: it needs its base, once.",
        ),
        Mistake(
            "base-each-time",
            wrote="disk_full = tasks * full_file\ndisk_lora = tasks * (base_file + lora_file)",
            made=_bytes(lambda n, b, f, a: n * f, lambda n, b, f, a: n * (b + a)),
            says="All adapters share one base. It is on the disk once, not once for each task.",
        ),
        Mistake(
            "base-for-full",
            wrote="disk_full = base_file + tasks * full_file\ndisk_lora = base_file + tasks * lora_file",
            made=_bytes(lambda n, b, f, a: b + n * f, lambda n, b, f, a: b + n * a),
            says="The second is right. A fully fine-tuned model is whole: it needs no base beside it.",
        ),
        Mistake(
            "one-task",
            wrote="disk_full = full_file\ndisk_lora = base_file + lora_file",
            made=_bytes(lambda n, b, f, a: f, lambda n, b, f, a: b + a),
            says="That is for a single task. You want to keep `tasks` of them.",
        ),
    ),
    should="Full: a whole model for each task. LoRA: one base for all, and an adapter for each.",
    hints=(
        "What must be on the disk so that the third task can be answered?",
        "A fully fine-tuned model is complete. An adapter needs the base, which never changes.",
        "`tasks * full_file`, and `base_file` plus `tasks` times something.",
    ),
    solution="disk_full = tasks * full_file\ndisk_lora = base_file + tasks * lora_file",
)

LESSON = Lesson(
    name="what-changes",
    number=1,
    title="What fine-tuning changes",
    notebook="01_what_changes.ipynb",
    minutes=(15, 20),
    outcomes=(
        "say which numbers full fine-tuning and LoRA train, and what that costs in memory and on disk",
        "train both on the same facts and say what was learned and what was forgotten, with intervals",
        "measure how far weights moved, and take an adapter off again",
    ),
    before=(
        "Python, and what a matrix is",
        "that a model is trained by gradient descent",
    ),
    exercises=(TRAINED, ADAM, FORGOT, MOVED, DISK),
    open_question="It is often said that LoRA learns less and forgets less than full fine-tuning. Does your run say so? "
    "You compared one learning rate of each, at one number of steps. What would a fair comparison hold equal: the steps, "
    "the learning rate, or what was learned? Say how you would set it up, and what would change your mind.",
)
