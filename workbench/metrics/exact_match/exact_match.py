"""The share of answers that are the same as a reference, but for capitals, spaces, marks around them and later lines."""

# ruff: noqa: TID253 - a module of evaluate is a class of its own, made when the file is read
import datasets
import evaluate

from workbench.scores.matching import same_answer


class ExactMatch(evaluate.Metric):
    """Answers met exactly."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="The share of answers that are the same as one of their references, capitals, spaces, marks around the answer and everything after its first line aside.",
            citation="",
            inputs_description="predictions: texts. references: for each of them a list of texts.",
            features=datasets.Features(
                {
                    "predictions": datasets.Value("string"),
                    "references": datasets.Sequence(datasets.Value("string")),
                }
            ),
        )

    def _compute(self, predictions: list[str], references: list[list[str]]) -> dict[str, float]:
        pairs = zip(predictions, references, strict=True)
        met = [any(same_answer(said, one) for one in known) for said, known in pairs]
        return {"exact_match": sum(met) / len(met)}
