"""What a gate asks of a trial: a YAML file of rules, one limit each, checked before anything is read.

`Rules.load("rules.yaml")` refuses unknown keys, evals and limits that have no meaning for an eval, and names the
nearest. A rule knows its words and its limit; it knows no sweep and judges nothing.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from workbench.compare import wording
from workbench.errors import SpecError, nearest
from workbench.fields import Float, Words
from workbench.gate.costs import COSTS
from workbench.scores.catalog import called, eval_info
from workbench.scores.suites import SUITES
from workbench.yamlfile import read_mapping

Kind = Literal["margin", "gain", "times_at_most", "at_most", "at_least", "from_even_at_most"]

LIMITS: dict[Kind, str] = {
    "margin": "how much worse than the baseline it may be",
    "gain": "how much better than the baseline it has to be",
    "times_at_most": "how many times the baseline's it may be",
    "at_most": "a ceiling on the figure itself",
    "at_least": "a floor under the figure itself",
    "from_even_at_most": "how far from even a figure of bias may lie",
}
"""Every limit a rule can set, and what it is."""

OF_DIFFERENCES = ("margin", "gain", "times_at_most")
"""Limits that need a baseline."""

ALSO_CALLED = {
    "max": "at_most",
    "maximum": "at_most",
    "ceiling": "at_most",
    "min": "at_least",
    "minimum": "at_least",
    "floor": "at_least",
    "tolerance": "margin",
    "non_inferiority": "margin",
    "ratio": "times_at_most",
    "metric": "eval",
    "baseline": "against",
    "title": "name",
}
"""What habits call a key that goes by another name here."""


class Rule(Words):
    """One thing that has to hold."""

    name: Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)] = ""
    """What it is called in the table; empty for its own words."""
    eval: str | None = None
    cost: str | None = None
    against: Literal["baseline", "base"] = "baseline"
    """`base` is the model without an adapter in the candidate's own sweep, whatever the baseline is."""
    margin: Float | None = Field(None, gt=0)
    gain: Float | None = Field(None, gt=0)
    times_at_most: Float | None = Field(None, gt=0)
    at_most: Float | None = None
    at_least: Float | None = None
    from_even_at_most: Float | None = Field(None, gt=0)

    @field_validator("eval")
    @classmethod
    def _an_eval(cls, value: str | None) -> str | None:
        if value in SUITES:
            raise ValueError(f"{value!r} is a suite of several evals; give each its own rule")
        if value is not None:
            eval_info(value)
        return value if value is None else called(value)

    @field_validator("cost")
    @classmethod
    def _a_cost(cls, value: str | None) -> str | None:
        if value is not None and value not in COSTS:
            raise ValueError(f"there is no cost {value!r}. {nearest(value, COSTS)}")
        return value

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if (self.eval is None) == (self.cost is None):
            raise ValueError("say what it is about: either eval or cost")
        said = [kind for kind in LIMITS if getattr(self, kind) is not None]
        if len(said) != 1:
            came = f"got {' and '.join(said)}" if said else "got none"
            raise ValueError(f"a rule has one limit, {came}; one of {', '.join(LIMITS)}")
        return self

    @model_validator(mode="after")
    def _a_limit_with_a_meaning(self) -> Self:
        kind, better = self.kind, self.better
        if kind == "from_even_at_most" and self.even is None:
            raise ValueError(f"{self.of} has no value that is even; use at_most or at_least")
        if kind in ("margin", "gain") and better == "none" and self.even is None:
            raise ValueError(
                f"neither more nor less of {self.of} is better; use at_most or at_least"
            )
        if kind == "times_at_most" and self.cost is None and self.of != "latency":
            raise ValueError(f"times_at_most is for latency and costs; use margin for {self.of}")
        if self.against == "base" and kind not in OF_DIFFERENCES:
            raise ValueError(
                f"against has no meaning beside {kind}, which looks at one figure alone"
            )
        return self

    @property
    def of(self) -> str:
        """The eval or the cost that it is about."""
        return self.eval or self.cost or ""

    @property
    def kind(self) -> Kind:
        """Which limit it sets."""
        return next(kind for kind in LIMITS if getattr(self, kind) is not None)

    @property
    def limit(self) -> float:
        """The limit, in the unit of what it is about."""
        return float(getattr(self, self.kind))

    @property
    def better(self) -> str:
        """`higher`, `lower`, or `none` where neither is."""
        return "lower" if self.eval is None else eval_info(self.eval).better

    @property
    def even(self) -> float | None:
        """What whoever treats all alike gets; None of what is no figure of bias."""
        return None if self.eval is None else eval_info(self.eval).even

    @property
    def usual_unit(self) -> str:
        """The unit of its cost, or of its eval where nothing stored says otherwise."""
        return COSTS[self.cost].unit if self.cost else eval_info(self.of).unit

    def called(self, unit: str) -> str:
        """Its name, or what it says of figures in a unit.

        >>> Rule(eval="recall", margin=0.02).called("share")
        'recall: at most 2 points worse than the baseline'
        >>> Rule(cost="adapter_bytes", at_most=5e6).called("bytes")
        'adapter_bytes: at most 5,000,000 bytes'
        """
        if self.name:
            return self.name
        other = "its base" if self.against == "base" else "the baseline"
        size = f"{self.limit:,.10g} {unit}".strip()
        if wording.is_share(unit):
            alone = self.kind in ("at_most", "at_least")
            size = f"{100 * self.limit:.10g} {'%' if alone else 'points'}"
        words = {
            "margin": f"at most {size} worse than {other}",
            "gain": f"at least {size} better than {other}",
            "times_at_most": f"at most {self.limit:g} times {other}",
            "at_most": f"at most {size}",
            "at_least": f"at least {size}",
            "from_even_at_most": f"at most {size} from even",
        }
        return f"{self.of}: {words[self.kind]}"


