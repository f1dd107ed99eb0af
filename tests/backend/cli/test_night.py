"""`shelfwise increment` and `rollback` as the command line hands them on; the nights themselves are the trainer's."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from shelfwise.cli.main import cli
from shelfwise.night_report import NightReport
from shelfwise.store import Store
from shelfwise.trainer import NightResult
from support.command_line import Run

REPORT = NightReport(warnings=["query mix moved: PSI 0.310 > 0.250"])
Invoke = Callable[..., Result]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The arguments that `increment` was called with; it answers with a refused night."""
    call: dict[str, Any] = {}

    def increment(path: Path, until: str | None, progress: object, **options: object) -> NightResult:
        call.update({"path": path, "until": until} | options)
        return NightResult(4, "refused", "the trained encoder is worse: " + "much " * 40, 2, 3, REPORT)

    monkeypatch.setattr("shelfwise.trainer.increment", increment)
    return call


@pytest.fixture
def invoke(tmp_path: Path) -> Invoke:
    return lambda *arguments: CliRunner().invoke(cli, ["--data", str(tmp_path), *arguments])


def test_increment(lived: dict[str, Any]) -> None:
    assert lived["increment"].code == 0
    assert lived["increment"].out.startswith("night 1: published; generation 1 serves\n")


def test_nights(run: Run, lived: dict[str, Any]) -> None:
    head, line = run("--data", lived["data"], "nights").out.splitlines()
    assert head.split()[:4] == ["night", "started", "verdict", "generation"]
    assert line.split()[0] == "1"
    assert "published" in line
    assert "0 → 1" in line
    (night,) = run("--data", lived["data"], "--json", "nights").body["nights"]
    assert (night["night"], night["verdict"], night["parent"], night["generation"]) == (1, "published", 0, 1)


def test_one_night_whole(run: Run, lived: dict[str, Any]) -> None:
    night = run("--data", lived["data"], "--json", "nights", 1).body
    assert night["report"]["counts"]["new_pairs"] > 0
    out = run("--data", lived["data"], "nights", 1).out
    assert out.startswith("night 1: published\n")
    assert "generation 0 → 1 · from " in out
    assert "new pairs" in out


def test_nights_of_a_shop_without_any(run: Run, tmp_path: Path) -> None:
    assert run("--data", tmp_path, "nights").out == "no night yet\n"
    assert run("--data", tmp_path, "--json", "nights").body == {"nights": []}


def test_rollback_and_back(run: Run, lived: dict[str, Any]) -> None:
    assert run("--data", lived["data"], "rollback").out == "generation 0 serves\n"
    assert run("--data", lived["data"], "--json", "search", "cup").body["generation"] == 0
    assert run("--data", lived["data"], "--json", "rollback", 1).body == {"generation": 1}
    assert run("--data", lived["data"], "--json", "search", "cup").body["generation"] == 1


def test_init_leaves_a_shop_that_has_a_generation(run: Run, tiny_shop: Path) -> None:
    assert run("--data", tiny_shop, "init").out == "generation 0 serves\n"
    assert run("--data", tiny_shop, "--json", "init").body == {"generation": 0}


def test_increment_without_anything_new(run: Run, tiny_shop: Path) -> None:
    done = run("--data", tiny_shop, "--json", "increment")
    assert (done.code, done.body["verdict"], done.body["generation"]) == (0, "nothing to learn", 0)


def test_a_plain_night(invoke: Invoke, call: dict[str, Any], tmp_path: Path) -> None:
    assert invoke("increment").exit_code == 0
    assert call == {"path": tmp_path, "until": None, "force": False, "budget": None, "tensorboard": None}


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90.0), ("20m", 1_200.0), ("1h", 3_600.0), ("1h30m", 5_400.0), ("2m5s", 125.0)]
)
def test_options_are_handed_on(invoke: Invoke, call: dict[str, Any], text: str, seconds: float) -> None:
    done = invoke("increment", "--force", "--budget", text, "--tensorboard", "logs", "--until", "2011-09-20")
    assert done.exit_code == 0, done.output
    assert (call["force"], call["budget"], call["tensorboard"]) == (True, seconds, "logs")


