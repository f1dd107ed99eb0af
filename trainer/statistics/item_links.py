"""Which items lead to which, counted from baskets and histories: the matrices of `signals.MATRICES`."""

from __future__ import annotations

import numpy as np
import scipy.linalg
from scipy import sparse

from shelfwise.events import decay_all
from shelfwise.generation.item_links import ItemLinks
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.basket_matrix import BasketMatrix

__all__ = ["DENSE_MOST", "cooccurrence", "ease", "ease_links", "next_visit_ridge", "top_links"]

DENSE_MOST = 10_000  # items, up to which the closed form's dense matrix fits (400 MB)
_HALF_LIFE_DAYS = 45.0  # measured on Online Retail: .285 of next month's pairs, .271 without decay
_LEAST_SUPPORT = 2  # shoppers; one alone is chance
_LEAST_LIFT = 1.0
_COMMON = 0.25  # exponent: how much less is said by what goes with everything
_SHRINK = 3.0  # shoppers; pulls the weight of rare pairs towards zero
_MOST_TOGETHER, _MOST_LINKED = 50, 200
_RIDGE = 300.0  # of both regressions
_COSINE_SHRINK = 10.0
_PAST_HALF_LIFE_DAYS, _VISIT_HALF_LIFE_DAYS, _PAST_VISITS = 120.0, 60.0, 30


def cooccurrence(choices: BasketMatrix, now: float, limit: int = _MOST_TOGETHER) -> ItemLinks:
    """What goes into the same baskets: the faded chance of j where i is, a little less for what is everywhere.

    Pairs that fewer than two shoppers had, or no more often together than by chance (lift), are none. Lift: Brin et
    al., "Dynamic Itemset Counting" (1997), there called interest. The links' support is in shoppers.
    """
    baskets = choices.limited()
    if not len(baskets):
        return ItemLinks(np.zeros(choices.items.shape[1] + 1, np.int64))
    counted = baskets.weights(now, _HALF_LIFE_DAYS)
    pairs = (baskets.items.T @ baskets.items.multiply(counted[:, None]).tocsr()).tocsr()  # (n_items, n_items) faded
    pairs.sort_indices()
    rows, columns = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr)), pairs.indices
    support = _shoppers_of(pairs, baskets)
    faded = np.maximum(pairs.diagonal(), 1e-6)
    lift = pairs.data * float(counted.sum()) / (faded[rows] * faded[columns])
    kept = (rows != columns) & (support.data >= _LEAST_SUPPORT) & (lift > _LEAST_LIFT)
    sure = support.data / (support.data + _SHRINK)
    weights = np.where(kept, sure * pairs.data / faded[rows] / faded[columns] ** _COMMON, 0.0)
    return top_links(sparse.csr_matrix((weights, columns, pairs.indptr), shape=pairs.shape), limit, support)


def _shoppers_of(pairs: sparse.csr_matrix, baskets: BasketMatrix) -> sparse.csr_matrix:
    """How many shoppers had both items of each pair, at the places of `pairs`."""
    histories = baskets.histories(0.0)
    histories.data[:] = 1.0
    pattern = sparse.csr_matrix((np.ones(len(pairs.data), np.float32), pairs.indices, pairs.indptr), shape=pairs.shape)
    support = (histories.T @ histories).tocsr().multiply(pattern).tocsr()  # whoever had a basket with both had both
    support.sort_indices()
    return support


def ease_links(choices: BasketMatrix, now: float) -> ItemLinks:
    """What a history makes expect, whenever: EASE where the catalogue is small enough, else shrunk cosines.

    EASE is the ridge regression of each item on all others, in closed form: Steck, "Embarrassingly Shallow Autoencoders
    for Sparse Data" (2019).
    """
    histories = choices.limited().histories(now)
    histories.data[:] = 1.0
    pairs = (histories.T @ histories).tocsr()
    active = np.flatnonzero(pairs.diagonal() > 0)
    if not len(active):
        return ItemLinks(np.zeros(pairs.shape[0] + 1, np.int64))
    if len(active) > DENSE_MOST:
        return top_links(_cosines(pairs), _MOST_TOGETHER)
    weights = ease(pairs[active][:, active].toarray(), _RIDGE)
    return _scattered(weights, active, pairs.shape[0])


def next_visit_ridge(choices: BasketMatrix, now: float) -> ItemLinks:
    """What a history makes expect at the next visit, things chosen again too: the ridge regression of each visit on
    what came before it, faded. Nothing where the catalogue is too large for a dense matrix.
    """
    past, visits, weights = _with_past(choices.limited(), now)
    active = np.unique(np.concatenate([past.indices, visits.indices]))
    if not len(active) or len(active) > DENSE_MOST:
        return ItemLinks(np.zeros(choices.items.shape[1] + 1, np.int64))
    past, visits = past[:, active], visits[:, active]
    weighed = past.multiply(weights[:, None]).tocsr()
    gram = np.asarray((past.T @ weighed).toarray(), np.float32)
    gram[np.diag_indices_from(gram)] += _RIDGE
    wanted = np.asarray((weighed.T @ visits).toarray(), np.float32)
    factor = scipy.linalg.cho_factor(gram, lower=True, overwrite_a=True)
    return _scattered(scipy.linalg.cho_solve(factor, wanted, overwrite_b=True), active, choices.items.shape[1])


