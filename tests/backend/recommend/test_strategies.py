"""Each kind by itself: what it finds in the made-up shop, and in which order."""

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
from support.recommend_shop import ALL_VECTORS, IDS, NOW, by_id, event, make_context, make_signals
from support.stores import upsert_rows


def scores_of(kind: str, columns: CatalogueSnapshot, *events: Any, **parts: Any) -> dict[str, float]:
    """id → score, best first, of a kind."""
    rows, scores = STRATEGIES[kind](make_context(columns, *events, **parts))
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
def test_default_kind(items: list[str], user: Any, session: Any, kind: str) -> None:
    assert default_kind(items, user, session) == kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_strategy_and_ends_with_popular_and_new(kind: str) -> None:
    assert kind in STRATEGIES or kind == "for-you"
    order = (kind, *FALLBACKS[kind])
    assert len(set(order)) == len(order)
    assert set(order[-2:]) == {"popular", "new"}, "what needs no shopper and no item"


@pytest.mark.parametrize("kind", STRATEGIES)
def test_kind_without_knowledge_finds_nothing(columns: CatalogueSnapshot, kind: str) -> None:
    everything = set(IDS) - {"vase"}
    assert set(scores_of(kind, columns)) == (everything if kind == "new" else set())


@pytest.mark.parametrize("kind", STRATEGIES)
def test_documentation_names_the_same_fallbacks(kind: str) -> None:
    page = (Path(__file__).parents[3] / "docs" / "recommendations.md").read_text()
    (line,) = [line for line in page.splitlines() if line.startswith(f"| `{kind}` |")]
    assert line.split("|")[3].strip() == ", ".join(FALLBACKS[kind])


# ---- similar and together -----------------------------------------------------------------------------------


def test_similar_scores_by_cosine(columns: CatalogueSnapshot) -> None:
    scores = scores_of("similar", columns, seeds=["tea"], index=ALL_VECTORS)
    assert list(scores)[:3] == ["tea", "chai", "coffee"], "the item itself is left out with what is not eligible"
    assert scores["chai"] == pytest.approx(np.cos(np.radians(20)))
    assert not {"lamp", "bulb", "mug"} & set(scores), "turned away from it"


def test_similar_to_several_scores_by_mean_cosine(columns: CatalogueSnapshot) -> None:
    assert next(iter(scores_of("similar", columns, seeds=["tea", "cup"], index=ALL_VECTORS))) == "coffee"


def test_similar_adds_a_tenth_of_co_views(columns: CatalogueSnapshot) -> None:
    signals = make_signals(links={"viewed": {"tea": {"coffee": 9.0, "rug": 4.5}}})
    before, after = (
        scores_of("similar", columns, seeds=["tea"], index=ALL_VECTORS, signals=links) for links in (None, signals)
    )
    assert after["coffee"] == pytest.approx(before["coffee"] + 0.1)
    assert list(before) == [id for id in after if id != "rug"], "but does not turn the order"
    assert after["rug"] == pytest.approx(0.05)


def test_similar_without_vectors_goes_by_co_views(columns: CatalogueSnapshot) -> None:
    signals = make_signals(links={"viewed": {"tea": {"rug": 1.0}}})
    assert scores_of("similar", columns, seeds=["tea"], signals=signals) == {"rug": pytest.approx(0.1)}


def test_together_sums_links_over_a_cart(columns: CatalogueSnapshot) -> None:
    signals = make_signals(links={"together": {"tea": {"cup": 0.5, "mug": 0.4}, "lamp": {"bulb": 0.7, "mug": 0.2}}})
    assert scores_of("together", columns, seeds=["tea"], signals=signals) == pytest.approx({"cup": 0.5, "mug": 0.4})
    cart = scores_of("together", columns, seeds=["tea", "lamp"], signals=signals)
    assert list(cart) == ["bulb", "mug", "cup"]
    assert cart["mug"] == pytest.approx(0.6)


# ---- again --------------------------------------------------------------------------------------------------


def monthly(item: str, last: float) -> list[Any]:
    return [event(item, days=last + 30 * number) for number in range(3)]


