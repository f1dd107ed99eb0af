"""The quick looks: the measure that training stops by, and what the serving form loses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from shelfwise.trainer.data.interactions import QueryClick
from shelfwise.trainer.evaluation.evaluation_sets import NEWEST, EvaluationSet
from shelfwise.trainer.evaluation.sampled import MAX_LOSS, dev_metric, quantisation_loss

TEXTS = {f"i{number}": f"title {number}" for number in range(1500)}


def encode(texts: Sequence[str]) -> np.ndarray:
    """`title 7` and `query 7` are the same unit vector."""
    vectors = np.stack([np.random.default_rng(int(text.split()[1])).normal(size=32) for text in texts])
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def wrong(share: float) -> Callable[[Sequence[str]], np.ndarray]:
    """An encoder that takes a share of the texts for their opposites."""
    return lambda texts: (
        encode(texts) * np.array([-1 if int(t.split()[1]) % 100 < 100 * share else 1 for t in texts])[:, None]
    )


class Model:
    """Stands for a SentenceTransformer: encoding leaves it in evaluation mode."""

    def __init__(self, share: float) -> None:
        self.device, self.training, self.asked = torch.device("cpu"), True, 0
        self._queries = wrong(share)

    def train(self, mode: bool) -> None:
        self.training = mode

    def encode_query(self, texts: list[str], **options: Any) -> torch.Tensor:
        return self._encode(self._queries, texts, options)

    def encode_document(self, texts: list[str], **options: Any) -> torch.Tensor:
        return self._encode(encode, texts, options)

    def _encode(
        self, by: Callable[[Sequence[str]], np.ndarray], texts: list[str], options: dict[str, Any]
    ) -> torch.Tensor:
        assert options["normalize_embeddings"] and options["convert_to_tensor"]
        self.training = False
        self.asked += len(texts)
        return torch.from_numpy(by(texts))


def searches(count: int) -> list[QueryClick]:
    return [QueryClick(f"query {number}", f"i{number}", 0.0, (number,)) for number in range(count)]


@pytest.mark.parametrize(("share", "score"), [(0.0, 1.0), (0.3, 0.7), (1.0, 0.0)])
def test_dev_metric_is_small_and_sees_what_was_learned(share: float, score: float) -> None:
    model: Any = Model(share)
    measure = dev_metric([*searches(600), QueryClick("query 1", "gone", 0.0, (0,))], TEXTS, seed=1)
    assert measure(model) == pytest.approx(score, abs=0.08)
    assert model.training, "training goes on as it was"
    assert model.asked == 500 + 200


def test_dev_metric_without_searches_is_zero() -> None:
    model: Any = Model(0.0)
    assert dev_metric([], TEXTS, seed=1)(model) == 0.0 and model.asked == 0


def evaluation_set(count: int, name: str = NEWEST) -> EvaluationSet:
    found = searches(count)
    wanted, given = [frozenset({search.item}) for search in found], [frozenset[str]()] * count
    return EvaluationSet(name, True, [[search.query] for search in found], wanted, given)


@pytest.mark.parametrize(
    ("share", "too_coarse"),
    [(0.0, False), (0.01, False), (0.05, True), (0.5, True)],  # two queries of 200 may be chance
)
def test_quantisation_loss_above_the_limit_is_too_coarse(share: float, too_coarse: bool) -> None:
    served: Any = SimpleNamespace(queries=wrong(share), items=encode)
    report = quantisation_loss(
        [evaluation_set(200), evaluation_set(200, "anchor")], (encode, encode), served, TEXTS, seed=1
    )
    assert report.too_coarse is too_coarse
    assert report.questions == 200
    assert report.exact == pytest.approx(1.0, abs=0.01)
    assert report.lost == pytest.approx(share, abs=0.01)
    assert (report.low > 0 and report.lost > MAX_LOSS) is too_coarse


def test_quantisation_loss_encodes_a_small_sample() -> None:
    sizes = []

    def counted(texts: Sequence[str]) -> np.ndarray:
        sizes.append(len(texts))
        return encode(texts)

    served: Any = SimpleNamespace(queries=encode, items=encode)
    assert quantisation_loss([evaluation_set(900)], (counted, counted), served, TEXTS, seed=1).questions == 300
    assert sorted(sizes) == [300, 500]


def test_quantisation_loss_without_queries_is_zero() -> None:
    served: Any = SimpleNamespace(queries=encode, items=encode)
    baskets = EvaluationSet("newest baskets", False, [["title 1"]], [frozenset({"i2"})], [frozenset({"i1"})])
    report = quantisation_loss([baskets], (encode, encode), served, TEXTS, seed=1)
    assert report.questions == 0 and not report.too_coarse
