"""Replay of a purchase log: who is asked for what, its report, and that nothing of the future leaks."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shelfwise import InvalidInput
from shelfwise.timestamps import DAY
from shelfwise.trainer import replay
from shelfwise.trainer.replay import recommend as replay_shelves
from shelfwise.trainer.replay.recommend import first_baskets
from shelfwise.trainer.replay.recommend_metrics import GROUPS
from shelfwise.trainer.reports.replay_page import write_page
from shelfwise.types import Row

FIRST = datetime(2026, 3, 1, 9, tzinfo=UTC)
THINGS = [f"{colour} {thing}" for colour in ("Red", "Blue", "Green") for thing in ("Mug", "Lantern", "Bag", "Clock")]
ITEMS = [(f"p{number}", title, "") for number, title in enumerate(THINGS)]
LATE = ("late", "Purple Kettle", (FIRST + timedelta(days=3)).isoformat())
DAYS, PEOPLE = 5, 8
MEASURES = {"recall", "ndcg", "hr", "coverage", "popularity", "n"}


def purchases(nonsense_after: int | None) -> Iterator[tuple[str, ...]]:
    """Each person takes two neighbours and the next ones the day after; from day 3 on the eighth takes what is new.

    After day `nonsense_after` everybody takes the same, and other people come.
    """
    for day in range(DAYS):
        for number in range(PEOPLE):
            user, items = f"u{number}", [f"p{(number + day) % 12}", f"p{(number + day + 1) % 12}"]
            if number == PEOPLE - 1 and day >= 3:
                items = ["late"]
            if nonsense_after is not None and day > nonsense_after:
                user, items = f"nonsense-{number}", ["p0"]
            at = FIRST + timedelta(days=day, minutes=number)
            for item in items:
                yield "purchase", item, user, f"{user}-{day}", at.isoformat()
    at = (FIRST + timedelta(days=2, hours=3)).isoformat()
    yield "purchase", "p9", "u0", "u0-2-evening", at  # a second basket of the day
    yield "purchase", "unknown", "u1", "u1-2", at
    yield "purchase", "p1", "", "nobody", at
    yield "view", "p5", "u2", "u2-2", at


def write(folder: Path, nonsense_after: int | None = None) -> tuple[str, str]:
    with (folder / "items.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("id", "title", "created_at"), *ITEMS, LATE])
    with (folder / "log.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("type", "item", "user", "session", "ts"), *purchases(nonsense_after)])
    return str(folder / "items.csv"), str(folder / "log.csv")


def run(folder: Path, model: Path, nonsense_after: int | None = None, **options: Any) -> dict[str, Any]:
    folder.mkdir()
    items, events = write(folder, nonsense_after)
    settings: dict[str, Any] = {"start": "2026-03-02", "model": str(model), "report": folder / "report", "k": 3}
    return replay(items, events, task="recommend", **settings | options)


def test_the_report_has_its_shape(plain: tuple[Path, dict[str, Any]]) -> None:
    folder, report = plain
    assert json.loads((folder / "report" / "report.json").read_text()) == report
    assert set(report["baselines"]) | set(report["missing"]) == {"popularity", "popularity_30d", "own", "als", "ease"}
    for side in (report["overall"], *report["baselines"].values()):
        assert tuple(side) == GROUPS
        for values in side.values():
            assert set(values) == MEASURES
            assert all(0 <= value <= 1 for name, value in values.items() if name != "n")
    assert [day["day"] for day in report["days"]] == [f"2026-03-0{day}" for day in (2, 3, 4, 5)]
    for day in report["days"]:
        assert set(day["baselines"]) == {"learning", *report["baselines"]}
        assert {name: day[name] for name in MEASURES} == day["baselines"]["learning"]["all"]
    assert report["days"][0]["night"]["generation"] == 1
    assert set(report["behind"]) == set(report["baselines"])
    assert not list((folder / "report").glob("shops-*"))


def test_who_is_asked(plain: tuple[Path, dict[str, Any]]) -> None:
    """Eight people on four days, all known from the first day on. The new one of two neighbours is new each day."""
    overall = plain[1]["overall"]
    # The eighth takes the late item on day 3, and again on day 4, when it is not new any more.
    assert {group: overall[group]["n"] for group in GROUPS} == {
        "all": 32, "known": 32, "new_items": 31, "known_new_items": 31,
    }  # fmt: skip
    left_out = {"unknown_item": 1, "without_user": 1, "people_not_drawn": 0, "bad_items": 0, "bad_events": 0}
    assert plain[1]["left_out"] == left_out


def test_the_own_baseline_by_hand(plain: tuple[Path, dict[str, Any]]) -> None:
    """Each day's basket holds one thing of the day before and one that is new.

    On day 3 the eighth takes what nobody could know, and u0's second basket of day 2 stands before what u0 takes again.
    """
    days = [day["baselines"]["own"]["all"] for day in plain[1]["days"]]
    assert [day["hr"] for day in days[:3]] == [1.0, 1.0, 0.75]
    assert days[0]["recall"] >= 0.5


def test_an_item_comes_into_the_shop_with_the_evening_after_its_creation(plain: tuple[Path, dict[str, Any]]) -> None:
    """Twelve are there from the start. `late` is created on day 3, so it is in the catalogue that day 4 knows."""
    assert [day["catalogue"] for day in plain[1]["days"]] == [12, 12, 12, 13]


def test_nothing_of_the_future_leaks(plain: tuple[Path, dict[str, Any]], tiny_model: Path, tmp_path: Path) -> None:
    """Nonsense after day 2 leaves the scores of days 1 and 2 exactly as they were, and changes day 3's."""
    spoiled = run(tmp_path / "spoiled", tiny_model, nonsense_after=2)
    scores = [[{**day, "night": None} for day in report["days"]] for report in (plain[1], spoiled)]
    assert scores[0][:2] == scores[1][:2]
    assert scores[0][2] != scores[1][2]
    assert spoiled["days"][2]["baselines"]["learning"]["known"]["n"] == 0


