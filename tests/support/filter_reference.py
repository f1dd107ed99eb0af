"""Filters and facets once more, over plain item dicts, and random filters to compare by.

Nothing of the product's filters is used here. The tests and `bench/robustness/filters.py` compare with it.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FIELDS = ("brand", "category", "stock", "tags")


@dataclass(frozen=True)
class Item:
    """An item as filters and facets read it; `values` are folded, by name: brand, stock, tags, colour…"""

    id: str
    price: float | None
    day: str | None  # of created_at, in UTC
    values: Mapping[str, set[str]]


@dataclass(frozen=True)
class ReferenceFilter:
    """A filter as text, and whether an item passes it."""

    text: str
    passes: Callable[[Item], bool]


def fold(value: object) -> str:
    text = " ".join(unicodedata.normalize("NFKC", str(value)).lower().split())
    return text[:-2] if re.fullmatch(r"-?(0|[1-9][0-9]*)\.0", text) else text


def levels(category: str | None) -> list[str]:
    """Return the levels of a category: `A > B` is in `a` and in `a > b`."""
    parts = [fold(part) for part in (category or "").split(">") if part.strip()]
    return [" > ".join(parts[: end + 1]) for end in range(len(parts))]


def leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield (dotted name, text) of all values in attributes."""
    if isinstance(value, dict):
        for name in value:
            yield from leaves(value[name], f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part, path)
    elif value is not None and len(str(value)) <= 200:
        yield fold(path), fold(value)


def plain(item: Mapping[str, Any]) -> Item:
    """Return the item that `Shop.item` returned."""
    values: dict[str, set[str]] = {}
    for name, value in leaves(item["attributes"]):
        values.setdefault(name, set()).add(value)
    if item["tags"]:
        values.setdefault("tags", set()).update(fold(tag) for tag in item["tags"] if len(tag) <= 200)
    brand = item.get("brand") or ""
    values |= {"brand": {fold(brand)} if brand.strip() else set(), "category": set(levels(item.get("category")))}
    values["stock"] = {"in" if item["in_stock"] else "out"}
    return Item(item["id"], item.get("price"), item.get("created_at", "")[:10] or None, values)


def counts(items: Iterable[Item], name: str) -> Counter[str]:
    return Counter(value for item in items for value in item.values.get(fold(name), ()))


def random_filter(rng: random.Random, items: Sequence[Item], depth: int = 3) -> ReferenceFilter:
    """Return a filter of any selectivity, mostly about values that the items have."""
    kind = rng.choice(["and", "or", "not", "condition", "condition"]) if depth else "condition"
    if kind == "condition":
        return _condition(rng, items)
    if kind == "not":
        part = random_filter(rng, items, depth - 1)
        return ReferenceFilter(f"NOT ({part.text})", lambda item: not part.passes(item))
    parts = [random_filter(rng, items, depth - 1) for _ in range(rng.randint(2, 3))]
    every = kind == "and"
    sign = rng.choice([" AND ", " and ", " "]) if every else rng.choice([" OR ", " or "])
    return ReferenceFilter(
        sign.join(f"({part.text})" if rng.random() < 0.7 or kind == "and" else part.text for part in parts),
        lambda item: (all if every else any)(part.passes(item) for part in parts),
    )


def _condition(rng: random.Random, items: Sequence[Item]) -> ReferenceFilter:
    kinds = [_price, _price, _created, _stock, _ids, _text, _text, _text, _text, _number, _number]
    return rng.choice(kinds)(rng, items)


def _price(rng: random.Random, items: Sequence[Item]) -> ReferenceFilter:
    low, high = sorted(rng.choice(items).price or rng.uniform(0, 100) for _ in range(2))
    return _between(rng, "price", low, high, lambda item: [] if item.price is None else [item.price])


def _number(rng: random.Random, items: Sequence[Item]) -> ReferenceFilter:
    pairs = [(name, value) for name, values in rng.choice(items).values.items() for value in sorted(values)]
    numbers = [(name, float(value)) for name, value in pairs if name not in FIELDS and _is_number(value)]
    name, low = rng.choice(numbers or [("weight", 2.0)])

    def numbers_of(item: Item) -> list[float]:
        return [float(value) for value in item.values.get(name, ()) if _is_number(value)]

    return _between(rng, name, low, low * rng.uniform(1, 3), numbers_of)


def _between(
    rng: random.Random, name: str, low: float, high: float, numbers: Callable[[Item], Sequence[float]]
) -> ReferenceFilter:
    name = _quoted(rng, name)
    forms: list[tuple[str, Callable[[float], bool]]] = [
        (f"{low!r}..{high!r}", lambda number: low <= number <= high),
        (f"{low!r}..<{high!r}", lambda number: low <= number < high),
        (f"{low!r}..", lambda number: low <= number),
        (f"..{high!r}", lambda number: number <= high),
        (f"..<{high!r},{high!r}..", lambda number: True),
    ]
    text, holds = rng.choice(forms)
    return ReferenceFilter(f"{name}:{text}", lambda item: any(holds(number) for number in numbers(item)))


def _created(rng: random.Random, items: Sequence[Item]) -> ReferenceFilter:
    low, high = sorted(rng.choice(items).day or "2020-02-29" for _ in range(2))
    text, first, last = rng.choice(
        [(f"{low}..{high}", low, high), (f"{low}..", low, "9999"), (f"..{high}", "", high), (low, low, low)]
    )
    return ReferenceFilter(f"created_at:{text}", lambda item: item.day is not None and first <= item.day <= last)


def _stock(rng: random.Random, items: Sequence[Item]) -> ReferenceFilter:
    wanted = rng.choice(["in", "out", "in,out"])
    return ReferenceFilter(f"stock:{wanted}", lambda item: bool(item.values["stock"] & set(wanted.split(","))))


def _ids(rng: random.Random, items: Sequence[Item]) -> ReferenceFilter:
    chosen = [rng.choice(items).id for _ in range(rng.randint(1, 4))] + ["no such item"]
    return ReferenceFilter(f"id:{', '.join(_quoted(rng, id) for id in chosen)}", lambda item: item.id in chosen)


def _text(rng: random.Random, items: Sequence[Item]) -> ReferenceFilter:
    values = rng.choice(items).values
    name = rng.choice(sorted({"brand", "category", *values} - {"stock"}))
    known = sorted(values[name]) or ["nothing of the kind"]
    spelt = [rng.choice([str.upper, str.title, str])(rng.choice(known)) for _ in range(rng.randint(1, 2))]
    folded = {fold(value) for value in spelt}  # not of what is known: ß becomes SS, and stays it
    return ReferenceFilter(
        f"{_quoted(rng, name)}:{','.join(_quoted(rng, value) for value in spelt)}",
        lambda item: bool(item.values.get(name, set()) & folded),
    )


def _quoted(rng: random.Random, text: str) -> str:
    if re.fullmatch(r"[\w-]+", text) and text.lower() not in ("and", "or", "not") and rng.random() < 0.7:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?([0-9]+(\.[0-9]+)?|\.[0-9]+)(e[+-]?[0-9]+)?", text, re.IGNORECASE) is not None
