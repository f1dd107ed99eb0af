"""`shelfwise search`, `recommend` and `status`."""

from __future__ import annotations

from typing import Any

import pytest

from shelfwise import Shop
from shelfwise.api import create_app
from support.command_line import Run


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (["search", "red cup"], "/search?q=red cup"),
        (["search", "C++", "--limit", "2"], "/search?q=C%2B%2B&limit=2"),
        (["search", "light", "--user", "u1"], "/search?q=light&user=u1"),
        (["recommend"], "/recommend"),
        (["recommend", "--user", "u1", "--limit", "3"], "/recommend?user=u1&limit=3"),
        (["recommend", "--item", "mug-red", "--item", "candle"], "/recommend?item=mug-red&item=candle"),
        (["recommend", "--user", "u1", "--kind", "next", "--explain"], "/recommend?user=u1&kind=next&explain=1"),
        (["recommend", "--session", "s", "--filter", "price:..4"], "/recommend?session=s&filter=price:..4"),
        (["recommend", "--exclude", "bag", "--exclude", "candle"], "/recommend?exclude=bag&exclude=candle"),
        (["recommend", "--user", "u1", "--no-repeats"], "/recommend?user=u1&repeats=0"),
        (["status"], "/status"),
    ],
)
def test_json_is_the_http_body_of_the_same_question(
    run: Run, lived: dict[str, Any], arguments: list[str], path: str
) -> None:
    done = run("--data", lived["data"], "--json", *arguments)
    assert (done.code, done.err) == (0, "")
    with Shop(lived["data"]) as shop:
        body = create_app({"SHOP": shop}).test_client().get(path).get_json()
    assert list(done.body) == list(body)
    for name in ("query", "generation", "total", "kind", "items", "events", "index"):
        assert done.body.get(name) == body.get(name)
    hits, expected = done.body.get("hits", []), body.get("hits", [])
    assert [hit["id"] for hit in hits] == [hit["id"] for hit in expected]
    assert [list(hit) for hit in hits] == [list(hit) for hit in expected]


def test_search_for_a_person(run: Run, lived: dict[str, Any]) -> None:
    done = run("--data", lived["data"], "search", "red coffee mug", "--limit", 2)
    head, *hits = done.out.splitlines()
    assert "by generation 1" in head
    assert len(hits) == 2
    (mug,) = [line for line in hits if "mug-red" in line]
    assert "4.50" in mug
    assert mug.endswith("Red Coffee Mug")


def test_recommend_for_a_person(run: Run, lived: dict[str, Any]) -> None:
    done = run("--data", lived["data"], "recommend", "--item", "mug-red")
    assert done.out.startswith("similar, in ")
    assert "clock" not in done.out, "out of stock"


def test_recommend_says_what_filled_the_shelf_and_why(run: Run, lived: dict[str, Any]) -> None:
    done = run("--data", lived["data"], "recommend", "--user", "u1", "--kind", "next", "--limit", 4, "--explain")
    head, *hits = done.out.splitlines()
    assert head.startswith("next") and "by generation 1" in head
    assert len(hits) == 4 and all(line.endswith(")") for line in hits)
    filled = run("--data", lived["data"], "recommend", "--user", "nobody", "--kind", "again")
    assert filled.out.startswith("popular, filled with new, in ")
    left = run("--data", lived["data"], "recommend", "--exclude", "mug-red", "--filter", "price:4..")
    (line,) = left.out.splitlines()[1:]
    assert " mug-blue " in line


def test_status_for_a_person(run: Run, lived: dict[str, Any]) -> None:
    lines = dict(line.split(maxsplit=1) for line in run("--data", lived["data"], "status").out.splitlines())
    assert (lines["generation"], lines["items"], lines["events"], lines["degraded"]) == ("1", "6", "60", "none")


def test_questions_leave_no_trace(run: Run, lived: dict[str, Any]) -> None:
    def count() -> list[int]:
        with Shop(lived["data"]) as shop:
            value = shop.store._connections.value
            return [value(f"SELECT count(*) FROM {table}") for table in ("searches", "recommendations", "events")]

    before = count()
    run("--data", lived["data"], "search", "cup")
    run("--data", lived["data"], "recommend", "--user", "u1")
    assert count() == before
