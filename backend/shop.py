"""`Shop`, the façade: one directory of data, searched, recommended from and written to. All else is behind it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from shelfwise import privacy as people
from shelfwise.arguments import parse_path_id, validate_choice, validate_page, validate_query, validate_share
from shelfwise.catalogue.facets import validate_facets
from shelfwise.catalogue.filter_parser import parse
from shelfwise.catalogue.sorting import SORTS
from shelfwise.errors import InvalidInput, NotFound
from shelfwise.generation.registry import GenerationRegistry
from shelfwise.query.autocomplete import Suggestion
from shelfwise.ranking.exploration import ExplorationPolicy
from shelfwise.recommend.explain import explain_recommendations
from shelfwise.recommend.pipeline import DIVERSITY as SHELF_DIVERSITY
from shelfwise.recommend.pipeline import RecommendPipeline, RecommendRequest
from shelfwise.recommend.ranker import ForYouRanker
from shelfwise.recommend.strategies import KINDS, default_kind, kind_with_fallbacks
from shelfwise.search.blend import ALL, SourceSwitches
from shelfwise.search.explain import explain_search
from shelfwise.search.pipeline import DIVERSITY, SearchPipeline, SearchRequest
from shelfwise.serving.reloader import GenerationReloader
from shelfwise.serving.shopper_data import ShopperData
from shelfwise.store import Store
from shelfwise.types import Recommendations, Row, SearchResult
from shelfwise.validation import parse_event, parse_id, parse_item

__all__ = ["Shop"]


class Shop:
    """A shop in the directory `path`, created where there is none.

    `clock` returns an aware datetime and is the *now* of every decay and default time. Use it as a context manager,
    share it between threads, open a new one after a fork. Raises InvalidInput for bad input, NotFound for unknown ids.
    """

    def __init__(self, path: str | Path, clock: Callable[[], datetime] | None = None) -> None:
        self.path = Path(path)
        self.store = Store(self.path)
        self.generations = GenerationRegistry(self.path)
        self._clock = clock or (lambda: datetime.now(UTC))
        self._reloader = GenerationReloader(self.generations, self.store, self.path)
        self._shopper_data = ShopperData(self.store, self.now)
        self._search = SearchPipeline(self.store, self.now)
        self._recommend = RecommendPipeline(self._search.catalogue, self._search.curation, self.now)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write the answers not yet logged, end the background threads and close the database."""
        self._reloader.close()
        self._search.close()
        self.store.close()

    def now(self) -> float:
        """The clock's time in epoch seconds."""
        return self._clock().timestamp()

    # ---- writing ------------------------------------------------------------------------------------------

    def upsert(self, items: Iterable[Mapping[str, Any]]) -> Row:
        """Add or change items; committed and searchable when the call returns.

        Returns {"upserted", "unchanged", "rejected": [{"index", "reason"}]}; a bad item holds back no other.
        """
        good: list[tuple[int, Row]] = []
        rejected: list[tuple[int, str]] = []
        for index, row in enumerate(items):
            try:
                good.append((index, parse_item(row)))
            except InvalidInput as problem:
                rejected.append((index, str(problem)))
        done = self.store.items.upsert(good)
        self.store_vectors()
        reasons = sorted([*rejected, *done.rejected])
        return {
            "upserted": done.upserted,
            "unchanged": done.unchanged,
            "rejected": [{"index": index, "reason": reason} for index, reason in reasons],
        }

    def store_vectors(self) -> None:
        """Encode the items whose text changed, for every process; without a generation there is nothing to do."""
        generation = self._reloader.reload()
        if generation is not None:
            generation.encode_backlog()

    def delete(self, ids: Iterable[object]) -> int:
        """Delete items; returns how many were there. They are in no answer any more when the call returns."""
        return self.store.items.delete([parse_id(id, "id") for id in ids])

    def warm_up(self) -> None:
        """Open the generation now rather than within the first answer."""
        self._reloader.get()

    def watch(self) -> None:
        """Open new generations in the background from now on, so that no request waits for one."""
        self._reloader.start_watching()

    def record(self, events: Iterable[Mapping[str, Any]]) -> Row:
        """Add events, each judged alone; committed when the call returns.

        Returns {"accepted", "duplicates", "rejected": [{"index", "reason"}]}.
        """
        now = self.now()
        good: list[Row] = []
        rejected: list[Row] = []
        for index, row in enumerate(events):
            try:
                event = parse_event(row, now)
            except InvalidInput as problem:
                rejected.append({"index": index, "reason": str(problem)})
            else:
                event["event_id"] = event["event_id"] or uuid.uuid4().hex
                good.append(event)
        accepted = self.store.events.add(good) if good else 0
        return {"accepted": accepted, "duplicates": len(good) - accepted, "rejected": rejected}

    # ---- a person ------------------------------------------------------------------------------------------

    def erase(self, user: str) -> Row:
        """Take everything about a person out of the shop, and out of what the nights to come start from.

        Returns the receipt that `people.erase` describes. Raises InvalidInput for what is no id, NightBusy while a
        night runs.
        """
        return people.erase(self.path, self.store, self.generations, user, self.now())

    def export(self, user: str) -> Row:
        """All that is kept about a person, as `people.export` describes it. Raises InvalidInput for what is no id."""
        return people.export(self.store, self.generations, user)

    def merge(self, session: str, user: str) -> Row:
        """Let what an anonymous session did be this user's, as at a login; rows of another user in it stay theirs.

        Returns {"session", "user", "events", "searches", "recommendations"}, the numbers of rows that changed hands:
        zeros when it is repeated. Raises InvalidInput for what is no id.
        """
        session, user = parse_id(session, "session"), parse_id(user, "user")
        return {"session": session, "user": user, **self.store.session_merge.merge(session, user)}

    # ---- asking -------------------------------------------------------------------------------------------

    def search(
        self,
        q: str,
        user: str | None = None,
        session: str | None = None,
        limit: int = 10,
        offset: int = 0,
        log: bool = True,
        *,
        filter: str | None = None,
        facets: Sequence[str] = (),
        sort: str = "relevance",
        diversity: float = DIVERSITY,
        exact: bool = False,
        explain: bool = False,
        sources: SourceSwitches = ALL,
        explore: float = 0.0,
    ) -> SearchResult:
        """The items for a query, best first. `log=False` leaves no trace of it in the facts.

        `filter` and `facets`: docs/filters.md. `sort` is one of sorting.SORTS. `diversity`, 0..1, is how far variants
        of one product make way. `exact` takes the words as they stand. `explain` gives each hit its reasons. `sources`
        are what the answer may be made of: the measurements' way to leave one out. `explore` is the share of answers
        that show an item which nobody knows yet; only the door has one.
        """
        started = time.perf_counter()
        validate_page(limit, offset)
        user, session = _person(user, session)
        generation, degraded = self._reloader.get()
        asked = SearchRequest(
            query=validate_query(q),
            limit=limit,
            offset=offset,
            filter=parse(filter) if filter else None,
            facets=validate_facets(facets),
            sort=validate_choice(sort, SORTS, "sort"),
            diversity=validate_share(diversity, "diversity"),
            exact=exact,
            events=self._shopper_data.history(user, session),
            sources=sources,
            exploration=ExplorationPolicy(explore, f"{session or user or ''} {q}"),
        )
        outcome = self._search.run(asked, generation, self._shopper_data.statistics(generation))
        reasons = explain_search(outcome, generation) if explain else {}
        answer = SearchResult(
            search_id=uuid.uuid4().hex,
            query=asked.query,
            generation=generation.number if generation else None,
            total=outcome.total,
            took_ms=(time.perf_counter() - started) * 1000,
            hits=self._shopper_data.hydrate(outcome.ids, outcome.scores, reasons),
            degraded=degraded,
            corrected=outcome.query.corrected,
            relaxed=outcome.relaxed,
            facets=outcome.facets,
        )
        if log:
            row = {"id": answer.search_id, "ts": self.now(), "query": asked.query, "user": user, "session": session}
            self.store.answer_log.add(
                "searches", row | {"generation": answer.generation}, [hit.id for hit in answer.hits]
            )
        return answer

    def suggest(self, q: str, limit: int = 8) -> list[Suggestion]:
        """Completions of what a shopper has typed so far, best first: past queries, categories, brands and titles."""
        validate_page(limit, 0)
        generation, _ = self._reloader.get()
        words = self._search.lexicon(generation, self._shopper_data.statistics(generation))
        return words.autocompleter.suggest(validate_query(q), limit)

    def recommend(
        self,
        user: str | None = None,
        session: str | None = None,
        item: str | Sequence[str] | None = None,
        limit: int = 10,
        log: bool = True,
        *,
        kind: str | None = None,
        filter: str | None = None,
        exclude: str | Sequence[str] = (),
        repeats: bool = True,
        fill: bool = True,
        diversity: float = SHELF_DIVERSITY,
        explain: bool = False,
        explore: float = 0.0,
    ) -> Recommendations:
        """A shelf for a shopper, or to go with the given item(s). Raises NotFound on an unknown item.

        `kind` is one of shelves.KINDS (docs/recommendations.md); without one it is `similar` for an item, `together`
        for several, `for-you` for a user or session, else `popular`. `filter` as in `search`; `exclude` are ids that
        are not wanted; without `repeats` nothing that the shopper bought already is there, without `fill` nothing of
        other kinds: then the shelf may be short or empty, and an empty one is not logged. `explore` is the share of
        answers that show an item which nobody knows yet; only the door has one.
        """
        started = time.perf_counter()
        validate_page(limit, 0)
        user, session = _person(user, session)
        items = [parse_path_id(id, "item") for id in _listed(item)]
        self._require(items)
        generation, degraded = self._reloader.get()
        asked_kind = default_kind(items, user, session) if kind is None else validate_choice(kind, KINDS, "kind")
        looks_back = "for-you" in kind_with_fallbacks(asked_kind, fill=fill)  # the one that asks what was shown
        request = RecommendRequest(
            kind=asked_kind,
            items=items,
            events=self._shopper_data.history(user, session),
            impressions=self._shopper_data.recent_impressions(user, session) if looks_back else (),
            limit=limit,
            filter=parse(filter) if filter else None,
            exclude=[
                *(parse_id(id, "exclude") for id in _listed(exclude)),
                *self._shopper_data.excluded_items(user, session, bought=not repeats),
            ],
            repeats=repeats,
            fill=fill,
            diversity=validate_share(diversity, "diversity"),
            exploration=ExplorationPolicy(explore, f"{session or user or ''} {kind or ''} {' '.join(items)}"),
        )
        statistics = self._shopper_data.statistics(generation)
        shelf = self._recommend.run(
            request, generation, lambda columns: self._search.counts(generation, statistics, columns, self.now())
        )
        ranker = generation.for_you_ranker if generation else ForYouRanker()
        reasons = explain_recommendations(shelf, ranker, self._shopper_data.titles) if explain else {}
        answer = Recommendations(
            recommendation_id=uuid.uuid4().hex,
            generation=generation.number if generation else None,
            kind=shelf.kind,
            took_ms=(time.perf_counter() - started) * 1000,
            hits=self._shopper_data.hydrate(shelf.ids, shelf.scores, reasons),
            degraded=degraded,
            filled=shelf.filled,
        )
        if log and (answer.hits or fill):
            row = {"id": answer.recommendation_id, "ts": self.now(), "kind": shelf.kind, "user": user}
            row |= {"session": session, "item": items[0] if items else None, "generation": answer.generation}
            self.store.answer_log.add("recommendations", row, [hit.id for hit in answer.hits])
        return answer

    def item(self, id: str) -> Row:
        """All fields of one item. Raises NotFound."""
        id = parse_path_id(id, "id")
        found = self.store.items.get([id])
        if id not in found:
            raise NotFound(f"there is no item {id!r}", "id")
        return found[id]

    def status(self) -> Row:
        """What the shop holds and serves."""
        generation, degraded = self._reloader.get()
        return {
            "generation": generation.number if generation else None,
            "generations": self.generations.numbers(),
            "encoder": generation.encoder.id if generation else None,
            "index": generation.index.kind if generation else None,
            "items": self.store.items.count(),
            "events": self.store.events.count(),
            "pending_vectors": generation.pending if generation else 0,
            "answers_not_logged": self.store.answer_log.dropped,
            "warnings": self.store.ledger.warnings(),
            "degraded": degraded,
        }

    def _require(self, items: list[str]) -> None:
        known = self.store.items.stock(items) if items else {}
        for id in items:
            if id not in known:
                raise NotFound(f"item: there is no item {id!r}", "item")


def _person(user: str | None, session: str | None) -> tuple[str | None, str | None]:
    """Whom an answer is for, as events name them. Raises InvalidInput."""
    return (
        None if user is None else parse_id(user, "user"),
        None if session is None else parse_id(session, "session"),
    )


def _listed(value: Any) -> Sequence[Any]:
    """One or several ids, or None, as a list."""
    return [] if value is None else list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
