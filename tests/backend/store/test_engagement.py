"""Answers shown and clicked, by UTC day and by kind of shelf."""

from __future__ import annotations

import random
from typing import Any

import pytest

from shelfwise.store import KindEngagement, Store
from shelfwise.timestamps import DAY
from shelfwise.validation import parse_event, parse_item

MIDNIGHT = 15_278 * DAY  # 2011-10-31
KINDS = {"searches": ("query", "search_id"), "recommendations": ("kind", "recommendation_id")}


def show(store: Store, kind: str, id: str, ts: float) -> None:
    row = {"id": id, "ts": ts, KINDS[kind][0]: "x", "item": None, "user": None, "session": None, "generation": 0}
    store.answer_log.add(kind, row, ["mug"])


def follow(store: Store, number: int, ts: float, type: str = "click", **cited: str) -> None:
    store.events.add([parse_event({"event_id": f"e{number}", "type": type, "item": "mug", "ts": ts} | cited, ts)])


@pytest.mark.parametrize("kind", KINDS)
def test_days_count_answers_and_clicked_answers(store: Store, kind: str) -> None:
    cited = KINDS[kind][1]
    for number, days in enumerate((0.1, 0.2, 1.5, 1.6, 1.7, 30.0, -0.1)):  # before midnight
        show(store, kind, f"a{number}", MIDNIGHT - days * DAY)
    store.answer_log.close()
    follow(store, 0, MIDNIGHT - 0.1 * DAY, **{cited: "a0"})
    follow(store, 1, MIDNIGHT - 0.1 * DAY, "purchase", **{cited: "a0"})
    follow(store, 2, MIDNIGHT - 0.1 * DAY, "view", **{cited: "a1"})
    follow(store, 3, MIDNIGHT + 60, "cart", **{cited: "a2"})
    follow(store, 4, MIDNIGHT + 7200, **{cited: "a3"})  # after the night's time
    follow(store, 5, MIDNIGHT - DAY)
    days = store.engagement.days(kind, MIDNIGHT + 3600)
    assert len(days) == 29
    assert [day.day for day in days[-2:]] == [MIDNIGHT - 2 * DAY, MIDNIGHT - DAY]
    assert [(day.shown, day.clicked) for day in days[-2:]] == [(3, 1), (2, 1)]
    assert sum(day.shown for day in days) == 5


def test_days_of_an_empty_log_are_zeros(store: Store) -> None:
    assert {(day.shown, day.clicked) for day in store.engagement.days("searches", MIDNIGHT)} == {(0, 0)}


# ---- by kind of shelf ---------------------------------------------------------------------------------------

SINCE, UNTIL = MIDNIGHT - 28 * DAY, MIDNIGHT
NOON = MIDNIGHT - DAY / 2


def shelf(store: Store, id: str, kind: str, shown: str, ts: float = NOON, user: str | None = None) -> None:
    """An answer of items of one letter each; `kind` "search" is a search. Written when this returns."""
    row: dict[str, Any] = {"id": id, "ts": ts, "user": user, "session": None, "generation": 0}
    if kind == "search":
        store.answer_log.add("searches", row | {"query": "mug"}, list(shown))
    else:
        store.answer_log.add("recommendations", row | {"kind": kind, "item": None}, list(shown))
    store.answer_log.close()


def cite(store: Store, id: str, items: str, type: str = "click", ts: float = NOON + 9, user: str | None = None) -> None:
    """An event on each item; an id that begins with "s" is a search's."""
    cited = "search_id" if id.startswith("s") else "recommendation_id"
    first = store.events.last_seq()
    rows = [
        {"event_id": f"e{first + number}", "type": type, "item": item, "user": user, cited: id}
        for number, item in enumerate(items)
    ]
    store.events.add([parse_event(row, ts) for row in rows])


def kinds(store: Store) -> dict[str, KindEngagement]:
    return {kind.kind: kind for kind in store.engagement.shelves(SINCE, UNTIL)}


def test_shelves_equal_a_table_by_hand(store: Store) -> None:
    shelf(store, "r1", "for-you", "abcd")
    cite(store, "r1", "ac")  # of (a, b), (a, d), (c, b), (c, d) the third is the wrong way round
    shelf(store, "r2", "for-you", "ab")
    cite(store, "r2", "b")
    cite(store, "r2", "bb", "purchase")  # twice, and b is one item
    shelf(store, "r3", "for-you", "a")
    cite(store, "r3", "a", "cart")  # all of it: there is no pair
    shelf(store, "r4", "for-you", "abc")
    shelf(store, "r5", "for-you", "")
    shelf(store, "r6", "popular", "xy")
    cite(store, "r6", "x", "view")
    cite(store, "r6", "y", "dismiss")
    cite(store, "r6", "z")  # which it did not show
    for id in ("s1", "s2"):
        shelf(store, id, "search", "abc")
    cite(store, "s1", "a", "purchase")
    assert store.engagement.shelves(SINCE, UNTIL) == [
        KindEngagement("for-you", 5, 10, 3, 4, 1, 1, (0.75 + 0.0) / 2, 4, 0, 0),
        KindEngagement("search", 2, 6, 1, 1, 1, 1, 1.0, 3, 0, 0),
        KindEngagement("popular", 1, 2, 0, 0, 0, 0, None, 2, 0, 0),
    ]
    assert kinds(store)["for-you"].to_dict() == {
        "kind": "for-you", "answers": 5, "shown": 10, "answers_clicked": 3, "clicked": 4, "answers_bought": 1,
        "purchases": 1, "auc": 0.375, "ctr": 0.4, "answer_ctr": 0.6, "conversion": 0.2, "items": 4, "popular": 0,
        "catalogue": 0, "coverage": 0.0, "popularity": 0.0,
    }  # fmt: skip


