"""Quick looks at an encoder on a sample of the catalogue: while it trains, and whether its serving form is too coarse.

Neither decides what is published against the parent; that is the judge's, over the whole catalogue.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from shelfwise.generation.encoder import Encoder
from shelfwise.trainer.data.interactions import QueryClick
from shelfwise.trainer.evaluation.evaluation_sets import EvaluationSet
from shelfwise.trainer.evaluation.metrics import METRICS, evaluate_queries, paired_interval

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["LOSS_ALLOWED", "Encode", "dev_metric", "quantisation_loss"]

LOSS_ALLOWED = 0.005  # nDCG@10, half a point
_MOST_SEARCHES, _MOST_QUERIES, _MOST_ITEMS = 200, 300, 500  # float32 encodes about 100 long texts a second
_CERTAIN = 0.9  # two-sided; the loss is above its lower end with 95 %
_NDCG = METRICS.index("ndcg")

Encode = Callable[[Sequence[str]], np.ndarray]  # texts → unit vectors, (n, dim) float32


def dev_metric(
    searches: Sequence[QueryClick], texts: Mapping[str, str], seed: int
) -> Callable[[SentenceTransformer], float]:
    """The measure to stop training by: mean nDCG@10 of at most 200 of the searches among at most 500 items.

    0.0 where there is no search. The model is left in the mode (training or not) in which it came.
    """
    rng = random.Random(seed)
    known = [search for search in searches if search.item in texts]
    asked = rng.sample(known, min(len(known), _MOST_SEARCHES))
    pool = _pool((search.item for search in asked), texts, rng)
    rows = {id: row for row, id in enumerate(pool)}
    queries = sorted({search.query for search in asked})
    places = [queries.index(search.query) for search in asked]
    wanted = [[rows[search.item]] for search in asked]

    def measure(model: SentenceTransformer) -> float:
        if not asked:
            return 0.0
        items = _encode(model, model.encode_document, [texts[id] for id in pool])
        questions = _encode(model, model.encode_query, queries)[places]  # (n_asked, dim)
        return float(evaluate_queries(items, questions, wanted)[:, _NDCG].mean())

    return measure


def quantisation_loss(
    evaluation_sets: Sequence[EvaluationSet],
    exact: tuple[Encode, Encode],
    served: Encoder,
    texts: Mapping[str, str],
    seed: int,
) -> dict[str, Any]:
    """What the serving form loses against the trained weights: mean nDCG@10 of both, `lost`, and `too_coarse`.

    `exact` encodes queries and items (`texts`: id → text) with the trained weights. At most 300 distinct queries are
    asked, among at most 500 items. It is too coarse when the mean loss is above LOSS_ALLOWED and the paired bootstrap
    is 95 % sure that there is a loss at all; otherwise chance would change the precision from night to night.
    """
    right = _wanted(evaluation_sets, texts)
    rng = random.Random(seed)
    queries = rng.sample(sorted(right), min(len(right), _MOST_QUERIES))
    if not queries:
        return {"exact": 0.0, "served": 0.0, "lost": 0.0, "low": 0.0, "questions": 0, "too_coarse": False}
    pool = _pool((id for query in queries for id in sorted(right[query])), texts, rng)
    rows = {id: row for row, id in enumerate(pool)}
    wanted = [[rows[id] for id in right[query] if id in rows] for query in queries]
    fine, coarse = (
        evaluate_queries(encode_items([texts[id] for id in pool]), encode_queries(queries), wanted)[:, _NDCG]
        for encode_queries, encode_items in (exact, (served.queries, served.items))
    )
    lost = float((fine - coarse).mean())
    low, _ = paired_interval(fine - coarse, queries, seed=seed, confidence=_CERTAIN)
    means = {"exact": fine.mean(), "served": coarse.mean(), "lost": lost, "low": low}
    return {
        **{name: round(float(value), 4) for name, value in means.items()},
        "questions": len(queries),
        "too_coarse": lost > LOSS_ALLOWED and low > 0,
    }


def _wanted(evaluation_sets: Sequence[EvaluationSet], texts: Mapping[str, str]) -> dict[str, set[str]]:
    """Of every query of the exams, the ids that are right."""
    right: dict[str, set[str]] = {}
    for evaluation_set in (exam for exam in evaluation_sets if exam.are_queries):
        for asked, wanted in zip(evaluation_set.queries, evaluation_set.relevant, strict=True):
            right.setdefault(asked[0], set()).update(id for id in wanted if id in texts)
    return {query: wanted for query, wanted in right.items() if wanted}


def _pool(wanted: Iterable[str], texts: Mapping[str, str], rng: random.Random) -> list[str]:
    """The wanted items and as many random others as there is room for."""
    chosen = list(dict.fromkeys(wanted))[:_MOST_ITEMS]
    known = set(chosen)
    others = [id for id in texts if id not in known]
    return chosen + rng.sample(others, min(len(others), _MOST_ITEMS - len(chosen)))


def _encode(model: SentenceTransformer, encode: Callable[..., Any], texts: list[str]) -> np.ndarray:
    training = model.training
    vectors = encode(texts, batch_size=64, normalize_embeddings=True, convert_to_tensor=True, show_progress_bar=False)
    model.train(training)
    encoded: np.ndarray = vectors.float().cpu().numpy()
    return encoded