def test_again_ranks_due_items_first(columns: CatalogueSnapshot) -> None:
    signals = make_signals({"repeat": dict.fromkeys(IDS, 0.3)})
    scores = scores_of("again", columns, *monthly("tea", 10), *monthly("coffee", 31), signals=signals)
    assert list(scores) == ["coffee", "tea"]


@pytest.mark.parametrize(("times", "days", "is_there"), [(3, 7, False), (3, 8, True), (1, 11, False), (1, 12, True)])
def test_again_leaves_out_what_is_not_due_for_long(
    columns: CatalogueSnapshot, times: int, days: float, is_there: bool
) -> None:
    signals = make_signals({"repeat": dict.fromkeys(IDS, 0.3)})
    assert ("tea" in scores_of("again", columns, *monthly("tea", days)[:times], signals=signals)) is is_there


def test_again_ranks_long_overdue_items_last(columns: CatalogueSnapshot) -> None:
    signals = make_signals({"repeat": dict.fromkeys(IDS, 0.3)})
    scores = scores_of("again", columns, *monthly("tea", 600), *monthly("coffee", 31), signals=signals)
    assert list(scores) == ["coffee", "tea"]


def test_again_ranks_a_rhythm_before_a_single_purchase(columns: CatalogueSnapshot) -> None:
    signals = make_signals({"repeat": dict.fromkeys(IDS, 0.3)})
    scores = scores_of("again", columns, *monthly("tea", 30), event("coffee", days=45), signals=signals)
    assert list(scores) == ["tea", "coffee"]
    assert scores["coffee"] > 0.25 * 0.3, "but it says something"


def test_again_ranks_single_purchases_by_repeat_rate(columns: CatalogueSnapshot) -> None:
    signals = make_signals({"repeat": {"tea": 0.1, "coffee": 0.5}})
    bought = event("tea", days=30), event("coffee", days=30)
    assert list(scores_of("again", columns, *bought, signals=signals)) == ["coffee", "tea"]


@pytest.mark.parametrize("type", ["view", "click", "cart"])
def test_again_leaves_out_items_never_bought(columns: CatalogueSnapshot, type: str) -> None:
    signals = make_signals({"repeat": dict.fromkeys(IDS, 0.3)})
    visits = [event("tea", days=day) for day in range(1, 20)]
    assert list(scores_of("again", columns, event("cup", type), *visits, signals=signals)) == ["tea"]


def test_again_ignores_views(columns: CatalogueSnapshot) -> None:
    signals = make_signals({"repeat": dict.fromkeys(IDS, 0.3)})
    bought = [*monthly("tea", 31), *monthly("coffee", 24)]
    looks = [event("tea", "view", 0.1), event("tea", "click", 9)]
    before, after = (scores_of("again", columns, *events, signals=signals) for events in (bought, [*bought, *looks]))
    assert list(before) == list(after) == ["tea", "coffee"]


@pytest.mark.parametrize(
    ("repeat", "buyers", "has_use"),
    [(0.01, 50, False), (0.029, 50, False), (0.05, 50, True), (0.01, 0, False), (0.0, 0, True)],
)
def test_one_time_purchases_are_rarely_repeated(
    columns: CatalogueSnapshot, repeat: float, buyers: int, has_use: bool
) -> None:
    signals = make_signals({"repeat": {"lamp": repeat, "tea": 0.4}, "buyers": {"lamp": buyers, "tea": 50}})
    context = make_context(columns, event("lamp"), event("tea"), signals=signals)
    assert (columns.row_of["lamp"] not in one_time_purchases(context)) is has_use
    assert columns.row_of["tea"] not in one_time_purchases(context)
    assert not len(one_time_purchases(make_context(columns, event("lamp", "cart"), signals=signals))), (
        "it was not bought"
    )


# ---- next ---------------------------------------------------------------------------------------------------

NEXT = {"together": {"lamp": {"bulb": 0.2}}, "viewed": {"tea": {"mug": 5.0}}, "linked": {"rug": {"cup": 0.1}}}


@pytest.mark.parametrize(("step", "follows"), [("lamp", "bulb"), ("tea", "mug"), ("rug", "cup")])
def test_next_follows_a_click_by_each_link(columns: CatalogueSnapshot, step: str, follows: str) -> None:
    assert list(scores_of("next", columns, event(step, "click", 0), signals=make_signals(links=NEXT))) == [follows]


