"""What only people know of an adapter: whose it is, what it is for, and whose data it was trained on and with what consent.

`Stated.load("card.yaml")` reads it; a field that is not known is an error that names the nearest. The file lies in the
sweep's folder or is given. Nothing here is guessed: what nobody states, a card calls "not stated".
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from workbench.errors import SpecError, nearest
from workbench.yamlfile import read_mapping

FILE = "card.yaml"
"""What it is called in a sweep's folder."""

ALSO_CALLED = {
    "author": "owner",
    "developer": "owner",
    "developed_by": "owner",
    "licence": "license",
    "licence_link": "license_link",
    "uses": "intended_use",
    "direct_use": "intended_use",
    "misuse": "out_of_scope_use",
    "consent": "data_consent",
    "retention": "data_retention",
    "personal_data": "data_personal",
    "languages": "language",
}
"""What people call a field that goes by another name here."""

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*|code|multilingual")


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Line = Annotated[str, Field(min_length=1, max_length=20_000)]
Lines = Annotated[tuple[Line, ...], BeforeValidator(_listed)]
"""A text, or a list of them."""


class Stated(BaseModel):
    """The facts of a card that no run can know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: Line | None = None
    """Who is responsible for the adapter."""
    contact: Line | None = None
    license: Line | None = None
    """Of the adapter: an identifier of the Hub such as apache-2.0, or a name of its own."""
    license_link: Line | None = None
    language: Lines = ()
    """ISO 639 codes, such as en."""
    intended_use: Lines = ()
    out_of_scope_use: Lines = ()
    limitations: Lines = ()
    data_origin: Lines = ()
    """Who made the training rows, how and when."""
    data_personal: Lines = ()
    """Whether they hold data of persons, and which."""
    data_consent: Lines = ()
    """On what ground those persons' data are used."""
    data_retention: Lines = ()
    """How long the rows are kept, where, and how one has one's own removed."""

    @field_validator("language")
    @classmethod
    def _codes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if not _LANGUAGE.fullmatch(one):
                raise ValueError("codes of ISO 639 are needed, such as en or [en, de]")
        return value

    @field_validator("license_link")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https://[^\s<>\"'`]+|LICENSE(\.md)?", value):
            raise ValueError(
                "an address that begins with https:// is needed, or LICENSE for a file beside the card"
            )
        return value

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """What a YAML file states."""
        if not Path(path).is_file():
            raise SpecError(
                f"there is no file {str(path)!r}; give a YAML file that states {', '.join(cls.model_fields)}"
            )
        return cls.of(read_mapping(Path(path)), source=str(path))

    @classmethod
    def of(cls, fields: Mapping[str, Any], *, source: str = "what is stated") -> Self:
        """What a mapping states."""
        for name in fields:
            if name not in cls.model_fields:
                meant = ALSO_CALLED.get(name)
                hint = f"Did you mean {meant!r}?" if meant else nearest(name, cls.model_fields)
                raise SpecError(f"{source}: a card has no field {name!r}. {hint}")
        try:
            return cls.model_validate(dict(fields))
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(map(str, problem["loc"]))
            reason = problem["msg"].removeprefix("Value error, ")
            raise SpecError(f"{source}: {where}: {reason}; got {problem['input']!r:.120}") from None
