"""Suggestions: what is completed, in which order, and how mistyped words are forgiven."""

from __future__ import annotations

import pytest

from shelfwise.query.autocomplete import Autocompleter, Suggestion, bare_words
from shelfwise.query.suggestions import build_autocompleter, shortened

QUERIES = [
    ("wireless mouse", 40.0),
    ("Mouse Pad", 5.0),
    ("mouse pad", 9.0),
    ("mouse", 20.0),
    ("t-shirt", 8.0),
    ("?", 9.0),
]
NAMES = [
    ("1", "Logitech M185 Wireless Mouse", "Logitech", "Computers > Mice"),
    ("2", "Logitech K120 Keyboard", "Logitech", "Computers > Keyboards"),
    ("3", "Café Sign", "Mousetrap Ltd", "Home > Wall Signs"),
    ("4", "Women's Rain Jacket", None, None),
    ("5", "日本製マグカップ", None, "Home"),
    ("6", "MOUSE, pad!", "", ""),
    ("7", None, None, None),
]
SHOP = build_autocompleter(QUERIES, NAMES, {"2": 0.9, "4": 0.2})


def texts(typed: str, limit: int = 8, shop: Autocompleter = SHOP) -> list[str]:
    return [suggestion.text for suggestion in shop.suggest(typed, limit)]


@pytest.mark.parametrize(("typed", "expected"), [
    ("mou", ["mouse", "mouse pad", "Mousetrap Ltd", "wireless mouse", "Logitech M185 Wireless Mouse"]),
    ("mouse ", ["mouse pad", "wireless mouse", "mouse", "Logitech M185 Wireless Mouse"]), ("mouse p", ["mouse pad"]),
    ("wireless mo", ["wireless mouse", "Logitech M185 Wireless Mouse"]),
    ("mouse wire", ["wireless mouse", "Logitech M185 Wireless Mouse"]),
    ("WIRELESS", ["wireless mouse", "Logitech M185 Wireless Mouse"]), ("comp", ["Computers"]),
    ("sig", ["Wall Signs", "Café Sign"]), ("cafe", ["Café Sign"]), ("CAFÉ", ["Café Sign"]),
    ("womens", ["Women's Rain Jacket"]), ("women’s ra", ["Women's Rain Jacket"]), ("t sh", ["t-shirt"]),
    ("tsh", ["t-shirt"]), ("T-SHIRT", ["t-shirt"]), ("マグ", ["日本製マグカップ"]), ("日本", ["日本製マグカップ"]),
    ("k120", ["Logitech K120 Keyboard"]), ("", []), ("  ", []), ('"', []), ("zzzz", []), ("mouse zzzz", []),
])  # fmt: skip
def test_suggest(typed: str, expected: list[str]) -> None:
    assert texts(typed) == expected


@pytest.mark.parametrize(("typed", "expected"), [
    ("moues", ["mouse", "mouse pad"]),  # swapped
    ("wirless", ["wireless mouse"]),  # lost
    ("wirelless mo", ["wireless mouse"]),  # in an earlier word
    ("omuse p", ["mouse pad"]),  # the first two swapped
    ("logitexh k", ["Logitech K120 Keyboard"]), ("jacekt", ["Women's Rain Jacket"]),
    ("keybaord ", ["Logitech K120 Keyboard"]),
])  # fmt: skip
def test_suggest_corrects_mistyped_words(typed: str, expected: list[str]) -> None:
    assert texts(typed)[: len(expected)] == expected


@pytest.mark.parametrize("typed", ["mx", "jx", "zzzzzz", "mouse qq"])
def test_suggest_corrects_nothing_too_short_or_too_far(typed: str) -> None:
    assert texts(typed) == []


def test_suggest_puts_what_was_typed_before_corrections() -> None:
    shop = build_autocompleter([("cart", 1.0), ("card", 90.0), ("cards", 80.0)], [], {})
    assert texts("cart", shop=shop)[0] == "cart"
    assert set(texts("cart", shop=shop)) == {"cart", "card", "cards"}
    assert texts("cart", 1, shop) == ["cart"]


def test_suggest_gives_kinds_up_to_the_limit() -> None:
    assert SHOP.suggest("mou", 2) == [Suggestion("mouse", "query"), Suggestion("mouse pad", "query")]
    assert [suggestion.kind for suggestion in SHOP.suggest("logi")] == ["brand", "title", "title"]
    assert SHOP.suggest("comp") == [Suggestion("Computers", "category")]
    assert SHOP.suggest("mou", 0) == []


def test_suggest_orders_a_kind_by_use() -> None:
    assert texts("logitech ") == ["Logitech K120 Keyboard", "Logitech", "Logitech M185 Wireless Mouse"]
    shop = build_autocompleter([("red mug", 1.0), ("red lamp", 3.0)], [], {})
    assert texts("red", shop=shop) == ["red lamp", "red mug"]


def test_suggest_gives_the_same_words_once_as_most_wrote_them() -> None:
    assert [text for text in texts("mouse p") if bare_words(text) == ["mouse", "pad"]] == ["mouse pad"]
    shop = build_autocompleter([("samsung", 1.0)], [("1", "Samsung", "SAMSUNG", None)], {})
    assert len(texts("sam", shop=shop)) == 1


@pytest.mark.parametrize(
    ("title", "short"),
    [
        ("Red Mug", "Red Mug"),
        ("  Red   Mug ", "Red Mug"),
        ("One Two Three Four Five Six Seven Eight Nine Ten", "One Two Three Four Five Six Seven Eight"),
        ("Long Notebook With A Screen Of - for everybody and all others", "Long Notebook With A Screen"),
        ('HP Notebook Silver 43 cm (17") 1440 900 pixels', 'HP Notebook Silver 43 cm (17") 1440 900'),
        ("Toner for printers (black, cyan and all of the others)", "Toner for printers"),
        ("x" * 100, "x" * 60),
        ("", ""),
    ],
)
def test_shortened_cuts_titles_where_they_read_well(title: str, short: str) -> None:
    assert shortened(title) == short


@pytest.mark.parametrize(
    "typed",
    ["x" * 1_000, "a " * 500, "'" * 1_000, "日" * 1_000, "\U0010ffff", "é" * 999, "mouse " * 100, "*", "%_", "\u0301"],
    ids=lambda typed: ascii(typed)[:12],
)
def test_suggest_bears_hostile_input(typed: str) -> None:
    assert len(SHOP.suggest(typed)) <= 8


def test_suggest_of_an_empty_shop_is_empty() -> None:
    empty = build_autocompleter([], [], {})
    assert (len(empty), empty.suggest("a"), Autocompleter().suggest("abc def")) == (0, [], [])
