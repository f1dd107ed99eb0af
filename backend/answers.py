"""Turn a validated request into an answer: add the shopper's facts, run the pipeline, explain, hydrate and log."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from shelfwise.errors import NotFound
from shelfwise.recommend.explain import explain_recommendations
from shelfwise.recommend.pipeline import RecommendPipeline
from shelfwise.recommend.request import RecommendRequest
from shelfwise.search.explain import explain_search
from shelfwise.search.pipeline import SearchPipeline
from shelfwise.search.request import SearchRequest
from shelfwise.serving.reloader import GenerationReloader
from shelfwise.serving.shopper_data import ShopperData
from shelfwise.store import Store
from shelfwise.types import Recommendations, SearchResult

__all__ = ["Answers"]


class Answers:
    """The answers of one process. Safe for several threads.

    Args:
        store: the shop's items, events and log
        reloader: gives the generation to answer from
        searches: the pipeline of searches
        recommendations: the pipeline of recommendations
        now: returns epoch seconds
    """

    def __init__(
        self,
        store: Store,
        reloader: GenerationReloader,
        searches: SearchPipeline,
        recommendations: RecommendPipeline,
        now: Callable[[], float],
    ) -> None:
        self._store, self._reloader, self._now = store, reloader, now
        self._searches, self._recommendations = searches, recommendations
        self.shopper_data = ShopperData(store, now)

    def search(self, request: SearchRequest, *, explain: bool, log: bool) -> SearchResult:
        """Return the page of hits that the request asks for."""
        started = time.perf_counter()
        generation, degraded = self._reloader.get()
        request = replace(request, events=self.shopper_data.history(request.user, request.session))
        outcome = self._searches.run(request, generation)
        reasons = explain_search(outcome, generation) if explain else {}
        result = SearchResult(
            search_id=uuid.uuid4().hex,
            query=request.query,
            generation=generation.number,
            total=outcome.total,
            took_ms=(time.perf_counter() - started) * 1000,
            hits=self.shopper_data.hydrate(outcome.ids, outcome.scores, reasons),
            degraded=degraded,
            corrected=outcome.query.corrected,
            relaxed=outcome.relaxed,
            facets=outcome.facets,
        )
        if log:
            self._log("searches", request, result, id=result.search_id, query=request.query)
        return result

    def recommend(self, request: RecommendRequest, *, explain: bool, log: bool) -> Recommendations:
        """Return the items that the request asks for. Raises NotFound for an unknown item in it."""
        started = time.perf_counter()
        generation, degraded = self._reloader.get()
        request = self._with_facts(request)
        outcome = self._recommendations.run(request, generation)
        titles, ranker = self.shopper_data.titles, generation.for_you_ranker
        reasons = explain_recommendations(outcome, ranker, titles) if explain else {}
        result = Recommendations(
            recommendation_id=uuid.uuid4().hex,
            generation=generation.number,
            kind=outcome.kind,
            took_ms=(time.perf_counter() - started) * 1000,
            hits=self.shopper_data.hydrate(outcome.ids, outcome.scores, reasons),
            degraded=degraded,
            filled=outcome.filled,
        )
        if log and (result.hits or request.fill):
            item = request.items[0] if request.items else None
            self._log("recommendations", request, result, id=result.recommendation_id, kind=result.kind, item=item)
        return result

    def _with_facts(self, request: RecommendRequest) -> RecommendRequest:
        """Return the request with what the shop knows of the shopper. Raises NotFound for an unknown item."""
        stock = self._store.items.stock(request.items) if request.items else {}
        if unknown := [id for id in request.items if id not in stock]:
            raise NotFound(f"item: expected the id of an item in the shop, got {unknown[0]!r}", "item")
        data, who = self.shopper_data, (request.user, request.session)
        return replace(
            request,
            events=data.history(*who),
            impressions=data.recent_impressions(*who) if request.reads_impressions else (),
            exclude=[*request.exclude, *data.excluded_items(*who, bought=not request.repeats)],
        )

    def _log(
        self, table: str, request: SearchRequest | RecommendRequest, result: SearchResult | Recommendations, **row: Any
    ) -> None:
        """Log which items were shown to whom; `row` holds what only this table has."""
        row |= {"ts": self._now(), "user": request.user, "session": request.session, "generation": result.generation}
        self._store.answer_log.add(table, row, [hit.id for hit in result.hits])
