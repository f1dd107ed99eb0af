"""`shelfwise shelves`, called as the console script calls it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import ITEMS

from shelfwise import Shop
from support.command_line import Run

HEAD = ("kind", "answers", "items", "clicked", "bought", "CTR", "answer", "CTR", "conversion")


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SHELFWISE_DATA", str(tmp_path / "shop"))


def search(folder: Path, days_ago: float) -> None:
    """A search for mugs that long ago, and a click on the second."""
    then = datetime.now(UTC) - timedelta(days=days_ago)
    with Shop(folder, clock=lambda: then) as shop:
        shop.upsert(ITEMS)
        answer = shop.search("coffee mug")
        shop.record([{"type": "click", "item": answer.hits[1].id, "search_id": answer.search_id, "position": 2}])


def test_a_shop_that_showed_nothing(run: Run) -> None:
    assert run("shelves", "--days", "7") == (0, "nothing was shown in the last 7 days\n", "")


def test_the_table_and_the_same_as_json(run: Run, tmp_path: Path) -> None:
    search(tmp_path / "shop", 3)
    code, out, err = run("shelves")
    assert (code, err) == (0, "")
    assert [line.split() for line in out.splitlines()] == [
        [*HEAD, "AUC", "coverage", "popular"],
        ["search", "1", "2", "1", "0", "50.00%", "100.00%", "0.00%", "0.000", "33.3%", "50.0%"],
    ]
    body = json.loads(run("--json", "shelves")[1])
    assert list(body) == ["since", "until", "shelves"]
    with Shop(tmp_path / "shop") as shop:
        now = shop.now()
        assert body["shelves"] == [one.to_dict() for one in shop.store.engagement.shelves(now - 28 * 86_400, now)]


def test_how_far_back(run: Run, tmp_path: Path) -> None:
    search(tmp_path / "shop", 3)
    assert run("shelves", "--days", "2")[1] == "nothing was shown in the last 2 days\n"
    assert run("shelves", "--days", "0")[0] == 2
