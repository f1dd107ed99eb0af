"""What a query finds under a filter, and in which order, computed a second time: plain items, a word at a time, numpy.

Of the product only the encoder, the vectors and the postings of single words are used. A result is every item that has
all the words, or any of them where none has all, and of the 200 nearest vectors those above the floor; all after the
filter.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from shelfwise import Shop
from tests.support.filter_reference import Item, ReferenceFilter, plain

__all__ = ["NOW", "ReferenceSearch", "disturb"]

NOW = datetime(2020, 1, 1, tzinfo=UTC)  # the shop's clock: later clicks that it may hold don't count
_MIN_COSINE, _NEAREST = 0.2, 200
_DELETED, _CHANGED, _CLICKS = 200, 4_000, 3_000


class ReferenceSearch:
    """Search by brute force in a shop that has a generation and nothing remembered, as it is now."""

    def __init__(self, shop: Shop, clicked: Sequence[str]) -> None:
        ids = [id for id, _ in shop.store.items.titles()]  # in the order of first arrival
        rows = shop.store.items.get(ids)
        generation = shop.generation
        known, vectors = generation.index.vectors(ids)
        assert known == ids
        self.items = [plain(rows[id]) for id in ids]
        self.titles = [rows[id]["title"] for id in ids]
        self._encode, self._vectors = generation.encoder.query, vectors  # (n_items, dim) float32
        self._clicks = Counter(clicked)
        self._fulltext, self._id_of = shop.store.fulltext, shop.catalogue.current().ids
        self._ids_with: dict[str, set[str | None]] = {}

    def passing(self, condition: ReferenceFilter | None) -> list[int]:
        """Return the positions of the items that pass a filter, ascending."""
        return [position for position, item in enumerate(self.items) if condition is None or condition.passes(item)]

    def search(self, words: Sequence[str], positions: Sequence[int]) -> tuple[list[Item], bool]:
        """Return the result among those positions, in the order of first arrival, and whether any word was enough."""
        ids_with = [self._items_with(word) for word in dict.fromkeys(words)]
        matches = [sum(self.items[position].id in ids for ids in ids_with) for position in positions]
        needed = len(ids_with) if len(ids_with) in matches else 1
        result = {position for position, count in zip(positions, matches, strict=True) if count >= needed}
        relaxed = bool(result) and needed < len(ids_with)
        cosine = dict(zip(positions, self._vectors[positions] @ self._encode(" ".join(words)), strict=True))
        nearest = sorted(positions, key=lambda position: (-cosine[position], position))[:_NEAREST]  # ties by arrival
        result |= {position for position in nearest if cosine[position] >= _MIN_COSINE}
        return [self.items[position] for position in sorted(result)], relaxed

    def sorted_ids(self, result: Sequence[Item], sort: str) -> list[str]:
        """Return the ids of a result in the order of a sort other than relevance."""

        def key(item: Item) -> tuple[bool, bool, float]:
            match sort:
                case "newest":
                    day = datetime.fromisoformat(item.day).toordinal() if item.day else None
                    value = None if day is None else -float(day)
                case "popular":
                    value = -float(self._clicks[item.id])
                case _:
                    value = None if item.price is None else item.price * (-1 if sort == "-price" else 1)
            return "out" in item.values["stock"], value is None, value or 0.0

        return [item.id for item in sorted(result, key=key)]

    def _items_with(self, word: str) -> set[str | None]:
        if word not in self._ids_with:
            rows, _ = self._fulltext.postings(f'"{word}"')
            self._ids_with[word] = {self._id_of[row] for row in rows.tolist()}
        return self._ids_with[word]


def disturb(shop: Shop, rng: random.Random) -> list[str]:
    """Delete items, change stock, prices, dates and tags of others, and record clicks; return the id of each click."""
    ids = [id for id, _ in shop.store.items.titles()]
    shop.delete(deleted := rng.sample(ids, min(_DELETED, len(ids) // 10)))
    left = sorted(set(ids) - set(deleted))
    shop.upsert(_change(id, rng) for id in rng.sample(left, min(_CHANGED, len(left))))
    clicks = [rng.choice(left[: len(left) // 10]) for _ in range(_CLICKS)]
    at = (NOW - timedelta(days=1)).isoformat()
    shop.record({"type": "click", "item": id, "ts": at, "session": str(number)} for number, id in enumerate(clicks))
    return clicks


def _change(id: str, rng: random.Random) -> dict[str, object]:
    day = NOW - timedelta(days=rng.randint(1, 2_000))
    change: dict[str, object] = {"id": id, "in_stock": rng.random() < 0.5, "created_at": day.isoformat()}
    if rng.random() < 0.2:
        change["price"] = None
    return change | {"tags": rng.sample(["sale", "new", "last chance"], rng.randint(0, 2))}
