"""The command line, called as the console script calls it. One small shop lives through a night for all to ask."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import ITEMS, NOW, clicks

from shelfwise import Shop
from shelfwise.api import create_app
from shelfwise.cli.main import main
from shelfwise.files import locked

COMMANDS = ["init", "increment", "nights", "rollback", "import", "serve", "search", "recommend", "status", "replay",
            "erase", "export", "merge", "shelves", "synonyms", "rules"]  # fmt: skip
PROGRAM = "from shelfwise.cli.main import main; main()"


@dataclass
class Done:
    code: int
    out: str
    err: str

    @property
    def body(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `shelfwise ARGUMENTS` in this process, without the seconds that loading torch again would take."""

    def run(*arguments: object, stdin: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "argv", ["shelfwise", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(stdin))))  # type: ignore[arg-type]
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return run


@pytest.fixture(scope="module")
def tiny_base(tiny_model: Path) -> Any:
    """The base model that comes with shelfwise is the tiny one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shelfwise.trainer.encoder.base_model.packaged_model", lambda: tiny_model)
        yield


def csv_of_items(folder: Path) -> Path:
    lines = ["sku,name,cents,category,in_stock"]
    lines += [
        f"{i['id']},{i['title']},{i['price'] * 100:.0f},{i.get('category', '')},{i.get('in_stock', '')}" for i in ITEMS
    ]  # type: ignore[operator]
    path = folder / "items.csv"
    path.write_text("\n".join([*lines, "broken,Broken", ""]))
    return path


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, tiny_base: None) -> dict[str, Any]:
    """A shop from its first import to the end of its first night; what each command printed, by name."""
    folder = tmp_path_factory.mktemp("cli")
    data, events = folder / "data", folder / "events.jsonl"
    rows = clicks("cup", "mug-red", 30)
    rows += [row | {"user": f"v{number}"} for number, row in enumerate(clicks("light", "lantern", 30))]
    events.write_text("".join(json.dumps(row, default=str) + "\n" for row in rows))
    said: dict[str, Any] = {"data": data, "items.csv": csv_of_items(folder), "events.jsonl": events}
    maps = ["--map", "id=sku", "--map", "title=name", "--map", "price=cents", "--scale", "price=0.01"]
    for name, arguments in {
        "items": ["import", "items", *maps, said["items.csv"]],
        "items again": ["--json", "import", "items", *maps, said["items.csv"]],
        "events": ["import", "events", events],
        "events again": ["--json", "import", "events", events],
        "increment": ["increment", "--until", NOW.isoformat()],
    }.items():
        said[name] = _captured(["--data", str(data), *map(str, arguments)])
    return said


def _captured(arguments: list[str]) -> Done:
    """As `run`, for a fixture that outlives a test."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["shelfwise", *arguments])
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Done(code, out.getvalue(), err.getvalue())


# ---- a shop's first day -------------------------------------------------------------------------------------


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


def test_increment(lived: dict[str, Any]) -> None:
    assert lived["increment"].code == 0
    assert lived["increment"].out.startswith("night 1: published; generation 1 serves\n")


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
    found, expected = done.body.get("hits", []), body.get("hits", [])
    assert [hit["id"] for hit in found] == [hit["id"] for hit in expected]
    assert [list(hit) for hit in found] == [list(hit) for hit in expected]


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
    told = run("--data", lived["data"], "nights", 1).out
    assert told.startswith("night 1: published\n")
    assert "generation 0 → 1 · from " in told
    assert "new pairs" in told


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


# ---- importing ----------------------------------------------------------------------------------------------

BAD_LOG = "item,type\nmug-red,click\nmug-red,nonsense\nmug-red\n"


@pytest.mark.parametrize(("strict", "code"), [([], 0), (["--strict"], 1)])
def test_strict_exits_with_1_on_any_bad_row_and_keeps_the_good_ones(
    run: Run, tmp_path: Path, strict: list[str], code: int
) -> None:
    log = tmp_path / "log.csv"
    log.write_text(BAD_LOG)
    done = run("--data", tmp_path / "data", "import", "events", *strict, log)
    assert (done.code, done.out) == (code, "1 accepted, 0 duplicates, 2 rejected\n")
    assert f"bad row {log}:3: type: expected one of view, click, cart, purchase, dismiss, got 'nonsense'" in done.err
    assert f"bad row {log}:4: 1 columns" in done.err


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


# ---- where the data lies, help, errors ----------------------------------------------------------------------


