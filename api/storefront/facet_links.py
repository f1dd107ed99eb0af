"""The facets of an answer as links: each chooses a value, or takes back a chosen one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import Any

from shelfwise.api.storefront.filter_choices import FacetChoices
from shelfwise.api.storefront.rendering import price
from shelfwise.catalogue.dictionary import category_levels, parse_number

__all__ = ["FACETS", "UNFILTERED_FACETS", "Facet", "FacetLink", "FacetPage", "facet_links", "make_chips"]

FACETS = ("category", "brand", "price", "stock")
UNFILTERED_FACETS = ("brand", "price")  # counted as if none of their values were chosen: another can be added

Entries = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class FacetPage:
    """The page with the links: what is chosen on it, its address with other choices, the currency of its prices."""

    choices: FacetChoices
    link: Callable[[FacetChoices], str]
    currency: str | None


@dataclass(frozen=True, slots=True)
class FacetLink:
    """One link. `count` is None where it isn't known: of a way back, and of chosen values that were not counted."""

    label: str
    href: str
    count: int | None = None
    chosen: bool = False
    back: bool = False  # to a level above the chosen category


@dataclass(frozen=True, slots=True)
class Facet:
    """A facet with its links. `kind` says what can be chosen: `several` values, `one`, or a `way` through levels."""

    label: str
    kind: str
    choices: list[FacetLink]


def facet_links(counted: Mapping[str, Entries], total: int, page: FacetPage) -> list[Facet]:
    """Return the facets that divide the answer's `total` matches, or of which a value is chosen.

    `counted` holds the entries of each facet as a `SearchResult` does: value (or from and to) and count.
    """
    brands = {entry["value"]: entry["count"] for entry in counted["brand"]}
    ranges = [entry for entry in counted["price"] if (entry["from"], entry["to"]) != (None, None)]
    prices = {_range_text(entry["from"], entry["to"]): entry["count"] for entry in ranges}
    stock = {entry["value"]: entry["count"] for entry in counted["stock"]}
    facets = [
        Facet("Category", "way", _categories(counted["category"], total, page)),
        Facet("Brand", "several", _options("brand", brands, page)),
        Facet("Price", "one", _options("price", prices, page)),
        Facet("Availability", "one", _options("stock", stock, page)),
    ]
    return [facet for facet in facets if facet.choices]


def make_chips(page: FacetPage) -> list[FacetLink]:
    """Return all that is chosen, each as a link that takes it back."""
    choices = page.choices
    chips = [
        FacetLink(_label(name, value, page.currency), page.link(choices.without(name, value)), chosen=True)
        for name, values in choices.chosen.items()
        for value in values
    ]
    if choices.rest:
        chips.append(FacetLink(choices.rest, page.link(FacetChoices(choices.chosen)), chosen=True))
    return chips


def _categories(entries: Entries, total: int, page: FacetPage) -> list[FacetLink]:
    """Return the links from the top to the chosen level, and those of the levels below it."""
    chosen = page.choices.chosen.get("category", ())
    path = [level for _, level in category_levels(chosen[0])] if len(chosen) == 1 else []
    below = _entries_at(entries, len(path) + 1, total if chosen else 0)
    if not chosen:
        return [_level_link(entry, page) for entry in below] if len(below) > 1 else []
    return [*_path_links(path, page), *(_level_link(entry, page) for entry in below)]


def _entries_at(entries: Entries, depth: int, min_count: int) -> Entries:
    """Return the levels at a depth; those one deeper where there is only one and `min_count` matches share it."""
    depths = [len(category_levels(entry["value"])) for entry in entries]
    level_entries = [entry for entry, entry_depth in zip(entries, depths, strict=True) if entry_depth == depth]
    is_shared = len(level_entries) == 1 and level_entries[0]["count"] >= min_count
    return _entries_at(entries, depth + 1, min_count) if is_shared and depth + 1 in depths else level_entries


def _path_links(path: Sequence[str], page: FacetPage) -> list[FacetLink]:
    """Return links to all categories and each level of the path; the last one, which is chosen, takes itself back."""
    everything = FacetLink("All categories", page.link(page.choices.only("category")), back=True)
    above = [replace(_level_link({"value": level, "count": None}, page), back=True) for level in path[:-1]]
    chosen = [replace(everything, label=_label("category", level), back=False, chosen=True) for level in path[-1:]]
    return [everything, *above, *chosen]


def _level_link(entry: Mapping[str, Any], page: FacetPage) -> FacetLink:
    level = entry["value"]
    return FacetLink(_label("category", level), page.link(page.choices.only("category", level)), entry["count"])


def _options(name: str, counts: Mapping[str, int], page: FacetPage) -> list[FacetLink]:
    """Return the links of the values that were counted, and before them of those chosen that were not."""
    chosen = page.choices.chosen.get(name, ())
    if not chosen and len(counts) < 2:
        return []
    counted = FacetChoices({name: tuple(counts)})
    links = [_option(name, value, None, page) for value in chosen if not counted.has(name, value)]
    links += [_option(name, value, count, page) for value, count in counts.items()]
    return links if name == "price" else sorted(links, key=lambda link: not link.chosen)


def _option(name: str, value: str, count: int | None, page: FacetPage) -> FacetLink:
    choices, chosen = page.choices, page.choices.has(name, value)
    if chosen:
        target = choices.without(name, value)
    else:
        target = choices.also(name, value) if name == "brand" else choices.only(name, value)
    return FacetLink(_label(name, value, page.currency), page.link(target), count, chosen)


def _label(name: str, value: str, currency: str | None = None) -> str:
    """Return a value as a visitor reads it; of a category its deepest level."""
    match name:
        case "category":
            return category_levels(value)[-1][1].split(" > ")[-1]
        case "price":
            return _price_label(value, currency)
        case "stock":
            return {"in": "In stock", "out": "Out of stock"}.get(value.lower(), value)
    return value


def _range_text(low: float | None, high: float | None) -> str:
    """Return a counted range as a filter says it."""
    start = "" if low is None else f"{low:.12g}"
    return f"{start}.." if high is None else f"{start}..<{high:.12g}"


def _price_label(text: str, currency: str | None) -> str:
    """Return a filter's range of prices as a visitor reads it."""
    low, dots, high = text.partition("..")
    start, end = _amount(low, currency), _amount(high.removeprefix("<"), currency)
    if not dots or not (start or end):
        return start or text
    return f"{start} – {end}" if start and end else f"Under {end}" if end else f"{start} and more"


def _amount(text: str, currency: str | None) -> str:
    amount = parse_number(text)
    return "" if isnan(amount) else price({"price": amount, "currency": currency}).replace(".00", "")
