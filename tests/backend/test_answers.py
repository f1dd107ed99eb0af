"""What is logged of the answers of search and recommend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as sqlite
from conftest import ITEMS, NOW

from shelfwise import Shop


def ids(answer: Any) -> list[str]:
    return [hit.id for hit in answer.hits]


def table(folder: Path, name: str) -> list[dict[str, Any]]:
    """The rows of a table of shop.db, as another program would read them."""
    connection = sqlite.connect(str(folder / "shop.db"))
    connection.row_factory = sqlite.Row
    try:
        return [dict(row) for row in connection.execute(f"SELECT * FROM {name}")]
    finally:
        connection.close()


def test_answers_are_logged_unless_asked_not_to(tmp_path: Path) -> None:
    with Shop(tmp_path, clock=lambda: NOW) as shop:
        shop.upsert(ITEMS)
        answer = shop.search(" coffee  mug", user="u", session="s", limit=1)
        shelf = shop.recommend(item="candle", user="u", limit=2)
        shop.search("lantern", user="u", log=False)
        shop.recommend(user="u", log=False)
        shop.search("bag", user="u", log=False, explain=True, facets=["brand"])
    (search,), (shown,) = table(tmp_path, "searches"), table(tmp_path, "recommendations")
    assert search == {
        "search_id": answer.search_id, "ts": NOW.timestamp(), "query": "coffee mug", "user": "u", "session": "s",
        "generation": None, "shown": f'["{answer.hits[0].id}"]',
    }  # fmt: skip
    assert (shown["recommendation_id"], shown["kind"], shown["item"]) == (shelf.recommendation_id, "new", "candle")
    assert len(ids(shelf)) == 2
    assert all(id in shown["shown"] for id in ids(shelf))


def test_log_false_leaves_no_trace_at_all(tmp_path: Path) -> None:
    with Shop(tmp_path, clock=lambda: NOW) as shop:
        shop.upsert(ITEMS)
    before = {name: table(tmp_path, name) for name in ("items", "events", "searches", "recommendations", "nights")}
    with Shop(tmp_path, clock=lambda: NOW) as shop:
        shop.search("mug", user="u", log=False)
        shop.search("mgu", session="s", log=False, filter="brand:Acme", explain=True)
        shop.recommend(user="u", log=False)
        shop.recommend(item="candle", log=False)
    assert {name: table(tmp_path, name) for name in before} == before


def test_the_query_of_an_event_comes_from_the_search_it_cites(tmp_path: Path) -> None:
    with Shop(tmp_path) as shop:
        shop.upsert(ITEMS)
        answer = shop.search("coffee mug", user="u")
        shop.record([{"type": "click", "item": "mug-red", "user": "u", "search_id": answer.search_id, "position": 1}])
    with Shop(tmp_path) as shop:
        assert [event.query for event in shop.store.events.before(1e12, 9)] == ["coffee mug"]


def test_ids_of_answers_differ(shop: Shop) -> None:
    assert len({shop.search("mug").search_id for _ in range(5)} | {shop.recommend().recommendation_id}) == 6
