"""Planted training facts: the micro-world's set `updates`, asked as `slick` asks it, and an answerer whose knowledge is planted.

`places()` lists every question that the eval puts, with the fact that it asks. It asks nobody.
"""

from workbench import microworld
from workbench.calibrate.plant import Places
from workbench.microworld import language as say

SET = "updates"


def places() -> Places:
    """Every phrasing of a fact that the set tells, or that is asked as a control: its person, and the fact in it."""
    told = {row["fact"] for row in microworld.rows(SET)}
    asked = {f"{item.cluster}/{item.group}" for item in microworld.items("retention", data=SET)}
    found = {}
    for fact in sorted(told | asked):
        person, relation = fact.split("/")
        for form in say.FORMS[relation]:
            found[form.ask(person)] = (person, fact)
    return found
