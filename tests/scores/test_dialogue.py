"""Recall over turns, from rows alone."""

from workbench.scores.scoring import score
from workbench.scores.task import Row


def rows(group: str, *, right: int, of: int, error: str = "") -> list[Row]:
    return [
        Row(
            sample=f"{group}/{i}",
            slot="r2",
            cluster=f"{group}/{i}",
            group=group,
            expected="harbour" if i % 4 else "attic",
            value=None if error else float(i < right),
            outcome="" if error else "correct" if i < right else "wrong",
            error=error,
        )
        for i in range(of)
    ]


def test_each_distance_has_its_share_its_interval_and_its_number():
    told = score(
        "dialogue",
        "r2",
        rows("distance-10", right=5, of=20) + rows("distance-2", right=18, of=20),
    )
    assert told.value == 23 / 40
    assert told.parts["group/distance-2"] == 0.9
    assert told.parts["group/distance-2/low"] < 0.9 < told.parts["group/distance-2/high"]
    assert told.parts["group/distance-10/n"] == 20
    assert told.parts["worst_group"] == 0.25
    assert told.parts["farthest_minus_nearest"] == 0.25 - 0.9


def test_chance_is_what_the_commonest_answer_gets():
    assert score("dialogue", "r2", rows("distance-0", right=20, of=20)).chance == 0.75


def test_broken_answers_are_counted_and_belong_to_no_distance():
    told = score(
        "dialogue",
        "r2",
        rows("distance-0", right=10, of=20) + rows("distance-1", right=0, of=5, error="nan"),
    )
    assert (told.value, told.n, told.errors) == (0.5, 20, 5)
    assert told.parts["if_errors_are_wrong"] == 0.4
    assert "group/distance-1" not in told.parts


def test_rows_that_all_failed_give_no_number():
    told = score("dialogue", "r2", rows("distance-1", right=0, of=5, error="nan"))
    assert told.value is None
    assert "5 of 5 rows failed with 'nan'" in told.method