class Rules(Words):
    """The rules of a gate; all of them have to hold."""

    rules: tuple[Rule, ...] = Field(min_length=1, max_length=200)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for name, count in Counter(rule.called(rule.usual_unit) for rule in self.rules).items():
            if count > 1:
                raise ValueError(f"{count} rules are called {name!r}; give each a name of its own")
        return self

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The rules in a YAML file."""
        if not Path(path).is_file():
            what = "is a folder" if Path(path).is_dir() else "does not exist"
            raise SpecError(
                f"{str(path)!r} {what}; give a YAML file of rules, such as examples/gate/rules.yaml"
            )
        return cls.of(read_mapping(Path(path)), source=str(path))

    @classmethod
    def of(cls, fields: Mapping[str, Any], *, source: str = "rules") -> Self:
        """The rules in a mapping; what is wrong is told rule by rule."""
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            wrong = error.errors()
            # Of rules that are wrong none is left, which is no mistake of its own.
            wrong = [one for one in wrong if one["type"] != "too_short"] or wrong
            told = dict.fromkeys(map(_told, wrong))
            raise SpecError("\n".join([f"{source!r} cannot be used:", *told])) from None
        except SpecError as error:
            raise SpecError(f"{source!r} cannot be used: {error}") from None


def _told(problem: Any) -> str:
    """One thing that is wrong: in which rule, which key, what came."""
    path = list(problem["loc"])
    inside = len(path) > 1 and isinstance(path[1], int)
    where = f"rule {path[1] + 1}" if inside else ""
    keys = [str(part) for part in path[2 if inside else 0 :]]
    if problem["type"] == "extra_forbidden":
        last = keys[-1]
        known = list(Rule.model_fields if inside else Rules.model_fields)
        hint = nearest(last, known)
        if inside and last in ALSO_CALLED:
            hint = f"Did you mean {ALSO_CALLED[last]!r}?"
        return "  " + ": ".join(filter(None, [where, f"unknown key {last!r}. {hint}"]))
    reason = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "tuple_type":
        reason = "a list is needed, such as [{eval: recall, margin: 0.02}]"
    if problem["type"] == "too_short":
        reason = "at least one rule is needed"
    if problem["type"] == "model_type":
        reason = "a mapping of keys to values is needed, such as {eval: recall, margin: 0.02}"
    if problem["type"] != "value_error":
        reason = f"{reason}; got {problem.get('input')!r:.120}"
    return "  " + ": ".join(filter(None, [where, ".".join(keys), reason]))
