"""Following the pointer: a new generation is seen, a broken one is not served."""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shelfwise import Shop

Publish = Callable[..., Any]


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "shelfwise")


def damage(path: Path) -> None:
    """Another last byte; the parent's file, which this one may be linked to, stays as it was."""
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def test_a_new_generation_is_seen_without_reopening(tiny_shop: Path, publish_copy: Publish) -> None:
    with Shop(tiny_shop) as shop:
        assert (shop.search("mug").generation, shop.recommend().generation) == (0, 0)
        publish_copy(tiny_shop)
        assert (shop.search("mug").generation, shop.recommend().generation) == (1, 1)
        shop.generations.rollback()
        assert (shop.search("mug").generation, shop.status()["generation"]) == (0, 0)


def test_the_first_generation_is_seen_too(tiny_shop: Path, tmp_path: Path) -> None:
    generations = tmp_path / "made elsewhere"
    shutil.move(tiny_shop / "generations", generations)
    with Shop(tiny_shop) as shop:
        assert (shop.search("mug").generation, shop.search("mug").degraded) == (None, ["encoder"])
        shutil.move(generations, tiny_shop / "generations")
        assert (shop.search("mug").generation, shop.search("mug").degraded) == (0, [])


@pytest.mark.parametrize(
    "name",
    ["serving/model.onnx", "serving/tokenizer.json", "serving/serving.json", "index/main.faiss", "index/ids.json",
     "index/meta.json", "statistics/weights.npz", "statistics/ids.json", "items/texts.json"],
)  # fmt: skip
def test_a_corrupt_generation_leaves_the_old_one_serving(
    tiny_shop: Path, publish_copy: Publish, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    with Shop(tiny_shop) as shop:
        assert shop.search("mug").generation == 0
        number = publish_copy(tiny_shop).number
        damage(tiny_shop / "generations" / "0001" / name)
        assert number == 1
        for _ in range(3):
            answer = shop.search("coffee mug")
            assert (answer.generation, len(answer.hits)) == (0, 6)
        shop.upsert([{"id": "pot", "title": "Stoneware Teapot"}])
        assert shop.search("teapot").hits[0].id == "pot"
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1, "said once, not at every request"
    assert "generation 1 can't be served" in errors[0]
    assert name in errors[0]


@pytest.mark.parametrize("card", ["{", "[]", "{}", '{"format": 1}', '{"format": 1, "manifest": {}}', '{"format": 99}'])
def test_a_damaged_or_newer_card_is_not_served_either(tiny_shop: Path, publish_copy: Publish, card: str) -> None:
    with Shop(tiny_shop) as shop:
        shop.search("mug")
        publish_copy(tiny_shop)
        (tiny_shop / "generations" / "0001" / "card.json").write_text(card)
        assert shop.search("mug").generation == 0
        assert shop.recommend().generation == 0


def test_a_card_without_what_serving_needs(tiny_shop: Path, publish_copy: Publish) -> None:
    with Shop(tiny_shop) as shop:
        shop.search("mug")
        path = publish_copy(tiny_shop).folder / "card.json"
        path.write_text(
            json.dumps({name: value for name, value in json.loads(path.read_text()).items() if name != "items_seq"})
        )
        assert shop.search("mug").generation == 0


def test_a_corrupt_only_generation_leaves_a_lexical_search(tiny_shop: Path) -> None:
    damage(tiny_shop / "generations" / "0000" / "index" / "main.faiss")
    with Shop(tiny_shop) as shop:
        answer = shop.search("coffee mug")
        assert {hit.id for hit in answer.hits} == {"mug-red", "mug-blue"}
        assert (answer.generation, answer.degraded) == (None, ["generation"])
        assert shop.upsert([{"id": "pot", "title": "Teapot"}])["upserted"] == 1
        assert shop.search("teapot").hits[0].id == "pot"
        assert shop.status()["degraded"] == ["generation"]


def test_the_next_good_generation_is_served_after_a_corrupt_one(tiny_shop: Path, publish_copy: Publish) -> None:
    with Shop(tiny_shop) as shop:
        shop.search("mug")
        publish_copy(tiny_shop)
        damage(tiny_shop / "generations" / "0001" / "index" / "main.faiss")
        assert shop.search("mug").generation == 0
        shop.generations.rollback(0)
        assert publish_copy(tiny_shop).number == 2
        assert (shop.search("mug").generation, shop.search("mug").degraded) == (2, [])


@pytest.mark.parametrize("pointer", ["", "nonsense", "0042\n"])
def test_a_pointer_to_nothing(tiny_shop: Path, publish_copy: Publish, pointer: str) -> None:
    current = tiny_shop / "generations" / "CURRENT"
    with Shop(tiny_shop) as shop:
        shop.search("mug")
        current.write_text(pointer)
        assert shop.search("mug").generation == 0
        current.write_text("0000\n")
        publish_copy(tiny_shop)
        assert shop.search("mug").generation == 1
    current.write_text(pointer)
    with Shop(tiny_shop) as shop:
        assert (shop.search("mug").generation, shop.search("mug").degraded) == (None, ["generation"])


def test_watching_opens_generations_in_the_background(tiny_shop: Path, publish_copy: Publish) -> None:
    with Shop(tiny_shop) as shop:
        shop.watch()
        assert shop.search("mug").generation == 0
        publish_copy(tiny_shop)
        deadline = time.monotonic() + 10
        while shop.search("mug").generation == 0:
            assert time.monotonic() < deadline, "it is never opened"
            time.sleep(0.02)
        assert shop.search("mug").generation == 1
        shop.upsert([{"id": "pot", "title": "Teapot"}])
        assert shop.search("teapot").hits[0].id == "pot"


def test_answers_while_the_pointer_moves_are_of_one_generation(tiny_shop: Path, publish_copy: Publish) -> None:
    publish_copy(tiny_shop)
    problems: list[BaseException] = []
    seen: set[int | None] = set()
    done = threading.Event()
    with Shop(tiny_shop) as shop:
        expected = [(hit.id, hit.score) for hit in shop.search("coffee mug").hits]

        def ask() -> None:
            try:
                while not done.is_set():
                    answer = shop.search("coffee mug")
                    seen.add(answer.generation)
                    assert [(hit.id, hit.score) for hit in answer.hits] == expected
            except BaseException as problem:
                problems.append(problem)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for turn in range(20):
                shop.generations.rollback(turn % 2)
                time.sleep(0.01)
        finally:
            done.set()
            for thread in threads:
                thread.join()
    assert problems == []
    assert seen == {0, 1}
