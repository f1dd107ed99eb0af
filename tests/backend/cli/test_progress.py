"""Progress bars: any order of stages is fine, and every stage closes its own."""

from __future__ import annotations

import pytest

from shelfwise.cli.progress import ProgressBars, RowCounter


def test_stages_follow_each_other_and_come_again(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBars() as bars:
        for stage, total in (("train", 3), ("export", 1), ("encode", 2), ("encode", 2), ("train", 1), ("empty", 0)):
            for done in range(total + 1):
                bars(stage, done, total)
    shown = capsys.readouterr().err
    assert "learning" in shown
    assert "encoding items" in shown
    assert "empty" not in shown


def test_a_replay_shows_its_days_only(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBars(only="replay") as bars:
        bars("train", 1, 2)
        bars("replay", 1, 2)
    shown = capsys.readouterr().err
    assert "days" in shown
    assert "learning" not in shown


def test_counter_counts_rows(capsys: pytest.CaptureFixture[str]) -> None:
    with RowCounter("items") as counter:
        counter(500)
        counter(20)
    assert "520 rows" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("pace", "budget_seconds", "printed"),
    [
        ({}, None, ""),
        ({"collect": 0.4, "train": 4.0}, None, ""),
        ({"train": 41.0, "judge": 2.2}, None, "about 43 s by last night's pace\n"),
        ({"train": 200.0, "judge": 40.0}, None, "about 4 min by last night's pace\n"),
        ({"train": 200.0, "judge": 40.0}, 120.0, "about 2 min by last night's pace\n"),
        ({"train": 4_500.0}, None, "about 1 h 15 min by last night's pace\n"),
    ],
)
def test_how_long_it_will_take(
    capsys: pytest.CaptureFixture[str], pace: dict[str, float], budget_seconds: float | None, printed: str
) -> None:
    with ProgressBars(pace=pace) as bars:
        bars.print_estimate(budget_seconds)
    assert capsys.readouterr() == ("", printed)


def test_a_bar_tells_what_comes_after_it(capsys: pytest.CaptureFixture[str]) -> None:
    pace = {"collect": 9.0, "train": 60.0, "export": 5.0, "judge": 7.0, "publish": 0.3}
    for stage, then in (("train", "then about 12 s"), ("judge", None), ("encode", None)):
        with ProgressBars(pace=pace) as bars:
            for done in (0, 1):
                bars(stage, done, 1)
        shown = capsys.readouterr().err
        assert ("then about" in shown) == (then is not None)
        assert (then or "") in shown


@pytest.mark.parametrize(("stage", "label"), [("export", "exporting the encoder"), ("else", "else")])
def test_stages_have_names(capsys: pytest.CaptureFixture[str], stage: str, label: str) -> None:
    with ProgressBars() as bars:
        bars(stage, 1, 1)
    assert f"{label}: 100%" in capsys.readouterr().err