def test_the_folder_is_that_of_the_option_then_of_the_environment(
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
        (["recommend", "--item", "nothing"], "there is no item 'nothing'"),
        (["recommend", "--limit", "0"], "limit: expected a whole number from 1 to 100, got 0"),
        (["recommend", "--filter", "price:cheap"], "filter: "),
        (["rollback"], "generation 0 is the first"),
        (["rollback", "99"], "there is no generation 99"),
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
    assert "can't load the model" in done.err
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


# ---- processes of their own ---------------------------------------------------------------------------------

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


@pytest.mark.real
def test_serve(tiny_shop: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-P", "-c", PROGRAM, "--data", str(tiny_shop), "serve", "--port", str(port)]
    environment = os.environ | {"SHELFWISE_WORKERS": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stderr is not None
        assert server.stderr.readline() == f"serving {tiny_shop} at http://127.0.0.1:{port}\n"
        body = json.loads(_patiently(f"http://127.0.0.1:{port}/search?q=mug"))
        status = json.loads(_patiently(f"http://127.0.0.1:{port}/status"))
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
    assert (body["generation"], len(body["hits"])) == (0, 6)
    assert status["torch_loaded"] is False
    with Shop(tiny_shop) as shop:
        assert shop.store._connections.value("SELECT query FROM searches") == "mug", "logged before the end"


def _patiently(url: str) -> bytes:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bytes(answer.read())
        except OSError:
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.1)


@pytest.mark.real
def test_replay(run: Run, tmp_path: Path, tiny_model: Path, tiny_base: None) -> None:
    items, log = csv_of_items(tmp_path), tmp_path / "log.csv"
    log.write_text(
        "sku,query,clicked\n"
        "mug-red,coffee,2011-09-01 10:00:00\n"
        "mug-red,coffee,2011-09-02 10:00:00\nlantern,metal lantern,2011-09-02 11:00:00\nunknown,x,2011-09-02 11:00:00\n"
        "mug-blue,blue mug,2011-09-03 10:00:00\n"
    )
    arguments = ["--items", items, "--events", log, "--map", "id=sku", "--map", "title=name", "--map", "item=sku",
                 "--map", "ts=clicked", "--map", "price=cents", "--type", "click", "--start", "2011-09-02",
                 "--end", "2011-09-03", "--report", tmp_path / "report"]  # fmt: skip
    done = run("--json", "replay", *arguments)
    assert done.code == 0, done.err
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert done.body == report
    assert [report["overall"][kind]["n"] for kind in ("all", "unseen_queries", "new_items")] == [3, 2, 3]
    assert set(report["baselines"]) == {"frozen", "bm25"}
    assert [day["day"] for day in report["days"]] == ["2011-09-02", "2011-09-03"]
    assert (tmp_path / "report" / "replay.html").read_text().startswith("<!doctype html>")
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == ["replay.html", "report.json"]


@pytest.mark.real
def test_replay_of_shelves(run: Run, tmp_path: Path, tiny_model: Path, tiny_base: None) -> None:
    items, log = csv_of_items(tmp_path), tmp_path / "log.csv"
    log.write_text(
        "sku,user,session,bought\n"
        "mug-red,ann,1,2011-09-01 10:00:00\nlantern,ben,2,2011-09-01 11:00:00\n"
        "mug-red,ann,3,2011-09-08 10:00:00\nmug-blue,ann,3,2011-09-08 10:00:00\nlantern,eve,4,2011-09-09 10:00:00\n"
    )
    arguments = ["--task", "recommend", "--items", items, "--events", log, "--map", "id=sku", "--map", "title=name",
                 "--map", "item=sku", "--map", "ts=bought", "--map", "price=cents", "--type", "purchase", "--every",
                 "7d", "--start", "2011-09-08", "--report", tmp_path / "report"]  # fmt: skip
    done = run("replay", *arguments)
    assert done.code == 0, done.err
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    groups = ("all", "known", "new_items", "known_new_items")
    assert [report["overall"][group]["n"] for group in groups] == [2, 1, 2, 1]
    lines = done.out.splitlines()
    assert lines[0].split()[:3] == ["recall@10", "/", "nDCG@10"]
    assert [line.split()[0] for line in lines[1:4]] == ["learning", "popularity", "popularity_30d"]
    assert next(line for line in lines if line.startswith("people")).split()[1:] == ["2", "1", "2", "1"]
    assert lines[-1].endswith("replay.html")
