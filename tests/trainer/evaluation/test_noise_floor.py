"""How near a query without any meaning comes to the nearest item: what the card keeps as its floor."""

from __future__ import annotations

import random
import string
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise import Shop
from shelfwise.generation.encoder import Encoder
from shelfwise.serving.loaded_generation import LoadedGeneration
from shelfwise.trainer.encoder.base_model import load_model
from shelfwise.trainer.evaluation.noise_floor import noise_floor
from support.interactions import CATALOGUE

TITLES = [str(item["title"]) for item in CATALOGUE]


class Spread:
    """An encoder to which the queries that it is asked are more and more like the one item there is."""

    dim = 2

    def __init__(self) -> None:
        self.asked: list[str] = []

    def queries(self, texts: list[str]) -> np.ndarray:
        self.asked = list(texts)
        cosines = (np.arange(len(texts)) + 1) / len(texts)
        return np.stack([cosines, np.sqrt(1 - cosines**2)], axis=1).astype(np.float32)


def floor(encoder: Any, vectors: np.ndarray) -> float:
    return noise_floor(encoder, vectors)


def nonsense(count: int) -> list[str]:
    """Other strings than those that the floor was made of."""
    chance = random.Random(5)
    return ["".join(chance.choices(string.ascii_lowercase, k=chance.randint(4, 10))) for _ in range(count)]


def test_noise_floor_is_the_99th_percentile_of_random_queries() -> None:
    encoder, item = Spread(), np.array([[1.0, 0.0]], np.float32)
    assert floor(encoder, item) == pytest.approx(0.99, abs=0.01)
    assert {len(text.split()) for text in encoder.asked} == {1, 2, 3}
    assert all(3 <= len(word) <= 10 and word.isalpha() for text in encoder.asked for word in text.split())
    assert len(set(encoder.asked)) == len(encoder.asked) >= 100
    first = encoder.asked
    floor(encoder, item)
    assert encoder.asked == first, "the same on every night"


def test_noise_floor_takes_the_nearest_item() -> None:
    items = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, -1.0]], np.float32)
    assert floor(Spread(), items) == floor(Spread(), items[1:2]) > floor(Spread(), items[:1])


def test_noise_floor_without_items_is_zero() -> None:
    assert floor(Spread(), np.zeros((0, 2), np.float32)) == 0.0


def test_noise_floor_of_the_card_is_below_titles(stocked: Shop) -> None:
    generation = stocked.generations.open(0)
    serving = LoadedGeneration(generation, stocked.store, stocked.path)
    vectors = serving.index.vectors([str(item["id"]) for item in CATALOGUE])[1]
    assert serving.noise == generation.card.noise == noise_floor(serving.encoder, vectors)
    nearest = (serving.encoder.queries(TITLES) @ vectors.T).max(axis=1)
    assert nearest.min() > serving.noise > 0


@pytest.mark.real
def test_noise_floor_of_the_real_encoder_is_below_words(tmp_path: Path) -> None:
    from shelfwise.trainer.export.serving_model import export_best

    export_best(load_model(), tmp_path / "serving")
    encoder = Encoder(tmp_path / "serving")
    vectors = encoder.items(TITLES)

    def above(queries: list[str]) -> float:
        """The share of queries whose nearest item is nearer than the floor."""
        return float(((encoder.queries(queries) @ vectors.T).max(axis=1) > found).mean())

    found = noise_floor(encoder, vectors)
    assert 0.1 < found < 0.6
    assert above(nonsense(200)) < 0.1
    assert above([word for title in TITLES for word in title.split()]) > 0.9
    assert above(["something to keep the rain off", "tea for two", "a soft seat", "light for my desk"]) >= 0.5
