"""Link items by baskets and histories: the matrices of `generation.item_signals.MATRICES`."""

from __future__ import annotations

import numpy as np
import scipy.linalg
from scipy import sparse

from shelfwise.events import decay_all
from shelfwise.generation.item_links import ItemLinks
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.basket_matrix import BasketMatrix

__all__ = ["MAX_DENSE_ITEMS", "cooccurrence", "ease", "ease_links", "next_visit_ridge", "top_links"]

MAX_DENSE_ITEMS = 10_000  # items, up to which the closed form's dense matrix fits (400 MB)
_HALF_LIFE_DAYS = 45.0  # measured on Online Retail: .285 of next month's pairs, .271 without decay
_MIN_SUPPORT = 2  # shoppers; one alone is chance
_MIN_LIFT = 1.0
_POPULARITY_EXPONENT = 0.25  # how much less the links to common items weigh
_SHRINK = 3.0  # shoppers; pulls the weight of rare pairs towards zero
_MAX_SPARSE_LINKS, _MAX_DENSE_LINKS = 50, 200  # of an item
_RIDGE = 300.0  # of both regressions
_COSINE_SHRINK = 10.0  # baskets
_PAST_HALF_LIFE_DAYS, _VISIT_HALF_LIFE_DAYS, _MAX_PAST_VISITS = 120.0, 60.0, 30


def cooccurrence(choices: BasketMatrix, now: float, limit: int = _MAX_SPARSE_LINKS) -> ItemLinks:
    """Return links by co-occurrence in baskets: the decayed share of i's baskets that hold j, lower for common j.

    Pairs that fewer than two shoppers had, or no more often together than by chance (lift), are left out. Lift: Brin et
    al., "Dynamic Itemset Counting" (1997), there called interest. The links' support is in shoppers.
    """
    baskets = choices.limited()
    if not len(baskets):
        return ItemLinks(np.zeros(choices.items.shape[1] + 1, np.int64))
    decayed = baskets.weights(now, _HALF_LIFE_DAYS)
    pairs = (baskets.items.T @ baskets.items.multiply(decayed[:, None]).tocsr()).tocsr()  # (n_items, n_items)
    pairs.sort_indices()
    rows, columns = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr)), pairs.indices
    support = _shoppers_of(pairs, baskets)
    totals = np.maximum(pairs.diagonal(), 1e-6)
    lift = pairs.data * float(decayed.sum()) / (totals[rows] * totals[columns])
    kept = (rows != columns) & (support.data >= _MIN_SUPPORT) & (lift > _MIN_LIFT)
    certainty = support.data / (support.data + _SHRINK)
    weights = np.where(kept, certainty * pairs.data / totals[rows] / totals[columns] ** _POPULARITY_EXPONENT, 0.0)
    return top_links(sparse.csr_matrix((weights, columns, pairs.indptr), shape=pairs.shape), limit, support)


def _shoppers_of(pairs: sparse.csr_matrix, baskets: BasketMatrix) -> sparse.csr_matrix:
    """Return how many shoppers had both items of each pair, in the sparsity pattern of `pairs`."""
    histories = baskets.histories(0.0)
    histories.data[:] = 1.0
    pattern = sparse.csr_matrix((np.ones(len(pairs.data), np.float32), pairs.indices, pairs.indptr), shape=pairs.shape)
    support = (histories.T @ histories).tocsr().multiply(pattern).tocsr()  # a shopper with both in one basket had both
    support.sort_indices()
    return support


def ease_links(choices: BasketMatrix, now: float) -> ItemLinks:
    """Return item-item weights by EASE; above MAX_DENSE_ITEMS items, shrunk cosine similarity.

    EASE is the ridge regression of each item on all others, in closed form: Steck, "Embarrassingly Shallow Autoencoders
    for Sparse Data" (2019).
    """
    histories = choices.limited().histories(now)
    histories.data[:] = 1.0
    pairs = (histories.T @ histories).tocsr()
    active = np.flatnonzero(pairs.diagonal() > 0)
    if not len(active):
        return ItemLinks(np.zeros(pairs.shape[0] + 1, np.int64))
    if len(active) > MAX_DENSE_ITEMS:
        return top_links(_cosines(pairs), _MAX_SPARSE_LINKS)
    weights = ease(pairs[active][:, active].toarray(), _RIDGE)
    return _strongest(weights, active, pairs.shape[0])


