"""The mean F1 between the words of answers and their nearest references, as SQuAD's own script counts them."""

# ruff: noqa: TID253 - a module of evaluate is a class of its own, made when the file is read
import datasets
import evaluate

from workbench.scores.extractive import overlap


class SquadF1(evaluate.Metric):
    """F1 and exact match of SQuAD 1.1, as shares."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="The mean F1 between the words of an answer and those of its nearest reference, and the share of exact matches, after SQuAD's own normalising.",
            citation="Rajpurkar et al. 2016",
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
        found = [overlap(said, known) for said, known in pairs]
        return {
            "squad_f1": sum(one.f1 for one in found) / len(found),
            "exact_match": sum(one.exact for one in found) / len(found),
        }
