"""`Shop.recommend` with what a night learned: signals and trees, of an older shelfwise too, and damaged ones."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
from conftest import ITEMS, NOW

from shelfwise import Shop
from shelfwise.generation.item_signals import save_signals
from shelfwise.ranking.trees import MODEL
from shelfwise.recommend.features import NAMES
from shelfwise.recommend.ranker import CARD
from shelfwise.recommend.strategies import KINDS
from shelfwise.serving.loaded_generation import LoadedGeneration
from shelfwise.trainer.export.onnx_trees import write_trees
from support.recommend_shop import make_signals

Publish = Callable[..., Any]
ALL = {str(item["id"]) for item in ITEMS} - {"clock"}
IDS = [str(item["id"]) for item in ITEMS]
SIGNALS = make_signals(
    {"trend": {"candle": 3.0}, "buyers": dict.fromkeys(IDS, 50), "repeat": {"bag": 0.4, "lantern": 0.01},
     "central": {"mug-red": 0.9}},
    {"together": {"mug-red": {"bag": 0.5, "candle": 0.2}, "lantern": {"candle": 0.9}},
     "linked": {"mug-red": {"lantern": 0.5}}},
    IDS,
)  # fmt: skip


def ids(answer: Any) -> list[str]:
    return [hit.id for hit in answer.hits]


def learned(folder: Path) -> None:
    """For `publish_copy`."""
    save_signals(folder / "signals", IDS, SIGNALS.numbers, SIGNALS.links)


def with_trees(names: tuple[str, ...] = NAMES, counts: str = "price") -> Callable[[Path], None]:
    """The same, with trees for which a low number of this feature is all that counts."""
    made = np.random.default_rng(0).random((600, len(NAMES))).astype(np.float32) * 3
    wanted = made[:, NAMES.index(counts)] < 1.05
    data = lightgbm.Dataset(made, wanted.astype(int), group=[20] * 30, feature_name=list(NAMES))
    settings = {"objective": "lambdarank", "num_leaves": 7, "min_data_in_leaf": 10, "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(settings, data, 10)

    def alter(folder: Path) -> None:
        learned(folder)
        (folder / "wishes").mkdir()
        (folder / "wishes" / CARD).write_text("\n".join(names))
        write_trees([booster], folder / "wishes", len(NAMES))

    return alter


def serving_of(shop: Shop) -> LoadedGeneration:
    serving = shop.generation
    assert isinstance(serving, LoadedGeneration)
    return serving


def test_what_was_learned_fills_the_shelves(tiny_shop: Path, publish_copy: Publish) -> None:
    publish_copy(tiny_shop, learned)
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        cart = shop.recommend(item=["mug-red", "lantern"], explain=True)
        assert (cart.kind, cart.generation, cart.degraded) == ("together", 1, [])
        assert ids(cart)[:2] == ["candle", "bag"]
        assert cart.hits[0].reasons is not None
        assert cart.hits[0].reasons["text"] == "goes with “White Metal Lantern”: 3 shoppers chose both"
        assert cart.hits[0].reasons["because"] == "lantern"
        alike = shop.recommend(item="mug-red")
        assert (alike.kind, ids(alike)[0]) == ("similar", "mug-blue"), "by its words"
        assert shop.recommend(user="nobody").kind == "trending"
        assert ids(shop.recommend(user="nobody"))[0] == "candle"


def test_after_one_click_the_next_answer_moves(tiny_shop: Path, publish_copy: Publish) -> None:
    publish_copy(tiny_shop, learned)
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        before = {kind: ids(shop.recommend(session="s", kind=kind)) for kind in ("next", "for-you")}
        shop.record([{"type": "click", "item": "mug-red", "session": "s"}])
        for kind, page in before.items():
            after = shop.recommend(session="s", kind=kind)
            assert after.kind == kind
            places = [ids(after).index(id) for id in ("mug-blue", "lantern")]
            assert sum(places) < sum(page.index(id) for id in ("mug-blue", "lantern"))
        assert "mug-red" not in ids(shop.recommend(session="s", kind="next"))[:3]


def test_consumables_come_again_and_durable_goods_do_not(tiny_shop: Path, publish_copy: Publish) -> None:
    publish_copy(tiny_shop, learned)
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        month = NOW - timedelta(days=40)
        shop.record({"type": "purchase", "item": id, "user": "u", "ts": month} for id in ("bag", "lantern"))
        for kind in KINDS:
            page = ids(shop.recommend(user="u", kind=kind))
            assert "bag" in page and "lantern" not in page
        assert shop.recommend(user="u", kind="again").hits[0].id == "bag"
        assert "lantern" in ids(shop.recommend(user="v"))


@pytest.mark.parametrize("kind", ["similar", "for-you", "next"])
def test_an_item_that_came_a_minute_ago_is_reached_by_its_text(
    tiny_shop: Path, publish_copy: Publish, kind: str
) -> None:
    publish_copy(tiny_shop, learned)
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        shop.upsert([{"id": "mug-green", "title": "Green Coffee Mug", "category": "Kitchen > Mugs"}])
        shop.record([{"type": "click", "item": "mug-red", "session": "s"}])
        items = ["mug-red"] if kind == "similar" else []
        page = shop.recommend(session="s", kind=kind, item=items, explain=True)
        found = {hit.id: (hit.reasons or {})["kind"] for hit in page.hits}
        assert found.get("mug-green") == kind


def test_trees_rank_for_you(tiny_shop: Path, publish_copy: Publish) -> None:
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        shop.record([{"type": "purchase", "item": "mug-red", "user": "u", "ts": NOW - timedelta(days=3)}])
        assert ids(shop.recommend(user="u"))[0] == "mug-red"
        publish_copy(tiny_shop, with_trees())
        answer = shop.recommend(user="u", explain=True)
        assert (answer.generation, serving_of(shop).for_you_ranker.kind) == (1, "trees")
        assert ids(answer)[0] == "bag", "the cheapest"
        reasons = answer.hits[0].reasons
        assert reasons is not None and reasons["sources"][0]["source"] == "price"


def test_what_was_shown_and_passed_over_counts(tiny_shop: Path, publish_copy: Publish) -> None:
    publish_copy(tiny_shop, with_trees(counts="passed"))
    hours = [0]
    with Shop(tiny_shop, clock=lambda: NOW + timedelta(hours=hours[0])) as shop:
        shop.record([{"type": "purchase", "item": "mug-red", "user": "u", "ts": NOW - timedelta(days=9)}])

        def page(hour: int) -> set[str]:
            hours[0] = hour
            found = set(ids(shop.recommend(user="u", limit=2)))
            shop.store.answer_log.close()  # the log is half a second behind
            return found

        first = page(0)
        assert page(0) == first and page(0) == first, "the same visit"
        assert page(1) == first, "to have been shown once says little"
        assert page(2).isdisjoint(first)


def test_a_generation_of_an_older_shelfwise(tiny_shop: Path, publish_copy: Publish) -> None:
    """It has no signals and no ranker of shelves; neither is missed enough to say so."""
    publish_copy(tiny_shop)
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        serving = serving_of(shop)
        assert not (tiny_shop / "generations" / "0001" / "signals").exists()
        assert (serving.for_you_ranker.kind, serving.degraded) == ("blend", [])
        shop.record([{"type": "purchase", "item": "bag", "user": "u", "ts": NOW - timedelta(days=30)}])
        for kind in KINDS:
            answer = shop.recommend(user="u", item="mug-red", kind=kind, explain=True)
            assert answer.degraded == [] and set(ids(answer)) == ALL - {"mug-red"}
        assert shop.recommend(item="mug-red").kind == "similar"
        assert shop.recommend(item=["mug-red", "bag"]).kind == "similar", "no baskets were counted"


@pytest.mark.parametrize("name", ["signals/signals.npz", "signals/ids.json", f"wishes/{CARD}", f"wishes/{MODEL}"])
def test_a_damaged_part_is_done_without(
    tiny_shop: Path, publish_copy: Publish, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.ERROR, "shelfwise")
    publish_copy(tiny_shop, with_trees())
    path = tiny_shop / "generations" / "0001" / name
    path.write_bytes(path.read_bytes()[:-1])
    part = name.partition("/")[0]
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        answer = shop.recommend(item=["mug-red", "lantern"], explain=True)
        assert (answer.generation, answer.degraded) == (1, [part])
        assert answer.kind == ("similar" if part == "signals" else "together")
        assert serving_of(shop).for_you_ranker.kind == ("trees" if part == "signals" else "blend")
        assert shop.status()["degraded"] == [part]
    assert f"generation 1 serves without its {part}" in caplog.text


def test_a_ranker_of_other_features_is_done_without(
    tiny_shop: Path, publish_copy: Publish, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "shelfwise")
    publish_copy(tiny_shop, with_trees(NAMES[1:]))
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        shop.record([{"type": "click", "item": "mug-red", "user": "u"}])
        answer = shop.recommend(user="u")
        assert (answer.generation, answer.degraded, ids(answer)[0]) == (1, ["wishes"], "mug-red")
        assert serving_of(shop).for_you_ranker.kind == "blend"
    assert "features of this shelfwise" in caplog.text
