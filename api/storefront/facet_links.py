"""The facets of an answer as links: each chooses a value, or takes back one that is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import Any

from shelfwise.api.storefront.filter_choices import FacetChoices
from shelfwise.api.storefront.rendering import price
from shelfwise.catalogue.dictionary import category_levels, number

__all__ = ["FACETS", "LIFTED", "Facet", "FacetLink", "FacetPage", "chips", "facet_links"]

FACETS = ("category", "brand", "price", "stock")
LIFTED = ("brand", "price")  # to be counted as if nothing of them were chosen, so that another value can be

Entries = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class FacetPage:
    """The page that the links stand on: what is chosen, its address with other choices, the currency of its prices."""

    choices: FacetChoices
    link: Callable[[FacetChoices], str]
    currency: str | None


@dataclass(frozen=True, slots=True)
class FacetLink:
    """One link. `count` is None where it isn't known: of a way back, and of what is chosen and counted no more."""

    label: str
    href: str
    count: int | None = None
    chosen: bool = False
    back: bool = False  # to a level above the chosen category


@dataclass(frozen=True, slots=True)
class Facet:
    """`kind`, by what can be chosen of it: `several` values, `one`, or a `way` down through levels."""

    label: str
    kind: str
    choices: list[FacetLink]


def facet_links(counted: Mapping[str, Entries], total: int, page: FacetPage) -> list[Facet]:
    """Those that divide the answer's `total` hits, or of which something is chosen; none for items of titles alone."""
    brands = {entry["value"]: entry["count"] for entry in counted["brand"]}
    ranges = [entry for entry in counted["price"] if (entry["from"], entry["to"]) != (None, None)]  # no range at all
    prices = {_range(entry["from"], entry["to"]): entry["count"] for entry in ranges}
    stock = {entry["value"]: entry["count"] for entry in counted["stock"]}
    made = [
        Facet("Category", "way", _categories(counted["category"], total, page)),
        Facet("Brand", "several", _options("brand", brands, page)),
        Facet("Price", "one", _options("price", prices, page)),
        Facet("Availability", "one", _options("stock", stock, page)),
    ]
    return [facet for facet in made if facet.choices]


def chips(page: FacetPage) -> list[FacetLink]:
    """All that is chosen, each as a link that takes it back."""
    choices = page.choices
    made = [
        FacetLink(_label(name, value, page.currency), page.link(choices.without(name, value)), chosen=True)
        for name, values in choices.chosen.items()
        for value in values
    ]
    rest = [FacetLink(choices.rest, page.link(FacetChoices(choices.chosen)), chosen=True)] if choices.rest else []
    return made + rest


def _categories(entries: Entries, total: int, page: FacetPage) -> list[FacetLink]:
    """The way down to the chosen level, and the levels below it."""
    chosen = page.choices.chosen.get("category", ())
    way = [level for _, level in category_levels(chosen[0])] if len(chosen) == 1 else []
    below = _below(entries, len(way) + 1, total if chosen else 0)
    if not chosen:
        return [_level(entry, page) for entry in below] if len(below) > 1 else []
    return [*_back(way, page), *(_level(entry, page) for entry in below)]


def _below(entries: Entries, depth: int, shared: int) -> Entries:
    """The levels at a depth; where there is one only, and this many hits share it, those within it."""
    depths = [len(category_levels(entry["value"])) for entry in entries]
    here = [entry for entry, at in zip(entries, depths, strict=True) if at == depth]
    deeper = len(here) == 1 and here[0]["count"] >= shared and depth + 1 in depths
    return _below(entries, depth + 1, shared) if deeper else here


def _back(way: Sequence[str], page: FacetPage) -> list[FacetLink]:
    """Up from the chosen level, the last of the way."""
    everything = FacetLink("All categories", page.link(page.choices.only("category")), back=True)
    above = [replace(_level({"value": level, "count": None}, page), back=True) for level in way[:-1]]
    here = [replace(everything, label=_label("category", level), back=False, chosen=True) for level in way[-1:]]
    return [everything, *above, *here]


def _level(entry: Mapping[str, Any], page: FacetPage) -> FacetLink:
    level = entry["value"]
    return FacetLink(_label("category", level), page.link(page.choices.only("category", level)), entry["count"])


def _options(name: str, counts: Mapping[str, int], page: FacetPage) -> list[FacetLink]:
    """The values of a facet that were counted, and before them those that are chosen and weren't."""
    chosen = page.choices.chosen.get(name, ())
    if not chosen and len(counts) < 2:
        return []
    counted = FacetChoices({name: tuple(counts)})
    made = [_option(name, value, None, page) for value in chosen if not counted.has(name, value)]
    made += [_option(name, value, count, page) for value, count in counts.items()]
    return made if name == "price" else sorted(made, key=lambda choice: not choice.chosen)


def _option(name: str, value: str, count: int | None, page: FacetPage) -> FacetLink:
    label, choices = _label(name, value, page.currency), page.choices
    if choices.has(name, value):
        return FacetLink(label, page.link(choices.without(name, value)), count, chosen=True)
    more = choices.also(name, value) if name == "brand" else choices.only(name, value)
    return FacetLink(label, page.link(more), count)


def _label(name: str, value: str, currency: str | None = None) -> str:
    """A value as a shopper reads it; of a category its deepest level."""
    match name:
        case "category":
            return category_levels(value)[-1][1].split(" > ")[-1]
        case "price":
            return _amounts(value, currency)
        case "stock":
            return {"in": "In stock", "out": "Out of stock"}.get(value.lower(), value)
    return value


def _range(low: float | None, high: float | None) -> str:
    """A counted range as a filter says it."""
    start = "" if low is None else f"{low:.12g}"
    return f"{start}.." if high is None else f"{start}..<{high:.12g}"


def _amounts(text: str, currency: str | None) -> str:
    """A filter's range of prices as a shopper reads it."""
    low, dots, high = text.partition("..")
    start, end = _amount(low, currency), _amount(high.removeprefix("<"), currency)
    if not dots or not (start or end):
        return start or text
    return f"{start} – {end}" if start and end else f"Under {end}" if end else f"{start} and more"


def _amount(text: str, currency: str | None) -> str:
    amount = number(text)
    return "" if isnan(amount) else price({"price": amount, "currency": currency}).replace(".00", "")
