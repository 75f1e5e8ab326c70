"""What a lesson remembers while it is taken: of each exercise and of each prediction."""

from dataclasses import dataclass

from workbench.lessons.exercise import State


@dataclass
class Tried:
    """What was done about one exercise."""

    state: State = "not attempted"
    checks: int = 0
    hints: int = 0
    solved_for_them: bool = False


@dataclass
class Guess:
    """What was predicted, and what came out."""

    guess: float | None = None
    actual: float | None = None
