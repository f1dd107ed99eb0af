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
    return {memory.items[row]: often for row, often in memory.choice_counts(query).items()}


@pytest.mark.parametrize("order", [ITEMS, ITEMS[::-1], ["gone", *ITEMS]])
def test_build_query_memory_maps_choices_to_items(order: list[str]) -> None:
    memory = build_query_memory([search("tea", item) for item in ("cup", "mug", "cup")], order, at(0))
    assert memory.items == order
    assert masses(memory, "tea") == pytest.approx({"cup": 2.0, "mug": 1.0})


@pytest.mark.parametrize(
    ("days", "left"), [(0, 1.0), (HALF_LIFE_DAYS, 0.5), (3 * HALF_LIFE_DAYS, 0.125), (-1, 1.0)]
)  # fmt: skip
def test_build_query_memory_decays_masses(days: float, left: float) -> None:
    made = search("tea", "cup", weight=3.0)
    memory = build_query_memory([made], ITEMS, made.ts + days * DAY)
    assert masses(memory, "tea") == pytest.approx({"cup": 3.0 * left})


def test_build_query_memory_counts_unweighted_choices() -> None:
    chosen = [search("red mug", "mug", day, weight=0.01) for day in range(7)]
    chosen += [search("Red-Mug!", "mug", 7), search("red mug", "cup", 7, weight=5.0), search("blue mug", "mug", 7)]
    memory = build_query_memory(chosen, ITEMS, at(60))
    assert times(memory, "redmug") == {"mug": 8, "cup": 1}
    assert times(memory, "blue mug") == {"mug": 1}
    assert times(memory, "green mug") == {}
    assert memory.texts == ["red mug", "blue mug"], "as most shoppers wrote it; the most followed first"


def test_build_query_memory_leaves_out_removed_items() -> None:
    memory = build_query_memory(
        [search("tea", "gone"), search("coffee", "gone"), search("coffee", "mug")], ITEMS, at(0)
    )
    assert memory.texts == ["coffee"]
    assert masses(memory, "tea") == {}


@pytest.mark.parametrize("query", ["", "   ", "?!"])
def test_build_query_memory_ignores_a_query_without_letters(query: str) -> None:
    assert build_query_memory([search(query, "mug")], ITEMS, at(0)).texts == []


def test_with_vectors_encodes_each_query(stocked: Shop) -> None:
    encoder = LoadedGeneration(stocked.generations.open(0), stocked.store, stocked.path).encoder
    chosen: list[QueryClick] = [search("amber teapot", "mug"), search("black mirror", "mug", weight=2.0)]
    memory = with_vectors(build_query_memory(chosen, ITEMS, at(0)), encoder)
    assert memory.texts == ["black mirror", "amber teapot"]
    assert np.array_equal(memory.vectors, encoder.queries(["black mirror", "amber teapot"]))
    nothing = with_vectors(replace(memory, texts=[]), encoder)
    assert nothing.vectors.shape == (0, encoder.dim)
