"""Hits as cards: a link that cites where the hit was shown, and the tile that stands for a photo."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from shelfwise import Hit
from shelfwise.api.storefront.rendering import link, price, web_url

__all__ = ["Card", "Tile", "make_cards", "make_tile"]

_TONES, _PATTERNS = 12, 8  # as many as the style sheet has
_WORD = re.compile(r"[^\W_]+")
_SMALL_WORDS = {"a", "an", "and", "for", "from", "in", "of", "on", "pack", "set", "the", "to", "with"}


@dataclass(frozen=True, slots=True)
class Tile:
    """What stands for a product: its image, and behind it (or without one) initials on the colour of its category."""

    image: str
    initials: str
    tone: int
    pattern: int


@dataclass(frozen=True, slots=True)
class Card:
    """What is shown of a hit, as the template takes it."""

    id: str
    href: str
    title: str
    category: str  # the deepest level
    price: str
    in_stock: bool
    tile: Tile
    reason: str  # why it is here, where the answer was explained


def make_cards(hits: Iterable[Hit], source: Mapping[str, str], first: int = 1) -> list[Card]:
    """Return cards whose links cite their source (`search_id`, `recommendation_id` or `query`) and their rank.

    `first` is the rank of the first hit, from 1.
    """
    return [_card(hit, source, position) for position, hit in enumerate(hits, first)]


def make_tile(item: Mapping[str, Any]) -> Tile:
    """Return the tile of an item, the same one each time."""
    return Tile(
        image=web_url(item.get("image")),
        initials=_initials(item["title"]),
        tone=_pick(item.get("category") or item["id"], _TONES),
        pattern=_pick(item["id"], _PATTERNS),
    )


def _card(hit: Hit, source: Mapping[str, str], position: int) -> Card:
    item = hit.item
    return Card(
        id=hit.id,
        href=link("pages.item", id=hit.id, **source, **({"position": position} if source else {})),
        title=item["title"],
        category=(item.get("category") or "").split(" > ")[-1],
        price=price(item),
        in_stock=item["in_stock"],
        tile=make_tile(item),
        reason=(hit.reasons or {}).get("text", ""),
    )


def _initials(title: str) -> str:
    """Return the initials of the first two words that say something: `Set of 3 Wooden Hearts` gives WH."""
    words = _WORD.findall(title)
    content_words = [word for word in words if word.lower() not in _SMALL_WORDS and not word[0].isdigit()]
    return "".join(word[0] for word in (content_words or words)[:2]).upper()


def _pick(text: str, count: int) -> int:
    return crc32(text.encode("utf-8", "replace")) % count
