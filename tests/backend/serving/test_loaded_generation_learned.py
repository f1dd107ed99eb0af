"""What a generation learned of searches, as the door opens it; and one that learned nothing, as 0.1 made them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import NOW, clicks

from shelfwise import Shop
from shelfwise.generation.query_memory import QueryMemory
from shelfwise.search.features import NAMES
from shelfwise.search.ranker import CARD
from shelfwise.serving.loaded_generation import LoadedGeneration

Publish = Callable[..., Any]
ITEMS = ["mug-red", "bag", "gone"]


def serving_of(shop: Shop) -> LoadedGeneration:
    serving = shop.generation
    assert isinstance(serving, LoadedGeneration)
    return serving


def learned(folder: Path, features: tuple[str, ...] = NAMES) -> None:
    """For `publish_copy`: a memory of what was chosen for coffee, and weights by which memory is all that counts."""
    choices = [("Coffee", 1, 2.0)] * 7 + [("coffee", 2, 9.0)] + [("red coffee", 0, 1.0)]
    QueryMemory.build(ITEMS, choices).save(folder / "memory")
    (folder / "ranker").mkdir()
    weights = {"cosine": 0.01, "memory_share": 1.0}
    (folder / "ranker" / CARD).write_text(json.dumps({"features": list(features), "weights": weights}))


def older(folder: Path) -> None:
    """As 0.1 wrote it: no part but those it knew, and no count but the popularity."""
    path = folder / "statistics" / "weights.npz"
    ids = json.loads((folder / "statistics" / "ids.json").read_text())
    path.unlink()  # it is linked to the parent's
    np.savez(path, popularity=np.array([float(id == "candle") for id in ids]), indptr=np.zeros(len(ids) + 1))


def test_one_of_an_older_shelfwise_is_opened(tiny_shop: Path, publish_copy: Publish) -> None:
    publish_copy(tiny_shop, older)
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        answer = shop.search("coffee mug", user="u", explain=True)
        assert (answer.generation, answer.degraded) == (1, [])
        assert {hit.id for hit in answer.hits[:2]} == {"mug-red", "mug-blue"}
        serving = serving_of(shop)
        assert (serving.ranker.kind, serving.noise, len(serving.memory.items)) == ("blend", 0.0, 0)
        assert (dict(serving.statistics.popularity), dict(serving.statistics.recent)) == ({"candle": 1.0}, {})
        assert shop.search("mug", sort="popular").hits


def test_what_was_learned_is_used(tiny_shop: Path, publish_copy: Publish) -> None:
    publish_copy(tiny_shop, learned)
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        answer = shop.search("coffee", explain=True)
        assert serving_of(shop).ranker.kind == "weights"
        assert answer.hits[0].id == "bag", "though no word of it says so"
        assert answer.hits[0].reasons is not None
        assert answer.hits[0].reasons["text"] == "chosen 7 times for “coffee”"
        assert "gone" not in [hit.id for hit in answer.hits]
        assert "bag" not in [hit.id for hit in shop.search("coffee", filter="category:Kitchen").hits]
        shop.delete(["bag"])
        assert "bag" not in [hit.id for hit in shop.search("coffee").hits]


def test_a_ranker_of_other_features_is_done_without(
    tiny_shop: Path, publish_copy: Publish, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "shelfwise")
    publish_copy(tiny_shop, lambda folder: learned(folder, NAMES[1:]))
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        answer = shop.search("coffee")
        assert (answer.generation, answer.degraded, serving_of(shop).ranker.kind) == (1, ["ranker"], "blend")
        assert "bag" in [hit.id for hit in answer.hits], "its memory is as good as before"
        assert shop.status()["degraded"] == ["ranker"]
    assert "expected the features of this shelfwise" in caplog.text


@pytest.mark.parametrize("name", ["memory/choices.npz", "memory/names.json", f"ranker/{CARD}"])
def test_a_damaged_part_is_done_without(
    tiny_shop: Path, publish_copy: Publish, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.ERROR, "shelfwise")
    publish_copy(tiny_shop, learned)
    path = tiny_shop / "generations" / "0001" / name
    path.write_bytes(path.read_bytes()[:-1])
    part = name.partition("/")[0]
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        answer = shop.search("coffee mug", explain=True)
        assert (answer.generation, answer.degraded) == (1, [part])
        assert {"mug-red", "mug-blue"} <= {hit.id for hit in answer.hits}
        serving = serving_of(shop)
        assert (len(serving.memory.items), serving.ranker.kind) == (
            (0, "weights") if part == "memory" else (3, "blend")
        )
    assert f"generation 1 serves without its {part}" in caplog.text


# ---- what is kept between requests --------------------------------------------------------------------------


def test_rows_and_counts_are_kept_while_the_catalogue_stays(tiny_shop: Path, publish_copy: Publish) -> None:
    publish_copy(tiny_shop, learned)
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        serving, now = serving_of(shop), NOW.timestamp()
        columns = shop.catalogue.current()
        rows, counts = serving.remembered_rows(columns), serving.counts(columns, now)
        assert [columns.ids[row] for row in rows] == ["mug-red", "bag", None]
        assert serving.remembered_rows(columns) is rows
        assert serving.counts(columns, now + 60) is counts
        assert serving.counts(columns, now + 3601) is not counts
        shop.upsert([{"id": "gone", "title": "Back Again"}])
        newer = shop.catalogue.current()
        assert [newer.ids[row] for row in serving.remembered_rows(newer)] == ITEMS
        assert len(serving.counts(newer, now).popularity) == newer.size > columns.size


def test_ages_follow_the_clock(tiny_shop: Path) -> None:
    with Shop(tiny_shop) as shop:
        shop.upsert([{"id": "new", "title": "New Lantern", "created_at": NOW.isoformat()}])
        serving, columns = serving_of(shop), shop.catalogue.current()
        row = columns.row_of["new"]
        ages = [float(serving.counts(columns, (NOW + timedelta(days=days)).timestamp()).age[row]) for days in (1, 5)]
        assert ages == pytest.approx([1, 5])


@pytest.mark.real
def test_a_night_is_remembered_and_told(tiny_shop: Path) -> None:
    """Of sixty searches the weights may be fitted; what was chosen for them is known in any case."""
    from shelfwise.trainer import increment

    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        for day in range(1, 13):
            at = NOW - timedelta(days=day)
            shop.record([*clicks("something nice", "candle", 3, at), *clicks("coffee", "mug-blue", 2, at)])
    increment(tiny_shop, until=NOW)
    with Shop(tiny_shop, clock=lambda: NOW) as shop:
        answer = shop.search("Something  nice", explain=True)
        assert (answer.generation, answer.hits[0].id) == (1, "candle")
        times = serving_of(shop).memory.choice_counts("something nice")
        assert list(times.values()) == [36]
        told = answer.hits[0].reasons
        assert told is not None
        assert {"memory"} <= {one["source"] for one in told["sources"]}
        if told["sources"][0]["source"] == "memory":
            assert told["text"] == "chosen 36 times for “something nice”"
        assert serving_of(shop).ranker.kind in ("blend", "weights")
