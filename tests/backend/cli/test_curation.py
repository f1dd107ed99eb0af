"""`shelfwise synonyms` and `rules`, called as the console script calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shelfwise import Shop
from support.command_line import Run


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SHELFWISE_DATA", str(tmp_path / "shop"))


def test_synonyms(run: Run) -> None:
    assert run("synonyms", "list") == (0, "no synonyms yet\n", "")
    added = run("synonyms", "add", "Sneakers", "trainers", "running shoes")
    assert added == (0, "   1  sneakers → trainers\n   2  sneakers → running shoes\n", "")
    assert run("synonyms", "add", "tv", "television", "--two-way")[1] == "   3  tv ↔ television\n"
    assert run("synonyms", "remove", "1")[1] == "removed synonym 1\n"
    assert run("synonyms", "remove", "Television", "TV")[1] == "removed synonym Television TV\n"
    assert run("synonyms", "list")[1] == "   2  sneakers → running shoes\n"


def test_rules(run: Run) -> None:
    assert run("rules", "list") == (0, "no rules yet\n", "")
    pin = run("rules", "add", "pin", "--query", "Red Mug", "--item", "b", "--item", "a", "--note", "for the fair")
    assert pin == (0, '   1  pin    "Red Mug"  b, a  for the fair\n', "")
    window = ("--from", "2026-12-01", "--until", "2026-12-27T00:00:00+01:00")
    run("rules", "add", "boost", "--match", "any", "--filter", "brand:Sony", "--strength", "0.5", *window)
    run("rules", "add", "hide", "--query", "mug", "--match", "contains", "--item", "c", "--filter", "stock:out")
    assert run("rules", "remove", "1")[1] == "removed rule 1\n"
    assert run("rules", "list")[1].splitlines() == [
        "   2  boost  any query  brand:Sony  by 0.5  from 2026-12-01T00:00:00.000Z  until 2026-12-26T23:00:00.000Z",
        '   3  hide   with "mug"  c, stock:out',
    ]


def test_json_is_the_body_of_the_same_question(run: Run, tmp_path: Path) -> None:
    for kind, added in (("synonyms", ("tv", "telly")), ("rules", ("bury", "--query", "mug", "--item", "a"))):
        body = json.loads(run("--json", kind, "add", *added)[1])
        assert json.loads(run("--json", kind, "list")[1]) == body
        with Shop(tmp_path / "shop") as shop:
            assert body == {kind: [one.to_dict() for one in getattr(shop.store, kind).all()]}
        assert json.loads(run("--json", kind, "remove", body[kind][0]["id"])[1]) == {"deleted": 1}


@pytest.mark.parametrize(("arguments", "code", "reason"), [
    ("synonyms add tv TV", 1, "Error: means: expected other words than 'tv', got 'tv'"),
    ("synonyms add tv", 2, "MEANS"),
    ("synonyms remove 7", 1, "Error: synonym: expected one of the list, got '7'"),
    ("synonyms remove tv telly", 1, "Error: synonym: expected one of the list, got 'tv telly'"),
    ("synonyms remove tv telly set", 2, "the number of a pair"),
    ("synonyms remove tv", 1, "Error: synonym: expected one of the list, got 'tv'"),
    ("rules add promote --query mug --item a", 2, "promote"),
    ("rules add pin --item a", 1, "Error: query: expected the words of a query"),
    ("rules add pin --query mug", 1, "Error: items: expected the ids of items, or a filter"),
    ("rules add pin --query mug --match any --item a", 1, "Error: query: expected no query with match any"),
    ("rules add pin --query mug --item a --strength 1", 1, "Error: strength: expected none with pin"),
    ("rules add bury --query mug --item a --strength 2", 1, "Error: strength: expected a number above 0 and up to 1"),
    ("rules add hide --query mug --filter brand", 1, "Error: filter: "),
    ("rules add hide --query mug --item a --until soon", 1, "Error: ends: expected ISO 8601"),
    ("rules remove 7", 1, "Error: rule: expected one of the list, got '7'"),
    ("rules remove all", 1, "Error: rule: expected one of the list, got 'all'"),
])  # fmt: skip
def test_errors_end_in_one_line(run: Run, arguments: str, code: int, reason: str) -> None:
    done = run(*arguments.split())
    assert done[:2] == (code, "")
    assert reason in done[2]
    assert run("synonyms", "list")[1] + run("rules", "list")[1] == "no synonyms yet\nno rules yet\n"
