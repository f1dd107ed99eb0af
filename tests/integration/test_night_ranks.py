"""What nights hand on beside the encoder: the memory of all searches, the rows of each made once, and a ranker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any
from zlib import crc32

import pytest

from shelfwise import Shop
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.generation.query_memory import QueryMemory, query_key
from shelfwise.search.ranker import Ranker
from shelfwise.trainer import compact, increment
from shelfwise.trainer.night.pipeline import NightResult
from shelfwise.trainer.rankers.search_examples import SearchExamples
from support.interactions import CATALOGUE, clicks, learnable, morning

IDS = [str(item["id"]) for item in CATALOGUE]
Chosen = tuple[str, str]


def wishes(name: str, count: int = 12) -> list[Chosen]:
    """Queries that nobody else asks, each with the item that was chosen, of whose title it has the words."""
    return [(f"{name} {item['title']}", str(item["id"])) for item in CATALOGUE[:count]]


def of_day(day: int, count: int = 12) -> list[Chosen]:
    return wishes(f"day{day}", count)


def live(shop: Shop, day: int, chosen: Iterable[Chosen], **how: Any) -> NightResult:
    """A day of clicks and the night after it."""
    shop.record(clicks(day, *chosen))
    return increment(shop.path, morning(day + 1), **how)


def memory(shop: Shop, number: int) -> QueryMemory:
    return QueryMemory.load(shop.generations.open(number).verified_path("memory"))


def rows(shop: Shop, number: int) -> SearchExamples:
    return SearchExamples.load(shop.generations.open(number).verified_path("ranker"))


def remembered(shop: Shop, number: int) -> dict[Chosen, int]:
    """How often each was chosen."""
    made = memory(shop, number)
    return {(query, made.items[row]): n for query in made.texts for row, n in made.choice_counts(query).items()}


def clusters(chosen: Iterable[Chosen]) -> list[int]:
    return sorted(crc32(query_key(query).encode()) for query, _ in chosen)


def same(one: SearchExamples, other: SearchExamples) -> bool:
    return all((getattr(one, name) == getattr(other, name)).all() for name in vars(one)) and len(one) == len(other)


def manifest(shop: Shop, number: int, *parts: str) -> dict[str, str]:
    """The hashes of a generation's files."""
    found: dict[str, str] = shop.generations.open(number).card.manifest
    return {name: hash for name, hash in found.items() if name.split("/")[0] in parts}


@pytest.mark.parametrize("is_refused", [True, False])
def test_night_remembers_searches_and_makes_each_example_once(
    stocked: Shop, is_refused: bool, request: pytest.FixtureRequest
) -> None:
    if is_refused:
        request.getfixturevalue("refused")
    verdict = "refused" if is_refused else "published"
    assert live(stocked, 0, of_day(0)).verdict == verdict
    assert remembered(stocked, 1) == dict.fromkeys(of_day(0), 1), "what was held out for the judge too"
    first = rows(stocked, 1)
    assert sorted(first.clusters.tolist()) == clusters(of_day(0))

    late = ("late amber teapot", IDS[0])  # of the first day, imported after its night
    stocked.record(clicks(0, *of_day(0), late)[-1:])
    assert live(stocked, 1, of_day(1)).verdict == verdict
    assert remembered(stocked, 2) == dict.fromkeys([*of_day(0), *of_day(1), late], 1)
    second = rows(stocked, 2)
    assert same(second.part(0, len(first)), first), "carried along as they were"
    assert sorted(second.part(len(first), len(second)).clusters.tolist()) == clusters([*of_day(1), late])

    learned = stocked.generations.open(2).card.learned
    assert (learned.events_seq == 0) == is_refused, "though the encoder learned none of them where it was refused"
    live(stocked, 2, of_day(1))  # the same queries again are other searches
    assert same(rows(stocked, 3).part(0, len(second)), second) and len(rows(stocked, 3)) == len(second) + 12
    assert Counter(remembered(stocked, 3).values()) == {1: 13, 2: 12}


