"""What a page reads from a filter's text, and whether what it writes means the same to the parser of filters."""

from __future__ import annotations

import pytest

from shelfwise.api.storefront.filter_choices import FacetChoices
from shelfwise.catalogue.filter_parser import parse
from shelfwise.catalogue.filters import And, Filter


def conditions(text: str) -> set[Filter]:
    """The conditions that all have to hold, groups within a group taken apart."""
    filter = parse(text)
    return set().union(*map(_apart, filter.parts)) if isinstance(filter, And) else {filter}


def _apart(filter: Filter) -> set[Filter]:
    return set().union(*map(_apart, filter.parts)) if isinstance(filter, And) else {filter}


@pytest.mark.parametrize(
    ("text", "chosen", "rest"),
    [
        ("", {}, ""),
        ("  ", {}, ""),
        ("brand:Sony", {"brand": ("Sony",)}, ""),
        ('Brand:"Sony Ericsson",HP', {"brand": ("Sony Ericsson", "HP")}, ""),
        (r'brand:"say \"hi\"","back\\slash"', {"brand": ('say "hi"', "back\\slash")}, ""),
        ('category:"Audio > Headphones" price:10..<50 stock:in',
         {"category": ("Audio > Headphones",), "price": ("10..<50",), "stock": ("in",)}, ""),
        ("tags:sale brand:Sony colour:red,blue", {"brand": ("Sony",)}, "tags:sale colour:red,blue"),
        ('"Product Line":Pro brand:"a\nb"', {"brand": ("a\nb",)}, '"product line":Pro'),
        ('brand:Sony (tags:a OR tags:")")', {"brand": ("Sony",)}, '(tags:a OR tags:")")'),
        ("brand:Sony brand:HP", {}, "(brand:Sony brand:HP)"),
        ("brand:Sony OR brand:HP", {}, "(brand:Sony OR brand:HP)"),
        ("(brand:Sony) OR (brand:HP)", {}, "(brand:Sony OR brand:HP)"),
        ("brand:Sony AND tags:a", {"brand": ("Sony",)}, "tags:a"),
        ("NOT brand:Sony", {}, "NOT brand:Sony"),
        ("NOT(brand:Sony)", {}, "NOT brand:Sony"),
        ("brand:Sony, HP", {"brand": ("Sony", "HP")}, ""),
        ("brand:More (brand:Sony brand:HP)", {"brand": ("More",)}, "(brand:Sony brand:HP)"),
        ("created_at:2024-01-01T12:00..", {}, "created_at:2024-01-01T12:00:00.."),
    ],
)  # fmt: skip
def test_reading_and_writing(text: str, chosen: dict[str, tuple[str, ...]], rest: str) -> None:
    read = FacetChoices.read(text)
    assert (dict(read.chosen), read.rest) == (chosen, rest)
    assert FacetChoices.read(read.text()) == read
    assert conditions(read.text()) == conditions(text)
    more = read.only("brand", "More").text()
    assert parse("brand:More") in conditions(more) and len(conditions(more)) <= len(conditions(text)) + 1


@pytest.mark.parametrize(
    "value",
    [
        'Say "hi"',
        "back\\slash",
        '\\"',
        "Ünï cödé",
        "日本語",
        "a > b",
        "a,b (c):d",
        "AND",
        "10..50",
        "ＨＰ",
        "17.0",
        "a\nb",
        "x" * 300,
    ],
)
@pytest.mark.parametrize("name", ["brand", "category"])
def test_a_chosen_value_is_the_one_that_the_parser_reads(name: str, value: str) -> None:
    """The parser folds it as it would any other way of writing it, here letter by letter escaped."""
    text = FacetChoices().only(name, value).text()
    assert parse(text) == parse(f'{name}:"{"".join(chr(92) + letter for letter in value)}"')
    assert FacetChoices.read(text).chosen == {name: (value,)}


def test_choosing_and_taking_back() -> None:
    read = FacetChoices.read("brand:Sony,HP price:10..50 tags:sale")
    assert read.has("brand", "SONY") and not read.has("brand", "Dell") and not read.has("category", "Sony")
    assert read.also("brand", "Dell").text() == "brand:Sony,HP,Dell price:10..50 tags:sale"
    assert read.without("brand", "sony").text() == "brand:HP price:10..50 tags:sale"
    assert read.without("price", "10..50").text() == "brand:Sony,HP tags:sale"
    assert read.only("price", "..<10").text() == "brand:Sony,HP price:..<10 tags:sale"
    assert read.only("brand").only("price").text() == "tags:sale"
