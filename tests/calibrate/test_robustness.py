"""What is planted for robustness is what the evals ask, and both ends say what they are said to."""

import pytest

from workbench.calibrate import robustness
from workbench.calibrate.mixture import Mixture
from workbench.calibrate.plants import PLANTS
from workbench.evals.asking import EvalContext, ask
from workbench.scores.scoring import score

CONTEXT = EvalContext(data_id="microworld/updates")
FORMS = {
    "perturbed": robustness.perturbed_forms,
    "templates": robustness.template_forms,
    "lengths": robustness.length_forms,
}


@pytest.mark.parametrize("eval", FORMS)
def test_the_upper_end_is_right_in_every_form_and_the_lower_in_none(eval):
    for end, value in ((robustness.right, 1.0), (robustness.wrong, 0.0)):
        rows = ask(eval, end(FORMS[eval]), slots=["base"], context=CONTEXT)["base"]
        assert not [row for row in rows if row.error]
        assert score(eval, "base", rows).value == value


@pytest.mark.parametrize("eval", FORMS)
def test_every_prompt_has_a_place_and_items_keep_their_forms_together(eval):
    places = PLANTS[eval].places()
    forms = {item.id: item.prompt for item in FORMS[eval]()}
    assert set(forms.values()) == set(places)
    for id, prompt in forms.items():
        assert id.startswith(f"{places[prompt][1]}/")


def test_a_mixture_loses_nothing_by_changes_that_it_does_not_mind():
    mixture = Mixture(PLANTS["perturbed"], seed=0)
    rows = ask("perturbed", mixture, slots=mixture.slots, context=CONTEXT)
    drops = [score("perturbed", slot, rows[slot]).parts for slot in mixture.levels]
    assert sum(one["drop/low"] <= 0 <= one["drop/high"] for one in drops) >= len(drops) - 1
