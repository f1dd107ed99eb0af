"""`Shop`, the façade: one directory of data, searched, recommended from and written to. All else is behind it."""

from __future__ import annotations

import time
import unicodedata
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np

from shelfwise.cleaning import clean_event, clean_id, clean_item, is_encodable
from shelfwise.errors import InvalidInput, NotFound
from shelfwise.follower import Follower
from shelfwise.generations import Generations
from shelfwise.ranking import DEFAULT, Blend, Scored, blend, taste
from shelfwise.recommending import for_you, similar
from shelfwise.records import Answer, Hit, Recommendations, Row
from shelfwise.serving import Serving
from shelfwise.statistics import Statistics, popularity
from shelfwise.store import Event, Store, words

__all__ = ["Shop"]

MAX_QUERY, MAX_LIMIT = 1_000, 100
_CANDIDATES = 200  # from each source
_DEEPEST = 10_000  # lexical matches, for a page that lies behind the first candidates
_HISTORY = 500  # newest events of a shopper that are looked at
_POPULAR_EVENTS = 20_000  # newest events that popularity is counted from before the first night
_POPULAR_SECONDS = 60.0


class Shop:
    """A shop in the directory `path`, created where there is none.

    `clock` returns an aware datetime and is the *now* of every decay and default time. Use it as a context manager,
    share it between threads, open a new one after a fork. Raises InvalidInput for bad input, NotFound for unknown ids.
    """

    def __init__(self, path: str | Path, clock: Callable[[], datetime] | None = None) -> None:
        self.path = Path(path)
        self.store = Store(self.path)
        self.generations = Generations(self.path)
        self._clock = clock or (lambda: datetime.now(UTC))
        self._follower = Follower(self.generations, self.store, self.path)
        self._live_popularity: tuple[float, Statistics] = (float("-inf"), Statistics())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write the answers not yet logged, end the background threads and close the database."""
        self._follower.close()
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
                good.append((index, clean_item(row)))
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
        serving = self._follower.follow()
        if serving is not None:
            serving.catch_up()

    def delete(self, ids: Iterable[object]) -> int:
        """Delete items; returns how many were there. They are in no answer any more when the call returns."""
        return self.store.items.delete([clean_id(id, "id") for id in ids])

    def warm_up(self) -> None:
        """Open the generation now rather than within the first answer."""
        self._follower.current()

    def watch(self) -> None:
        """Open new generations in the background from now on, so that no request waits for one."""
        self._follower.watch()

    def record(self, events: Iterable[Mapping[str, Any]]) -> Row:
        """Add events, each judged alone; committed when the call returns.

        Returns {"accepted", "duplicates", "rejected": [{"index", "reason"}]}.
        """
        now = self.now()
        good: list[Row] = []
        rejected: list[Row] = []
        for index, row in enumerate(events):
            try:
                event = clean_event(row, now)
            except InvalidInput as problem:
                rejected.append({"index": index, "reason": str(problem)})
            else:
                event["event_id"] = event["event_id"] or uuid.uuid4().hex
                good.append(event)
        accepted = self.store.events.add(good) if good else 0
        return {"accepted": accepted, "duplicates": len(good) - accepted, "rejected": rejected}

    # ---- asking -------------------------------------------------------------------------------------------

    def search(
        self,
        q: str,
        user: str | None = None,
        session: str | None = None,
        limit: int = 10,
        offset: int = 0,
        log: bool = True,
    ) -> Answer:
        """The items for a query, best first. `log=False` leaves no trace of it in the facts."""
        return self.search_with(DEFAULT, q, user=user, session=session, limit=limit, offset=offset, log=log)

    def search_with(
        self,
        weights: Blend,
        q: str,
        *,
        user: str | None = None,
        session: str | None = None,
        limit: int = 10,
        offset: int = 0,
        log: bool = False,
    ) -> Answer:
        """`search` under other weights than the default ones: the measurements' way to leave a source out."""
        started = time.perf_counter()
        _check_page(limit, offset)
        query = check_query(q)
        serving, degraded = self._follower.current()
        events = self._history(user, session)
        scored, total = self._rank(weights, query, events, serving, offset + limit)
        hits = self._dress(scored.ids[offset : offset + limit], scored.scores[offset : offset + limit])
        answer = Answer(
            search_id=uuid.uuid4().hex,
            query=query,
            generation=serving.number if serving else None,
            total=total,
            took_ms=(time.perf_counter() - started) * 1000,
            hits=hits,
            degraded=degraded,
        )
        if log:
            row = {"id": answer.search_id, "ts": self.now(), "query": query, "user": user, "session": session}
            self.store.shown.add("searches", row | {"generation": answer.generation}, [hit.id for hit in hits])
        return answer

    def recommend(
        self,
        user: str | None = None,
        session: str | None = None,
        item: str | Sequence[str] | None = None,
        limit: int = 10,
        log: bool = True,
    ) -> Recommendations:
        """A shelf: like the given item(s), for this shopper, or popular. Raises NotFound on an unknown item."""
        started = time.perf_counter()
        _check_page(limit, 0)
        given = item if isinstance(item, list | tuple) else [] if item is None else [item]
        items = [_asked_id(id, "item") for id in given]
        self._require(items)
        serving, degraded = self._follower.current()
        events = self._history(user, session)
        kind, scores = self._shelf(items, events, serving)
        unwanted = {*items, *(event.item for event in events if event.type == "dismiss")}
        ids = self._fill(scores, limit, unwanted, serving)
        hits = self._dress(ids, np.array([scores.get(id, 0.0) for id in ids]))
        answer = Recommendations(
            recommendation_id=uuid.uuid4().hex,
            generation=serving.number if serving else None,
            kind=kind,
            took_ms=(time.perf_counter() - started) * 1000,
            hits=hits,
            degraded=degraded,
        )
        if log:
            row = {"id": answer.recommendation_id, "ts": self.now(), "kind": kind, "user": user, "session": session}
            row |= {"item": items[0] if items else None, "generation": answer.generation}
            self.store.shown.add("recommendations", row, [hit.id for hit in hits])
        return answer

    def item(self, id: str) -> Row:
        """All fields of one item. Raises NotFound."""
        id = _asked_id(id, "id")
        found = self.store.items.get([id])
        if id not in found:
            raise NotFound(f"there is no item {id!r}", "id")
        return found[id]

    def status(self) -> Row:
        """What the shop holds and serves."""
        serving, degraded = self._follower.current()
        return {
            "generation": serving.number if serving else None,
            "generations": self.generations.numbers(),
            "encoder": serving.encoder.id if serving else None,
            "index": serving.index.kind if serving else None,
            "items": self.store.items.count(),
            "events": self.store.events.count(),
            "pending_vectors": serving.pending if serving else 0,
            "answers_not_logged": self.store.shown.dropped,
            "degraded": degraded,
        }

    # ---- steps of an answer -------------------------------------------------------------------------------

    def _rank(
        self, weights: Blend, query: str, events: list[Event], serving: Serving | None, needed: int
    ) -> tuple[Scored, int]:
        """At least the first `needed` hits, and how many there are in all: every lexical match and the nearest vectors.

        The deeper matches come behind the first candidates, so that one page never repeats what another showed.
        """
        if not words(query):
            return Scored([], np.zeros(0), 0), 0
        lexical, matches = self.store.text.search(query, _CANDIDATES) if weights.lexical else ([], 0)
        semantic: list[tuple[str, float]] = []
        query_vector = taste_vector = None
        if serving is not None and weights.semantic:
            query_vector = serving.encoder.query(query)
            semantic = serving.index.search(query_vector[None], _CANDIDATES)[0]
            taste_vector = taste(serving.index, events, self.now()) if events else None

        def scored(lexical: list[tuple[str, float]]) -> Scored:
            return blend(
                weights,
                lexical,
                semantic,
                query_vector=query_vector,
                taste_vector=taste_vector,
                index=serving.index if serving else None,
                popularity=self._statistics(serving),
                in_stock=self.store.items.stock([*(id for id, _ in lexical), *(id for id, _ in semantic)]),
            )

        first = scored(lexical)
        total = len(first.ids) + matches - len(lexical)
        if first.available < needed and matches > len(lexical):
            first = first.then(scored(self.store.text.search(query, _DEEPEST)[0]))
        return first, total

    def _shelf(self, items: list[str], events: list[Event], serving: Serving | None) -> tuple[str, dict[str, float]]:
        statistics, index = self._statistics(serving), serving.index if serving else None
        if items:
            return "similar", similar(items, statistics, index)
        if events and (scores := for_you(events, self.now(), statistics, index)):
            return "for-you", scores
        return "popular", dict(statistics.popularity)

    def _fill(self, scores: dict[str, float], limit: int, unwanted: set[str], serving: Serving | None) -> list[str]:
        """The best ids in stock; a short shelf is filled with popular items, then with new ones."""
        chosen: list[str] = []
        sources: list[Callable[[], list[str]]] = [
            lambda: sorted(scores, key=lambda id: (-scores[id], id))[: limit * 3 + 50],
            lambda: self._statistics(serving).ranked[: limit * 3 + 50],
            lambda: self.store.items.newest(limit + len(unwanted)),
        ]
        for source in sources:
            ids = [id for id in source() if id not in unwanted and id not in chosen]
            stock = self.store.items.stock(ids)
            chosen += [id for id in ids if stock.get(id)]
            if len(chosen) >= limit:
                break
        return chosen[:limit]

    def _history(self, user: str | None, session: str | None) -> list[Event]:
        """The shopper's newest events, newest first."""
        user = None if user is None else clean_id(user, "user")
        session = None if session is None else clean_id(session, "session")
        now = self.now()
        events: dict[int, Event] = {}
        if user is not None:
            events |= {event.seq: event for event in self.store.events.of_user(user, now, _HISTORY)}
        if session is not None:
            events |= {event.seq: event for event in self.store.events.of_session(session, now, _HISTORY)}
        return sorted(events.values(), key=lambda event: (-event.ts, -event.seq))

    def _statistics(self, serving: Serving | None) -> Statistics:
        """The generation's, or before the first night the popularity of the newest events."""
        if serving is not None and serving.statistics.popularity:
            return serving.statistics
        now = self.now()
        if not 0 <= now - self._live_popularity[0] < _POPULAR_SECONDS:
            newest = self.store.events.newest(now, _POPULAR_EVENTS)
            self._live_popularity = (now, Statistics(popularity(newest, now)))
        return self._live_popularity[1]

    def _dress(self, ids: list[str], scores: np.ndarray) -> list[Hit]:
        items = self.store.items.get(ids)
        return [Hit(id, float(score), items[id]) for id, score in zip(ids, scores, strict=True) if id in items]

    def _require(self, items: list[str]) -> None:
        known = self.store.items.stock(items) if items else {}
        for id in items:
            if id not in known:
                raise NotFound(f"item: there is no item {id!r}", "item")


def _asked_id(id: object, field: str) -> str:
    """The id as it is stored. What can be no id is not found, as any other id that isn't there."""
    try:
        return clean_id(id, field)
    except InvalidInput as problem:
        raise NotFound(str(problem), field) from None


def check_query(q: object) -> str:
    """The query as it is searched for: NFKC, without blanks around it. Raises InvalidInput."""
    if not isinstance(q, str):
        raise InvalidInput("q: missing; give the words to search for", "q")
    if not is_encodable(q):
        raise InvalidInput("q: holds a NUL character or a lone surrogate, which is no valid text", "q")
    if len(q) > MAX_QUERY:
        raise InvalidInput(f"q: has {len(q):,} characters; at most {MAX_QUERY:,} are searched for", "q")
    query = " ".join(unicodedata.normalize("NFKC", q).split())
    if not query:
        raise InvalidInput("q: is blank; give the words to search for", "q")
    return query


def _check_page(limit: int, offset: int) -> None:
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
        raise InvalidInput(f"limit: {limit!r} is no whole number from 1 to {MAX_LIMIT}", "limit")
    if isinstance(offset, bool) or not isinstance(offset, int) or offset < 0:
        raise InvalidInput(f"offset: {offset!r} is no whole number from 0 up", "offset")
