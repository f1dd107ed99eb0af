"""Links counted from baskets, beside what a plain reading of their definition gives."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy import sparse

from shelfwise.generation.item_links import ItemLinks
from shelfwise.store import Event
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.basket_matrix import MAX_BASKET_ITEMS, BasketMatrix
from shelfwise.trainer.statistics import item_links as linking
from shelfwise.trainer.statistics.item_links import cooccurrence, ease, ease_links, next_visit_ridge, top_links

NOW = 1_320_000_000.0


def choices(*baskets: str, n_items: int = 26, ages: list[float] | None = None) -> BasketMatrix:
    """A basket a word and a shopper, its letters the items, bought days ago as `ages` say (default: now)."""
    ages = ages or [0.0] * len(baskets)
    events = [
        Event(1, NOW - age * DAY, "purchase", letter, f"u{number}", f"s{number}", None)
        for number, (basket, age) in enumerate(zip(baskets, ages, strict=True))
        for letter in basket
    ]
    rows = {letter: row for row, letter in enumerate("abcdefghijklmnopqrstuvwxyz"[:n_items])}
    return BasketMatrix.from_events(events, rows, ["purchase"])


def links(found: ItemLinks, letter: str) -> dict[str, float]:
    indices, weights = found.links_of(ord(letter) - ord("a"))
    return {chr(ord("a") + row): weight for row, weight in zip(indices.tolist(), weights.tolist(), strict=True)}


# ---- together -----------------------------------------------------------------------------------------------


def test_cooccurrence_links_pairs_above_chance() -> None:
    found = cooccurrence(choices("ab", "ab", "ac", "xy", "xy", "zw", "zw", "zw"), NOW)
    assert set(links(found, "a")) == {"b"}, "once with c is chance"
    assert set(links(found, "z")) == {"w"}
    assert found.support_of(0, 1) == 2


def test_cooccurrence_of_a_ubiquitous_item_is_empty() -> None:
    baskets = ["ab", "ab", "b", "b", "b", "cb", "cb", "db"]
    assert links(cooccurrence(choices(*baskets), NOW), "a") == {}, "b is in every basket: a tells nothing about it"


def test_cooccurrence_weighs_newer_baskets_more() -> None:
    found = links(cooccurrence(choices("ab", "ab", "ac", "ac", "xy", ages=[90, 90, 1, 1, 1]), NOW), "a")
    assert list(found) == ["c", "b"]
    assert found["c"] > 2 * found["b"]


def test_cooccurrence_ignores_very_large_baskets() -> None:
    events = [
        Event(1, NOW, "purchase", f"i{number}", who, who, None)
        for who in ("u", "v")
        for number in range(MAX_BASKET_ITEMS + 1)
    ]
    whole = BasketMatrix.from_events(
        events, {f"i{number}": number for number in range(MAX_BASKET_ITEMS + 1)}, ["purchase"]
    )
    assert len(whole) == 2
    assert len(cooccurrence(whole, NOW).indices) == 0


def test_cooccurrence_needs_two_shoppers() -> None:
    events = [Event(1, NOW, "purchase", item, "u", f"s{visit}", None) for visit in range(9) for item in "ab"]
    events += [Event(1, NOW, "purchase", item, who, who, None) for who in ("v", "w") for item in "cd"]
    found = cooccurrence(BasketMatrix.from_events(events, dict(zip("abcd", range(4), strict=True)), ["purchase"]), NOW)
    assert links(found, "a") == {}
    assert set(links(found, "c")) == {"d"}


def test_cooccurrence_weight_by_hand() -> None:
    """The faded chance of j given i, times n/(n+3) for n shoppers, over n_j^.25, by counting."""
    random = np.random.default_rng(1)
    baskets = ["".join(random.choice(list("abcdefgh"), size=3, replace=False)) for _ in range(60)]
    ages = random.integers(0, 90, 60).tolist()
    pairs, both = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for basket, age in zip(baskets, ages, strict=True):
        for one in basket:
            for other in basket:
                pairs[one, other] += 0.5 ** (age / 45)  # type: ignore[assignment]
                both[one, other] += 1  # a basket a shopper
    found = cooccurrence(choices(*baskets, ages=ages), NOW)
    assert sum(len(links(found, letter)) for letter in "abcdefgh") > 5
    for letter in "abcdefgh":
        for other, weight in links(found, letter).items():
            times = both[letter, other]
            expected = times / (times + 3) * pairs[letter, other] / pairs[letter, letter] / pairs[other, other] ** 0.25
            assert weight == pytest.approx(expected, rel=1e-3)
            assert found.support_of(ord(letter) - 97, ord(other) - 97) == times


def test_cooccurrence_without_baskets_is_empty() -> None:
    assert len(cooccurrence(choices(), NOW)) == 26
    assert links(cooccurrence(choices(), NOW), "a") == {}


# ---- linked -------------------------------------------------------------------------------------------------


def test_ease_minimises_its_objective() -> None:
    """No change of a weight off the diagonal lowers |X - XB|² + ridge |B|²."""
    random = np.random.default_rng(0)
    histories = (random.random((50, 8)) < 0.3).astype(np.float64)
    weights = ease(histories.T @ histories, 5.0).astype(np.float64)
    assert np.diag(weights).tolist() == [0.0] * 8
    slope = -2 * histories.T @ (histories - histories @ weights) + 2 * 5.0 * weights
    np.fill_diagonal(slope, 0.0)
    assert np.abs(slope).max() < 1e-2


def test_ease_links_items_of_one_history() -> None:
    events = [
        Event(1, NOW - day * DAY, "purchase", item, f"u{shopper}", f"{shopper}-{day}", None)
        for shopper in range(40)
        for day, item in enumerate("ab" if shopper % 2 else "cd")
    ]
    found = ease_links(BasketMatrix.from_events(events, dict(zip("abcd", range(4), strict=True)), ["purchase"]), NOW)
    assert {other for other, weight in links(found, "a").items() if weight > 0.01} == {"b"}
    assert {other for other, weight in links(found, "d").items() if weight > 0.01} == {"c"}


def test_ease_links_of_a_large_catalogue_are_cosines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linking, "MAX_DENSE_ITEMS", 2)
    found = ease_links(choices("ab", "ab", "cd", "cd", "cd"), NOW)
    assert list(links(found, "a")) == ["b"]
    assert 0 < links(found, "a")["b"] < 1


def test_ease_links_without_histories_is_empty() -> None:
    assert links(ease_links(choices(), NOW), "a") == {}


# ---- the best of each row -----------------------------------------------------------------------------------


def test_top_links_sorts_each_row() -> None:
    matrix = sparse.csr_matrix(np.array([[0.0, 0.2, 0.9, 0.5], [0.0, 0.0, 0.0, -1.0], [0.3, 0.0, 0.0, 0.3]]))
    found = top_links(matrix, 2)
    assert [found.links_of(row)[0].tolist() for row in range(3)] == [[2, 3], [], [0, 3]]


# ---- following ----------------------------------------------------------------------------------------------


def visits(*histories: str) -> BasketMatrix:
    """A shopper a word, a visit a letter, a day apart, the last one today."""
    events = [
        Event(1, NOW - (len(history) - day) * DAY, "purchase", letter, f"u{number}", f"{number}-{day}", None)
        for number, history in enumerate(histories)
        for day, letter in enumerate(history)
    ]
    return BasketMatrix.from_events(events, dict(zip("abcdef", range(6), strict=True)), ["purchase"])


def test_next_visit_ridge_links_consecutive_visits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linking, "_RIDGE", 1.0)
    found = next_visit_ridge(visits(*["ab"] * 20, *["cc"] * 20, *["de"] * 5), NOW)
    assert max(links(found, "a"), key=lambda other: links(found, "a")[other]) == "b"
    assert links(found, "c")["c"] > 0.5, "what is chosen again follows itself"
    assert links(found, "b").get("a", 0.0) == pytest.approx(0.0, abs=1e-3), "what came before doesn't follow"
    assert links(found, "f") == {}


def test_next_visit_ridge_minimises_its_objective() -> None:
    random = np.random.default_rng(3)
    histories = ["".join(random.choice(list("abcdef"), size=4)) for _ in range(40)]
    found = next_visit_ridge(visits(*histories), NOW)
    gram, wanted = np.eye(6) * linking._RIDGE, np.zeros((6, 6))
    for history in histories:
        for day in range(1, 4):
            past, weight = np.zeros(6), 0.5 ** ((4 - day) / 60)
            for before in range(day):
                past["abcdef".index(history[before])] += 0.5 ** ((day - before) / 120)
            gram += weight * np.outer(past, past)
            wanted[:, "abcdef".index(history[day])] += weight * past
    expected = np.linalg.solve(gram, wanted)
    for row, letter in enumerate("abcdef"):
        for other, weight in links(found, letter).items():
            assert weight == pytest.approx(expected[row, "abcdef".index(other)], abs=1e-5)


def test_next_visit_ridge_of_single_visits_is_empty() -> None:
    found = next_visit_ridge(visits("a", "b"), NOW)
    assert len(found) == 6
    assert len(found.indices) == 0
