"""The command line as a whole: the shop's folder, help, how errors end a command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shelfwise.files import locked
from support.command_line import Run

COMMANDS = ["init", "increment", "nights", "rollback", "import", "serve", "search", "recommend", "status", "replay",
            "erase", "export", "merge", "shelves", "synonyms", "rules"]  # fmt: skip
PROGRAM = "from shelfwise.cli.main import main; main()"


def test_folder_is_the_option_then_the_environment(
    run: Run, lived: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SHELFWISE_DATA", raising=False)
    assert run("--json", "status").body["items"] == 0
    assert (tmp_path / "shelfwise-data" / "shop.db").exists()
    monkeypatch.setenv("SHELFWISE_DATA", str(lived["data"]))
    assert run("--json", "status").body["items"] == 6
    assert run("--data", tmp_path / "other", "--json", "status").body["items"] == 0


def test_help_names_every_command(run: Run) -> None:
    done = run("--help")
    assert done.code == 0
    listed = [line.split()[0] for line in done.out.partition("Commands:")[2].splitlines() if line.strip()]
    assert sorted(listed) == sorted(COMMANDS)


@pytest.mark.parametrize("command", [[name] for name in COMMANDS] + [["import", "items"], ["import", "events"]])
def test_every_command_explains_itself(run: Run, command: list[str]) -> None:
    done = run(*command, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Usage: ")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["search", " "], "q: expected the words to search for, got ' '"),
        (["search", "x" * 1_001], "q: expected at most 1,000 characters, got 1001"),
        (["search", "mug", "--limit", "0"], "limit: expected a whole number from 1 to 100, got 0"),
        (["search", "mug", "--limit", "101"], "limit: expected a whole number from 1 to 100, got 101"),
        (["recommend", "--item", "nothing"], "item: expected the id of an item in the shop, got 'nothing'"),
        (["recommend", "--limit", "0"], "limit: expected a whole number from 1 to 100, got 0"),
        (["recommend", "--filter", "price:cheap"], "filter: "),
        (["rollback"], "generation: expected one before 0, got none"),
        (["rollback", "99"], "got 99"),
        (["nights", "99"], "night: expected one that `shelfwise nights` lists, got 99"),
        (["increment", "--until", "tomorrow"], "until: expected ISO 8601"),
        (["import", "items", "missing.csv"], "missing.csv: expected a file, got nothing"),
        (["import", "items", "items.xlsx"], "expected a name ending in .csv or .jsonl"),
        (["import", "items", "--map", "item=sku", "{log}"], "--map: expected one of the fields id, title, "),
        (["import", "items", "--map", "title", "{log}"], "--map: expected field=column or field=factor, got 'title'"),
        (
            ["import", "items", "--scale", "price=cents", "{log}"],
            "--scale price=cents: expected a finite number, got 'cents'",
        ),
        (
            ["import", "events", "--map", "item=sku", "{log}"],
            "--map: expected one of the columns item, type, got item=sku",
        ),
        (["import", "events", "--shift-to", "soon", "{log}"], "--shift-to: expected ISO 8601"),
    ],
)
def test_an_error_is_one_line_and_exit_code_1(
    run: Run, tiny_shop: Path, tmp_path: Path, arguments: list[str], reason: str
) -> None:
    (tmp_path / "log.csv").write_text("item,type\nmug-red,click\n")
    done = run("--data", tiny_shop, *(text.format(log=tmp_path / "log.csv") for text in arguments))
    (line,) = [line for line in done.err.splitlines() if line and " rows [" not in line]  # what the counter drew
    assert (done.code, done.out) == (1, "")
    assert line.startswith("Error: ")
    assert reason in line


def test_a_folder_that_is_none_is_an_error_of_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("--data", tmp_path / "file", "status")
    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert str(tmp_path / "file") in done.err


def test_a_model_that_cannot_be_loaded_is_an_error_of_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    done = run("--data", tmp_path / "data", "init", "--model", tmp_path / "model")
    assert done.code == 1
    assert "model: expected one that loads, got" in done.err
    assert len(done.err.splitlines()) == 1


def test_only_one_night_at_a_time(run: Run, tiny_shop: Path) -> None:
    with locked(tiny_shop / "night.lock"):
        done = run("--data", tiny_shop, "increment")
    assert done.code == 1
    assert done.err.startswith("Error: another night is running")


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["search"], ["search", "mug", "--nonsense"], ["search", "mug", "--limit", "many"], ["nights", "x"],
     ["recommend", "--kind", "foo"], ["recommend", "mug"], ["merge", "s"],
     ["import", "items"], ["import", "events", "--type", "buy", "a.csv"], ["replay"], ["serve", "--workers", "0"],
     ["replay", "--items", "a", "--events", "b", "--start", "2011-09-01", "--report", "r", "--every", "1h"],
     ["replay", "--items", "a", "--events", "b", "--start", "2011-09-01", "--report", "r", "--only", "words"],
     ["replay", "--items", "a", "--events", "b", "--start", "2011-09-01", "--report", "r", "--task", "dream"]],
)  # fmt: skip
def test_a_command_that_is_written_wrongly_exits_with_2(run: Run, tmp_path: Path, arguments: list[str]) -> None:
    done = run("--data", tmp_path, *arguments)
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err


_LIGHT = """
import sys
from shelfwise.cli.main import main
for arguments in (["search", "mug"], ["recommend"], ["status"], ["nights"], ["import", "events", sys.argv[2]]):
    sys.argv[1:] = ["--data", DATA, *arguments]
    main()
heavy = {"torch", "sentence_transformers", "transformers", "datasets", "sklearn", "onnx"} & set(sys.modules)
print("heavy:", sorted(heavy))
"""


def test_nothing_but_the_night_imports_torch(tiny_shop: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("item,type\nmug-red,click\n")
    program = _LIGHT.replace("sys.argv[2]", repr(str(log))).replace("DATA", repr(str(tiny_shop)))
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "by generation 0" in done.stdout
    assert done.stdout.splitlines()[-1] == "heavy: []"


def test_a_closed_pipe_ends_without_a_word(tiny_shop: Path) -> None:
    command = f"{sys.executable} -P -c '{PROGRAM}' --data {tiny_shop} --json search mug | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("", "")
