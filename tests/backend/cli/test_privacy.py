"""`shelfwise erase`, `export` and `merge`, called as the console script calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import NOW

from shelfwise import Shop
from shelfwise.files import locked
from shelfwise.generation.card import GenerationCard
from support.command_line import Run


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A shop that knows Änne's two events and another's; generation 1, which serves, counted them all."""
    with Shop(tmp_path / "shop", clock=lambda: NOW) as shop:
        rows = [{"type": "view", "item": "mug", "user": user} for user in ("Änne", "Änne", "other")]
        shop.record([row | {"ts": NOW.timestamp() - 5} for row in rows])
        for until in (0.0, NOW.timestamp()):
            number, folder = shop.generations.create_folder()
            current = shop.generations.current()
            card = GenerationCard(until=until)
            shop.generations.publish(number, folder, card, parent=current, current=current)
    return tmp_path / "shop"


def test_the_receipt_of_an_erasure(run: Run, data: Path) -> None:
    code, out, err = run("--data", data, "erase", "--user", "Änne")
    first, learned, then, files = out.splitlines()
    assert (code, err) == (0, "")
    assert first.endswith("Z  erased 2 events, 0 searches and 0 recommendations")
    assert learned == "learned from them: generation 1"
    assert then == "the next night starts from generation 0 and relearns; the shop serves as before until then"
    assert files == "a log file that still holds them brings them back when it is imported"
    assert "Änne" not in out, "a receipt may be kept"


def test_the_base_model_is_where_all_learned_from_them(run: Run, data: Path) -> None:
    (data / "generations" / "0000" / "card.json").unlink()
    assert "the next night starts from the base model" in run("--data", data, "erase", "--user", "Änne")[1]


def test_erasing_an_unknown_user_succeeds(run: Run, data: Path) -> None:
    code, out, _ = run("--data", data, "erase", "--user", "nobody")
    assert code == 0
    assert "erased 0 events, 0 searches and 0 recommendations\nno generation on disk learned from them\n" in out


def test_what_could_not_be_overwritten_is_said(run: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelfwise.store.personal_data._MAX_VACUUM_BYTES", 0)
    assert "erase again later" in run("--data", data, "erase", "--user", "Änne")[1]


def test_json_is_what_python_gives(run: Run, data: Path) -> None:
    with Shop(data) as shop:
        exported = shop.export("Änne")
    assert json.loads(run("--data", data, "--json", "export", "--user", "Änne")[1]) == exported
    receipt = json.loads(run("--data", data, "--json", "erase", "--user", "Änne")[1])
    assert (receipt["events"], receipt["generations"], receipt["next_parent"]) == (2, [1], 0)


def test_export_is_json_that_a_person_can_read(run: Run, data: Path) -> None:
    code, out, err = run("--data", data, "export", "--user", "Änne")
    assert (code, err) == (0, "")
    assert out.startswith('{\n "user": "Änne",\n "events": [\n')
    assert out == run("--data", data, "--json", "export", "--user", "Änne")[1]
    assert len(json.loads(out)["events"]) == 2


@pytest.mark.parametrize("command", ["erase", "export"])
@pytest.mark.parametrize(("user", "code", "reason"), [(" ", 1, "Error: user: expected 1 to 512"), (None, 2, "--user")])
def test_a_user_has_to_be_named(run: Run, data: Path, command: str, user: str | None, code: int, reason: str) -> None:
    done = run("--data", data, command, *([] if user is None else ["--user", user]))
    assert done[:2] == (code, "")
    assert reason in done[2]


def test_a_merge_says_what_changed_hands(run: Run, data: Path) -> None:
    with Shop(data) as shop:
        shop.record([{"type": "view", "item": "mug", "session": "s"}] * 2)
        shop.search("mug", session="s")
    merged = run("--data", data, "merge", "--session", "s", "--user", "Änne")
    assert merged == (0, "Änne now has 2 events, 1 searches and 0 recommendations of session s\n", "")
    assert json.loads(run("--data", data, "--json", "merge", "--session", "s", "--user", "Änne")[1]) == {
        "session": "s", "user": "Änne", "events": 0, "searches": 0, "recommendations": 0,
    }  # fmt: skip


@pytest.mark.parametrize(("arguments", "code", "reason"), [
    (("--user", "u"), 2, "--session"), (("--session", "s"), 2, "--user"),
    (("--session", " ", "--user", "u"), 1, "Error: session: expected 1 to 512"),
])  # fmt: skip
def test_a_merge_needs_both(run: Run, data: Path, arguments: tuple[str, ...], code: int, reason: str) -> None:
    done = run("--data", data, "merge", *arguments)
    assert done[:2] == (code, "")
    assert reason in done[2]


def test_a_running_night_is_waited_for(run: Run, data: Path) -> None:
    with locked(data / "night.lock"):
        code, out, err = run("--data", data, "erase", "--user", "Änne")
    assert (code, out) == (1, "")
    assert err.startswith("Error: a night is running")