@pytest.mark.usefixtures("refused")
def test_what_is_remembered_fades_from_night_to_night(stocked: Shop) -> None:
    live(stocked, 0, of_day(0))
    live(stocked, 30, of_day(30))
    (old,) = memory(stocked, 2).recall("day0 amber teapot", None).mass[:1]
    fresh = memory(stocked, 1).recall("day0 amber teapot", None).mass[0]
    assert old == pytest.approx(fresh / 2, rel=1e-3) and 0.9 < fresh <= 1


@pytest.mark.usefixtures("refused")
def test_night_keeps_anchor_searches_out_of_memory_and_ranker(stocked: Shop) -> None:
    asked = wishes("anchors", 2)
    stocked.record(clicks(0, *asked, anchor=True))
    ended = live(stocked, 0, of_day(0))
    assert ended.report.counts["anchor_searches"] == 2
    assert remembered(stocked, 1) == dict.fromkeys(of_day(0), 1)
    assert sorted(rows(stocked, 1).clusters.tolist()) == clusters(of_day(0))
    statistics = PopularityCounts.load(stocked.generations.open(1).verified_path("statistics"))
    assert statistics.popularity[IDS[0]] > statistics.popularity[IDS[2]], "but they are counted"


@pytest.mark.usefixtures("refused")
def test_a_rebuilt_index_carries_memory_and_ranker_on(stocked: Shop) -> None:
    live(stocked, 0, of_day(0))
    stocked.upsert({"id": f"new-{number}", "title": f"new thing {number}"} for number in range(10))
    night = compact(stocked.path)
    assert night is not None and night.generation == 2
    before, after = (manifest(stocked, number, "memory", "ranker") for number in (1, 2))
    assert before == after and len(before) >= 3
    cards = [stocked.generations.open(number).card for number in (1, 2)]
    assert cards[0].ranked == cards[1].ranked and cards[0].noise == cards[1].noise > 0

    live(stocked, 1, of_day(1))
    assert sorted(rows(stocked, 3).clusters.tolist()) == clusters([*of_day(0), *of_day(1)]), "none is made twice"


def test_compact_before_the_first_night_makes_no_memory_or_ranker(stocked: Shop) -> None:
    stocked.upsert({"id": f"new-{number}", "title": f"new thing {number}"} for number in range(10))
    assert compact(stocked.path) is not None
    assert manifest(stocked, 1, "memory", "ranker") == {} and manifest(stocked, 1, "index") != {}
    assert stocked.search("teapot").degraded == []


@pytest.mark.usefixtures("refused")
def test_night_that_only_counts_makes_no_memory_or_ranker(stocked: Shop) -> None:
    live(stocked, 0, of_day(0))
    ended = live(stocked, 1, of_day(1), learn_pairs=False)
    assert manifest(stocked, 2, "memory", "ranker") == {} and manifest(stocked, 2, "statistics") != {}
    assert ended.report.ranker is None and not {"rank", "remember"} & ended.report.seconds.keys()
    assert stocked.search("day0 amber teapot").degraded == []
    live(stocked, 2, of_day(2))
    everything = [*of_day(0), *of_day(1), *of_day(2)]
    assert remembered(stocked, 3) == dict.fromkeys(everything, 1)
    assert sorted(rows(stocked, 3).clusters.tolist()) == clusters(everything)


