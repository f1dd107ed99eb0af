"""Items that change between nights: found by every process, by the right encoder's vectors and no other's.

Two `Shop` objects on one folder stand for two processes: they share nothing but the files.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise import Shop
from shelfwise.files import locked
from shelfwise.search.blend import SourceSwitches
from shelfwise.search.request import SearchRequest
from shelfwise.serving import loaded_generation as serving_module
from shelfwise.serving.loaded_generation import ENCODE_LOCK, LoadedGeneration
from shelfwise.validation import parse_item

BY_MEANING = SourceSwitches(words=False, memory=False, neighbours=False, popularity=False, taste=False, ranker=False)
Publish = Callable[..., Any]


@pytest.fixture
def two(tiny_shop: Path) -> Iterator[tuple[Shop, Shop]]:
    with Shop(tiny_shop) as one, Shop(tiny_shop) as other:
        one.search("mug"), other.search("mug")  # both have the generation open
        yield one, other


def by_meaning(shop: Shop, q: str) -> list[tuple[str, float]]:
    request = SearchRequest(q, 100, diversity=0.0, exact=True, sources=BY_MEANING).validated()
    outcome = shop.search_pipeline.run(request, shop.generation)
    return list(zip(outcome.ids, outcome.scores.tolist(), strict=True))


def cosine(shop: Shop, q: str, id: str) -> float | None:
    """The item's cosine with the query; None when it has no vector and so is no candidate."""
    return dict(by_meaning(shop, q)).get(id)


def serving_of(shop: Shop) -> LoadedGeneration:
    serving = shop.generation
    assert isinstance(serving, LoadedGeneration)
    return serving


def write_without_vectors(shop: Shop, *rows: dict[str, Any]) -> None:
    """As a process without a generation, or one that dies between its two commits."""
    shop.store.items.upsert([(index, parse_item(row)) for index, row in enumerate(rows)])


