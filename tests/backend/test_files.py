"""A lock between processes and threads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shelfwise.files import locked


def test_only_one_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.lock"
    with locked(path) as mine, locked(path, wait=False) as second:
        assert (mine, second) == (True, False)
    with locked(path, wait=False) as mine:
        assert mine


def test_it_is_let_go_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), locked(tmp_path / "a.lock"):
        raise RuntimeError
    with locked(tmp_path / "a.lock", wait=False) as mine:
        assert mine


def test_the_kernel_releases_it_when_its_holder_is_killed(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from shelfwise.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
    command = [sys.executable, "-P", "-c", program, str(tmp_path / "a.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with locked(tmp_path / "a.lock", wait=False) as mine:
            assert not mine
        holder.kill()
        holder.wait()
    with locked(tmp_path / "a.lock", wait=False) as mine:
        assert mine
