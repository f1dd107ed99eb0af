"""Hits as cards: where each one links, so that the click can be told apart, and the tile that stands for a photo."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from shelfwise import Hit
from shelfwise.api.storefront.rendering import link, price, web_url

__all__ = ["Card", "Tile", "cards", "tile"]

_TONES, _PATTERNS = 12, 8  # as many as the style sheet has
_WORD = re.compile(r"[^\W_]+")
_SMALL_WORDS = {"a", "an", "and", "for", "from", "in", "of", "on", "pack", "set", "the", "to", "with"}


@dataclass(frozen=True, slots=True)
class Tile:
    """What is shown for a product: its image, and behind it (or without one) initials on the colour of its category."""

    image: str
    initials: str
    tone: int
    pattern: int


@dataclass(frozen=True, slots=True)
class Card:
    id: str
    href: str
    title: str
    category: str  # the deepest level
    price: str
    in_stock: bool
    tile: Tile
    reason: str  # why it stands here, where that was asked for


def cards(hits: Iterable[Hit], source: Mapping[str, str], first: int = 1) -> list[Card]:
    """Cards whose links cite their source (`search_id`, `recommendation_id` or `query`) and their 1-based rank."""
    return [_card(hit, source, position) for position, hit in enumerate(hits, first)]


def tile(item: Mapping[str, Any]) -> Tile:
    """The tile of an item; the same item always gets the same one."""
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
        tile=tile(item),
        reason=(hit.reasons or {}).get("text", ""),
    )


def _initials(title: str) -> str:
    """Of the first two words that say something: `Set of 3 Wooden Hearts` gives WH."""
    found = _WORD.findall(title)
    telling = [word for word in found if word.lower() not in _SMALL_WORDS and not word[0].isdigit()]
    return "".join(word[0] for word in (telling or found)[:2]).upper()


def _pick(text: str, choices: int) -> int:
    return crc32(text.encode("utf-8", "replace")) % choices
