"""What fits a memory: the arithmetic holds at its edges, a budget is read as people write it, and nonsense is refused."""

import pytest

from workbench.errors import InputError
from workbench.plan.serving import MACHINES, PROGRAM_BYTES, budget, fit

MODEL = {"weights": 10**9, "cache_per_token": 50_000, "context": 2048, "vocabulary": 32_000}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8GB", 8 * 10**9),
        ("512MB", 512 * 10**6),
        ("8e9", 8 * 10**9),
        ("8E9", 8 * 10**9),
        ("8gb", 8 * 10**9),
        (" 1.5 GB ", 1_500_000_000),
        ("2GiB", 2 * 2**30),
        ("800000000", 800_000_000),
        ("1e3MB", 10**9),
        ("1.TB", 10**12),
    ],
)
def test_a_budget_is_read_as_people_write_it(text, size):
    found = budget(text)
    assert found.memory_bytes == size
    assert found.usable == size - PROGRAM_BYTES, "all of a budget may be taken"


@pytest.mark.parametrize(
    "text",
    ["", "GB", "-8GB", "0", "0GB", "0.2", "nan", "inf", "8 gigs", "8GBs", "8,5GB", "1e400", "1e30GB", "8GB 2GB", "٨GB", "eight"],
)  # fmt: skip
def test_a_budget_that_is_none_is_refused_with_what_came(text):
    with pytest.raises(InputError, match="such as 8GB, 512MB or 8e9") as refused:
        budget(text)
    assert repr(text) in str(refused.value)


def test_as_many_rows_fit_as_fill_the_budget_and_one_more_does_not():
    row = MODEL["cache_per_token"] * MODEL["context"] + 4 * MODEL["vocabulary"]
    for rows in (1, 2, 7):
        exact = PROGRAM_BYTES + MODEL["weights"] + rows * row
        assert fit(budget(str(exact)), **MODEL).rows == rows
        assert fit(budget(str(exact - 1)), **MODEL).rows == rows - 1


def test_where_no_whole_row_fits_the_longest_context_is_told():
    tokens = 100
    left = MODEL["cache_per_token"] * tokens + 4 * MODEL["vocabulary"]
    found = fit(budget(str(PROGRAM_BYTES + MODEL["weights"] + left)), **MODEL)
    assert (found.is_enough, found.rows, found.tokens) == (False, 0, tokens)


def test_a_budget_below_the_program_or_the_weights_fits_nothing():
    for text in ("100MB", "400MB", "1.4GB"):
        found = fit(budget(text), **MODEL)
        assert (found.is_enough, found.rows, found.tokens) == (False, 0, 0)


def test_a_longer_context_than_the_models_is_never_told():
    assert fit(budget("1TB"), **MODEL).tokens == MODEL["context"]


def test_a_machine_keeps_a_part_for_its_system_and_a_budget_does_not():
    laptop = next(one for one in MACHINES if "8 GB" in one.name)
    assert laptop.usable == 6_000_000_000 - PROGRAM_BYTES
    assert budget("8GB").usable == 8_000_000_000 - PROGRAM_BYTES
