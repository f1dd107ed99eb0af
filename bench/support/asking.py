"""Ways to ask a shop: with all its sources, with some of them, or as a plain keyword engine would be asked."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from shelfwise import Shop
from shelfwise.catalogue.postings import PostingsCache
from shelfwise.catalogue.snapshot import CatalogueCache
from shelfwise.errors import InvalidInput
from shelfwise.query.understanding import understand
from shelfwise.query.vocabulary import Vocabulary
from shelfwise.search.blend import ALL, SourceSwitches

ENCODER = SourceSwitches(words=False, memory=False, neighbours=False, taste=False, ranker=False)  # with popularity
WAYS = {"encoder": ENCODER, "default": ALL}


class Keywords:
    """FTS5's BM25 alone, any word of the query as it stands: no correction, no synonyms, no popularity."""

    def __init__(self, shop: Shop) -> None:
        self._lexical, self._columns = PostingsCache(shop.store), CatalogueCache(shop.store).current()

    def answer(self, query: str, limit: int = 10) -> list[str]:
        """The ids of the best items, best first."""
        terms = [term.match for term in understand(query, Vocabulary(), lambda _: 1, exact=True).terms]
        scores = self._lexical.match(terms, self._columns.size).bm25
        best = np.argsort(-scores, kind="stable")[:limit]
        return [id for row in best.tolist() if scores[row] > 0 and (id := self._columns.ids[row]) is not None]


def answers(shop: Shop, queries: Iterable[str], sources: SourceSwitches | None, limit: int) -> dict[str, list[str]]:
    """Each query with the ids found for it; `sources` None asks the plain keyword engine."""
    keywords = Keywords(shop)

    def answer(query: str) -> list[str]:
        if sources is None:
            return keywords.answer(query, limit)
        try:
            return [hit.id for hit in shop.search(query, limit=limit, log=False, sources=sources).hits]
        except InvalidInput:  # blank or overlong in the log
            return []

    return {query: answer(query) for query in dict.fromkeys(queries)}
