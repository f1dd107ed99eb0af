"""The search ranker's examples: what was known before the day, nothing later, and no person's data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise import Shop
from shelfwise.search.blend import TOP
from shelfwise.search.features import NAMES
from shelfwise.serving.loaded_generation import LoadedGeneration
from shelfwise.store import Event
from shelfwise.trainer.data.interactions import QueryClick
from shelfwise.trainer.rankers import search_examples
from shelfwise.trainer.rankers.search_examples import SearchExamples, build_search_examples
from support.interactions import CATALOGUE, event, search

Look = Callable[..., SearchExamples]
IDS = [str(item["id"]) for item in CATALOGUE]


@pytest.fixture(scope="module")
def opened(stocked_folder: Path) -> Iterator[tuple[Shop, LoadedGeneration]]:
    """Read only, so that all tests may share it."""
    with Shop(stocked_folder) as shop:
        yield shop, LoadedGeneration(shop.generations.open(0), shop.store, shop.path)


@pytest.fixture
def look(opened: tuple[Shop, LoadedGeneration]) -> Look:
    def look(
        searches: Sequence[QueryClick],
        past: Sequence[QueryClick] = (),
        events: Sequence[Event] = (),
        progress: Callable[[int, int], object] = lambda done, total: None,
    ) -> SearchExamples:
        return build_search_examples(*opened, searches, [*past, *searches], events, progress)

    return look


def column(rows: SearchExamples, name: str) -> np.ndarray:
    return rows.features[:, NAMES.index(name)]


def same(one: SearchExamples, other: SearchExamples) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in vars(one))


def groups(count: int, seed: int = 0) -> SearchExamples:
    """Return groups with two candidates each."""
    rng = np.random.default_rng(seed)
    features = rng.random((2 * count, len(NAMES))).astype(np.float16)
    chosen = np.tile(np.array([1.0, 0.0], np.float32), count)
    return SearchExamples(features, chosen, np.full(count, 2, np.int32), np.arange(count, dtype=np.int64))


def test_build_search_examples_lays_counts_and_signals_out_once_a_period(
    look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    class CountedCounts(search_examples.ItemCounts):
        @classmethod
        def of(cls, *args: Any) -> Any:
            made.append("counts")
            return super().of(*args)

    class CountedSignals(search_examples.SignalsByRow):
        def __init__(self, *args: Any) -> None:
            made.append("signals")
            super().__init__(*args)

    events = [event("black-lamp", user=user) for user in ("u0", "u1")]
    searches = [
        search(query, "black-lamp", day, shopper=user)
        for query in ("black lamp", "lamp")
        for day in (1, 2)
        for user in ("u0", "u1")
    ]
    expected = look(searches, events=events)
    monkeypatch.setattr(search_examples, "ItemCounts", CountedCounts)
    monkeypatch.setattr(search_examples, "SignalsByRow", CountedSignals)
    assert same(look(searches, events=events), expected) and len(expected) == 8
    assert sorted(made) == ["counts"] * 2 + ["signals"] * 2


# ---- which groups -------------------------------------------------------------------------------------------


def test_build_search_examples_makes_a_group_for_each_query_of_a_day(look: Look) -> None:
    rows = look(
        [
            search("black mirror", "black-mirror", 1),
            search("amber teapot", "amber-teapot", weight=3.0),
            search("Amber  Teapot!", "amber-teapot", weight=0.5),
            search("amber teapot", "black-lamp"),
            search("black mirror", "black-mirror"),
        ]
    )
    assert len(rows) == 3 and len(rows.features) == len(rows.chosen) == rows.sizes.sum()
    assert (rows.sizes == TOP).all(), "of 48 that are found, those that trees would rank"
    assert np.add.reduceat(rows.chosen, [0, TOP, 2 * TOP]).tolist() == [4.5, 1.0, 1.0]
    first = rows.part(0, 1)
    assert sorted(first.chosen[first.chosen > 0].tolist()) == [1.0, 3.5]
    assert column(first, "coverage")[first.chosen == 3.5].tolist() == [1.0]
    amber, black, black_again = rows.clusters.tolist()
    assert amber != black == black_again
    assert [column(rows.part(day, day + 1), "memory_mass").any() for day in range(3)] == [False, False, True]


@pytest.mark.parametrize("item", ["never-was", ""])
def test_build_search_examples_of_no_candidate_makes_no_group(look: Look, item: str) -> None:
    assert len(look([search("amber teapot", item)])) == 0


def test_build_search_examples_without_searches_is_empty(look: Look) -> None:
    rows = look([])
    assert len(rows) == 0 and rows.features.shape == (0, len(NAMES))


# ---- what was known on the evening before -------------------------------------------------------------------


def test_build_search_examples_remembers_earlier_choices(look: Look) -> None:
    for item in (IDS[0], IDS[7], IDS[-1]):
        query = f"{item} gift"
        rows = look([search(query, item, 1)], past=[search(query, item), search(query, item)])
        assert column(rows, "memory_share")[rows.chosen > 0] == pytest.approx(0.5, abs=0.02), "2 of them, 2 of doubt"
        for name in ("memory_share", "memory_mass", "word_share"):
            assert column(rows, name)[rows.chosen > 0].all(), name
            assert not column(rows, name)[rows.chosen == 0].any(), name


@pytest.mark.parametrize(
    ("name", "type"), [("popularity", "purchase"), ("recent", "click"), ("popularity", "view")]
)  # fmt: skip
def test_build_search_examples_knows_popularity(look: Look, name: str, type: str) -> None:
    rows = look([search("grey gift", "grey-lamp", 1)], events=[event("grey-lamp", type=type)])
    assert column(rows, name)[rows.chosen > 0].all() and not column(rows, name)[rows.chosen == 0].any()
    assert (column(rows, "age")[rows.chosen > 0] < 1).all() and (column(rows, "age")[rows.chosen == 0] == 60).all()


@pytest.mark.parametrize(
    ("later", "is_known"),
    [
        ({"past": [search("grey gift", "hazel-lamp", 2)]}, False),
        ({"past": [search("grey gift", "hazel-lamp", 3)]}, False),
        ({"past": [search("grey gift", "hazel-lamp", 1)]}, True),
        ({"past": [search("lamp", "hazel-lamp", 1)]}, True),
        ({"events": [event("hazel-lamp", 2, "ann")]}, False),
        ({"events": [event("hazel-lamp", 30, "bob", "purchase")]}, False),
        ({"events": [event("hazel-lamp", 1, "bob")]}, True),
    ],
)
def test_build_search_examples_ignores_the_day_itself_and_later(
    look: Look, later: dict[str, list[Any]], is_known: bool
) -> None:
    of_day = [search("grey gift", "grey-lamp", 2, "ann"), search("gift lamp", "hazel-lamp", 2)]
    known: dict[str, list[Any]] = {
        "past": [search("grey gift", "grey-lamp", 0), search("grey", "grey-lamp", 1)],
        "events": [event("grey-lamp", 0, "ann"), event("fawn-lamp", 1, "bob", "cart")],
    }
    before = look(of_day, **known)
    after = look(of_day, **{name: [*parts, *later.get(name, [])] for name, parts in known.items()})
    assert same(before, after) != is_known


def test_build_search_examples_of_later_days_change_no_earlier_row(look: Look) -> None:
    days = [[search(f"{id} gift", id, day) for id in IDS[day : day + 6]] for day in range(3)]
    first = look(days[0] + days[1])
    assert len(first) == 12 and same(first, look(days[2] + days[1] + days[0]).part(0, len(first)))


def test_build_search_examples_groups_a_known_shopper_alone(look: Look) -> None:
    asked = [search("grey gift", "grey-lamp", 1, who) for who in ("ann", "bob", "cid")]
    together = look(asked, events=[event("grey-lamp", 1, "ann"), event("grey-lamp", 0)])
    assert len(together) == 1 and together.chosen.sum() == 3 and not column(together, "own").any()
    rows = look(asked, events=[event("grey-lamp", 0, "ann", "purchase")])
    ann, others = rows.part(0, 1), rows.part(1, 2)
    assert (ann.chosen.sum(), others.chosen.sum()) == (1.0, 2.0)
    assert (column(ann, "own") > 0).tolist() == (ann.chosen > 0).tolist()
    assert not column(others, "own").any()


def test_build_search_examples_of_many_days_puts_days_together(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_examples, "_MAX_PERIODS", 2)
    calls: list[tuple[int, int]] = []
    days = [search("grey gift", "grey-lamp", day) for day in range(4)]
    rows = look(days, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(0, 2), (1, 2), (2, 2)]
    assert rows.chosen[rows.chosen > 0].tolist() == [2.0, 2.0]
    assert not column(rows.part(0, 1), "memory_share").any(), "not even the first day of the two"
    assert column(rows.part(1, 2), "memory_mass").max() == pytest.approx(np.log1p(2), abs=0.05)


def test_build_search_examples_takes_the_newest_searches(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SearchExamples, "MAX_GROUPS", 2)
    days = [search("grey gift", "grey-lamp", day) for day in (3, 0, 2, 1)]
    rows = look(days)
    assert len(rows) == 2 and column(rows.part(0, 1), "memory_mass").max() == pytest.approx(np.log1p(2), abs=0.1)


# ---- kept from generation to generation ---------------------------------------------------------------------


def test_extended_keeps_the_newest_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    older, newer = groups(3), groups(2, seed=1)
    assert same(older.extended(newer).part(0, 3), older) and same(older.extended(newer).part(3, 5), newer)
    assert same(SearchExamples.empty().extended(newer), newer) and same(older.extended(SearchExamples.empty()), older)
    monkeypatch.setattr(SearchExamples, "MAX_GROUPS", 3)
    assert same(older.extended(newer), older.part(2, 3).extended(newer))


def test_load_returns_what_save_wrote(tmp_path: Path) -> None:
    rows = groups(4)
    for name in ("one", "two"):
        rows.save(tmp_path / name)
    assert same(SearchExamples.load(tmp_path / "one"), rows)
    assert [getattr(SearchExamples.load(tmp_path / "one"), name).dtype for name in vars(rows)] == [
        getattr(rows, name).dtype for name in vars(rows)
    ]
    assert (tmp_path / "one" / "rows.npz").read_bytes() == (tmp_path / "two" / "rows.npz").read_bytes()


def test_load_of_other_features_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups(4).save(tmp_path)
    monkeypatch.setattr(SearchExamples, "NAMES", NAMES[::-1])
    assert len(SearchExamples.load(tmp_path)) == 0
