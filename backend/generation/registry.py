"""Generations on disk: publishing one so that no reader ever sees half of it, and opening one after checking it.

`generations/0007/` is immutable once published; `CURRENT` names the one to serve. What is inside is written by the
night (`trainer`) and read by `serving`; this file knows only folders, the manifest and the pointer.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shelfwise.errors import GenerationCorrupt, GenerationError, GenerationTooNew, InvalidInput, NotFound
from shelfwise.files import fsync, locked, sha256_of, write_atomically

__all__ = ["FORMAT", "NIGHT_LOCK", "WORK", "Generation", "GenerationRegistry", "copy_part", "link_or_copy"]

NIGHT_LOCK, WORK = "night.lock", "work"  # in the shop's folder: held by whoever makes a generation, and where it works

FORMAT = 1
_KEEP = 5
_CARD, _CURRENT = "card.json", "CURRENT"


@dataclass(frozen=True, slots=True)
class Generation:
    """A published generation: its folder and its card."""

    number: int
    folder: Path
    card: dict[str, Any]

    def has_part(self, part: str) -> bool:
        """Whether it has the part at all: what is learned from searches may be absent."""
        return any(name.startswith(part + "/") for name in self.card["manifest"])

    def verified_path(self, part: str) -> Path:
        """The folder `part`, after every file in it was compared with the manifest. Raises GenerationCorrupt."""
        manifest: dict[str, str] = self.card["manifest"]
        names = [name for name in manifest if name.startswith(part + "/")]
        if not names:
            raise GenerationCorrupt(f"generation {self.number} holds no part {part!r}")
        self._compare(names)
        return self.folder / part

    def verify(self) -> None:
        """Compare every file with the manifest. Raises GenerationCorrupt."""
        self._compare(self.card["manifest"])

    def _compare(self, names: Iterable[str]) -> None:
        for name in names:
            path = self.folder / name
            if not path.is_file() or sha256_of(path) != self.card["manifest"][name]:
                raise GenerationCorrupt(
                    f"generation {self.number}: {name} is missing or damaged;"
                    " `shelfwise rollback` returns to the one before, `shelfwise increment` makes a new one"
                )


class GenerationRegistry:
    def __init__(self, shop_folder: Path) -> None:
        self.folder = shop_folder / "generations"
        self._publish_lock = shop_folder / "publish.lock"

    def current(self) -> int | None:
        """The number that CURRENT names; None before the first generation. Cheap: one small read."""
        try:
            return int((self.folder / _CURRENT).read_text())
        except FileNotFoundError:
            return None
        except ValueError:
            raise GenerationCorrupt(
                f"{self.folder / _CURRENT} holds no number; write one of {self.numbers()}"
            ) from None

    def numbers(self) -> list[int]:
        """The published generations on disk, oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(int(path.name) for path in self.folder.iterdir() if re.fullmatch(r"\d{4,}", path.name))

    def open(self, number: int) -> Generation:
        """Raises NotFound, GenerationCorrupt (no readable card) or GenerationTooNew."""
        folder = self.folder / _name(number)
        if not folder.is_dir():
            raise NotFound(f"there is no generation {number}; on disk are {self.numbers()}", "generation")
        try:
            card = json.loads((folder / _CARD).read_text())
            format_ = int(card["format"])
            if format_ <= FORMAT:  # what every reader relies on; a newer format may have other names for it
                _ = dict(card["manifest"]), card["parent"]
        except (OSError, ValueError, KeyError, TypeError):
            raise GenerationCorrupt(f"generation {number} has no readable {_CARD}") from None
        if format_ > FORMAT:
            raise GenerationTooNew(
                f"generation {number} has format {format_}, this shelfwise reads up to {FORMAT}: upgrade shelfwise"
            )
        return Generation(number, folder, card)

    def was_rolled_back(self) -> bool:
        """Whether an older generation serves than the newest on disk."""
        current = self.current()
        return current is not None and current < max(self.numbers(), default=current)

    def create_folder(self, after: int = -1) -> tuple[int, Path]:
        """The next number and an empty folder to fill; only under the night's lock. Sweeps what a killed night left.

        `after` is the highest number that was ever given (`store.people.last_generation()`): the folders of the
        newest may be gone, and a number is never given twice.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.remove_unfinished()
        number = max([after, *self.numbers()]) + 1
        folder = self.folder / f".tmp-{number}"
        folder.mkdir()
        return number, folder

    def remove_unfinished(self) -> None:
        """Remove unfinished generations; only under the night's lock."""
        if self.folder.is_dir():
            for path in self.folder.glob(".tmp-*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            with locked(self._publish_lock):
                for path in self.folder.glob(f".{_CURRENT}-*"):
                    path.unlink()

    def publish(
        self,
        number: int,
        folder: Path,
        card: dict[str, Any],
        *,
        parent: int | None,
        current: int | None,
        point: bool = True,
    ) -> Generation:
        """Seal the folder with its card and manifest, and move CURRENT to it, unless it is to be a parent only.

        Raises GenerationCorrupt when CURRENT is no longer `current` (somebody rolled back meanwhile).
        """
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        card = {"format": FORMAT, "generation": number, "parent": parent} | card
        card["manifest"] = {name: sha256_of(folder / name) for name in names}
        (folder / _CARD).write_text(json.dumps(card, indent=1))
        for path in [*folder.rglob("*"), folder]:
            fsync(path)
        with locked(self._publish_lock):
            if self.current() != current:
                raise GenerationCorrupt(f"CURRENT moved from {current} to {self.current()} during the night")
            final = self.folder / _name(number)
            folder.rename(final)
            fsync(self.folder)
            if point:
                self._point_to(number)
        return Generation(number, final, card)

    def latest_valid(self, exclude: Collection[int] = frozenset()) -> Generation | None:
        """The current generation if all its files are sound, else the newest older one that is; None without any.

        `but` names generations that nothing may be made from any more: they learned from people erased since.
        """
        current = self.current()
        for number in reversed(self.numbers()):
            if current is not None and number <= current and number not in exclude:
                try:
                    generation = self.open(number)
                    generation.verify()
                except GenerationError:
                    continue
                return generation
        return None

    def base_model(self) -> str | None:
        """The model that the newest readable generation descends from; None without any."""
        for number in reversed(self.numbers()):
            with suppress(GenerationError):
                base: str | None = self.open(number).card.get("base")
                return base
        return None

    def rollback(self, to: int | None = None, exclude: Collection[int] = frozenset()) -> int:
        """Point CURRENT to `to`, or to the nearest ancestor of the current generation; returns the number.

        `but` names generations that may not serve again, and are passed over. Raises NotFound, or InvalidInput when
        `to` is among them.
        """
        with locked(self._publish_lock):
            current = self.current()
            if current is None:
                raise NotFound("there is no generation yet, so nothing to roll back to", "generation")
            target = self._before(current, exclude) if to is None else to
            if target is None:
                clean = " without erased people" if exclude else ""
                raise NotFound(f"generation {current} is the first; there is none before it{clean}", "generation")
            if target in exclude:
                raise InvalidInput(
                    f"generation {target} learned from a person who was erased since, and may not serve again",
                    "generation",
                )
            self.open(target)
            self._point_to(target)
        return int(target)

    def _before(self, number: int, exclude: Collection[int]) -> int | None:
        """The nearest ancestor that is not among `but`; the next older on disk where a card can't be read."""
        try:
            parent: int | None = self.open(number).card["parent"]
        except (GenerationError, NotFound):
            parent = max((older for older in self.numbers() if older < number), default=None)
        return parent if parent is None or parent not in exclude else self._before(parent, exclude)

    def prune(self, keep: int = _KEEP, retire: Collection[int] = frozenset()) -> None:
        """Delete all but the newest generations, the current one and its parent; only under the night's lock.

        Condemned ones are deleted whatever their age, and only the current one is spared, for it serves.
        """
        current = self.current()
        parent = self.open(current).card["parent"] if current is not None else None
        fit = [number for number in self.numbers() if number not in retire]
        kept = {current, *fit[-keep:], *([parent] if parent in fit else [])}
        for number in self.numbers():
            if number not in kept:
                shutil.rmtree(self.folder / _name(number))

    def _point_to(self, number: int) -> None:
        write_atomically(self.folder / _CURRENT, lambda path: path.write_text(_name(number) + "\n"))


def link_or_copy(source: Path, target: Path) -> None:
    """A file of an immutable generation again in the next one: a hard link, or a copy where there are none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def copy_part(parent: Generation, part: str, folder: Path) -> None:
    """Carry a whole part of the parent over to the folder of its child."""
    source = parent.verified_path(part)
    files: Iterable[Path] = (path for path in source.rglob("*") if path.is_file())
    for path in files:
        link_or_copy(path, folder / part / path.relative_to(source))


def _name(number: int) -> str:
    return f"{number:04d}"
