"""Which rules hold for a query at a time."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from shelfwise.catalogue.filters import Condition, Filter
from shelfwise.curation import rule_index
from shelfwise.curation.rule_index import RuleIndex
from shelfwise.curation.validation import query_words
from shelfwise.store import Rule


def rule(id: int, match: str, query: str | None, starts: float | None = None, ends: float | None = None) -> Rule:
    return Rule(id, "hide", match, query, ("a",), None, 0.0, starts, ends, None)


@pytest.mark.parametrize(("match", "query", "asked", "applies"), [
    ("exact", "Red Mug", ["red mug"], True),
    ("exact", "red mug", ["red-mug!"], True),
    ("exact", "red mug", ["mug red"], False),
    ("exact", "red mug", ["big red mug"], False),
    ("exact", "red mug", ["red"], False),
    ("contains", "red mug", ["a MUG, réd"], True),
    ("contains", "red mug", ["red mug"], True),
    ("contains", "red mug", ["red mugs"], False),
    ("contains", "red red", ["red"], True),
    ("contains", "red mug", ["red"], False),
    ("any", None, ["anything"], True),
    ("any", None, ["?"], True),
    ("exact", "red mug", ["rde mug", "red mug"], True),
    ("contains", "rde", ["rde mug", "red mug"], True),
    ("exact", "red mug", [], False),
])  # fmt: skip
def test_applying_by_the_query(match: str, query: str | None, asked: list[str], applies: bool) -> None:
    assert bool(RuleIndex([rule(1, match, query)]).applying(asked, 0.0)) is applies


@pytest.mark.parametrize(("starts", "ends", "now", "holds"), [
    (None, None, 5.0, True), (5.0, None, 5.0, True), (5.0, None, 4.9, False), (None, 5.0, 5.0, False),
    (None, 5.0, 4.9, True), (4.0, 6.0, 5.0, True), (0.0, None, 0.0, True), (None, 0.0, 0.0, False),
])  # fmt: skip
def test_applying_within_the_window(starts: float | None, ends: float | None, now: float, holds: bool) -> None:
    assert bool(RuleIndex([rule(1, "any", None, starts, ends)]).applying(["mug"], now)) is holds


def test_applying_returns_each_rule_once_oldest_first() -> None:
    rules = [rule(3, "any", None), rule(1, "contains", "red"), rule(2, "exact", "red mug"), rule(4, "exact", "x")]
    assert [found.id for found in RuleIndex(rules).applying(["red mug", "mug red", "red mug"], 0.0)] == [1, 2, 3]


def test_applying_agrees_with_looking_at_every_rule() -> None:
    rng = random.Random(1)
    words = ["red", "blue", "mug", "cup", "big"]

    def some() -> str:
        return " ".join(rng.choices(words, k=rng.randint(1, 3)))

    rules = [rule(id, rng.choice(["exact", "contains"]), some()) for id in range(1, 200)]
    index = RuleIndex(rules)
    for _ in range(100):
        query = some()
        there = query_words(query)
        expected = [
            rule.id
            for rule in rules
            if (query_words(rule.query or "") == there)
            or (rule.match == "contains" and set(query_words(rule.query or "")) <= set(there))
        ]
        assert [found.id for found in index.applying([query], 0.0)] == expected


@pytest.mark.parametrize(
    ("text", "parsed"), [(None, None), ("brand:sony", Condition("brand", ("sony",))), ("of an old grammar", None)]
)
def test_applying_returns_parsed_filters(text: str | None, parsed: Filter | None) -> None:
    (found,) = RuleIndex([replace(rule(1, "any", None), filter=text)]).applying([], 0.0)
    assert (found.filter, found.parsed_filter) == (text, parsed)


def test_filters_are_parsed_once_for_all_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    index = RuleIndex([replace(rule(1, "any", None), filter="brand:sony")])
    monkeypatch.setattr(rule_index, "parse", lambda text: pytest.fail("parsed again"))
    assert index.applying(["mug"], 0.0)[0].parsed_filter is index.applying(["cup"], 0.0)[0].parsed_filter
