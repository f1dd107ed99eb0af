"""`shelfwise import items|events`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import NOW

from shelfwise import Shop
from support.command_line import Run

BAD_LOG = "item,type\nmug-red,click\nmug-red,nonsense\nmug-red\n"


def test_import_items(lived: dict[str, Any]) -> None:
    assert (lived["items"].code, lived["items"].out) == (0, "6 upserted, 0 unchanged, 1 rejected\n")
    assert f"bad row {lived['items.csv']}:8: expected 5 columns as in the header, got 2" in lived["items"].err
    assert lived["items again"].body == {"upserted": 0, "unchanged": 6, "rejected": 1}
    with Shop(lived["data"]) as shop:
        assert (shop.item("mug-blue")["price"], shop.item("clock")["in_stock"]) == (4.75, False)
        assert shop.generations.numbers()[0] == 0, "the first import makes generation 0"


def test_import_events(lived: dict[str, Any]) -> None:
    assert (lived["events"].code, lived["events"].out) == (0, "60 accepted, 0 duplicates, 0 rejected\n")
    assert lived["events again"].body == {"accepted": 0, "duplicates": 60, "rejected": 0}


@pytest.mark.parametrize(("strict", "code"), [([], 0), (["--strict"], 1)])
def test_strict_exits_with_1_and_keeps_good_rows(run: Run, tmp_path: Path, strict: list[str], code: int) -> None:
    log = tmp_path / "log.csv"
    log.write_text(BAD_LOG)
    done = run("--data", tmp_path / "data", "import", "events", *strict, log)
    assert (done.code, done.out) == (code, "1 accepted, 0 duplicates, 2 rejected\n")
    assert f"bad row {log}:3: type: expected one of view, click, cart, purchase, dismiss, got 'nonsense'" in done.err
    assert f"bad row {log}:4: expected 2 columns as in the header, got 1" in done.err


def test_strict_without_bad_rows(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("item,type\nmug-red,click\n")
    assert run("--data", tmp_path / "data", "import", "events", "--strict", log).code == 0


def test_strict_for_items(run: Run, tiny_shop: Path, tmp_path: Path) -> None:
    items = tmp_path / "items.csv"
    items.write_text("id,title\n,Nameless\npot,Teapot\n")
    done = run("--data", tiny_shop, "import", "items", "--strict", items)
    assert (done.code, done.out) == (1, "1 upserted, 0 unchanged, 1 rejected\n")
    assert run("--data", tiny_shop, "--json", "search", "teapot").body["hits"][0]["id"] == "pot"


def test_many_bad_rows_are_counted_not_listed(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("item,type\n" + "mug-red,nonsense\n" * 50)
    done = run("--data", tmp_path / "data", "import", "events", log)
    assert (done.err.count("bad row "), done.out) == (20, "0 accepted, 0 duplicates, 50 rejected\n")
    assert "counted, not shown" in done.err


@pytest.mark.parametrize("content", [BAD_LOG, '{"item": 1, "type": "click"}\n{"item": 1}\nnonsense\n'])
@pytest.mark.parametrize("shift", [[], ["--shift-to", "2026-11-01"]])
def test_a_dash_is_standard_input(run: Run, tmp_path: Path, content: str, shift: list[str]) -> None:
    done = run("--data", tmp_path, "import", "events", *shift, "-", stdin=content.encode())
    assert (done.code, done.out) == (0, "1 accepted, 0 duplicates, 2 rejected\n")
    assert sorted(line.partition(" ")[0] for line in done.err.split("bad row ")[1:]) == [
        f"-:{line}:" for line in ((3, 4) if content is BAD_LOG else (2, 3))
    ]


def test_constants_and_maps(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("sku,click_time,query\n7,2011-09-20 12:00:00,red mug\n")
    done = run(
        "--data", tmp_path, "import", "events", "--map", "item=sku", "--map", "ts=click_time", "--type", "click", log
    )
    assert done.out == "1 accepted, 0 duplicates, 0 rejected\n"
    with Shop(tmp_path) as shop:
        (event,) = shop.store.events.before(1e12, 9)
    assert (event.item, event.type, event.query, event.ts) == ("7", "click", "red mug", 1316520000.0)


@pytest.mark.parametrize("target", ["2026-11-01T00:00:00Z", str(int(NOW.timestamp()))])
def test_shift_to(run: Run, tmp_path: Path, target: str) -> None:
    log = tmp_path / "log.csv"
    log.write_text("item,type,ts\n1,click,2011-09-20\n2,click,2011-09-21\n")
    for new in (2, 0):
        done = run("--data", tmp_path, "--json", "import", "events", "--shift-to", target, log)
        assert done.body == {"accepted": new, "duplicates": 2 - new, "rejected": 0}
    with Shop(tmp_path) as shop:
        assert shop.store.events.span() == (NOW.timestamp() - 86_400, NOW.timestamp())
