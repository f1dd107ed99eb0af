"""Each kind of shelf by itself: what it finds in the made-up shop, and in which order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.recommend.strategies import FALLBACKS, KINDS, STRATEGIES, default_kind, one_time_purchases
from shelfwise.store import Store
from shelfwise.timestamps import DAY
from support.fake_generation import put
from support.recommend_shop import DEGREES, IDS, NOW, by_id, counted, event, on_circle, setting

INDEX = on_circle()


def found(kind: str, columns: CatalogueSnapshot, *events: Any, **parts: Any) -> dict[str, float]:
    """id → score, best first, of a kind."""
    rows, scores = STRATEGIES[kind](setting(columns, *events, **parts))
    assert len(rows) == len(set(rows.tolist())) == len(scores)
    assert np.isfinite(scores).all()
    return by_id((rows, scores), columns)


# ---- which kind, and what comes after it --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "user", "session", "kind"),
    [
        ([], None, None, "popular"), ([], "u", None, "for-you"), ([], None, "s", "for-you"), ([], "u", "s", "for-you"),
        (["tea"], None, None, "similar"), (["tea"], "u", "s", "similar"), (["tea", "cup"], "u", None, "together"),
    ],
)  # fmt: skip
def test_what_a_question_without_a_kind_means(items: list[str], user: Any, session: Any, kind: str) -> None:
    assert default_kind(items, user, session) == kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_made_and_ends_with_what_any_shop_has(kind: str) -> None:
    assert kind in STRATEGIES or kind == "for-you"
    order = (kind, *FALLBACKS[kind])
    assert len(set(order)) == len(order)
    assert set(order[-2:]) == {"popular", "new"}, "what needs no shopper and no item"


@pytest.mark.parametrize("kind", STRATEGIES)
def test_a_kind_finds_nothing_where_nothing_is_known(columns: CatalogueSnapshot, kind: str) -> None:
    everything = set(IDS) - {"vase"}
    assert set(found(kind, columns)) == (everything if kind == "new" else set())


@pytest.mark.parametrize("kind", STRATEGIES)
def test_the_documentation_names_the_same_order(kind: str) -> None:
    page = (Path(__file__).parents[3] / "docs" / "recommendations.md").read_text()
    (line,) = [line for line in page.splitlines() if line.startswith(f"| `{kind}` |")]
    assert line.split("|")[3].strip() == ", ".join(FALLBACKS[kind])


# ---- similar and together -----------------------------------------------------------------------------------


def test_similar_is_what_points_the_same_way(columns: CatalogueSnapshot) -> None:
    scores = found("similar", columns, given=["tea"], index=INDEX)
    assert list(scores)[:3] == ["tea", "chai", "coffee"], "the item itself is left out with what is not eligible"
    assert scores["chai"] == pytest.approx(np.cos(np.radians(20)))
    assert not {"lamp", "bulb", "mug"} & set(scores), "turned away from it"


def test_similar_to_several_is_what_lies_between(columns: CatalogueSnapshot) -> None:
    assert next(iter(found("similar", columns, given=["tea", "cup"], index=INDEX))) == "coffee"


def test_what_is_looked_at_beside_it_helps_a_little(columns: CatalogueSnapshot) -> None:
    known = counted(links={"viewed": {"tea": {"coffee": 9.0, "rug": 4.5}}})
    before, after = (found("similar", columns, given=["tea"], index=INDEX, known=one) for one in (None, known))
    assert after["coffee"] == pytest.approx(before["coffee"] + 0.1)
    assert list(before) == [id for id in after if id != "rug"], "but does not turn the order"
    assert after["rug"] == pytest.approx(0.05)


def test_similar_by_views_alone_where_there_are_no_vectors(columns: CatalogueSnapshot) -> None:
    known = counted(links={"viewed": {"tea": {"rug": 1.0}}})
    assert found("similar", columns, given=["tea"], known=known) == {"rug": pytest.approx(0.1)}


def test_together_adds_up_over_a_cart(columns: CatalogueSnapshot) -> None:
    known = counted(links={"together": {"tea": {"cup": 0.5, "mug": 0.4}, "lamp": {"bulb": 0.7, "mug": 0.2}}})
    assert found("together", columns, given=["tea"], known=known) == pytest.approx({"cup": 0.5, "mug": 0.4})
    cart = found("together", columns, given=["tea", "lamp"], known=known)
    assert list(cart) == ["bulb", "mug", "cup"]
    assert cart["mug"] == pytest.approx(0.6)


# ---- again --------------------------------------------------------------------------------------------------


def monthly(item: str, last: float) -> list[Any]:
    return [event(item, days=last + 30 * number) for number in range(3)]


def test_what_is_due_comes_before_what_was_bought_lately(columns: CatalogueSnapshot) -> None:
    known = counted({"repeat": dict.fromkeys(IDS, 0.3)})
    scores = found("again", columns, *monthly("tea", 10), *monthly("coffee", 31), known=known)
    assert list(scores) == ["coffee", "tea"]


@pytest.mark.parametrize(("times", "days", "is_there"), [(3, 7, False), (3, 8, True), (1, 11, False), (1, 12, True)])
def test_nothing_comes_again_too_soon(columns: CatalogueSnapshot, times: int, days: float, is_there: bool) -> None:
    known = counted({"repeat": dict.fromkeys(IDS, 0.3)})
    assert ("tea" in found("again", columns, *monthly("tea", days)[:times], known=known)) is is_there


def test_after_very_long_it_is_not_wanted_any_more(columns: CatalogueSnapshot) -> None:
    known = counted({"repeat": dict.fromkeys(IDS, 0.3)})
    scores = found("again", columns, *monthly("tea", 600), *monthly("coffee", 31), known=known)
    assert list(scores) == ["coffee", "tea"]


def test_a_rhythm_of_their_own_says_more_than_a_single_purchase(columns: CatalogueSnapshot) -> None:
    known = counted({"repeat": dict.fromkeys(IDS, 0.3)})
    scores = found("again", columns, *monthly("tea", 30), event("coffee", days=45), known=known)
    assert list(scores) == ["tea", "coffee"]
    assert scores["coffee"] > 0.25 * 0.3, "but it says something"


def test_what_is_mostly_bought_again_comes_first_among_single_purchases(columns: CatalogueSnapshot) -> None:
    known = counted({"repeat": {"tea": 0.1, "coffee": 0.5}})
    bought = event("tea", days=30), event("coffee", days=30)
    assert list(found("again", columns, *bought, known=known)) == ["coffee", "tea"]


@pytest.mark.parametrize("type", ["view", "click", "cart"])
def test_what_was_never_bought_is_not_bought_again(columns: CatalogueSnapshot, type: str) -> None:
    known = counted({"repeat": dict.fromkeys(IDS, 0.3)})
    visits = [event("tea", days=day) for day in range(1, 20)]
    assert list(found("again", columns, event("cup", type), *visits, known=known)) == ["tea"]


def test_a_look_at_a_thing_does_not_make_it_less_due(columns: CatalogueSnapshot) -> None:
    known = counted({"repeat": dict.fromkeys(IDS, 0.3)})
    bought = [*monthly("tea", 31), *monthly("coffee", 24)]
    looks = [event("tea", "view", 0.1), event("tea", "click", 9)]
    before, after = (found("again", columns, *events, known=known) for events in (bought, [*bought, *looks]))
    assert list(before) == list(after) == ["tea", "coffee"]


@pytest.mark.parametrize(
    ("repeat", "buyers", "has_use"),
    [(0.01, 50, False), (0.029, 50, False), (0.05, 50, True), (0.01, 0, False), (0.0, 0, True)],
)
def test_durable_is_what_hardly_anybody_buys_twice(
    columns: CatalogueSnapshot, repeat: float, buyers: int, has_use: bool
) -> None:
    known = counted({"repeat": {"lamp": repeat, "tea": 0.4}, "buyers": {"lamp": buyers, "tea": 50}})
    made = setting(columns, event("lamp"), event("tea"), known=known)
    assert (columns.row_of["lamp"] not in one_time_purchases(made)) is has_use
    assert columns.row_of["tea"] not in one_time_purchases(made)
    assert not len(one_time_purchases(setting(columns, event("lamp", "cart"), known=known))), "it was not bought"


@pytest.mark.parametrize(
    ("type", "days", "is_taken"),
    [("purchase", 0.2, True), ("cart", 0, True), ("purchase", 0.3, False), ("cart", 0.3, False), ("click", 0, False)],
)
def test_what_was_taken_a_moment_ago(columns: CatalogueSnapshot, type: str, days: float, is_taken: bool) -> None:
    made = setting(columns, event("tea", type, days, "s"), event("tea", "view", 0, "s"), event("cup", days=40))
    assert [columns.ids[row] for row in made.just_taken.nonzero()[0]] == (["tea"] if is_taken else [])


# ---- next ---------------------------------------------------------------------------------------------------

NEXT = {"together": {"lamp": {"bulb": 0.2}}, "viewed": {"tea": {"mug": 5.0}}, "linked": {"rug": {"cup": 0.1}}}


@pytest.mark.parametrize(("step", "follows"), [("lamp", "bulb"), ("tea", "mug"), ("rug", "cup")])
def test_next_is_what_follows_a_click_by_any_of_the_links(columns: CatalogueSnapshot, step: str, follows: str) -> None:
    assert list(found("next", columns, event(step, "click", 0), known=counted(links=NEXT))) == [follows]


def test_the_last_step_counts_most(columns: CatalogueSnapshot) -> None:
    known = counted(links={"viewed": {"lamp": {"bulb": 1.0}, "tea": {"mug": 1.0}}})
    for first, last, order in (("lamp", "tea", ["mug", "bulb"]), ("tea", "lamp", ["bulb", "mug"])):
        steps = event(first, "click", 0.02, "s"), event(last, "view", 0.01, "s")
        assert list(found("next", columns, *steps, known=known)) == order


def test_next_follows_items_that_are_given_rather_than_the_history(columns: CatalogueSnapshot) -> None:
    known = counted(links=NEXT)
    assert list(found("next", columns, event("tea", "click"), given=["lamp"], known=known)) == ["bulb"]


def test_next_goes_by_vectors_too_and_never_to_the_steps_themselves(columns: CatalogueSnapshot) -> None:
    scores = found("next", columns, event("tea", "click", 0.1), event("lamp", "click", 0.2), index=INDEX)
    assert not {"tea", "lamp"} & set(scores)
    assert next(iter(scores)) == "chai"


def test_the_last_five_steps_of_a_visit_are_looked_at(columns: CatalogueSnapshot) -> None:
    known = counted(links={"viewed": {"rug": {"mug": 1.0}}})

    def after(*steps: str) -> list[str]:
        events = [event(id, "click", number / 100, "s") for number, id in enumerate(steps)]
        return list(found("next", columns, *events, known=known))

    assert after("tea", "chai", "coffee", "cup", "rug") == ["mug"]
    assert after("tea", "chai", "coffee", "cup", "bulb", "rug") == []


@pytest.mark.parametrize(
    ("days", "session", "follows"), [(0.4, "s", ["bulb", "mug"]), (0.4, "t", ["mug"]), (0.6, "t", ["mug"])]
)
def test_another_visit_is_over(columns: CatalogueSnapshot, days: float, session: str, follows: list[str]) -> None:
    known = counted(links={"viewed": {"rug": {"mug": 1.0}, "lamp": {"bulb": 9.0}}})
    steps = event("rug", "click", 0.3, "s"), event("lamp", "click", days, session)
    assert sorted(found("next", columns, *steps, known=known)) == follows


# ---- trending, popular, new ---------------------------------------------------------------------------------


def test_trending_is_a_rise_and_not_a_height(columns: CatalogueSnapshot) -> None:
    known = counted({"trend": {"tea": 0.9, "cup": 1.0, "rug": 4.0, "mug": -3.0}, "week": {"tea": 900}})
    assert found("trending", columns, known=known) == {"rug": 4.0, "cup": 1.0}


def test_popular(columns: CatalogueSnapshot) -> None:
    statistics = PopularityCounts({"tea": 0.2, "cup": 1.0, "gone": 0.9})
    assert list(found("popular", columns, statistics=statistics)) == ["cup", "tea"]


def test_new_is_what_came_last(store: Store) -> None:
    dated = (("rug", 40), ("tea", 3), ("lamp", 400), ("mug", -2))  # one of them is announced
    put(store, *({"id": id, "created_at": NOW - days * DAY} for id, days in dated))
    order = list(found("new", CatalogueCache(store).current()))
    assert order[:4] == ["mug", "tea", "rug", "bulb"], "what has no date stands where its row says"
    assert order.index("lamp") > order.index("bulb")


def test_new_goes_by_the_first_event_where_no_date_is_given(columns: CatalogueSnapshot) -> None:
    statistics = PopularityCounts(first_seen={"coffee": NOW - DAY, "tea": NOW - 30 * DAY})
    assert list(found("new", columns, statistics=statistics))[:2] == ["coffee", "tea"]


def test_of_what_came_at_once_the_central_comes_first(store: Store) -> None:
    put(store, *({"id": id, "created_at": NOW - 9 * DAY} for id in IDS))
    known = counted({"central": {"coffee": 0.9, "cup": 0.8, "rug": 0.1}})
    order = list(found("new", CatalogueCache(store).current(), known=known))
    assert (order[:2], order[2]) == (["coffee", "cup"], "rug")


# ---- what shelves are made from -----------------------------------------------------------------------------


def test_only_the_eligible_are_near(columns: CatalogueSnapshot) -> None:
    made = setting(columns, index=INDEX)
    (near,) = made.nearest(made.vectors(columns.rows(["tea"]))[1], 3)
    assert {columns.ids[row] for row in near} == {"tea", "chai", "coffee"}, "the vase is nearer, and sold out"


def test_vectors_of_what_has_one(columns: CatalogueSnapshot) -> None:
    index = on_circle({id: angle for id, angle in DEGREES.items() if id != "cup"})
    positions, vectors = setting(columns, index=index).vectors(columns.rows(["mug", "cup", "unknown", "tea", "mug"]))
    assert positions.tolist() == [0, 3, 4]
    assert vectors[1] == pytest.approx([1, 0])
    assert len(setting(columns).vectors(columns.rows(["mug"]))[0]) == 0, "without an index"
