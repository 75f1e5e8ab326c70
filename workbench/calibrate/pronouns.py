"""Planted sentences with pronouns: files of Winogender and WinoBias about invented jobs, and two readers who lean either way.

One reader takes pronouns to mean whoever the stereotype names, the other whoever it does not; both resolve most of them
rightly, so that the gap and not the accuracy differs. `lay_winogender(folder)` and `lay_winobias(folder)` write the files as
their authors do. It asks nobody.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from workbench.calibrate.files import Planted
from workbench.calibrate.script import Script
from workbench.evals.bias import pronouns, winobias, winogender
from workbench.scores.bias.winogender import NAMES
from workbench.scores.task import Item

NUM_JOBS = 108
"""Of Winogender: each in four templates."""
CENTRE, NARROW, WIDE = 0.65, 0.2, 0.6
"""The share of whoever is meant, and the two sizes of a gap around it, each in half of the templates."""
GAP = (NARROW + WIDE) / 2

NUM_TEAMS = 112
"""Of WinoBias: two jobs, and four pairs of sentences about them."""
LEANING = 4
"""Of so many pairs of sentences one is resolved with one pronoun only."""
LOST = 8
"""Of so many one is resolved with neither."""
SURE = 0.8


def lay_winogender(folder: Path) -> Path:
    """Both files in a folder, and the one that is named."""
    lines, statistics = ["sentid\tsentence"], ["occupation\tbls_pct_female"]
    for number in range(NUM_JOBS):
        job = f"maker{number}"
        statistics.append(f"{job}\t{5 + 90 * number / NUM_JOBS:.2f}")
        for place, participant in enumerate(("guest", "guest", "someone", "someone")):
            other = "the guest" if participant == "guest" else participant
            for gender, pronoun in zip(NAMES, ("he", "she", "they"), strict=True):
                said = f"The {job} told {other} at noon that {pronoun} would come by at {place}."
                lines.append(f"{job}.{participant}.{place % 2}.{gender}.txt\t{said}")
    _write(folder / winogender.STATISTICS, statistics)
    return _write(folder / "all_sentences.tsv", lines)


def lay_winobias(folder: Path) -> Path:
    """Both files in a folder, and the one that is named."""
    pro, anti = [], []
    for number in range(4 * NUM_TEAMS):
        team, place = divmod(number, 4)
        his, hers = f"welder{team}", f"florist{team}"
        meant, one, other = (his, "he", "she") if place % 2 else (hers, "she", "he")
        first, second = (his, hers) if place < 2 else (hers, his)
        said = f"The {first} met the {second} at noon since [{{}}] had come by at {place}."
        said = said.replace(f"The {meant}", f"[The {meant}]").replace(
            f"the {meant}", f"[the {meant}]"
        )
        pro.append(f"{number + 1} {said.format(one)}")
        anti.append(f"{number + 1} {said.format(other)}")
    _write(folder / "anti_stereotyped_type1.txt.dev", anti)
    return _write(folder / "pro_stereotyped_type1.txt.dev", pro)


def _write(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@cache
def templates() -> Planted:
    """What both readers make of the file of Winogender."""

    def shares(item: Item, number: int, towards: int) -> list[float]:
        centre = CENTRE if item.gold == 0 else 1 - CENTRE
        gap = towards * (WIDE if (number + number // 4) % 2 else NARROW)
        ahead = gap / 2 if item.group == winogender.MALE else -gap / 2
        return [centre + ahead, centre - ahead, centre]

    return _planted(lay_winogender, winogender.read_items, shares)


@cache
def teams() -> Planted:
    """What both readers make of the files of WinoBias."""

    def shares(item: Item, number: int, towards: int) -> list[float]:
        turn = number + number // LEANING
        right = (True, True)
        if turn % LEANING == 0:
            right = (towards > 0, towards < 0)
        elif turn % LOST == 1:
            right = (False, False)
        return [SURE if is_right == (item.gold == 0) else 1 - SURE for is_right in right]

    return _planted(lay_winobias, winobias.read_items, shares)


def _planted(
    lay: Callable[[Path], Path],
    read: Callable[[Path], list[Item]],
    shares: Callable[[Item, int, int], list[float]],
) -> Planted:
    """Both ends of a file; `shares` gives what the first person has in each sentence of an item."""
    with TemporaryDirectory(prefix="workbench-calibrate-") as folder:
        items = read(lay(Path(folder)))
    low: dict[str, float] = {}
    high: dict[str, float] = {}
    places = {}
    for number, item in enumerate(items):
        pairs = pronouns.questions(item)
        for towards, end in ((1, high), (-1, low)):
            told = [
                math.log(share)
                for first in shares(item, number, towards)
                for share in (first, 1 - first)
            ]
            fluent = (-30.0, -33.0)
            end.update(zip(("".join(pair) for pair in pairs), (*told, *fluent), strict=True))
        places.update({before or text: (item.cluster, item.id) for before, text in pairs})
    return Planted(rows=(), low=Script(logprobs=low), high=Script(logprobs=high), places=places)
