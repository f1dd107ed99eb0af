"""`Shop`, the façade: one directory of data, searched, recommended from and written to."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from shelfwise import privacy
from shelfwise.answers import Answers
from shelfwise.arguments import as_list, parse_path_id, validate_page, validate_query
from shelfwise.catalogue.snapshot import CatalogueCache
from shelfwise.curation.snapshot import CurationCache
from shelfwise.errors import NotFound
from shelfwise.generation.current_counts import CurrentCounts
from shelfwise.generation.registry import GenerationRegistry
from shelfwise.query.autocomplete import Suggestion
from shelfwise.recommend.pipeline import RecommendPipeline
from shelfwise.recommend.request import DIVERSITY as RECOMMEND_DIVERSITY
from shelfwise.recommend.request import RecommendRequest
from shelfwise.search.pipeline import SearchPipeline
from shelfwise.search.request import DIVERSITY, SearchRequest
from shelfwise.serving.reloader import GenerationReloader, ServedGeneration
from shelfwise.store import Store
from shelfwise.types import Recommendations, Row, SearchResult
from shelfwise.validation import parse_event, parse_id, parse_item, parse_rows

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
        self.catalogue = CatalogueCache(self.store)
        curation, counts = CurationCache(self.store), CurrentCounts(self.store, self.now)
        self.search_pipeline = SearchPipeline(self.store, self.catalogue, curation, counts, self.now)
        self.recommend_pipeline = RecommendPipeline(self.catalogue, curation, counts, self.now)
        self._answers = Answers(self.store, self._reloader, self.search_pipeline, self.recommend_pipeline, self.now)
        self.shopper_data = self._answers.shopper_data

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write the answers not yet logged, end the background threads and close the database."""
        self._reloader.close()
        self.search_pipeline.close()
        self.store.close()

    def now(self) -> float:
        """Return the clock's time in epoch seconds."""
        return self._clock().timestamp()

    @property
    def generation(self) -> ServedGeneration:
        """Return the generation that answers come from now, up to date; an empty one where none is open."""
        return self._reloader.get()[0]

    # ---- writing ------------------------------------------------------------------------------------------

    def upsert(self, items: Iterable[Mapping[str, Any]]) -> Row:
        """Add or change items; committed and searchable when the call returns.

        Returns {"upserted", "unchanged", "rejected": [{"index", "reason"}]}; valid items beside a rejected one count.
        """
        parsed, rejected = parse_rows(items, parse_item)
        done = self.store.items.upsert(parsed)
        self.store_vectors()
        rejected += [{"index": index, "reason": reason} for index, reason in done.rejected]
        rejected.sort(key=lambda row: int(row["index"]))
        return {"upserted": done.upserted, "unchanged": done.unchanged, "rejected": rejected}

    def store_vectors(self) -> None:
        """Encode the items whose text changed, for every process; without a generation, do nothing."""
        self._reloader.reload().encode_backlog()

    def delete(self, ids: Iterable[object]) -> int:
        """Delete items and return how many existed; no answer holds them from then on."""
        return self.store.items.delete([parse_id(id, "id") for id in ids])

    def warm_up(self) -> None:
        """Open the current generation, so that the first answer doesn't wait for it."""
        self._reloader.get()

    def watch(self) -> None:
        """Open new generations in the background from now on, so that no request waits for one."""
        self._reloader.start_watching()

    def record(self, events: Iterable[Mapping[str, Any]]) -> Row:
        """Add events, each validated on its own; committed when the call returns.

        Returns {"accepted", "duplicates", "rejected": [{"index", "reason"}]}.
        """
        now = self.now()
        parsed, rejected = parse_rows(events, lambda row: parse_event(row, now))
        rows = [row | {"event_id": row["event_id"] or uuid.uuid4().hex} for _, row in parsed]
        accepted = self.store.events.add(rows) if rows else 0
        return {"accepted": accepted, "duplicates": len(rows) - accepted, "rejected": rejected}

    # ---- a person ------------------------------------------------------------------------------------------

    def erase(self, user: str) -> Row:
        """Delete everything about a person, and keep the nights to come from what was learned with it.

        Returns the receipt that `privacy.erase` describes. Raises InvalidInput for an invalid id, NightBusy while a
        night runs.
        """
        return privacy.erase(self.path, self.store, self.generations, user, self.now())

    def export(self, user: str) -> Row:
        """Return all that is kept about a person, as `privacy.export` describes it. Raises InvalidInput."""
        return privacy.export(self.store, self.generations, user)

    def merge(self, session: str, user: str) -> Row:
        """Give what an anonymous session did to this user, as at a login; rows of another user in it stay theirs.

        Returns {"session", "user", "events", "searches", "recommendations"}, the numbers of rows that changed hands:
        zeros when it is repeated. Raises InvalidInput for an invalid id.
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
        explore: float = 0.0,
    ) -> SearchResult:
        """Return one page of the items for a query, best first. Raises InvalidInput, which names the argument.

        Args:
            q: the query, of at most 1,000 characters
            user: id of the shopper, if known
            session: id of the visit, if known
            limit: hits of the page, 1 to 100
            offset: hits of the whole result before the page
            log: False leaves no trace of the search in the database
            filter: in the language of docs/filters.md
            facets: names of fields whose values are counted over the whole result (docs/filters.md)
            sort: one of sorting.SORTS
            diversity: 0 to 1, how far variants of one product make way for other items
            exact: take the words as they stand: nothing corrected, completed or replaced by a synonym
            explain: give each hit its reasons
            explore: 0 to 1, the share of answers that show an item no shopper has chosen yet; the HTTP API has one
        """
        request = SearchRequest(
            q, limit, offset, facets=facets, sort=sort, diversity=diversity, exact=exact, user=user, session=session
        )
        return self._answers.search(request.validated(filter, explore), explain=explain, log=log)

    def suggest(self, q: str, limit: int = 8) -> list[Suggestion]:
        """Return completions of a query's beginning, best first: past queries, categories, brands and titles."""
        validate_page(limit, 0)
        lexicon = self.search_pipeline.lexicon(self.generation)
        return lexicon.autocompleter.suggest(validate_query(q), limit)

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
        diversity: float = RECOMMEND_DIVERSITY,
        explain: bool = False,
        explore: float = 0.0,
    ) -> Recommendations:
        """Return items for a shopper, or to go with the given ones. Raises InvalidInput, or NotFound for an item.

        Args:
            user: id of the shopper, if known
            session: id of the visit, if known
            item: id or ids of the items that the recommendations are to go with
            limit: hits, 1 to 100
            log: False leaves no trace of the recommendations in the database
            kind: one of strategies.KINDS (docs/recommendations.md); None: `similar` for an item, `together` for
                several, `for-you` for a user or session, else `popular`
            filter: in the language of docs/filters.md
            exclude: id or ids of items that are not wanted
            repeats: False leaves out what the shopper ever bought
            fill: False adds no items of other kinds where this one finds too few; none at all are not logged then
            diversity: 0 to 1, how far variants of one product make way for other items
            explain: give each hit its reasons
            explore: 0 to 1, the share of answers that show an item no shopper has chosen yet; the HTTP API has one
        """
        request = RecommendRequest(
            items=as_list(item), limit=limit, exclude=as_list(exclude), repeats=repeats, fill=fill,
            diversity=diversity, user=user, session=session,
        ).validated(kind, filter, explore)  # fmt: skip
        return self._answers.recommend(request, explain=explain, log=log)

    def item(self, id: str) -> Row:
        """Return all fields of one item. Raises NotFound."""
        id = parse_path_id(id, "id")
        items = self.store.items.get([id])
        if id not in items:
            raise NotFound(f"id: expected the id of an item in the shop, got {id!r}", "id")
        return items[id]

    def status(self) -> Row:
        """Return what the shop holds and which generation it answers from."""
        generation, degraded = self._reloader.get()
        return {
            "generation": generation.number,
            "generations": self.generations.numbers(),
            "encoder": generation.encoder.id,
            "index": generation.index_kind,
            "items": self.store.items.count(),
            "events": self.store.events.count(),
            "pending_vectors": generation.pending,
            "answers_not_logged": self.store.answer_log.dropped,
            "warnings": self.store.ledger.warnings(),
            "degraded": degraded,
        }