@pytest.mark.parametrize("text", ["", "20", "m", "0m", "-5m", "1.5h", "20 m", "5m1h", "soon"])
def test_a_budget_that_is_no_time(invoke: Invoke, call: dict[str, Any], text: str) -> None:
    done = invoke("increment", "--budget", text)
    assert (done.exit_code, call) == (2, {})
    assert "expected a time such as 20m, 90s, 1h" in done.stderr


def test_a_refused_night_is_a_sound_end(invoke: Invoke, call: dict[str, Any]) -> None:
    done = invoke("increment")
    head, *reason, warning = done.stdout.splitlines()
    assert (done.exit_code, head) == (0, "night 4: refused; generation 3 serves")
    assert " ".join(" ".join(reason).split()).startswith("the trained encoder is worse: much much")
    assert max(map(len, reason)) <= 110
    assert warning == "  warning: query mix moved: PSI 0.310 > 0.250"
    assert json.loads(invoke("--json", "increment").stdout)["report"] == REPORT.to_dict()


def test_increment_prints_the_pace_of_last_night(invoke: Invoke, call: dict[str, Any], tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.ledger.end(
        store.ledger.begin(1.0, 0), 2.0, "published", "", 1, NightReport(seconds={"train": 200.0, "judge": 40.0})
    )
    store.close()
    assert invoke("increment").stderr == "about 4 min by last night's pace\n"
    assert invoke("increment", "--budget", "2m").stderr == "about 2 min by last night's pace\n"


@pytest.mark.parametrize(
    ("rank", "size", "helps"),
    [("1", "2", True), ("0", "2", False), ("0", "1", False), ("1", "1", False), ("", "", False)],
)
def test_a_helper_of_torchrun_helps_and_says_nothing(
    invoke: Invoke, call: dict[str, Any], monkeypatch: pytest.MonkeyPatch, rank: str, size: str, helps: bool
) -> None:
    helped: list[bool] = []
    monkeypatch.setattr("shelfwise.trainer.help_training", lambda: helped.append(True), raising=False)
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setenv("WORLD_SIZE", size)
    done = invoke("--json", "increment")
    assert (done.exit_code, helped == [True], call == {}) == (0, helps, helps)
    assert (done.output == "") == helps


def test_rollback_tells_of_items_that_changed(tiny_shop: Path, publish_copy: Callable[[Path], object]) -> None:
    from shelfwise import Shop

    publish_copy(tiny_shop)
    arguments = ["--data", str(tiny_shop), "rollback"]
    assert CliRunner().invoke(cli, arguments).output == "generation 0 serves\n"
    with Shop(tiny_shop) as shop:
        shop.upsert([{"id": "pot", "title": "Teapot"}])
    done = CliRunner().invoke(cli, [*arguments, "1"])
    assert done.output.startswith("generation 1 serves\nitems changed since it was made are found by their words")
    assert "pending_vectors" in done.output
    assert json.loads(CliRunner().invoke(cli, ["--data", str(tiny_shop), "--json", "rollback"]).output) == {
        "generation": 0
    }


def test_rollback_passes_over_what_learned_from_erased_people(
    tiny_shop: Path, publish_copy: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        publish_copy(tiny_shop)
    monkeypatch.setattr("shelfwise.store.personal_data.PersonalDataStore.generations_to_retire", lambda people: {1})
    assert CliRunner().invoke(cli, ["--data", str(tiny_shop), "rollback"]).output == "generation 0 serves\n"
    assert CliRunner().invoke(cli, ["--data", str(tiny_shop), "rollback", "1"]).exit_code == 1


def test_rollback_loads_no_encoder(tiny_shop: Path, publish_copy: Callable[[Path], object], monkeypatch: Any) -> None:
    publish_copy(tiny_shop)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr("shelfwise.generation.encoder.Encoder.__init__", lambda *_: pytest.fail("opens an encoder"))
    assert CliRunner().invoke(cli, ["--data", str(tiny_shop), "rollback"]).exit_code == 0
