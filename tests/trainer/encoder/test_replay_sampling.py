"""What is replayed: never more than there is, nothing twice, in the shop's proportions, and rare queries survive."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from shelfwise.trainer.data.interactions import QueryClick
from shelfwise.trainer.encoder.replay_sampling import sample_replay


def searches(query: str, count: int, start: int = 0) -> list[QueryClick]:
    return [QueryClick(query, "a", float(seq), (seq,)) for seq in range(start, start + count)]


@pytest.mark.parametrize(
    ("old", "wanted", "count"), [(0, 5, 0), (10, 0, 0), (10, 3, 3), (10, 10, 10), (10, 99, 10), (1, 1, 1)]
)
@pytest.mark.parametrize("queries", [1, 3, 10])
def test_sample_replay_draws_the_count_without_repetition(old: int, wanted: int, count: int, queries: int) -> None:
    past = [QueryClick(f"q{seq % queries}", "a", float(seq), (seq,)) for seq in range(old)]
    drawn = sample_replay(past, wanted, random.Random(1))
    assert len(drawn) == len({search.seqs for search in drawn}) == count
    assert set(search.seqs for search in drawn) <= {search.seqs for search in past}


def test_sample_replay_keeps_rare_queries() -> None:
    rare = [search for seq in range(100) for search in searches(f"rare {seq}", 1, 5000 + seq)]
    past = searches("common", 2000) + rare
    counts = Counter(search.query.split()[0] for search in sample_replay(past, 80, random.Random(1)))
    assert counts["rare"] >= 18, "an even draw would bring four"
    assert counts["common"] >= 50, "the shop's own proportions are the larger part"


def test_sample_replay_counts_spellings_as_one_query() -> None:
    past = [QueryClick("red" + " " * seq + "mug", "a", 0.0, (seq,)) for seq in range(500)] + searches("rare", 1, 5000)
    assert all("rare" in {search.query for search in sample_replay(past, 80, random.Random(seed))} for seed in range(5))


def test_sample_replay_may_draw_any_search() -> None:
    past = searches("common", 30) + searches("rare", 2, 100)
    draws = [{search.seqs for search in sample_replay(past, 8, random.Random(seed))} for seed in range(200)]
    assert set.union(*draws) == {search.seqs for search in past}
    assert not set.intersection(*draws), "and none always does"


def test_sample_replay_with_the_same_seed_is_the_same() -> None:
    past = [QueryClick(f"q{seq % 7}", "a", float(seq), (seq,)) for seq in range(100)]
    assert sample_replay(past, 20, random.Random(3)) == sample_replay(past, 20, random.Random(3))
    assert sample_replay(past, 20, random.Random(3)) != sample_replay(past, 20, random.Random(4))
