"""`shelfwise replay`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.command_line import Done, Run

CLICKS = (
    "sku,query,clicked\n"
    "mug-red,coffee,2011-09-01 10:00:00\n"
    "mug-red,coffee,2011-09-02 10:00:00\nlantern,metal lantern,2011-09-02 11:00:00\nunknown,x,2011-09-02 11:00:00\n"
    "mug-blue,blue mug,2011-09-03 10:00:00\n"
)
PURCHASES = (
    "sku,user,session,bought\n"
    "mug-red,ann,1,2011-09-01 10:00:00\nlantern,ben,2,2011-09-01 11:00:00\n"
    "mug-red,ann,3,2011-09-08 10:00:00\nmug-blue,ann,3,2011-09-08 10:00:00\nlantern,eve,4,2011-09-09 10:00:00\n"
)


@pytest.fixture
def tiny_base(monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> None:
    """The base model that comes with shelfwise is the tiny one."""
    monkeypatch.setattr("shelfwise.trainer.encoder.base_model.packaged_model", lambda: tiny_model)


def replay(run: Run, folder: Path, log: str, *options: object) -> tuple[Done, dict[str, Any]]:
    """Replay a log over the catalogue of `items_csv`; return how the command ended and the report it wrote."""
    (folder / "log.csv").write_text(log)
    mapping = [part for field in ("id=sku", "title=name", "item=sku", "price=cents") for part in ("--map", field)]
    done = run(*options, "--events", folder / "log.csv", *mapping, "--report", folder / "report")
    assert done.code == 0, done.err
    return done, json.loads((folder / "report" / "report.json").read_text())


@pytest.mark.real
def test_replay(run: Run, tmp_path: Path, items_csv: Path, tiny_base: None) -> None:
    done, report = replay(run, tmp_path, CLICKS, "--json", "replay", "--items", items_csv, "--map", "ts=clicked",
                          "--type", "click", "--start", "2011-09-02", "--end", "2011-09-03")  # fmt: skip
    assert done.body == report
    assert [report["overall"][kind]["n"] for kind in ("all", "unseen_queries", "new_items")] == [3, 2, 3]
    assert set(report["baselines"]) == {"frozen", "bm25"}
    assert [day["day"] for day in report["days"]] == ["2011-09-02", "2011-09-03"]
    assert (tmp_path / "report" / "replay.html").read_text().startswith("<!doctype html>")
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == ["replay.html", "report.json"]


@pytest.mark.real
def test_replay_of_shelves(run: Run, tmp_path: Path, items_csv: Path, tiny_base: None) -> None:
    done, report = replay(run, tmp_path, PURCHASES, "replay", "--task", "recommend", "--items", items_csv, "--map",
                          "ts=bought", "--type", "purchase", "--every", "7d", "--start", "2011-09-08")  # fmt: skip
    groups = ("all", "known", "new_items", "known_new_items")
    assert [report["overall"][group]["n"] for group in groups] == [2, 1, 2, 1]
    lines = done.out.splitlines()
    assert lines[0].split()[:3] == ["recall@10", "/", "nDCG@10"]
    assert [line.split()[0] for line in lines[1:4]] == ["learning", "popularity", "popularity_30d"]
    assert next(line for line in lines if line.startswith("people")).split()[1:] == ["2", "1", "2", "1"]
    assert lines[-1].endswith("replay.html")
