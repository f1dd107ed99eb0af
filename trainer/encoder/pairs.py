"""Draw training pairs (anchor text, relevant item) from searches, or from baskets and titles."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shelfwise.text.normalize import words
from shelfwise.trainer.data.interactions import Basket, QueryClick
from shelfwise.trainer.data.split import Split, TrainingData
from shelfwise.trainer.encoder.hard_negatives import hard_negatives
from shelfwise.trainer.encoder.replay_sampling import sample_replay

__all__ = [
    "KNOWN_ITEMS",
    "MAX_PAIRS",
    "REPLAY",
    "Pair",
    "PairSet",
    "is_judged_title",
    "known_item_query",
    "known_items",
    "make_pairs",
]

MAX_PAIRS = 12_000  # a night on two slow cores stays within minutes
REPLAY = 1  # old pairs for each new one
KNOWN_ITEMS = 0.3  # words of a title for each new search, so that items without searches stay found
_MAX_PAIRS_PER_BASKET = 8
_JUDGED_SHARE = 10  # every tenth title is kept for the judge's known-item queries


@dataclass(frozen=True, slots=True)
class Pair:
    """`anchor` is a query or another item's text; `item` the id that is its positive, `negatives` ids that are not."""

    anchor: str
    item: str
    weight: float = 1.0
    negatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PairSet:
    """The pairs of a night, shuffled; how many of each kind there are; the `seq` of events that wait for a later one.

    `postponed` are events on items that may still be imported, then those without room.
    """

    pairs: Sequence[Pair]
    counts: Mapping[str, int]
    postponed: Sequence[int]


def make_pairs(
    data: TrainingData,
    texts: Mapping[str, str],
    titles: Mapping[str, str],
    seed: int,
    *,
    limit: int = MAX_PAIRS,
) -> PairSet:
    """Draw the night's training pairs.

    New pairs come with replayed old ones, so that what was learned is not forgotten, and with words of titles that lead
    to their items. With few searches, items of one basket lead to each other too, each with such a title beside it, so
    that buying together doesn't blur searching.

    Args:
        data: the night's searches and baskets.
        texts: item id → the text that the encoder reads.
        titles: item id → title.
        seed: of every random choice.
        limit: the number of pairs that there is time for.
    """
    rng = random.Random(seed)
    parts, without_room = _from_searches(data.searches, texts, limit, rng)
    known = round(KNOWN_ITEMS * len(parts["new_pairs"]))
    if not data.is_searched:
        room = limit - sum(map(len, parts.values())) - known
        parts |= _from_baskets(data.baskets.new, data.baskets.replay, texts, room, rng)
        known += min(room // 3, len(parts["new_basket_pairs"]) + len(parts["replayed_basket_pairs"]))
    parts["known_item_pairs"] = known_items(titles, known, rng)
    pairs = [pair for part in parts.values() for pair in part]
    rng.shuffle(pairs)
    return PairSet(pairs, {name: len(part) for name, part in parts.items()}, [*data.awaited, *without_room])


def _from_searches(
    searches: Split[QueryClick], texts: Mapping[str, str], limit: int, rng: random.Random
) -> tuple[dict[str, list[Pair]], list[int]]:
    """Return the pairs of each kind, and the `seq` of the new events that there is no room for."""
    new, old = searches.new, searches.replay
    # With nothing to replay, as on the first night, the whole room is for the new.
    fresh = _most_valuable(new, int(limit / (1 + KNOWN_ITEMS + (REPLAY if old else 0))))
    taken = {search.seqs for search in fresh}
    without_room = [seq for search in new if search.seqs not in taken for seq in search.seqs]
    again = sample_replay(old, len(fresh) * REPLAY, rng)
    past = [*old, *new]
    pairs = {"new_pairs": _pairs(fresh, past, texts), "replayed_pairs": _pairs(again, past, texts)}
    return pairs, without_room


def _most_valuable(searches: Sequence[QueryClick], limit: int) -> list[QueryClick]:
    """Return the searches of the greatest weight, of equal weight the newest, in the order of time."""
    if len(searches) <= limit:
        return list(searches)
    best = sorted(range(len(searches)), key=lambda row: (-searches[row].weight, -row))[:limit]
    return [searches[row] for row in sorted(best)]


def _pairs(searches: Sequence[QueryClick], past: Sequence[QueryClick], texts: Mapping[str, str]) -> list[Pair]:
    negatives = hard_negatives(searches, past, texts)
    return [
        Pair(search.query, search.item, search.weight, ids) for search, ids in zip(searches, negatives, strict=True)
    ]


def _from_baskets(
    new: Sequence[Basket], old: Sequence[Basket], texts: Mapping[str, str], limit: int, rng: random.Random
) -> dict[str, list[Pair]]:
    """Return pairs of items of one basket, of new baskets and of as many old ones.

    Args:
        new: The baskets of tonight.
        old: The baskets that the parent learned.
        texts: Item id → text.
        limit: Two thirds of it are the most pairs; the last third is for known items.
        rng: Draws baskets and items.
    """
    third = max(0, limit) // 3
    fresh = _newest(_basket_pairs(new, texts, rng), third if old else 2 * third)
    replayed = _basket_pairs(rng.sample(old, min(len(old), len(new))), texts, rng)[: len(fresh)]
    return {"new_basket_pairs": fresh, "replayed_basket_pairs": replayed}


def known_items(titles: Mapping[str, str], count: int, rng: random.Random) -> list[Pair]:
    """Return pairs of two words of a title and its item, as in a known-item search; never judged titles."""
    candidates = [id for id in titles if not is_judged_title(id)]
    drawn = rng.choices(candidates, k=max(0, count)) if candidates else []
    return [Pair(query, id) for id in drawn if (query := _random_words(titles[id], rng))]


def _newest(pairs: list[Pair], limit: int) -> list[Pair]:
    return pairs[max(0, len(pairs) - limit) :]


def _basket_pairs(baskets: Sequence[Basket], texts: Mapping[str, str], rng: random.Random) -> list[Pair]:
    pairs = []
    for basket in baskets:
        for _ in range(min(_MAX_PAIRS_PER_BASKET, len(basket.items) - 1)):
            first, second = rng.sample(basket.items, 2)
            pairs.append(Pair(texts[first], second))
    return pairs


def is_judged_title(id: str) -> bool:
    """Return whether the item's title is for the judge, and therefore never for training; the same on every night."""
    return hashlib.sha256(id.encode()).digest()[0] % _JUDGED_SHARE == 0


def known_item_query(title: str) -> str:
    """Return the last two words of a title: what a shopper types who knows the item."""
    return " ".join(words(title)[-2:])


def _random_words(title: str, rng: random.Random) -> str:
    """Return two words of the title in their order, or the only one."""
    all_words = words(title)
    chosen = sorted(rng.sample(range(len(all_words)), min(2, len(all_words))))
    return " ".join(all_words[position] for position in chosen)
