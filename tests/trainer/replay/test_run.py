"""Replay: its definitions, its report, and that nothing of the future leaks."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shelfwise import InvalidInput
from shelfwise.trainer import replay

FIRST = datetime(2026, 3, 1, 9, tzinfo=UTC)
THINGS = [f"{colour} {thing}" for colour in ("Red", "Blue", "Green") for thing in ("Mug", "Lantern", "Bag", "Clock")]
ITEMS = [(f"p{number}", title) for number, title in enumerate(THINGS)]
DAYS = 4


def write(folder: Path, nonsense_after: int | None = None) -> tuple[str, str]:
    """A catalogue and a log of four days; after day `nonsense_after` every click is on a wrong item."""
    with (folder / "items.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("sku", "name"), *ITEMS])
    with (folder / "clicks.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("sku", "query", "click_time"))
        for day in range(DAYS):
            for number in range(24):
                item, title = ITEMS[(number + day) % len(ITEMS)]
                if nonsense_after is not None and day > nonsense_after:
                    item, title = "p0", f"nonsense {number}"
                at = FIRST + timedelta(days=day, minutes=number)
                writer.writerow((item, title.lower() if number % 2 else f"{title} please", at.isoformat()))
        writer.writerow(("unknown-sku", "red mug", (FIRST + timedelta(days=2)).isoformat()))
    return str(folder / "items.csv"), str(folder / "clicks.csv")


def run(folder: Path, model: Path, **options: Any) -> dict[str, Any]:
    folder.mkdir()
    items, events = write(folder, options.pop("nonsense_after", None))
    settings: dict[str, Any] = {
        "start": "2026-03-02",
        "rename": ["id=sku", "title=name", "item=sku", "ts=click_time"],
        "event_type": "click",
        "model": str(model),
        "report": folder / "report",
    }
    return replay(items, events, **settings | options)


def test_the_report_has_the_contracts_shape(plain: tuple[Path, dict[str, Any]]) -> None:
    folder, report = plain
    assert json.loads((folder / "report" / "report.json").read_text()) == report
    for part in (report["overall"], *report["baselines"].values(), *report["ablations"].values()):
        assert set(part) == {"all", "unseen_queries", "new_items"}
        for values in part.values():
            assert set(values) == {"hr", "map", "ndcg", "n"}
            assert all(isinstance(value, float | int) for value in values.values())
    assert set(report["baselines"]) == {"frozen", "bm25"}
    left_out = {f"without_{source}" for source in ("words", "meaning", "memory", "popularity", "ranker")}
    assert set(report["ablations"]) == left_out | {"encoder_only"}
    assert report["overall"]["all"]["n"] == 3 * 24
    assert report["left_out"]["unknown_item"] == 1
    assert [day["day"] for day in report["days"]] == ["2026-03-02", "2026-03-03", "2026-03-04"]
    assert report["days"][0]["night"]["generation"] == 1
    assert "not online lift" in report["note"].lower()
    assert not list((folder / "report").glob("shops-*"))


def test_unseen_queries_and_new_items(plain: tuple[Path, dict[str, Any]]) -> None:
    overall = plain[1]["overall"]
    # Every item was first clicked within the week; a query is unseen on its first day only.
    assert overall["new_items"]["n"] == 72
    seen: set[str] = set()
    unseen = 0
    for day in range(DAYS):
        asked = []
        for number in range(24):
            title = ITEMS[(number + day) % len(ITEMS)][1].lower()
            asked.append((title if number % 2 else f"{title} please").replace(" ", ""))
        unseen += sum(query not in seen for query in asked) if day else 0
        seen |= set(asked)
    assert overall["unseen_queries"]["n"] == unseen


def test_nothing_of_the_future_leaks(plain: tuple[Path, dict[str, Any]], tiny_model: Path, tmp_path: Path) -> None:
    """Nonsense after day 2 leaves the scores of days 1 and 2 exactly as they were, and changes day 3's."""
    spoiled = run(tmp_path / "spoiled", tiny_model, nonsense_after=2)
    scores = [[{**day, "night": None} for day in report["days"]] for report in (plain[1], spoiled)]
    assert scores[0][:2] == scores[1][:2]
    assert scores[0][2] != scores[1][2]


def test_the_page_shows_the_curve(plain: tuple[Path, dict[str, Any]]) -> None:
    page = (plain[0] / "report" / "replay.html").read_text()
    assert page.count("<polyline") == 6
    assert "Not online lift" in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"start": "never"}, "--start"),
        ({"start": "2030-01-01"}, "--start"),
        ({"rename": ["colour=sku"]}, "colour"),
        ({"only": "magic"}, "magic"),
    ],
)
def test_bad_options_are_named(tiny_model: Path, tmp_path: Path, options: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        run(tmp_path / "bad", tiny_model, **options)
