"""What a filter and a facet mean, said a second time over plain item dicts, and random filters to compare by.

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
    """What filters and facets know of an item; `values` are folded, by name: brand, stock, tags, colour…"""

    id: str
    price: float | None
    day: str | None  # of created_at, in UTC
    values: Mapping[str, set[str]]


@dataclass(frozen=True)
class Asked:
    """A filter as text, and whether an item passes it."""

    text: str
    passes: Callable[[Item], bool]


def fold(value: object) -> str:
    text = " ".join(unicodedata.normalize("NFKC", str(value)).lower().split())
    return text[:-2] if re.fullmatch(r"-?(0|[1-9][0-9]*)\.0", text) else text


def levels(category: str | None) -> list[str]:
    """`A > B` is in `a` and in `a > b`."""
    parts = [fold(part) for part in (category or "").split(">") if part.strip()]
    return [" > ".join(parts[: end + 1]) for end in range(len(parts))]


def leaves(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """(dotted name, text) of all that is said in attributes."""
    if isinstance(value, dict):
        for name in value:
            yield from leaves(value[name], f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part, path)
    elif value is not None and len(str(value)) <= 200:
        yield fold(path), fold(value)


def plain(item: Mapping[str, Any]) -> Item:
    """From an item as `Shop.item` gives it."""
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


def random_filter(chance: random.Random, items: Sequence[Item], depth: int = 3) -> Asked:
    """Of any selectivity, mostly about what the items have."""
    kind = chance.choice(["and", "or", "not", "one", "one"]) if depth else "one"
    if kind == "one":
        return _condition(chance, items)
    if kind == "not":
        part = random_filter(chance, items, depth - 1)
        return Asked(f"NOT ({part.text})", lambda item: not part.passes(item))
    parts = [random_filter(chance, items, depth - 1) for _ in range(chance.randint(2, 3))]
    every = kind == "and"
    sign = chance.choice([" AND ", " and ", " "]) if every else chance.choice([" OR ", " or "])
    return Asked(
        sign.join(f"({part.text})" if chance.random() < 0.7 or kind == "and" else part.text for part in parts),
        lambda item: (all if every else any)(part.passes(item) for part in parts),
    )


def _condition(chance: random.Random, items: Sequence[Item]) -> Asked:
    kinds = [_price, _price, _created, _stock, _ids, _text, _text, _text, _text, _number, _number]
    return chance.choice(kinds)(chance, items)


def _price(chance: random.Random, items: Sequence[Item]) -> Asked:
    low, high = sorted(chance.choice(items).price or chance.uniform(0, 100) for _ in range(2))
    return _between(chance, "price", low, high, lambda item: [] if item.price is None else [item.price])


def _number(chance: random.Random, items: Sequence[Item]) -> Asked:
    said = [(name, value) for name, values in chance.choice(items).values.items() for value in sorted(values)]
    numbers = [(name, float(value)) for name, value in said if name not in FIELDS and _is_number(value)]
    name, low = chance.choice(numbers or [("weight", 2.0)])

    def found(item: Item) -> list[float]:
        return [float(value) for value in item.values.get(name, ()) if _is_number(value)]

    return _between(chance, name, low, low * chance.uniform(1, 3), found)


def _between(
    chance: random.Random, name: str, low: float, high: float, numbers: Callable[[Item], Sequence[float]]
) -> Asked:
    name = _quoted(chance, name)
    ways: list[tuple[str, Callable[[float], bool]]] = [
        (f"{low!r}..{high!r}", lambda number: low <= number <= high),
        (f"{low!r}..<{high!r}", lambda number: low <= number < high),
        (f"{low!r}..", lambda number: low <= number),
        (f"..{high!r}", lambda number: number <= high),
        (f"..<{high!r},{high!r}..", lambda number: True),
    ]
    text, holds = chance.choice(ways)
    return Asked(f"{name}:{text}", lambda item: any(holds(number) for number in numbers(item)))


def _created(chance: random.Random, items: Sequence[Item]) -> Asked:
    low, high = sorted(chance.choice(items).day or "2020-02-29" for _ in range(2))
    text, first, last = chance.choice(
        [(f"{low}..{high}", low, high), (f"{low}..", low, "9999"), (f"..{high}", "", high), (low, low, low)]
    )
    return Asked(f"created_at:{text}", lambda item: item.day is not None and first <= item.day <= last)


def _stock(chance: random.Random, items: Sequence[Item]) -> Asked:
    asked = chance.choice(["in", "out", "in,out"])
    return Asked(f"stock:{asked}", lambda item: bool(item.values["stock"] & set(asked.split(","))))


def _ids(chance: random.Random, items: Sequence[Item]) -> Asked:
    chosen = [chance.choice(items).id for _ in range(chance.randint(1, 4))] + ["no such item"]
    return Asked(f"id:{', '.join(_quoted(chance, id) for id in chosen)}", lambda item: item.id in chosen)


def _text(chance: random.Random, items: Sequence[Item]) -> Asked:
    values = chance.choice(items).values
    name = chance.choice(sorted({"brand", "category", *values} - {"stock"}))
    given = sorted(values[name]) or ["nothing of the kind"]
    spelt = [chance.choice([str.upper, str.title, str])(chance.choice(given)) for _ in range(chance.randint(1, 2))]
    folded = {fold(value) for value in spelt}  # not of what was given: ß becomes SS, and stays it
    return Asked(
        f"{_quoted(chance, name)}:{','.join(_quoted(chance, value) for value in spelt)}",
        lambda item: bool(item.values.get(name, set()) & folded),
    )


def _quoted(chance: random.Random, text: str) -> str:
    if re.fullmatch(r"[\w-]+", text) and text.lower() not in ("and", "or", "not") and chance.random() < 0.7:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?([0-9]+(\.[0-9]+)?|\.[0-9]+)(e[+-]?[0-9]+)?", text, re.IGNORECASE) is not None