def _with_past(choices: BasketMatrix, now: float) -> tuple[sparse.csr_matrix, sparse.csr_matrix, np.ndarray]:
    """The faded history before each visit that has one, the visit, (n, n_items) each, and what it counts, (n,)."""
    rows, columns, fading = [], [], []
    for lag in range(1, min(_PAST_VISITS, len(choices) - 1) + 1):
        later = np.flatnonzero(choices.shopper[lag:] == choices.shopper[:-lag]) + lag
        if not len(later):
            break
        rows.append(later)
        columns.append(later - lag)
        fading.append(decay_all((choices.ts[later] - choices.ts[later - lag]) / DAY, _PAST_HALF_LIFE_DAYS))
    if not rows:
        nothing = choices.items[:0]
        return nothing, nothing, np.zeros(0, np.float32)
    places = np.concatenate(rows), np.concatenate(columns)
    summing = sparse.csr_matrix((np.concatenate(fading), places), shape=(len(choices),) * 2, dtype=np.float32)
    kept = np.unique(places[0])
    past = (summing[kept] @ choices.items).tocsr()
    return past, choices.items[kept], choices.weights(now, _VISIT_HALF_LIFE_DAYS)[kept]


def ease(gram: np.ndarray, ridge: float) -> np.ndarray:
    """The weights B (n, n) that minimise |X - XB|² + ridge |B|² with a zero diagonal, from the Gram matrix of X."""
    gram = np.asarray(gram, np.float32)
    gram[np.diag_indices_from(gram)] += ridge
    factor, failed = scipy.linalg.lapack.spotrf(gram, lower=1, overwrite_a=1)
    inverse, failed_too = scipy.linalg.lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:  # numbers that are no numbers, for the ridge makes any true Gram matrix regular
        return np.zeros_like(gram)
    lower = np.tril(inverse, -1)
    diagonal = np.diag(inverse).copy()
    weights = lower + lower.T
    weights /= -diagonal[None, :]
    return np.asarray(weights, np.float32)


def _cosines(pairs: sparse.csr_matrix) -> sparse.csr_matrix:
    """Cosines of the items' columns, shrunk for few; Bell & Koren, "Scalable Collaborative Filtering" (2007)."""
    norms = np.sqrt(np.maximum(pairs.diagonal(), 1e-6))
    rows = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    shrunk = pairs.data / (pairs.data + _COSINE_SHRINK)
    weights = pairs.data * shrunk / norms[rows] / norms[pairs.indices]
    weights[rows == pairs.indices] = 0.0
    return sparse.csr_matrix((weights, pairs.indices, pairs.indptr), shape=pairs.shape)


def _scattered(weights: np.ndarray, active: np.ndarray, n_items: int) -> ItemLinks:
    """The strongest weights of each row of a dense matrix over the `active` items, whatever their sign."""
    most = min(_MOST_LINKED, len(active))
    top = np.argpartition(-np.abs(weights), most - 1, axis=1)[:, :most] if most else np.zeros((0, 0), np.int64)
    values = np.take_along_axis(weights, top, axis=1) if most else np.zeros((0, 0), np.float32)
    order = np.argsort(-values, axis=1, kind="stable")
    sizes = np.zeros(n_items, np.int64)
    sizes[active] = most
    return ItemLinks(
        np.concatenate([[0], np.cumsum(sizes)]),
        active[np.take_along_axis(top, order, axis=1)].ravel().astype(np.int32),
        np.take_along_axis(values, order, axis=1).ravel().astype(np.float32),
    )


def top_links(matrix: sparse.csr_matrix, limit: int, support: sparse.csr_matrix | None = None) -> ItemLinks:
    """The strongest positive links of each row; `support` has the same places."""
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    order = np.lexsort((matrix.indices, -matrix.data, rows))
    place_in_row = np.arange(len(order)) - np.repeat(matrix.indptr[:-1], np.diff(matrix.indptr))
    kept = order[(place_in_row < limit) & (matrix.data[order] > 0)]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows[kept], minlength=matrix.shape[0]))])
    counts = np.zeros(0) if support is None else support.data[kept]
    return ItemLinks(
        indptr.astype(np.int64),
        matrix.indices[kept].astype(np.int32),
        matrix.data[kept].astype(np.float32),
        counts.astype(np.int32),
    )
