"""Progress bars: any order of stages is fine, and every stage closes its own."""

from __future__ import annotations

import pytest

from shelfwise.cli.bars import Bars, Counter


def test_stages_follow_each_other_and_come_again(capsys: pytest.CaptureFixture[str]) -> None:
    with Bars() as bars:
        for stage, total in (("train", 3), ("export", 1), ("encode", 2), ("encode", 2), ("train", 1), ("empty", 0)):
            for done in range(total + 1):
                bars(stage, done, total)
    shown = capsys.readouterr().err
    assert "learning" in shown
    assert "encoding items" in shown
    assert "empty" not in shown


def test_a_replay_shows_its_days_only(capsys: pytest.CaptureFixture[str]) -> None:
    with Bars(only="replay") as bars:
        bars("train", 1, 2)
        bars("replay", 1, 2)
    shown = capsys.readouterr().err
    assert "days" in shown
    assert "learning" not in shown


def test_counter_counts_rows(capsys: pytest.CaptureFixture[str]) -> None:
    with Counter("items") as counter:
        counter(500)
        counter(20)
    assert "520 rows" in capsys.readouterr().err
