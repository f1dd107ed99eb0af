"""The folder of a training: what other trainings and killed processes left in it is removed."""

from __future__ import annotations

from pathlib import Path

from shelfwise.trainer.encoder.checkpoints import open_run_folder


def test_open_run_folder_removes_what_others_and_killed_processes_left(tmp_path: Path) -> None:
    own, other = "0" * 16, "1" * 16
    for name in (f"{other}/best.pt", f"{own}/best.pt", f"{own}/.best.pt-123", f"{own}/.keep", f"{own}/checkpoint-5/a"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    folder = open_run_folder(tmp_path, own)
    assert [path.name for path in tmp_path.iterdir()] == [own] == [folder.name]
    assert sorted(path.name for path in folder.iterdir()) == [".keep", "best.pt", "checkpoint-5"]
    assert list(open_run_folder(tmp_path / "new", own).iterdir()) == []
