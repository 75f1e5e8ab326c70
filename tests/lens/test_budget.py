"""Ranks under a budget against every possible choice."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.lens.budget import kept, parameters, reaching, within
from workbench.lens.spectra import Spectrum


@st.composite
def adapters(draw):
    """Three modules of unlike sizes with up to four ranks each."""
    found = []
    for number in range(3):
        rank = draw(st.integers(1, 4))
        values = draw(st.lists(st.floats(0.01, 10), min_size=rank, max_size=rank))
        inputs, outputs = draw(st.integers(1, 30)), draw(st.integers(1, 30))
        found.append(
            Spectrum(f"m{number}", tuple(sorted(values, reverse=True)), rank, inputs, outputs)
        )
    return found


def every_choice(spectra):
    """All ranks there are, as (ranks, parameters, energy kept)."""
    for ranks in itertools.product(*(range(1, one.rank + 1) for one in spectra)):
        spent = sum(rank * one.cost for rank, one in zip(ranks, spectra, strict=True))
        energy = sum(
            np.square(one.values[:rank]).sum() for rank, one in zip(ranks, spectra, strict=True)
        )
        yield ranks, spent, energy / sum(np.square(one.values).sum() for one in spectra)


@settings(max_examples=300, deadline=None)
@given(adapters(), st.floats(0, 1))
def test_no_choice_within_the_budget_keeps_more_than_the_bound(spectra, share):
    least, most = parameters(spectra, rank=1), parameters(spectra, rank=99)
    budget = int(least + share * (most - least))
    found = within(spectra, budget=budget)
    best = max(energy for _, spent, energy in every_choice(spectra) if spent <= budget)
    assert found.parameters <= budget
    assert found.kept <= best + 1e-9
    assert best <= found.at_most + 1e-9
    # What it can miss is less than one step, the largest there is.
    steps = [value**2 for one in spectra for value in one.values[1:]]
    total = sum(one.energy for one in spectra)
    assert best - found.kept <= max(steps, default=0) / total + 1e-9


@settings(max_examples=200, deadline=None)
@given(adapters(), st.integers(1, 30), st.floats(0, 1))
def test_where_all_modules_cost_the_same_it_is_the_best_there_is(spectra, cost, share):
    spectra = [Spectrum(s.module, s.values, s.rank, cost, cost) for s in spectra]
    least, most = parameters(spectra, rank=1), parameters(spectra, rank=99)
    budget = int(least + share * (most - least))
    best = max(energy for _, spent, energy in every_choice(spectra) if spent <= budget)
    assert within(spectra, budget=budget).kept == pytest.approx(best, abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(adapters(), st.floats(0.05, 1))
def test_at_the_total_that_it_reaches_no_choice_keeps_more(spectra, energy):
    found = reaching(spectra, energy=energy)
    assert found.kept >= energy - 1e-9
    best = max(e for _, spent, e in every_choice(spectra) if spent <= found.parameters)
    assert found.kept == pytest.approx(best, abs=1e-9)


def test_a_module_that_learned_more_gets_more():
    flat = Spectrum("flat", (1.0, 1.0, 1.0, 1.0), 4, 8, 8)
    steep = Spectrum("steep", (1.0, 0.01, 0.01, 0.01), 4, 8, 8)
    found = within([flat, steep], budget=5 * 16)
    assert found.ranks == {"flat": 4, "steep": 1}
    assert found.kept == pytest.approx(kept([flat, steep], [4, 1]))
    assert (found.uniform_rank, found.uniform_kept) == (2, pytest.approx(3.0001 / 5.0003))


def test_a_budget_below_rank_one_and_shares_beyond_one_are_refused():
    spectra = [Spectrum("m", (1.0, 0.5), 2, 10, 6)]
    with pytest.raises(InputError, match="rank 1 everywhere takes 16"):
        within(spectra, budget=15)
    for energy in (0, 1.01, -1):
        with pytest.raises(InputError, match=r"a share such as 0\.95"):
            reaching(spectra, energy=energy)


def test_with_room_for_all_all_is_kept():
    spectra = [
        Spectrum("m", (1.0, 0.5), 2, 10, 6),
        Spectrum("n", (1.0, 0.0), 2, 3, 3),
    ]
    found = within(spectra, budget=10**9)
    assert found.kept == found.at_most == 1
    assert found.ranks == {"m": 2, "n": 1}
