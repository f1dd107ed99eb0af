"""What a query finds under a filter, and in which order, said a second time: plain items, one FTS5 query a word, numpy.

Of the product only the encoder, the vectors and the full-text table are used. A result is every item that has all the
words, or any of them where none has all, and of the 200 nearest vectors those above the floor; all after the filter.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shelfwise import Shop

sys.path.append(str(Path(__file__).parents[2] / "tests"))
from support.filter_reference import Asked, Item, plain

__all__ = ["NOW", "Reference", "disturb"]

NOW = datetime(2020, 1, 1, tzinfo=UTC)  # the shop's clock: later clicks that it may hold don't count
FLOOR, NEAREST = 0.2, 200
DELETED, CHANGED, CLICKS = 200, 4_000, 3_000


class Reference:
    """Of a shop that has a generation and nothing remembered, as it is now."""

    def __init__(self, shop: Shop, clicked: Sequence[str]) -> None:
        ids = [id for id, _ in shop.store.items.titles()]  # in the order of first arrival
        given = shop.store.items.get(ids)
        serving, _ = shop._reloader.get()
        assert serving is not None
        known, vectors = serving.index.vectors(ids)
        assert known == ids
        self.items = [plain(given[id]) for id in ids]
        self.titles = [given[id]["title"] for id in ids]
        self._encode, self._vectors = serving.encoder.query, vectors  # (n_items, dim) float32
        self._clicks, self._db = Counter(clicked), shop.store._connections
        self._having: dict[str, set[str]] = {}

    def passing(self, asked: Asked | None) -> list[int]:
        """The places of the items that pass a filter, ascending."""
        return [place for place, item in enumerate(self.items) if asked is None or asked.passes(item)]

    def result(self, words: Sequence[str], places: Sequence[int]) -> tuple[list[Item], bool]:
        """What is found among those places, in the order of first arrival, and whether it took any word."""
        having = [self._with(word) for word in dict.fromkeys(words)]
        held = [sum(self.items[place].id in ids for ids in having) for place in places]
        least = len(having) if len(having) in held else 1
        found = {place for place, number in zip(places, held, strict=True) if number >= least}
        relaxed = bool(found) and least < len(having)
        near = dict(zip(places, self._vectors[places] @ self._encode(" ".join(words)), strict=True))
        nearest = sorted(places, key=lambda place: (-near[place], place))[:NEAREST]  # equal ones by arrival
        found |= {place for place in nearest if near[place] >= FLOOR}
        return [self.items[place] for place in sorted(found)], relaxed

    def ordered(self, found: Sequence[Item], sort: str) -> list[str]:
        """The ids of a result in the order of a sort other than relevance."""

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

        return [item.id for item in sorted(found, key=key)]

    def _with(self, word: str) -> set[str]:
        if word not in self._having:
            rows = self._db.rows(
                "SELECT id FROM items WHERE pk IN (SELECT rowid FROM items_fts WHERE items_fts MATCH ?)", (f'"{word}"',)
            )
            self._having[word] = {row[0] for row in rows}
        return self._having[word]


def disturb(shop: Shop, chance: random.Random) -> list[str]:
    """Delete items, take stock, prices and dates of others and give them tags; returns the clicks, one id each."""
    ids = [id for id, _ in shop.store.items.titles()]
    shop.delete(gone := chance.sample(ids, DELETED))
    left = sorted(set(ids) - set(gone))
    shop.upsert(_changed(id, chance) for id in chance.sample(left, CHANGED))
    clicks = [chance.choice(left[: len(left) // 10]) for _ in range(CLICKS)]
    at = (NOW - timedelta(days=1)).isoformat()
    shop.record({"type": "click", "item": id, "ts": at, "session": str(number)} for number, id in enumerate(clicks))
    return clicks


def _changed(id: str, chance: random.Random) -> dict[str, object]:
    day = NOW - timedelta(days=chance.randint(1, 2_000))
    change: dict[str, object] = {"id": id, "in_stock": chance.random() < 0.5, "created_at": day.isoformat()}
    if chance.random() < 0.2:
        change["price"] = None
    return change | {"tags": chance.sample(["sale", "new", "last chance"], chance.randint(0, 2))}
