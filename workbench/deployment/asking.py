"""What is asked of a deployment, checked before anything is loaded: variants, sizes of work, time, budget, price."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from workbench.errors import InputError, nearest
from workbench.timing.call import Cell


class Wanted(BaseModel):
    """How a deployment is to be measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    variants: tuple[str, ...] = ()
    """Empty takes all."""
    input_tokens: tuple[int, ...] = (32, 128)
    output_tokens: tuple[int, ...] = (32,)
    batch: tuple[int, ...] = (1, 8)
    seconds: float = Field(default=120.0, gt=0)
    precision: float = Field(default=0.03, gt=0, lt=1)
    seed: int = 0

    @field_validator("input_tokens", "output_tokens", "batch")
    @classmethod
    def _is_a_list_of_sizes(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        if not sizes or min(sizes) < 1:
            raise ValueError("give whole numbers from 1")
        return tuple(dict.fromkeys(sizes))

    @classmethod
    def of(cls, **fields: Any) -> "Wanted":
        """What was asked; a field that there is not, or a value it cannot have, is an error in words."""
        for name in fields:
            if name not in cls.model_fields:
                raise InputError(f"a deployment has no {name!r}. {nearest(name, cls.model_fields)}")
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            problem = error.errors()[0]
            where = str(problem["loc"][0])
            reason = problem["msg"].removeprefix("Value error, ")
            raise InputError(f"{where}: {reason}; got {problem['input']!r}") from None

    def cells(self, *, context: int) -> tuple[tuple[Cell, ...], tuple[str, ...]]:
        """The sizes that fit the model's context, and of the others why not."""
        fitting, refused = [], []
        for batch in self.batch:
            for tokens_in in self.input_tokens:
                for tokens_out in self.output_tokens:
                    cell = Cell(tokens_in, tokens_out, batch)
                    if tokens_in + tokens_out > context:
                        refused.append(f"{cell}: the model's context is {context} tokens")
                    else:
                        fitting.append(cell)
        return tuple(fitting), tuple(refused)
