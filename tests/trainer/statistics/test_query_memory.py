"""What a night remembers of earlier searches: of which, of how many, and how they fade."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shelfwise import Shop
from shelfwise.generation.query_memory import HALF_LIFE_DAYS, QueryMemory
from shelfwise.serving.loaded_generation import LoadedGeneration
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.interactions import QueryClick
from shelfwise.trainer.statistics.query_memory import build_query_memory, with_vectors
from support.interactions import at, search

ITEMS = ["mug", "cup", "bag"]


def masses(memory: QueryMemory, query: str) -> dict[str, float]:
    recall = memory.recall(query, None)
    found = zip(recall.rows.tolist(), recall.mass.tolist(), strict=True)
    return {memory.items[row]: mass for row, mass in found if mass}


def times(memory: QueryMemory, query: str) -> dict[str, int]:
    return {memory.items[row]: often for row, often in memory.times(query).items()}


@pytest.mark.parametrize("order", [ITEMS, ITEMS[::-1], ["gone", *ITEMS]])
def test_a_choice_is_remembered_of_the_item_that_was_chosen(order: list[str]) -> None:
    memory = build_query_memory([search("tea", item) for item in ("cup", "mug", "cup")], order, at(0))
    assert memory.items == order
    assert masses(memory, "tea") == pytest.approx({"cup": 2.0, "mug": 1.0})


@pytest.mark.parametrize(
    ("days", "left"), [(0, 1.0), (HALF_LIFE_DAYS, 0.5), (3 * HALF_LIFE_DAYS, 0.125), (-1, 1.0)]
)  # fmt: skip
def test_masses_decay_by_age_and_keep_their_weight(days: float, left: float) -> None:
    made = search("tea", "cup", weight=3.0)
    memory = build_query_memory([made], ITEMS, made.ts + days * DAY)
    assert masses(memory, "tea") == pytest.approx({"cup": 3.0 * left})


def test_counts_are_true_whatever_the_choices_weigh() -> None:
    chosen = [search("red mug", "mug", day, weight=0.01) for day in range(7)]
    chosen += [search("Red-Mug!", "mug", 7), search("red mug", "cup", 7, weight=5.0), search("blue mug", "mug", 7)]
    memory = build_query_memory(chosen, ITEMS, at(60))
    assert times(memory, "redmug") == {"mug": 8, "cup": 1}
    assert times(memory, "blue mug") == {"mug": 1}
    assert times(memory, "green mug") == {}
    assert memory.texts == ["red mug", "blue mug"], "as most shoppers wrote it; the most followed first"


def test_what_is_no_item_any_more_is_not_remembered() -> None:
    memory = build_query_memory(
        [search("tea", "gone"), search("coffee", "gone"), search("coffee", "mug")], ITEMS, at(0)
    )
    assert memory.texts == ["coffee"]
    assert masses(memory, "tea") == {}


@pytest.mark.parametrize("query", ["", "   ", "?!"])
def test_a_query_without_letters_is_no_query(query: str) -> None:
    assert build_query_memory([search(query, "mug")], ITEMS, at(0)).texts == []


def test_each_query_has_the_vector_of_the_encoder_that_serves(stocked: Shop) -> None:
    encoder = LoadedGeneration(stocked.generations.open(0), stocked.store, stocked.path).encoder
    chosen: list[QueryClick] = [search("amber teapot", "mug"), search("black mirror", "mug", weight=2.0)]
    memory = with_vectors(build_query_memory(chosen, ITEMS, at(0)), encoder)
    assert memory.texts == ["black mirror", "amber teapot"]
    assert np.array_equal(memory.vectors, encoder.queries(["black mirror", "amber teapot"]))
    nothing = with_vectors(replace(memory, texts=[]), encoder)
    assert nothing.vectors.shape == (0, encoder.dim)