def until(holds: Callable[[], bool]) -> None:
    """Waits for what happens in the background, for ten seconds at most."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def test_a_new_item_is_found_through_another_shop_at_once(two: tuple[Shop, Shop]) -> None:
    one, other = two
    one.upsert([{"id": "pot", "title": "Stoneware Teapot"}])
    for shop in two:
        assert shop.search("teapot").hits[0].id == "pot"
        assert cosine(shop, "Stoneware Teapot", "pot") == pytest.approx(1.0, abs=1e-3)
        assert serving_of(shop).pending == 0
    assert other.item("pot")["title"] == "Stoneware Teapot"


def test_a_deleted_item_is_gone_for_another_shop_at_once(two: tuple[Shop, Shop]) -> None:
    one, other = two
    one.delete(["mug-red"])
    for shop in two:
        assert "mug-red" not in [hit.id for hit in shop.search("Red Coffee Mug").hits]
        assert "mug-red" not in [hit.id for hit in shop.recommend(item="mug-blue").hits]
        assert "mug-red" not in serving_of(shop).index
        assert cosine(shop, "red coffee mug", "mug-red") is None
    one.upsert([{"id": "mug-red", "title": "Back Again"}])
    assert cosine(other, "Back Again", "mug-red") == pytest.approx(1.0, abs=1e-3)


def test_a_changed_text_is_found_by_its_new_meaning(two: tuple[Shop, Shop]) -> None:
    one, other = two
    one.upsert([{"id": "bag", "title": "Stoneware Teapot", "category": ""}])
    for shop in two:
        assert cosine(shop, "Stoneware Teapot", "bag") == pytest.approx(1.0, abs=1e-3)
        assert len(serving_of(shop).index) == 6
    one.upsert([{"id": "bag", "title": "Lunch Bag Spaceboy Design", "category": "Bags"}])
    before = cosine(one, "lunch", "bag")
    assert before is not None
    assert cosine(other, "lunch", "bag") == pytest.approx(before, abs=1e-6)


def test_what_does_not_change_the_text_is_not_encoded_again(
    two: tuple[Shop, Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = two
    before = cosine(other, "mug", "mug-red")

    def refuse(*_: Any) -> None:
        raise AssertionError("encoded again")

    monkeypatch.setattr("shelfwise.generation.encoder.Encoder.items", refuse)
    one.upsert([{"id": "mug-red", "price": 9, "in_stock": False, "tags": ["new"], "colour": "red"}])
    assert one.store.vectors.last_vseq() == 0
    assert [serving_of(shop).pending for shop in two] == [0, 0]
    assert cosine(other, "mug", "mug-red") == before
    assert other.item("mug-red")["price"] == 9.0
    assert other.search("red mug").hits[-1].id in ("clock", "mug-red"), "out of stock at once"


def test_few_missing_vectors_are_made_within_the_request(two: tuple[Shop, Shop]) -> None:
    one, other = two
    write_without_vectors(one, *({"id": f"pot-{number}", "title": f"Teapot {number}"} for number in range(8)))
    assert cosine(other, "Teapot 3", "pot-3") == pytest.approx(1.0, abs=1e-3)
    assert len(other.store.vectors.after(0, serving_of(other).encoder.id)) == 8


def test_a_backlog_is_worked_off_in_the_background(two: tuple[Shop, Shop], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving_module, "_WRITER_WAIT_SECONDS", 0.01)
    one, other = two
    with locked(one.path / ENCODE_LOCK):  # nobody gets to work while this is held
        write_without_vectors(one, *({"id": f"pot-{number}", "title": f"Teapot {number}"} for number in range(200)))
        write_without_vectors(one, {"id": "bag", "title": "Wicker Basket", "category": ""})
        assert "pot-150" in [hit.id for hit in other.search("150").hits], "by its words meanwhile"
        assert "bag" not in serving_of(other).index, "the vector of its former text is not used any more"
        assert other.status()["pending_vectors"] == serving_of(other).pending == 201
    until(lambda: serving_of(other).pending == 0)
    for shop in two:
        assert cosine(shop, "Teapot 150", "pot-150") == pytest.approx(1.0, abs=1e-3)
        assert cosine(shop, "Wicker Basket", "bag") == pytest.approx(1.0, abs=1e-3)


def test_the_next_writer_makes_what_others_left_out(two: tuple[Shop, Shop]) -> None:
    one, other = two
    write_without_vectors(one, *({"id": f"pot-{number}", "title": f"Teapot {number}"} for number in range(20)))
    other.upsert([{"id": "last", "title": "Last Teapot"}])
    assert serving_of(one).pending == 0
    assert cosine(one, "Teapot 7", "pot-7") == pytest.approx(1.0, abs=1e-3)


def test_a_vector_of_another_encoder_is_never_used(two: tuple[Shop, Shop]) -> None:
    one, _ = two
    serving = serving_of(one)
    write_without_vectors(one, {"id": "pot", "title": "Stoneware Teapot"})
    (text,) = (text for text in one.store.items.texts() if text.id == "pot")
    wrong = -serving.encoder.query("Stoneware Teapot")
    one.store.vectors.add("another encoder", [("pot", text.text_hash)], wrong[None])
    for shop in two:
        assert cosine(shop, "Stoneware Teapot", "pot") == pytest.approx(1.0, abs=1e-3)


def test_a_vector_of_an_older_text_is_never_used(two: tuple[Shop, Shop]) -> None:
    one, other = two
    serving = serving_of(one)
    write_without_vectors(one, {"id": "pot", "title": "Stoneware Teapot"})
    wrong = -serving.encoder.query("Stoneware Teapot")
    one.store.vectors.add(serving.encoder.id, [("pot", "0" * 16)], wrong[None])
    assert cosine(other, "Stoneware Teapot", "pot") == pytest.approx(1.0, abs=1e-3)


def test_changed_items_after_a_rollback_get_their_vectors_again(
    tiny_shop: Path, publish_copy: Publish, other_encoder: Callable[[Path], Any]
) -> None:
    with Shop(tiny_shop) as shop, Shop(tiny_shop) as other:
        first = serving_of(shop).encoder.id
        publish_copy(tiny_shop, other_encoder(tiny_shop))
        assert (shop.search("mug").generation, serving_of(shop).encoder.id != first) == (1, True)
        shop.upsert([{"id": "pot", "title": "Stoneware Teapot"}, {"id": "bag", "title": "Paper Bag", "category": ""}])
        shop.delete(["candle"])
        assert [found.item for found in shop.store.vectors.after(0, first)] == []
        shop.generations.rollback()
        for one in (shop, other):
            assert (one.search("teapot").generation, serving_of(one).encoder.id) == (0, first)
            assert one.search("teapot").hits[0].id == "pot"
            assert cosine(one, "Stoneware Teapot", "pot") == pytest.approx(1.0, abs=1e-3)
            assert cosine(one, "Paper Bag", "bag") == pytest.approx(1.0, abs=1e-3)
            assert cosine(one, "candle", "candle") is None


def test_a_generation_knows_what_was_changed_before_it(tiny_shop: Path) -> None:
    """Opened long after it was built: the changes since are loaded, with the vectors stored meanwhile."""
    with Shop(tiny_shop) as shop:
        shop.upsert([{"id": "pot", "title": "Stoneware Teapot"}])
        shop.delete(["bag"])
        stored = shop.store.vectors.last_vseq()
    with Shop(tiny_shop) as later:
        assert cosine(later, "Stoneware Teapot", "pot") == pytest.approx(1.0, abs=1e-3)
        assert "bag" not in serving_of(later).index
        assert later.store.vectors.last_vseq() == stored, "nothing had to be encoded"


def test_writers_and_readers_agree_in_the_end(two: tuple[Shop, Shop]) -> None:
    problems: list[BaseException] = []

    def work(shop: Shop, name: str) -> None:
        try:
            for number in range(15):
                shop.upsert([{"id": f"{name}-{number % 5}", "title": f"Teapot {name} {number}"}])
                if number % 4 == 3:
                    shop.delete([f"{name}-{number % 5}"])
                shop.search(f"teapot {name}")
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(shop, name)) for shop, name in zip(two * 2, "abcd", strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    for shop in two:
        shop.search("teapot")
    one, other = (serving_of(shop).index for shop in two)
    live = {text.id for text in two[0].store.items.texts() if not text.deleted}
    assert set(one.ids()) == set(other.ids()) == live
    texts = {text.id: text.text for text in two[0].store.items.texts() if not text.deleted}
    expected = serving_of(two[0]).encoder.items(list(texts.values()))  # int8 differs a little from batch to batch
    for index in (one, other):
        assert np.sum(index.vectors(texts)[1] * expected, axis=1) == pytest.approx(np.ones(len(texts)), abs=1e-3)


def test_closing_ends_the_background_work(tiny_shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in the middle of a batch: nothing touches the database once `close` has returned."""
    monkeypatch.setattr(serving_module, "_WRITER_WAIT_SECONDS", 0.01)
    started, encode = threading.Event(), serving_module.Encoder.items

    def slowly(*arguments: Any) -> Any:
        started.set()
        time.sleep(0.3)
        return encode(*arguments)

    monkeypatch.setattr(serving_module.Encoder, "items", slowly)
    before = set(threading.enumerate())
    with Shop(tiny_shop) as shop:
        write_without_vectors(shop, *({"id": f"pot-{number}", "title": f"Teapot {number}"} for number in range(100)))
        shop.search("teapot")
        assert started.wait(10)
    assert set(threading.enumerate()) <= before
