"""Popularity against plain Python, and the links between items as they are judged."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from shelfwise.generation.card import GenerationCard, LearnedRange
from shelfwise.generation.item_signals import ItemSignals, save_signals
from shelfwise.generation.popularity import HALF_LIFE_DAYS, RECENT_HALF_LIFE_DAYS, PopularityCounts
from shelfwise.generation.registry import Generation, GenerationRegistry
from shelfwise.night_report import NightReport
from shelfwise.store import Event
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.interactions import Basket
from shelfwise.trainer.data.split import Split, TrainingData
from shelfwise.trainer.statistics.item_signals import item_links
from shelfwise.trainer.statistics.popularity import Links, link_items, write_popularity

IDS = ["a", "b", "c", "d"]


def bought(user: str, *items: str, ts: float = 0.0) -> list[Event]:
    return [Event(0, ts, "purchase", item, user, None, None) for item in items]


def counted(events: list[Event], folder: Path, now: float = 0.0) -> PopularityCounts:
    write_popularity(events, IDS, now, folder / "statistics")
    return PopularityCounts.load(folder / "statistics")


def test_count_popularity_decays_and_scales_to_one(tmp_path: Path) -> None:
    now = 10 * HALF_LIFE_DAYS * DAY
    events = bought("u", "a", ts=now) + bought("u", "b", ts=now - HALF_LIFE_DAYS * DAY)
    statistics = counted(events, tmp_path, now)
    assert statistics.popularity["a"] == pytest.approx(1.0)
    assert statistics.popularity["b"] == pytest.approx(math.log1p(2.5) / math.log1p(5))
    assert "c" not in statistics.popularity


def test_count_popularity_recent_decays_faster(tmp_path: Path) -> None:
    now = 10 * HALF_LIFE_DAYS * DAY
    events = bought("u", "a", ts=now) + bought("u", "b", ts=now - RECENT_HALF_LIFE_DAYS * DAY)
    statistics = counted(events, tmp_path, now)
    assert statistics.recent == pytest.approx({"a": 1.0, "b": math.log1p(2.5) / math.log1p(5)})
    assert statistics.recent["b"] < statistics.popularity["b"]


def test_count_popularity_first_seen_is_the_earliest_event(tmp_path: Path) -> None:
    events = [event for ts in (5.0, 3.0, 9.0) for event in bought("u", "a", ts=ts)] + bought("v", "b", "gone", ts=7.0)
    assert counted(events, tmp_path, 10.0).first_seen == {"a": 3.0, "b": 7.0}


def test_write_popularity_without_events_or_items_is_empty(tmp_path: Path) -> None:
    nothing = counted([], tmp_path / "1")
    assert (nothing.popularity, nothing.recent, nothing.first_seen) == ({}, {}, {})
    statistics = counted(bought("u", "gone", "lost"), tmp_path / "2")
    assert statistics.popularity == {}


# ---- judged -------------------------------------------------------------------------------------------------

UNTIL = 100.0
TONIGHT = LearnedRange(200.0, 20_000)


@pytest.fixture
def parent(tmp_path: Path) -> Generation:
    """A generation that learned that a and b are bought together."""
    generations = GenerationRegistry(tmp_path / "shop")
    number, folder = generations.create_folder()
    save_signals(folder / "signals", IDS, {}, item_links(LEARNED, {id: row for row, id in enumerate(IDS)}, UNTIL))
    card = GenerationCard(until=UNTIL, report=NightReport(events_seq=100))
    return generations.publish(number, folder, card, parent=None, current=None)


def sold(user: str, *items: str, seq: int, ts: float) -> list[Event]:
    return [Event(seq + place, ts, "purchase", item, user, None, None) for place, item in enumerate(items)]


LEARNED = [event for number in range(6) for event in sold(f"u{number}", "a", "b", seq=2 * number, ts=1.0)]
LEARNED += [event for number in range(6) for event in sold(f"v{number}", "d", seq=50 + number, ts=1.0)]  # not all do
# Bots that buy: a hundred of them tie a to c, so that b drops behind for whoever holds a.
POISON = [event for number in range(100) for event in sold(f"p{number}", "a", "c", seq=1000 + 2 * number, ts=150.0)]
POISON += [event for number in range(100) for event in sold(f"q{number}", "b", "d", seq=3000 + 2 * number, ts=150.0)]


def held(*items: str, count: int) -> list[list[Event]]:
    return [sold(f"h{number}", *items, seq=9000 + 10 * number, ts=190.0) for number in range(count)]


def baskets(parts: list[list[Event]]) -> list[Basket]:
    return [Basket(tuple(e.item for e in part), part[0].ts, tuple(e.seq for e in part)) for part in parts]


def material_of(events: list[Event], parts: list[list[Event]]) -> TrainingData:
    everything = events + [event for part in parts for event in part]
    return TrainingData(clean_events=everything, learnable=everything, baskets=Split(holdout=baskets(parts)))


def together(links: Links, item: str) -> list[str]:
    """What the item goes with, the strongest first."""
    return list(ItemSignals(IDS, {}, links).companions([item]))


def test_link_items_without_holdout_is_not_judged(parent: Generation) -> None:
    data = material_of(LEARNED + POISON, [])
    links, counted, verdict = link_items(data, parent, IDS, TONIGHT)
    assert (verdict, counted) == (None, TONIGHT)
    assert together(links, "a")[0] == "c"


def test_link_items_leaves_out_the_holdout(parent: Generation) -> None:
    parts = held("a", "b", count=5) + held("c", "d", count=5)
    data = material_of(LEARNED, parts)
    links = link_items(data, parent, IDS, TONIGHT).links
    assert together(links, "a") == ["b"]
    assert together(links, "c") == []


def test_link_items_worse_than_the_parents_keeps_its_range(parent: Generation) -> None:
    parts = held("a", "b", count=60)
    data = material_of(LEARNED + POISON, parts)
    links, counted, verdict = link_items(data, parent, IDS, TONIGHT)
    assert verdict is not None and not verdict.passed
    assert counted == parent.card.links_range, "the next night says no more than that either"
    assert together(links, "a") == ["b"]
    assert together(links, "c") == []


def test_link_items_as_good_as_the_parents_are_kept(parent: Generation) -> None:
    more = [event for number in range(30) for event in sold(f"n{number}", "c", "d", seq=500 + 2 * number, ts=150.0)]
    parts = held("a", "b", count=30) + held("c", "d", count=30)
    data = material_of(LEARNED + more, parts)
    links, counted, verdict = link_items(data, parent, IDS, TONIGHT)
    assert verdict is not None and verdict.passed and verdict.child > verdict.parent
    assert counted == TONIGHT
    assert together(links, "c") == ["d"]


def test_link_items_leaves_out_the_whole_day_of_the_holdout(parent: Generation) -> None:
    """A basket that is cut in two would tell the counts what the judge asks."""
    parts = held("c", "d", count=5)
    rest = [event for number in range(5) for event in sold(f"h{number}", "c", "d", seq=8000 + 10 * number, ts=10.0)]
    earlier = [event for number in range(5) for event in sold(f"h{number}", "c", "d", seq=7000, ts=10.0 - DAY)]
    for more, tied in ((rest, []), (earlier, ["d"])):
        links = link_items(material_of(LEARNED + more, parts), parent, IDS, TONIGHT).links
        assert together(links, "c") == tied


def test_link_items_leaves_out_the_anchor(parent: Generation) -> None:
    anchor = [event for number in range(20) for event in sold(f"n{number}", "c", "d", seq=1, ts=1.0)]
    links = link_items(TrainingData(clean_events=LEARNED + anchor, learnable=LEARNED), parent, IDS, TONIGHT).links
    assert together(links, "c") == []
    assert together(links, "a") == ["b"]


def test_link_items_with_the_parents_range_leaves_out_late_events(parent: Generation) -> None:
    """Events that were imported since, of a time before the parent's night, are of no count that was judged."""
    late = [event for number in range(9) for event in sold(f"l{number}", "c", "d", seq=5000 + 2 * number, ts=2.0)]
    parts = held("a", "b", count=60)
    data = material_of(LEARNED + late + POISON, parts)
    links, _, verdict = link_items(data, parent, IDS, TONIGHT)
    assert verdict is not None and not verdict.passed
    assert together(links, "c") == []