def test_shelves_auc_is_the_share_of_pairs_in_order(store: Store) -> None:
    rng, aucs, letters = random.Random(3), [], "abcdefgh"
    for number in range(40):
        shown = "".join(rng.sample(letters, rng.randint(1, 8)))
        clicked = set(rng.sample(shown, rng.randint(1, len(shown))))
        shelf(store, f"r{number}", "next", shown)
        cite(store, f"r{number}", "".join(clicked))
        pairs = [(position, shown.index(unclicked)) for position, item in enumerate(shown) if item in clicked
                 for unclicked in shown if unclicked not in clicked]  # fmt: skip
        if pairs:
            aucs.append(sum(clicked_at < unclicked_at for clicked_at, unclicked_at in pairs) / len(pairs))
    assert kinds(store)["next"].auc == pytest.approx(sum(aucs) / len(aucs))


@pytest.mark.parametrize(
    ("shown_at", "clicked_at", "answers", "clicked"),
    [
        (SINCE, SINCE + 1, 1, 1),
        (SINCE - 1, SINCE + 1, 0, 0),
        (UNTIL - 1, UNTIL - 1, 1, 1),
        (UNTIL - 1, UNTIL, 1, 0),
        (UNTIL, UNTIL - 1, 0, 0),
        (NOON, NOON - 30, 1, 1),  # by the clock of a browser
        (NOON, NOON - 61, 1, 0),  # of something else
    ],
)
def test_shelves_count_the_window_only(
    store: Store, shown_at: float, clicked_at: float, answers: int, clicked: int
) -> None:
    shelf(store, "r0", "new", "ab")
    shelf(store, "r1", "new", "ab", shown_at)
    cite(store, "r1", "a", ts=clicked_at)
    new = kinds(store)["new"]
    assert (new.answers - 1, new.answers_clicked) == (answers, clicked)


def test_shelves_ignore_unknown_and_missing_citations(store: Store) -> None:
    shelf(store, "r1", "new", "ab")
    cite(store, "r?", "a")
    cite(store, "s?", "a")
    cite(store, "s r1", "a")  # a search's id, and no search
    store.events.add([parse_event({"event_id": "e", "type": "purchase", "item": "a"}, NOON + 9)])
    assert store.engagement.shelves(SINCE, UNTIL) == [KindEngagement("new", 1, 2, 0, 0, 0, 0, None, 2, 0, 0)]


def test_shelves_ignore_erased_rows(store: Store) -> None:
    shelf(store, "r1", "new", "ab", user="anna")
    shelf(store, "r2", "new", "ab", user="berta")
    cite(store, "r1", "a", user="anna")
    cite(store, "r1", "b", user="berta")  # stays, and cites what is gone
    cite(store, "r2", "b", user="berta")
    assert kinds(store)["new"] == KindEngagement("new", 2, 4, 2, 3, 0, 0, 0.0, 2, 0, 0)
    store.personal_data.erase("anna", MIDNIGHT, {})
    assert kinds(store)["new"] == KindEngagement("new", 1, 2, 1, 1, 0, 0, 0.0, 2, 0, 0)


def test_shelves_coverage_and_popularity(store: Store) -> None:
    """Of twenty things in the catalogue the tenth is two: c and b were chosen most."""
    things = [{"id": letter, "title": f"Thing {letter}"} for letter in "abcdefghijklmnopqrst"]
    store.items.upsert([(0, parse_item(thing)) for thing in things])
    shelf(store, "r1", "popular", "bc")
    shelf(store, "r2", "popular", "bca")
    shelf(store, "r3", "new", "def")
    shelf(store, "r4", "new", "abc", ts=SINCE - 1)
    cite(store, "s?", "cccbbda")
    cite(store, "s?", "aaaaaaaa", "view")
    popular, new = kinds(store)["popular"], kinds(store)["new"]
    assert (popular.items, popular.popular, popular.catalogue) == (3, 4, 20)
    assert (popular.to_dict()["coverage"], popular.to_dict()["popularity"]) == (0.15, 0.8)
    assert (new.to_dict()["coverage"], new.to_dict()["popularity"]) == (0.15, 0.0)


def test_shelves_of_an_empty_log_are_none(store: Store) -> None:
    cite(store, "r1", "a")
    assert store.engagement.shelves(SINCE, UNTIL) == []
    assert set(KindEngagement("new", 0, 0, 0, 0, 0, 0, None, 0, 0, 0).to_dict().values()) == {"new", 0, None}
