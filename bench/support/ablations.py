"""Search with some of the sources only, or as a plain keyword engine would."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from shelfwise import Shop
from shelfwise.catalogue.postings import PostingsCache
from shelfwise.errors import InvalidInput
from shelfwise.query.understanding import understand
from shelfwise.query.vocabulary import Vocabulary
from shelfwise.search.blend import ALL, SourceSwitches
from shelfwise.search.request import SearchRequest

__all__ = ["ABLATIONS", "ENCODER", "ENCODER_ONLY", "WORDS_ONLY", "KeywordEngine", "search_all", "search_with"]

ENCODER = SourceSwitches(words=False, memory=False, neighbours=False, taste=False, ranker=False)  # with popularity
ENCODER_ONLY = replace(ENCODER, popularity=False)
WORDS_ONLY = replace(ENCODER_ONLY, words=True, meaning=False)
ABLATIONS = {"encoder": ENCODER, "default": ALL}


class KeywordEngine:
    """FTS5's BM25 alone, any word of the query as it stands: no correction, no synonyms, no popularity."""

    def __init__(self, shop: Shop) -> None:
        self._postings, self._columns = PostingsCache(shop.store).current(), shop.catalogue.current()

    def search(self, query: str, limit: int = 10) -> list[str]:
        """Return the ids of the best items, best first."""
        terms = [term.match for term in understand(query, Vocabulary(), lambda _: 1, exact=True).terms]
        scores = self._postings.match(terms, self._columns.size).bm25
        best = np.argsort(-scores, kind="stable")[:limit]
        return [id for row in best.tolist() if scores[row] > 0 and (id := self._columns.ids[row]) is not None]


def search_with(shop: Shop, query: str, sources: SourceSwitches, limit: int, offset: int = 0) -> list[str]:
    """Return the ids of one page of the hits that these sources give; nothing is logged. Raises InvalidInput."""
    request = SearchRequest(query, limit, offset, sources=sources).validated()
    return shop.search_pipeline.run(request, shop.generation).ids


def search_all(shop: Shop, queries: Iterable[str], sources: SourceSwitches | None, limit: int) -> dict[str, list[str]]:
    """Return each query with the ids of its hits; `sources` None searches with the plain keyword engine."""
    engine = KeywordEngine(shop)

    def search(query: str) -> list[str]:
        if sources is None:
            return engine.search(query, limit)
        try:
            return search_with(shop, query, sources, limit)
        except InvalidInput:  # blank or overlong in the log
            return []

    return {query: search(query) for query in dict.fromkeys(queries)}