def test_next_weighs_the_last_step_most(columns: CatalogueSnapshot) -> None:
    signals = make_signals(links={"viewed": {"lamp": {"bulb": 1.0}, "tea": {"mug": 1.0}}})
    for first, last, order in (("lamp", "tea", ["mug", "bulb"]), ("tea", "lamp", ["bulb", "mug"])):
        steps = event(first, "click", 0.02, "s"), event(last, "view", 0.01, "s")
        assert list(scores_of("next", columns, *steps, signals=signals)) == order


def test_next_follows_the_requests_items_before_the_history(columns: CatalogueSnapshot) -> None:
    signals = make_signals(links=NEXT)
    assert list(scores_of("next", columns, event("tea", "click"), seeds=["lamp"], signals=signals)) == ["bulb"]


def test_next_goes_by_vectors_and_leaves_out_the_steps(columns: CatalogueSnapshot) -> None:
    scores = scores_of("next", columns, event("tea", "click", 0.1), event("lamp", "click", 0.2), index=ALL_VECTORS)
    assert not {"tea", "lamp"} & set(scores)
    assert next(iter(scores)) == "chai"


def test_next_follows_the_last_five_steps(columns: CatalogueSnapshot) -> None:
    signals = make_signals(links={"viewed": {"rug": {"mug": 1.0}}})

    def after(*steps: str) -> list[str]:
        events = [event(id, "click", number / 100, "s") for number, id in enumerate(steps)]
        return list(scores_of("next", columns, *events, signals=signals))

    assert after("tea", "chai", "coffee", "cup", "rug") == ["mug"]
    assert after("tea", "chai", "coffee", "cup", "bulb", "rug") == []


@pytest.mark.parametrize(
    ("days", "session", "follows"), [(0.4, "s", ["bulb", "mug"]), (0.4, "t", ["mug"]), (0.6, "t", ["mug"])]
)
def test_next_leaves_out_earlier_visits(
    columns: CatalogueSnapshot, days: float, session: str, follows: list[str]
) -> None:
    signals = make_signals(links={"viewed": {"rug": {"mug": 1.0}, "lamp": {"bulb": 9.0}}})
    steps = event("rug", "click", 0.3, "s"), event("lamp", "click", days, session)
    assert sorted(scores_of("next", columns, *steps, signals=signals)) == follows


# ---- trending, popular, new ---------------------------------------------------------------------------------


def test_trending_goes_by_the_rise(columns: CatalogueSnapshot) -> None:
    signals = make_signals({"trend": {"tea": 0.9, "cup": 1.0, "rug": 4.0, "mug": -3.0}, "week": {"tea": 900}})
    assert scores_of("trending", columns, signals=signals) == {"rug": 4.0, "cup": 1.0}


def test_popular_goes_by_popularity(columns: CatalogueSnapshot) -> None:
    statistics = PopularityCounts({"tea": 0.2, "cup": 1.0, "gone": 0.9})
    assert list(scores_of("popular", columns, statistics=statistics)) == ["cup", "tea"]


def test_new_goes_by_created_at(store: Store) -> None:
    dated = (("rug", 40), ("tea", 3), ("lamp", 400), ("mug", -2))  # one of them is announced
    upsert_rows(store, *({"id": id, "created_at": NOW - days * DAY} for id, days in dated))
    order = list(scores_of("new", CatalogueCache(store).current()))
    assert order[:4] == ["mug", "tea", "rug", "bulb"], "what has no date stands where its row says"
    assert order.index("lamp") > order.index("bulb")


def test_new_without_dates_goes_by_the_first_event(columns: CatalogueSnapshot) -> None:
    statistics = PopularityCounts(first_seen={"coffee": NOW - DAY, "tea": NOW - 30 * DAY})
    assert list(scores_of("new", columns, statistics=statistics))[:2] == ["coffee", "tea"]


def test_new_of_one_age_ranks_central_items_first(store: Store) -> None:
    upsert_rows(store, *({"id": id, "created_at": NOW - 9 * DAY} for id in IDS))
    signals = make_signals({"central": {"coffee": 0.9, "cup": 0.8, "rug": 0.1}})
    order = list(scores_of("new", CatalogueCache(store).current(), signals=signals))
    assert (order[:2], order[2]) == (["coffee", "cup"], "rug")
