"""Raw synonyms and rules: what becomes of the good ones, and which field is to blame for a bad one."""

from __future__ import annotations

import re
from typing import Any

import pytest

from shelfwise.curation.validation import parse_pair, parse_rule, parse_synonym, query_words
from shelfwise.errors import InvalidInput

LONG = "x" * 101


@pytest.mark.parametrize(("row", "pairs"), [
    ({"word": "Sneakers", "means": "Trainers"}, [("sneakers", "trainers", False)]),
    ({"word": " running \t shoes ", "means": "ＴＶ Show", "two_way": True}, [("running shoes", "tv show", True)]),
    ({"word": "tv", "means": ["telly", "television"], "two_way": None},
     [("tv", "telly", False), ("tv", "television", False)]),
    ({"word": 17, "means": "seventeen"}, [("17", "seventeen", False)]),
    ({"word": "tシャツ", "means": "t-shirt"}, [("tシャツ", "t-shirt", False)]),
])  # fmt: skip
def test_parse_synonym_of_a_good_row(row: dict[str, Any], pairs: list[tuple[str, str, bool]]) -> None:
    assert parse_synonym(row) == pairs


@pytest.mark.parametrize(("row", "field"), [
    ("tv", None), ({}, "word"), ({"word": "tv"}, "means"), ({"means": "tv"}, "word"),
    ({"word": "  ", "means": "tv"}, "word"), ({"word": "tv", "means": ""}, "means"),
    ({"word": "?!", "means": "tv"}, "word"), ({"word": "tv", "means": "-"}, "means"),
    ({"word": LONG, "means": "tv"}, "word"), ({"word": "tv", "means": LONG}, "means"),
    ({"word": "tv", "means": "TV"}, "means"), ({"word": "cafe", "means": "Café"}, "means"),
    ({"word": "t-shirt", "means": "T shirt"}, "means"), ({"word": "tv", "means": ["telly", "tv!"]}, "means"),
    ({"word": "tv", "means": []}, "means"), ({"word": "tv", "means": ["a"] * 101}, "means"),
    ({"word": "tv", "means": {"a": 1}}, "means"), ({"word": True, "means": "tv"}, "word"),
    ({"word": "t\0v", "means": "telly"}, "word"), ({"word": "tv", "means": "\ud800a"}, "means"),
    ({"word": "tv", "means": "telly", "two_way": "yes"}, "two_way"),
    ({"word": "tv", "means": "telly", "two-way": True}, "two-way"),
])  # fmt: skip
def test_parse_synonym_of_a_bad_row_names_the_field(row: Any, field: str | None) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_synonym(row)
    assert refused.value.field == field
    assert re.match(f"{field or 'synonym'}: expected .+, got .", str(refused.value))


def test_parse_pair_agrees_with_parse_synonym() -> None:
    assert parse_pair("TV", " Tele  Vision ") == parse_synonym({"word": "TV", "means": "Tele Vision"})[0][:2]


GOOD = {"action": "pin", "query": "Red  Mug", "items": ["b", 7, "b"]}
CLEAN = {
    "action": "pin", "match": "exact", "query": "Red Mug", "items": ["b", "7"], "filter": None, "strength": 0.0,
    "starts": None, "ends": None, "note": None,
}  # fmt: skip


@pytest.mark.parametrize(("change", "changed"), [
    ({}, {}),
    ({"match": "contains"}, {"match": "contains"}),
    ({"match": "any", "query": None}, {"match": "any", "query": None}),
    ({"items": "a"}, {"items": ["a"]}),
    ({"items": None, "filter": " brand:Sony "}, {"items": [], "filter": "brand:Sony"}),
    ({"action": "boost"}, {"action": "boost", "strength": 0.3}),
    ({"action": "bury", "strength": 1}, {"action": "bury", "strength": 1.0}),
    ({"action": "hide", "starts": "1970-01-02", "ends": "1970-01-02T01:00:00+01:00", "note": " a  b "},
     {"action": "hide", "starts": 86_400.0, "ends": 86_400.0, "note": "a b"}),
    ({"starts": 5, "ends": ""}, {"starts": 5.0}),
])  # fmt: skip
def test_parse_rule_of_a_good_row(change: dict[str, Any], changed: dict[str, Any]) -> None:
    if changed.get("starts") == 86_400.0:
        change, changed = change | {"ends": "1970-01-03"}, changed | {"ends": 172_800.0}
    assert parse_rule(GOOD | change) == CLEAN | changed


@pytest.mark.parametrize(("change", "field"), [
    ({"action": None}, "action"), ({"action": "promote"}, "action"), ({"action": ["pin"]}, "action"),
    ({"match": "fuzzy"}, "match"), ({"match": ""}, "match"),
    ({"query": None}, "query"), ({"query": " "}, "query"), ({"query": "!?"}, "query"), ({"query": 5}, "query"),
    ({"query": "x" * 1_001}, "query"), ({"query": "a\0"}, "query"), ({"match": "any"}, "query"),
    ({"items": []}, "items"), ({"items": [""]}, "items"), ({"items": [{}]}, "items"),
    ({"items": [str(number) for number in range(101)]}, "items"),
    ({"filter": ""}, "filter"), ({"filter": 5}, "filter"), ({"filter": "brand"}, "filter"),
    ({"filter": "price:cheap"}, "filter"),
    ({"strength": 0.5}, "strength"), ({"action": "hide", "strength": 1}, "strength"),
    *[({"action": "boost", "strength": bad}, "strength") for bad in (0, -1, 1.01, "much", True, float("nan"), [1])],
    ({"starts": "tomorrow"}, "starts"), ({"ends": True}, "ends"), ({"starts": 5, "ends": 5}, "ends"),
    ({"starts": "2020-01-02", "ends": "2020-01-01"}, "ends"),
    ({"note": "x" * 1_001}, "note"), ({"note": ["a"]}, "note"),
    ({"until": "2020-01-01"}, "until"), ({"id": 3}, "id"),
])  # fmt: skip
def test_parse_rule_of_a_bad_row_names_the_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_rule(GOOD | change)
    assert refused.value.field == field
    assert re.match(f"{field}: (at character .: )?expected .+, got .", str(refused.value))


def test_parse_rule_of_no_object_is_refused() -> None:
    with pytest.raises(InvalidInput, match="got list"):
        parse_rule([GOOD])  # type: ignore[arg-type]


@pytest.mark.parametrize(("one", "other", "same"), [
    ("Café Crème", "cafe creme", True), ("t-shirt", "T SHIRT", True), ("ﬁne mug!", "fine  mug", True),
    ("mug red", "red mug", False), ("mugs", "mug", False),
])  # fmt: skip
def test_query_words_compare_queries(one: str, other: str, same: bool) -> None:
    assert (query_words(one) == query_words(other)) is same