def test_night_without_examples_makes_those_the_encoder_has_not_learned(
    stocked: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(stocked, 0, of_day(0, 20))
    assert stocked.generations.open(1).card.learned.events_seq == 20
    with monkeypatch.context() as patch:  # as those of other features are
        patch.setattr(SearchExamples, "load", classmethod(lambda cls, folder: cls.empty()))
        live(stocked, 1, of_day(1))
    assert sorted(rows(stocked, 2).clusters.tolist()) == clusters(of_day(1))


@pytest.mark.parametrize("is_clean", [True, False])
@pytest.mark.usefixtures("refused")
def test_an_erased_person_is_in_neither_after_the_next_night(stocked: Shop, is_clean: bool) -> None:
    ann = next(learnable(1))
    if is_clean:  # a generation that never saw them
        live(stocked, 0, of_day(0))
    theirs = [*wishes("anns", 5), ("black lamp", "black-lamp")]
    stocked.record(clicks(1, *theirs, user=ann))
    names = learnable(1)
    assert next(names) == ann
    stocked.record(click | {"user": next(names)} for click in clicks(1, *[("black lamp", "black-lamp")] * 2))
    number = increment(stocked.path, morning(2)).generation
    assert number is not None
    assert {query for query, _ in remembered(stocked, number)} >= {"anns amber teapot", "black lamp"}
    assert remembered(stocked, number)["black lamp", "black-lamp"] == 3
    assert set(clusters(theirs)) <= set(rows(stocked, number).clusters.tolist())

    assert stocked.erase(ann)["next_parent"] == (1 if is_clean else 0)
    after = increment(stocked.path, morning(2)).generation
    assert after is not None and after > number
    known = of_day(0) if is_clean else []
    assert remembered(stocked, after) == dict.fromkeys(known, 1) | {("black lamp", "black-lamp"): 2}
    made = rows(stocked, after)
    assert sorted(made.clusters.tolist()) == clusters([*known, ("black lamp", "")])
    assert made.part(len(made) - 1, len(made)).chosen.sum() == 2


@pytest.mark.usefixtures("refused")
def test_a_ranker_that_does_better_is_published_with_its_verdict(stocked: Shop) -> None:
    """Everybody who asks for one thing wants another, which words and meaning will never tell."""
    wanted = [(str(CATALOGUE[place]["title"]), IDS[-1 - place]) for place in range(24)]
    ended = [live(stocked, day, wanted) for day in range(5)]
    verdicts = [ranker for night in ended if (ranker := night.report.ranker)]
    assert [verdict.kind for verdict in verdicts[:2]] == ["blend"] * 2, "48 searches are too few"
    assert verdicts[-1].kind == "weights" and verdicts[-1].searches == len(rows(stocked, 5)) // 5 >= 20
    assert verdicts[-1].learned > verdicts[-1].blend
    generation = stocked.generations.open(5)
    assert generation.card.report is not None and generation.card.report.ranker == verdicts[-1]
    assert "fitted weights of the blend" in (generation.folder / "report.html").read_text()
    learned, plain = (
        Ranker(generation.verified_path("ranker")),
        Ranker(stocked.generations.open(1).verified_path("ranker")),
    )
    assert (learned.kind, plain.kind) == ("weights", "blend")
    assert learned.weights.tolist() != plain.weights.tolist()


@pytest.mark.usefixtures("refused")
def test_night_reports_a_ranker_that_is_not_better_than_the_blend(stocked: Shop) -> None:
    asked = [(str(item["title"]), str(item["id"])) for item in CATALOGUE]
    live(stocked, 0, asked)
    ended = live(stocked, 1, asked[:20])
    verdict = ended.report.ranker
    assert verdict is not None and (verdict.kind, verdict.searches) == ("blend", 13), "a fifth of 68"
    assert verdict.learned == verdict.blend == 1.0, "the blend finds what has the very title"
    assert manifest(stocked, 2, "ranker").keys() == {"ranker/rows.npz"}
    assert "nothing learned did better" in (stocked.generations.open(2).folder / "report.html").read_text()


@pytest.mark.usefixtures("refused")
def test_the_same_night_makes_the_same_files(stocked: Shop) -> None:
    live(stocked, 0, of_day(0))
    live(stocked, 1, of_day(1))
    stocked.generations.rollback()
    again = increment(stocked.path, morning(2))
    assert (again.parent, again.generation) == (1, 3)
    assert manifest(stocked, 2, "memory", "ranker", "statistics") == manifest(
        stocked, 3, "memory", "ranker", "statistics"
    )
