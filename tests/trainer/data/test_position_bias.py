"""Position bias: simulated shoppers with a known attention, found again from their clicks alone."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest

from shelfwise.store import Event, Impression
from shelfwise.trainer.data.interactions import QueryClick
from shelfwise.trainer.data.position_bias import correct_bias, estimate_propensities

ATTENTION = [1.0, 0.7, 0.5, 0.36, 0.27, 0.2]  # at position 1, 2, …
GOOD = {"a": 0.9, "b": 0.75, "c": 0.6, "d": 0.45, "e": 0.3, "f": 0.2}  # item → how often one who looks chooses it


def chosen(seq: int, item: str, search_id: str | None, type: str = "click") -> Event:
    return Event(seq, 0.0, type, item, f"u{seq}", None, "mug", search_id)


def simulated(attention: list[float], count: int, seed: int = 1) -> tuple[list[Impression], list[Event]]:
    """Answers mostly in the order of how good the items are, as a working ranker gives them, and the clicks on them."""
    chance = random.Random(seed)
    answers: list[Impression] = []
    clicks: list[Event] = []
    for number in range(count):
        shown = sorted(GOOD, key=lambda id: -GOOD[id] + chance.gauss(0, 0.25))
        answers.append(Impression(f"s{number}", "mug", 0.0, tuple(shown)))
        for item, looks in zip(shown, attention, strict=True):
            if chance.random() < looks * GOOD[item]:
                clicks.append(chosen(len(clicks), item, f"s{number}"))
    return answers, clicks


def click_rates(answers: list[Impression], clicks: list[Event]) -> list[float]:
    """Clicks by position relative to the first: what an estimate would be that forgets which items stood there."""
    made = {(click.search_id, click.item) for click in clicks}
    rates = [sum((answer.search_id, answer.shown[place]) in made for answer in answers) for place in range(len(GOOD))]
    return [rate / rates[0] for rate in rates]


def test_attention_is_found_from_the_clicks() -> None:
    answers, clicks = simulated(ATTENTION, 4000)
    found = estimate_propensities(answers, clicks)
    assert found[: len(ATTENTION)] == pytest.approx(ATTENTION, rel=0.1, abs=0.04)
    assert click_rates(answers, clicks) != pytest.approx(ATTENTION, rel=0.1, abs=0.1), "plain click rates are far off"


def test_shoppers_who_look_everywhere_have_no_bias() -> None:
    found = estimate_propensities(*simulated([1.0] * len(GOOD), 3000))
    assert found[: len(GOOD)] == pytest.approx([1.0] * len(GOOD), abs=0.12)


def test_attention_never_rises_and_stays_where_nothing_is_known() -> None:
    found = estimate_propensities(*simulated([0.3, 0.4, 0.6, 0.2, 0.9, 0.9], 2000))
    assert all(below <= above for above, below in pairwise(found))
    assert found[2] == 1.0, "the estimate stops at 1 where clicks rise"
    assert found[5:] == [found[5]] * len(found[5:]), "nothing was shown below position 6"


@pytest.mark.parametrize(("clicks", "known"), [(30, True), (29, False)])
def test_a_few_clicks_are_noise(clicks: int, known: bool) -> None:
    answers, events = [], []
    for number in range(4 * clicks):
        below = number % 2
        answers.append(Impression(f"s{number}", "mug", 0.0, ("x", "a") if below else ("a", "x")))
        if number % 4 in (0, 1) or not below:  # seen first: always chosen, seen second: every other time
            events.append(chosen(number, "a", f"s{number}"))
    assert sum(event.search_id is not None for event in events) == 3 * clicks
    assert estimate_propensities(answers, events)[1] == (0.5 if known else 1.0)


def test_an_item_is_compared_with_itself_for_the_same_query_only() -> None:
    answers = [Impression(f"a{number}", "mug", 0.0, ("x", f"y{number}")) for number in range(200)]
    answers += [Impression(f"b{number}", "lamp", 0.0, (f"z{number}", "x")) for number in range(200)]
    events = [chosen(number, "x", f"a{number}") for number in range(200)]
    events += [chosen(number, "x", f"b{number}") for number in range(0, 200, 4)]
    assert set(estimate_propensities(answers, events)) == {1.0}


def test_one_choice_of_an_answer_counts_once_whatever_came_of_it() -> None:
    answers, clicks = simulated(ATTENTION, 500)
    more = [chosen(9000 + click.seq, click.item, click.search_id, "purchase") for click in clicks]
    assert estimate_propensities(answers, clicks + more) == estimate_propensities(answers, clicks)
    assert estimate_propensities(answers, more) == estimate_propensities(answers, clicks)


def test_views_and_what_came_from_no_search_say_nothing() -> None:
    answers, clicks = simulated(ATTENTION, 500)
    others = [chosen(9000 + seq, answer.shown[5], answer.search_id, "view") for seq, answer in enumerate(answers)]
    others += [chosen(seq, answer.shown[5], None) for seq, answer in enumerate(answers)]
    assert estimate_propensities(answers, clicks + others) == estimate_propensities(answers, clicks)


@pytest.mark.parametrize("position", [None, 1, 4, 500])
def test_without_impressions_nothing_changes(position: int | None) -> None:
    searches = [QueryClick("mug", "a", 0.0, (1,), weight=3.0, position=position)]
    (corrected,) = correct_bias(searches, estimate_propensities([], [chosen(1, "a", "gone")]))
    assert corrected is searches[0]


@pytest.mark.parametrize(
    ("position", "weight"),
    [(None, 3.0), (0, 3.0), (1, 3.0), (2, 6.0), (3, 12.0), (4, 15.0), (99, 15.0)],  # clipped at five times
)
def test_a_choice_further_down_weighs_more_up_to_a_limit(position: int | None, weight: float) -> None:
    search = QueryClick("mug", "a", 0.0, (1,), shopper="u", weight=3.0, position=position, passed_over=("b",))
    (corrected,) = correct_bias([search], [1.0, 0.5, 0.25, 0.01])
    assert corrected.weight == pytest.approx(weight)
    assert replace(corrected, weight=3.0) == search


def test_simulated_weights_are_clipped_and_keep_their_order() -> None:
    steep = estimate_propensities(*simulated([1.0, 0.5, 0.25, 0.12, 0.1, 0.08], 4000))
    assert steep[5] < 0.15
    searches = [QueryClick("mug", "a", 0.0, (seq,), position=seq) for seq in range(1, 7)]
    weights = [search.weight for search in correct_bias(searches, steep)]
    assert weights == sorted(weights)
    assert weights[0] == 1.0
    assert weights[5] == 5.0
