"""Score an encoder on a sample of the catalogue: while it trains, and its int8 form against the exact one.

Neither decides what is published against the parent; the judge does, over the whole catalogue.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from shelfwise.generation.encoder import Encoder
from shelfwise.night_report_parts import PrecisionReport
from shelfwise.trainer.data.interactions import QueryClick
from shelfwise.trainer.evaluation.evaluation_sets import EvaluationSet
from shelfwise.trainer.evaluation.metrics import METRICS, evaluate_queries, paired_interval

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["MAX_LOSS", "Encode", "dev_metric", "quantisation_loss"]

MAX_LOSS = 0.005  # nDCG@10, half a point
_MAX_SEARCHES, _MAX_QUERIES, _MAX_ITEMS = 200, 300, 500  # float32 encodes about 100 long texts a second
_CONFIDENCE = 0.9  # two-sided; the loss is above its lower end with 95 %
_NDCG = METRICS.index("ndcg")

Encode = Callable[[Sequence[str]], np.ndarray]  # texts → unit vectors, (n, dim) float32


def dev_metric(
    searches: Sequence[QueryClick], texts: Mapping[str, str], seed: int
) -> Callable[[SentenceTransformer], float]:
    """Return the metric to stop training by: mean nDCG@10 of at most 200 of the searches among at most 500 items.

    It is 0.0 without a search. The model is left in the mode (training or not) in which it came.
    """
    rng = random.Random(seed)
    known = [search for search in searches if search.item in texts]
    sample = rng.sample(known, min(len(known), _MAX_SEARCHES))
    pool = _pool((search.item for search in sample), texts, rng)
    rows = {id: row for row, id in enumerate(pool)}
    queries = sorted({search.query for search in sample})
    positions = [queries.index(search.query) for search in sample]
    relevant = [[rows[search.item]] for search in sample]

    def measure(model: SentenceTransformer) -> float:
        if not sample:
            return 0.0
        items = _encode(model, model.encode_document, [texts[id] for id in pool])
        embeddings = _encode(model, model.encode_query, queries)[positions]  # (n_searches, dim)
        return float(evaluate_queries(items, embeddings, relevant)[:, _NDCG].mean())

    return measure


def quantisation_loss(
    evaluation_sets: Sequence[EvaluationSet],
    exact: tuple[Encode, Encode],
    served: Encoder,
    texts: Mapping[str, str],
    seed: int,
) -> PrecisionReport:
    """Return what int8 loses beside the trained weights, and whether that is too coarse to be served.

    It is too coarse when the mean loss is above MAX_LOSS and the paired bootstrap is 95 % sure that there is a loss at
    all; otherwise chance would change the precision from night to night.

    Args:
        evaluation_sets: At most 300 distinct queries of them are asked, among at most 500 items.
        exact: Encode queries and items with the trained weights.
        served: The serving form.
        texts: Item id → text.
        seed: Draws queries and items.
    """
    relevant = _relevant_by_query(evaluation_sets, texts)
    rng = random.Random(seed)
    queries = rng.sample(sorted(relevant), min(len(relevant), _MAX_QUERIES))
    if not queries:
        return PrecisionReport(0.0, "int8", 0.0, 0.0, 0, False)
    pool = _pool((id for query in queries for id in sorted(relevant[query])), texts, rng)
    rows = {id: row for row, id in enumerate(pool)}
    relevant_rows = [[rows[id] for id in relevant[query] if id in rows] for query in queries]
    fine, coarse = (
        evaluate_queries(encode_items([texts[id] for id in pool]), encode_queries(queries), relevant_rows)[:, _NDCG]
        for encode_queries, encode_items in (exact, (served.queries, served.items))
    )
    lost = float((fine - coarse).mean())
    low, _ = paired_interval(fine - coarse, queries, seed=seed, confidence=_CONFIDENCE)
    is_coarse = lost > MAX_LOSS and low > 0
    exact_mean, lost, low = (round(float(value), 4) for value in (fine.mean(), lost, low))
    return PrecisionReport(exact_mean, "fp32" if is_coarse else "int8", lost, low, len(queries), is_coarse)


def _relevant_by_query(evaluation_sets: Sequence[EvaluationSet], texts: Mapping[str, str]) -> dict[str, set[str]]:
    """Return query → relevant ids that have a text, of all sets of search queries."""
    relevant: dict[str, set[str]] = {}
    for evaluation_set in evaluation_sets:
        if evaluation_set.are_queries:
            for (query, *_), ids in zip(evaluation_set.queries, evaluation_set.relevant, strict=True):
                relevant.setdefault(query, set()).update(id for id in ids if id in texts)
    return {query: ids for query, ids in relevant.items() if ids}


def _pool(relevant: Iterable[str], texts: Mapping[str, str], rng: random.Random) -> list[str]:
    """Return the relevant items and random others, 500 in all."""
    chosen = list(dict.fromkeys(relevant))[:_MAX_ITEMS]
    known = set(chosen)
    others = [id for id in texts if id not in known]
    return chosen + rng.sample(others, min(len(others), _MAX_ITEMS - len(chosen)))


def _encode(model: SentenceTransformer, encode: Callable[..., Any], texts: list[str]) -> np.ndarray:
    training = model.training
    vectors = encode(texts, batch_size=64, normalize_embeddings=True, convert_to_tensor=True, show_progress_bar=False)
    model.train(training)
    encoded: np.ndarray = vectors.float().cpu().numpy()
    return encoded
