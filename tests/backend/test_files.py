"""Locks between processes and threads, and files written whole or not at all."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shelfwise.files import link_or_copy, locked, sha256_of, write_atomically


def test_sha256_of_is_in_hexadecimal(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"mug")
    assert sha256_of(tmp_path / "a") == hashlib.sha256(b"mug").hexdigest()


def test_write_atomically_replaces_the_file(tmp_path: Path) -> None:
    for text in ("old", "new"):
        write_atomically(tmp_path / "a", lambda path, text=text: path.write_text(text))  # type: ignore[misc]
        assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": text}


def test_write_atomically_keeps_the_file_after_an_error(tmp_path: Path) -> None:
    def write(path: Path) -> None:
        path.write_text("half")
        raise OSError("no room")

    (tmp_path / "a").write_text("old")
    with pytest.raises(OSError, match="no room"):
        write_atomically(tmp_path / "a", write)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old"}


def test_locked_is_held_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.lock"
    with locked(path) as acquired, locked(path, wait=False) as second:
        assert (acquired, second) == (True, False)
    with locked(path, wait=False) as acquired:
        assert acquired


def test_locked_is_released_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), locked(tmp_path / "a.lock"):
        raise RuntimeError
    with locked(tmp_path / "a.lock", wait=False) as acquired:
        assert acquired


def test_locked_is_released_when_its_holder_is_killed(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from shelfwise.files import locked, sha256_of, write_atomically
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
    command = [sys.executable, "-P", "-c", program, str(tmp_path / "a.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with locked(tmp_path / "a.lock", wait=False) as acquired:
            assert not acquired
        holder.kill()
        holder.wait()
    with locked(tmp_path / "a.lock", wait=False) as acquired:
        assert acquired


def test_link_or_copy_without_hard_links_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("no hard links here")

    monkeypatch.setattr("os.link", refuse)
    (tmp_path / "a").write_text("content")
    link_or_copy(tmp_path / "a", tmp_path / "deep" / "b")
    (tmp_path / "a").write_text("other")
    assert (tmp_path / "deep" / "b").read_text() == "content"
