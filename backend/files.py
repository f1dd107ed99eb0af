"""Locks between processes, hashes of files, and writing a file so that a crash leaves the old or the new one."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["fsync", "link_or_copy", "locked", "sha256_of", "write_atomically"]


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock file at `path` within the block; yield whether it was acquired (always True with `wait`)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True


def sha256_of(path: Path) -> str:
    """Return the file's sha256 in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fsync(path: Path) -> None:
    """Force a file, or a folder's list of names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Write `path` whole or not at all: `write` fills a file beside it, which is synced and takes its place.

    The file beside it is `.NAME-PID`, so that the removal of a night's `.tmp-*` folders leaves it alone; it is removed
    when `write` fails.
    """
    unfinished = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        write(unfinished)
        fsync(unfinished)
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    fsync(path.parent)


def link_or_copy(source: Path, target: Path) -> None:
    """Make `target` a hard link to an immutable file, or a copy where the disk has no hard links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
