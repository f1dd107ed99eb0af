"""Training pairs: (text a shopper starts from, item it should lead to), from searches, or from baskets and titles."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shelfwise.store import words
from shelfwise.trainer.collect import Basket, Material, Search

__all__ = ["MOST_PAIRS", "Pair", "is_judged_title", "known_item_query", "make_pairs"]

MOST_PAIRS = 12_000  # a night on two slow cores stays within minutes
_PER_BASKET = 8
_JUDGED_SHARE = 10  # every tenth title is kept for the judge's known-item queries


@dataclass(frozen=True, slots=True)
class Pair:
    """`anchor` is the query or another item's text; `item` the id that is its positive."""

    anchor: str
    item: str


def make_pairs(
    material: Material, texts: Mapping[str, str], titles: Mapping[str, str], seed: int
) -> tuple[list[Pair], dict[str, int]]:
    """The night's pairs, shuffled, and how many of each kind there are (for the ledger).

    New pairs come with as many old ones, so that what was learned is not forgotten. With few searches, items of one
    basket lead to each other too, and words of a title to its item, so that buying together doesn't blur searching.
    """
    chance = random.Random(seed)
    parts = _from_searches(material.new_searches, material.old_searches, chance)
    if not material.is_searched:
        parts |= _from_baskets(material.new_baskets, material.old_baskets, texts, titles, chance)
    pairs = [pair for part in parts.values() for pair in part]
    chance.shuffle(pairs)
    return pairs, {name: len(part) for name, part in parts.items()}


def _from_searches(new: Sequence[Search], old: Sequence[Search], chance: random.Random) -> dict[str, list[Pair]]:
    half = MOST_PAIRS // 2
    fresh = [Pair(search.query, search.item) for search in new]
    # With nothing to replay, as on the first night, the whole room is for the new; the newest are kept.
    fresh = fresh[-(half if old else MOST_PAIRS) :]
    replayed = chance.sample(old, min(len(old), len(fresh)))
    return {"new_pairs": fresh, "replayed_pairs": [Pair(search.query, search.item) for search in replayed]}


def _from_baskets(
    new: Sequence[Basket],
    old: Sequence[Basket],
    texts: Mapping[str, str],
    titles: Mapping[str, str],
    chance: random.Random,
) -> dict[str, list[Pair]]:
    third = MOST_PAIRS // 3
    fresh = _basket_pairs(new, texts, chance)[-(third if old else 2 * third) :]
    replayed = _basket_pairs(chance.sample(old, min(len(old), len(new))), texts, chance)[: len(fresh)]
    candidates = [id for id in titles if not is_judged_title(id)]
    wanted = min(third, len(fresh) + len(replayed)) if candidates else 0
    known = [
        Pair(query, id) for id in chance.choices(candidates, k=wanted) if (query := _random_words(titles[id], chance))
    ]
    return {"new_basket_pairs": fresh, "replayed_basket_pairs": replayed, "known_item_pairs": known}


def _basket_pairs(baskets: Sequence[Basket], texts: Mapping[str, str], chance: random.Random) -> list[Pair]:
    pairs = []
    for basket in baskets:
        for _ in range(min(_PER_BASKET, len(basket.items) - 1)):
            first, second = chance.sample(basket.items, 2)
            pairs.append(Pair(texts[first], second))
    return pairs


def is_judged_title(id: str) -> bool:
    """Whether the item's title serves the judge, and therefore never training; the same on every night."""
    return hashlib.sha256(id.encode()).digest()[0] % _JUDGED_SHARE == 0


def known_item_query(title: str) -> str:
    """The last two words of a title: what a shopper types who knows the thing."""
    return " ".join(words(title)[-2:])


def _random_words(title: str, chance: random.Random) -> str:
    """Two words of the title in their order, or the only one."""
    all_words = words(title)
    chosen = sorted(chance.sample(range(len(all_words)), min(2, len(all_words))))
    return " ".join(all_words[place] for place in chosen)
