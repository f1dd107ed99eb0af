"""What the ranker learns from: for past searches the features of their candidates, as they were on the evening before.

Every search is seen once, by an encoder, a memory and counts that did not know it yet, and then kept from generation to
generation, so that the ranker is taught what evidence was worth on searches to come. Only numbers are kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import ClassVar, Self
from zlib import crc32

import numpy as np

from shelfwise import Shop
from shelfwise.catalogue.filters import evaluate
from shelfwise.catalogue.postings import PostingsCache
from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.curation.snapshot import CurationCache
from shelfwise.generation.encoder import Encoder
from shelfwise.generation.item_counts import ItemCounts
from shelfwise.generation.item_signals import ItemSignals, SignalsByRow
from shelfwise.generation.popularity import RECENT_HALF_LIFE_DAYS, PopularityCounts, decayed_popularity
from shelfwise.generation.query_memory import QueryMemory, query_key
from shelfwise.index import VectorIndex
from shelfwise.query.understanding import understand
from shelfwise.query.vocabulary import Vocabulary
from shelfwise.search.blend import ALL, TOP
from shelfwise.search.features import NAMES
from shelfwise.search.personalization import shopper_taste
from shelfwise.search.ranker import Ranker
from shelfwise.search.retrieval import retrieve
from shelfwise.search.scoring import score
from shelfwise.serving.loaded_generation import LoadedGeneration
from shelfwise.store import Event
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.interactions import QueryClick
from shelfwise.trainer.statistics.query_memory import build_query_memory

__all__ = ["RankingExamples", "build_search_examples"]

_MOST_EVENINGS = 30
_FILE = "rows.npz"
_STANDING = NAMES.index("standing")
_HISTORY = 500  # events of a shopper, as at the door

_Group = tuple[np.ndarray, np.ndarray, str]  # features (n, n_features), chosen (n,), query


@dataclass(frozen=True)
class RankingExamples:
    """Groups of candidates, one for each query of a day, oldest first."""

    NAMES: ClassVar[tuple[str, ...]] = NAMES
    MOST: ClassVar[int] = 6_000  # groups are kept

    features: np.ndarray = field(default_factory=lambda: np.zeros((0, len(NAMES)), np.float16))  # (n_rows, n_features)
    chosen: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))  # (n_rows,) weight of the choices
    sizes: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))  # (n_groups,) rows of each
    clusters: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))  # (n_groups,) equal for equal queries

    def __len__(self) -> int:
        return len(self.sizes)

    def then(self, newer: Self) -> Self:
        """These and newer ones, the newest MOST groups."""
        both = type(self)(*(np.concatenate([getattr(self, name), getattr(newer, name)]) for name in _FIELDS))
        return both.part(max(0, len(both) - self.MOST), len(both))

    def part(self, start: int, end: int) -> Self:
        """The groups from start to end."""
        ends = np.concatenate([[0], np.cumsum(self.sizes)])
        rows = slice(int(ends[start]), int(ends[end]))
        return type(self)(self.features[rows], self.chosen[rows], self.sizes[start:end], self.clusters[start:end])

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(folder / _FILE, names=np.array(self.NAMES), **vars(self))

    @classmethod
    def open(cls, folder: Path) -> Self:
        """None of them where they were made of other features."""
        with np.load(folder / _FILE) as arrays:
            if list(arrays["names"]) != list(cls.NAMES):
                return cls()
            return cls(*(arrays[name] for name in _FIELDS))


_FIELDS = tuple(one.name for one in fields(RankingExamples))


@dataclass(frozen=True)
class PointInTimeView:
    """What was known on an evening; a `searching.Knowledge` without a ranker."""

    encoder: Encoder
    index: VectorIndex
    memory: QueryMemory
    statistics: PopularityCounts
    ranker: Ranker = field(default_factory=Ranker)
    noise: float = 0.0

    def remembered_rows(self, columns: CatalogueSnapshot) -> np.ndarray:
        return columns.rows(self.memory.items)

    def counts(self, columns: CatalogueSnapshot, now: float) -> ItemCounts:
        return ItemCounts.of(self.statistics, columns, now)

    def signals(self, columns: CatalogueSnapshot) -> SignalsByRow:
        """Return empty signals: what goes together is added to the blend, not learned from examples."""
        return SignalsByRow(ItemSignals(), columns)


def build_search_examples(
    shop: Shop,
    parent: LoadedGeneration,
    searches: Sequence[QueryClick],
    past: Sequence[QueryClick],
    events: Sequence[Event],
    progress: Callable[[int, int], object],
) -> RankingExamples:
    """The rows of `searches`, by the encoder of a parent that didn't learn from them.

    `past` are all searches that may be remembered and `events` all that count, `searches` among them; of either only
    what lies before the evening is used. Days are put together when there are more than thirty.
    """
    looking = PastSearcher(shop, parent)
    made: list[_Group] = []
    evenings = _evenings(sorted(searches, key=lambda search: search.ts)[-RankingExamples.MOST :])
    for number, (evening, of_day) in enumerate(evenings):
        progress(number, len(evenings))
        made += looking.look(evening, of_day, past, events)
    progress(len(evenings), len(evenings))
    return _joined(made)


class PastSearcher:
    """The shop's own search, asked with what was known on an evening."""

    def __init__(self, shop: Shop, parent: LoadedGeneration) -> None:
        self.columns = CatalogueCache(shop.store).current()
        self.lexical, self.synonyms = PostingsCache(shop.store), CurationCache(shop.store).current().synonyms
        self.lexical.refresh()
        self.eligible = evaluate(None, self.columns)
        self.nothing = SignalsByRow(
            ItemSignals(), self.columns
        )  # what goes together is added to the blend, not learned here
        self.parent, self.vocabulary = parent, Vocabulary()
        self.items = {id: row for row, id in enumerate(self.columns.ids[: self.columns.size]) if id is not None}
        self.vectors = dict(zip(parent.memory.texts, parent.memory.vectors, strict=True))

    def look(
        self, evening: float, of_day: Sequence[QueryClick], past: Sequence[QueryClick], events: Sequence[Event]
    ) -> list[_Group]:
        """A group for each query of the day for which something was chosen that is a candidate."""
        before = [event for event in events if event.ts < evening]
        known = PointInTimeView(
            self.parent.encoder, self.parent.index, self._memory(past, evening), _counted(before, evening)
        )
        shoppers: defaultdict[str, list[Event]] = defaultdict(list)
        for event in before:
            if event.user:
                shoppers[event.user].append(event)
        asked: defaultdict[tuple[str, str], list[QueryClick]] = defaultdict(list)
        for search in of_day:
            # Those that have a history are asked for themselves, all others together.
            asked[query_key(search.query), search.shopper if search.shopper in shoppers else ""].append(search)
        groups = (
            self._group(evening, chosen, known, shoppers[who][-_HISTORY:] if who else [])
            for (_, who), chosen in asked.items()
        )
        return [group for group in groups if group is not None]

    def _group(
        self, evening: float, chosen: Sequence[QueryClick], known: PointInTimeView, history: Sequence[Event]
    ) -> _Group | None:
        columns = self.columns
        query = understand(chosen[0].query, self.vocabulary, self.lexical.count, self.synonyms)
        found = retrieve(query, self.eligible, columns, self.lexical, known, ALL, is_filtered=False)
        taste = shopper_taste(history[::-1], columns, known.index, self.nothing, evening) if history else None
        ranked = score(found, columns, known.counts(columns, evening), known, taste, ALL)
        worth = np.zeros(columns.size, np.float32)
        for search in chosen:
            worth[self.items.get(search.item, 0)] += search.weight
        worth[0] = 0.0
        # The best by the blend and the best by meaning: from the former alone the worth of words could not be told.
        standing = ranked.features[:, _STANDING]
        orders = (np.argsort(-scores, kind="stable") for scores in (known.ranker.scores(ranked.features), standing))
        places = np.unique(np.concatenate([order[:TOP] for order in orders]))
        of_top = worth[ranked.candidates[places]]
        return (ranked.features[places], of_top, query_key(query.text)) if of_top.any() else None

    def _memory(self, past: Sequence[QueryClick], evening: float) -> QueryMemory:
        memory = build_query_memory((search for search in past if search.ts < evening), list(self.items), evening)
        missing = [text for text in memory.texts if text not in self.vectors]
        if missing:
            self.vectors |= dict(zip(missing, self.parent.encoder.queries(missing), strict=True))
        if not memory.texts:
            return memory
        return replace(memory, vectors=np.stack([self.vectors[text] for text in memory.texts]))


