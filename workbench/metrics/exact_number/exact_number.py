"""The share of answers that end on the number that their reference ends on, as GSM8K is scored."""

# ruff: noqa: TID253 - a module of evaluate is a class of its own, made when the file is read
import datasets
import evaluate

from workbench.scores.exact_answer import any_number


class ExactNumber(evaluate.Metric):
    """Worked answers with the right number."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="The share of answers whose number, behind #### or else the last one, is that of the reference; an answer without a number is wrong.",
            citation="Cobbe et al. 2021",
            inputs_description="predictions: texts. references: texts.",
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
            ),
        )

    def _compute(self, predictions: list[str], references: list[str]) -> dict[str, float]:
        pairs = zip(predictions, references, strict=True)
        right = [
            (number := any_number(said)) is not None and number == any_number(known)
            for said, known in pairs
        ]
        return {"exact_number": sum(right) / len(right)}