def test_periods_of_days_and_a_sample_of_people(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_shelves, "MAX_PEOPLE", 5)
    report = run(tmp_path / "two", tiny_model, every_days=2, end="2026-03-04")
    assert [day["day"] for day in report["days"]] == ["2026-03-02", "2026-03-04"]
    assert [day["n"] for day in report["days"]] == [5, 5]
    assert report["left_out"]["people_not_drawn"] == 6


def test_the_page_shows_curves_tables_and_what_is_missing(plain: tuple[Path, dict[str, Any]]) -> None:
    folder, report = plain
    page = (folder / "report" / "replay.html").read_text()
    assert page.count("<polyline") == 3 * (1 + len(report["baselines"]))
    assert "Not online lift" in page
    assert "of 4</td>" in page
    assert "<script" not in page


def test_the_page_says_which_baseline_is_missing(plain: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    report = plain[1] | {"missing": {"als": "there is no <implicit>"}}
    report["baselines"] = {name: values for name, values in report["baselines"].items() if name != "als"}
    write_page(tmp_path / "page.html", report)
    page = (tmp_path / "page.html").read_text()
    assert "ALS (implicit) was left out: there is no &lt;implicit&gt;." in page
    assert page.count("<polyline") == 3 * (1 + len(report["baselines"]))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"start": "2026-03-05", "end": "2026-03-04"}, "--end"),
        ({"start": "2026-03-09", "end": "2026-03-10"}, "a known item taken by a user"),
        ({"only": "encoder"}, "--task search"),
        ({"k": 101}, "--k"),
        ({"start": "2030-03-05"}, "--start"),
        ({"every_days": 0}, "--every"),
    ],
)
def test_bad_options_are_named(tiny_model: Path, tmp_path: Path, options: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        run(tmp_path / "bad", tiny_model, **options)


def test_an_unknown_task_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="'dream'"):
        replay("a", "b", task="dream", start="2026-03-01", report=tmp_path)


def taken(*rows: tuple[str, str | None, str, float]) -> list[Row]:
    """Of (user, session, item, days)."""
    return [
        {"user": user, "session": session, "item": item, "ts": days * DAY} for user, session, item, days in rows
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("events", "baskets"),
    [
        ([("a", "s", "x", 1.0), ("a", "s", "y", 1.1), ("a", "t", "z", 1.2)], {"a": {"x", "y"}}),
        ([("a", "s", "x", 1.0), ("a", "t", "y", 1.1), ("a", "s", "z", 2.2)], {"a": {"x", "z"}}),
        ([("a", None, "x", 1.0), ("a", None, "y", 1.9), ("a", None, "z", 2.0)], {"a": {"x", "y"}}),
        ([("a", None, "x", 1.0), ("a", "s", "y", 1.1)], {"a": {"x"}}),
        ([("a", "s", "x", 1.0), ("b", "s", "y", 1.1)], {"a": {"x"}, "b": {"y"}}),
        ([], {}),
    ],
)
def test_the_first_basket(events: list[tuple[str, str | None, str, float]], baskets: dict[str, set[str]]) -> None:
    assert first_baskets(taken(*events)) == baskets


def test_views_count_where_the_log_has_nothing_else(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "views"
    folder.mkdir()
    items, events = write(folder)
    log = Path(events)
    log.write_text(log.read_text().replace("purchase", "view"))
    settings: dict[str, Any] = {"start": "2026-03-04", "end": "2026-03-04", "model": str(tiny_model)}
    report = replay(items, events, task="recommend", every_days=3, report=folder / "report", **settings)
    assert report["overall"]["all"]["n"] == PEOPLE
    assert report["options"]["k"] == 10