def _counted(events: Sequence[Event], evening: float) -> PopularityCounts:
    first = {event.item: event.ts for event in sorted(events, key=lambda event: -event.ts)}
    return PopularityCounts(
        decayed_popularity(events, evening), decayed_popularity(events, evening, RECENT_HALF_LIFE_DAYS), first
    )


def _evenings(searches: Iterable[QueryClick]) -> list[tuple[float, list[QueryClick]]]:
    """The searches by day, each with the moment the day began; neighbouring days together beyond thirty."""
    days: defaultdict[int, list[QueryClick]] = defaultdict(list)
    for search in searches:
        days[int(search.ts // DAY)].append(search)
    step = -(-len(days) // _MOST_EVENINGS) or 1
    ordered = sorted(days)
    return [
        (ordered[start] * DAY, [one for day in ordered[start : start + step] for one in days[day]])
        for start in range(0, len(ordered), step)
    ]


def _joined(made: Sequence[_Group]) -> RankingExamples:
    if not made:
        return RankingExamples()
    return RankingExamples(
        np.concatenate([features for features, _, _ in made]).astype(np.float16),
        np.concatenate([chosen for _, chosen, _ in made]).astype(np.float32),
        np.array([len(chosen) for _, chosen, _ in made], np.int32),
        np.array([crc32(query.encode()) for _, _, query in made], np.int64),
    )
