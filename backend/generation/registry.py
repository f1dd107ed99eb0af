"""Publish generations so that no reader ever sees half of one, open them, and roll back.

`generations/0007/` is immutable once published; `CURRENT` names the one to serve. What is inside is written by the
night (`trainer`) and read by `serving`; this file knows only folders, the card and the pointer.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from shelfwise.errors import GenerationCorrupt, GenerationError, GenerationTooNew, InvalidInput, NotFound
from shelfwise.files import fsync, link_or_copy, locked, sha256_of, write_atomically
from shelfwise.generation.card import FORMAT, GenerationCard

__all__ = ["NIGHT_LOCK", "WORK", "Generation", "GenerationRegistry", "copy_part"]

# In the shop's folder: the lock of the process that makes a generation, and the folder that it works in
NIGHT_LOCK, WORK = "night.lock", "work"

_KEPT_GENERATIONS = 5
_CARD, _CURRENT = "card.json", "CURRENT"


@dataclass(frozen=True, slots=True)
class Generation:
    """A published generation: its folder and its card."""

    number: int
    folder: Path
    card: GenerationCard

    def has_part(self, part: str) -> bool:
        """Return whether the folder `part` is in it; those learned from searches may be absent."""
        return bool(self._files(part))

    def verified_path(self, part: str) -> Path:
        """Return the folder `part` after comparing every file in it with the manifest. Raises GenerationCorrupt."""
        names = self._files(part)
        if not names:
            raise GenerationCorrupt(f"generation {self.number}: expected the part {part!r}, got none")
        self._compare(names)
        return self.folder / part

    def verify(self) -> None:
        """Compare every file with the manifest. Raises GenerationCorrupt."""
        self._compare(self.card.manifest)

    def _files(self, part: str) -> list[str]:
        return [name for name in self.card.manifest if name.startswith(part + "/")]

    def _compare(self, names: Iterable[str]) -> None:
        for name in names:
            path = self.folder / name
            if not path.is_file() or sha256_of(path) != self.card.manifest[name]:
                raise GenerationCorrupt(
                    f"generation {self.number}: expected {name} as published, got it missing or damaged;"
                    " `shelfwise rollback` returns to the one before, `shelfwise increment` makes a new one"
                )


class GenerationRegistry:
    """The generations in a shop's folder, and the pointer to the current one."""

    def __init__(self, shop_folder: Path) -> None:
        self.folder = shop_folder / "generations"
        self._publish_lock = shop_folder / "publish.lock"

    def current(self) -> int | None:
        """Return the number that CURRENT names, None before the first generation; one small read.

        Raises GenerationCorrupt when it names no number.
        """
        try:
            return int((self.folder / _CURRENT).read_text())
        except FileNotFoundError:
            return None
        except ValueError:
            raise GenerationCorrupt(
                f"{self.folder / _CURRENT}: expected a generation's number; write one of {self.numbers()}"
            ) from None

    def numbers(self) -> list[int]:
        """Return the numbers of the published generations on disk, oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(int(path.name) for path in self.folder.iterdir() if re.fullmatch(r"\d{4,}", path.name))

    def open(self, number: int) -> Generation:
        """Open a generation by its number. Raises NotFound, GenerationTooNew, or GenerationCorrupt without a card."""
        folder = self.folder / _name(number)
        if not folder.is_dir():
            raise NotFound(f"generation: expected one of {self.numbers()}, got {number}", "generation")
        try:
            values = json.loads((folder / _CARD).read_text())
            if (card_format := int(values["format"])) > FORMAT:  # it may have other names for the rest
                raise GenerationTooNew(
                    f"generation {number}: expected format {FORMAT} at most, got {card_format}: upgrade shelfwise"
                )
            return Generation(number, folder, GenerationCard.from_dict(values | {"generation": number}))
        except (OSError, AttributeError, ValueError, KeyError, TypeError):
            raise GenerationCorrupt(f"generation {number}: expected a readable {_CARD}, got none") from None

    def was_rolled_back(self) -> bool:
        """Return whether the newest generation on disk is not the current one."""
        current = self.current()
        return current is not None and current < max(self.numbers(), default=current)

    def create_folder(self, after: int = -1) -> tuple[int, Path]:
        """Return the next number and an empty folder to fill; only under the night's lock.

        `after` is the highest number that was ever given (`store.personal_data.last_generation()`): the folders of the
        newest may be gone, and a number is never given twice. Folders of unfinished generations are removed.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.remove_unfinished()
        number = max([after, *self.numbers()]) + 1
        folder = self.folder / f".tmp-{number}"
        folder.mkdir()
        return number, folder

    def remove_unfinished(self) -> None:
        """Remove the folders of unfinished generations; only under the night's lock."""
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
        card: GenerationCard,
        *,
        parent: int | None,
        current: int | None,
        point: bool = True,
    ) -> Generation:
        """Write the card with the manifest into the folder, name the folder by its number, and move CURRENT to it.

        Raises GenerationCorrupt when CURRENT moved meanwhile, by a rollback.

        Args:
            number: as `create_folder` gave it.
            folder: as `create_folder` gave it, filled.
            card: without number, parent and manifest.
            parent: the generation that it was made from; None for the base model.
            current: the generation that CURRENT named when the work began.
            point: False for a generation that is to be a parent only.
        """
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        manifest = {name: sha256_of(folder / name) for name in names}
        card = replace(card, number=number, parent=parent, manifest=manifest)
        (folder / _CARD).write_text(json.dumps(card.to_dict(), indent=1))
        for path in [*folder.rglob("*"), folder]:
            fsync(path)
        with locked(self._publish_lock):
            if self.current() != current:
                raise GenerationCorrupt(f"CURRENT: expected {current} as when the night began, got {self.current()}")
            final = self.folder / _name(number)
            folder.rename(final)
            fsync(self.folder)
            if point:
                self._point_to(number)
        return Generation(number, final, card)

    def latest_valid(self, exclude: Collection[int] = frozenset()) -> Generation | None:
        """Return the current generation if all its files are intact, else the newest older one, or None without any.

        `exclude` names generations that nothing may be made from any more: they learned from people erased since.
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
        """Return the name of the model that the newest readable generation descends from; None without any."""
        for number in reversed(self.numbers()):
            with suppress(GenerationError):
                return self.open(number).card.base
        return None

    def rollback(self, to: int | None = None, exclude: Collection[int] = frozenset()) -> int:
        """Point CURRENT to `to`, or to the nearest ancestor of the current generation, and return the number.

        `exclude` names generations that may not serve again, and are passed over. Raises NotFound, or InvalidInput when
        `to` is among them.
        """
        with locked(self._publish_lock):
            current = self.current()
            if current is None:
                raise NotFound("generation: expected a current one to roll back from, got none", "generation")
            target = self._before(current, exclude) if to is None else to
            if target is None:
                clean = " that learned from no erased person" if exclude else ""
                raise NotFound(f"generation: expected one before {current}{clean}, got none", "generation")
            if target in exclude:
                raise InvalidInput(
                    f"generation: expected one that learned from no erased person, got {target}", "generation"
                )
            self.open(target)
            self._point_to(target)
        return int(target)

    def _before(self, number: int, exclude: Collection[int]) -> int | None:
        """Return the nearest ancestor outside `exclude`; the next older on disk where a card can't be read."""
        try:
            parent = self.open(number).card.parent
        except (GenerationError, NotFound):
            parent = max((older for older in self.numbers() if older < number), default=None)
        return parent if parent is None or parent not in exclude else self._before(parent, exclude)

    def prune(self, keep: int = _KEPT_GENERATIONS, retire: Collection[int] = frozenset()) -> None:
        """Delete all but the newest generations, the current one and its parent; only under the night's lock.

        Those in `retire` are deleted whatever their age, unless one of them is current, for it serves.
        """
        current = self.current()
        parent = self.open(current).card.parent if current is not None else None
        allowed = [number for number in self.numbers() if number not in retire]
        kept = {current, *allowed[-keep:], *([parent] if parent in allowed else [])}
        for number in self.numbers():
            if number not in kept:
                shutil.rmtree(self.folder / _name(number))

    def _point_to(self, number: int) -> None:
        write_atomically(self.folder / _CURRENT, lambda path: path.write_text(_name(number) + "\n"))


def copy_part(parent: Generation, part: str, folder: Path) -> None:
    """Link or copy a whole part of the parent into the folder of a new generation."""
    source = parent.verified_path(part)
    for path in source.rglob("*"):
        if path.is_file():
            link_or_copy(path, folder / part / path.relative_to(source))


def _name(number: int) -> str:
    return f"{number:04d}"