def next_visit_ridge(choices: BasketMatrix, now: float) -> ItemLinks:
    """Return the ridge regression of each visit on the decayed history before it, repeat purchases included.

    Empty above MAX_DENSE_ITEMS items.
    """
    past, visits, weights = _with_past(choices.limited(), now)
    active = np.unique(np.concatenate([past.indices, visits.indices]))
    if not len(active) or len(active) > MAX_DENSE_ITEMS:
        return ItemLinks(np.zeros(choices.items.shape[1] + 1, np.int64))
    past, visits = past[:, active], visits[:, active]
    weighted = past.multiply(weights[:, None]).tocsr()
    gram = np.asarray((past.T @ weighted).toarray(), np.float32)
    gram[np.diag_indices_from(gram)] += _RIDGE
    target = np.asarray((weighted.T @ visits).toarray(), np.float32)
    factor = scipy.linalg.cho_factor(gram, lower=True, overwrite_a=True)
    return _strongest(scipy.linalg.cho_solve(factor, target, overwrite_b=True), active, choices.items.shape[1])


def _with_past(choices: BasketMatrix, now: float) -> tuple[sparse.csr_matrix, sparse.csr_matrix, np.ndarray]:
    """Return the decayed history before each visit that has one, the visit, (n, n_items) each, and its weight, (n,)."""
    rows, columns, decays = [], [], []
    for lag in range(1, min(_MAX_PAST_VISITS, len(choices) - 1) + 1):
        later = np.flatnonzero(choices.shopper[lag:] == choices.shopper[:-lag]) + lag
        if not len(later):
            break
        rows.append(later)
        columns.append(later - lag)
        decays.append(decay_all((choices.ts[later] - choices.ts[later - lag]) / DAY, _PAST_HALF_LIFE_DAYS))
    if not rows:
        nothing = choices.items[:0]
        return nothing, nothing, np.zeros(0, np.float32)
    cells = np.concatenate(rows), np.concatenate(columns)
    summing = sparse.csr_matrix((np.concatenate(decays), cells), shape=(len(choices),) * 2, dtype=np.float32)
    kept = np.unique(cells[0])
    past = (summing[kept] @ choices.items).tocsr()
    return past, choices.items[kept], choices.weights(now, _VISIT_HALF_LIFE_DAYS)[kept]


def ease(gram: np.ndarray, ridge: float) -> np.ndarray:
    """Return the B (n, n) that minimises |X - XB|² + ridge |B|² with a zero diagonal, from the Gram matrix of X."""
    gram = np.asarray(gram, np.float32)
    gram[np.diag_indices_from(gram)] += ridge
    factor, failed = scipy.linalg.lapack.spotrf(gram, lower=1, overwrite_a=1)
    inverse, failed_too = scipy.linalg.lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:  # values that are not finite: the ridge makes any true Gram matrix regular
        return np.zeros_like(gram)
    lower = np.tril(inverse, -1)
    diagonal = np.diag(inverse).copy()
    weights = lower + lower.T
    weights /= -diagonal[None, :]
    return np.asarray(weights, np.float32)


def _cosines(pairs: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return cosines of the items' columns, shrunk for few; Bell & Koren, "Scalable Collaborative Filtering" (2007)."""
    norms = np.sqrt(np.maximum(pairs.diagonal(), 1e-6))
    rows = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    shrunk = pairs.data / (pairs.data + _COSINE_SHRINK)
    weights = pairs.data * shrunk / norms[rows] / norms[pairs.indices]
    weights[rows == pairs.indices] = 0.0
    return sparse.csr_matrix((weights, pairs.indices, pairs.indptr), shape=pairs.shape)


def _strongest(weights: np.ndarray, active: np.ndarray, n_items: int) -> ItemLinks:
    """Return the weights of the greatest magnitude in each row of a dense matrix over the `active` items."""
    count = min(_MAX_DENSE_LINKS, len(active))
    top = np.argpartition(-np.abs(weights), count - 1, axis=1)[:, :count]
    values = np.take_along_axis(weights, top, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    sizes = np.zeros(n_items, np.int64)
    sizes[active] = count
    return ItemLinks(
        np.concatenate([[0], np.cumsum(sizes)]),
        active[np.take_along_axis(top, order, axis=1)].ravel().astype(np.int32),
        np.take_along_axis(values, order, axis=1).ravel().astype(np.float32),
    )


def top_links(matrix: sparse.csr_matrix, limit: int, support: sparse.csr_matrix | None = None) -> ItemLinks:
    """Return the `limit` greatest positive weights of each row; `support` has the sparsity pattern of the matrix."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    order = np.lexsort((matrix.indices, -matrix.data, rows))
    rank_in_row = np.arange(len(order)) - np.repeat(matrix.indptr[:-1], np.diff(matrix.indptr))
    kept = order[(rank_in_row < limit) & (matrix.data[order] > 0)]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows[kept], minlength=matrix.shape[0]))])
    counts = np.zeros(0) if support is None else support.data[kept]
    return ItemLinks(
        indptr.astype(np.int64),
        matrix.indices[kept].astype(np.int32),
        matrix.data[kept].astype(np.float32),
        counts.astype(np.int32),
    )
