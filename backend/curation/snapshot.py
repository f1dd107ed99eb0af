"""What the shop says about words and hits, as this process last read it: its synonyms and its rules, ready for use."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from shelfwise.curation.rule_index import RuleIndex
from shelfwise.query.synonyms import Synonyms
from shelfwise.store import Store

__all__ = ["CurationCache", "CurationSnapshot"]


@dataclass(frozen=True, slots=True)
class CurationSnapshot:
    """A snapshot; `seq` is the number of the last change in it."""

    seq: int
    synonyms: Synonyms
    rules: RuleIndex


class CurationCache:
    """Follows the shop, whichever process changes it. Safe for several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._guard = threading.Lock()
        self._sayings = CurationSnapshot(-1, Synonyms(), RuleIndex())

    def current(self) -> CurationSnapshot:
        """What is said now: one look-up when nothing changed."""
        if self._store.curation_seq() != self._sayings.seq:
            with self._guard:
                self._read()
        return self._sayings

    def _read(self) -> None:
        seq = self._store.curation_seq()  # first: a change that comes while the lists are read makes them be read again
        if seq != self._sayings.seq:
            pairs = ((one.word, one.means, one.two_way) for one in self._store.synonyms.all())
            self._sayings = CurationSnapshot(seq, Synonyms(pairs), RuleIndex(self._store.rules.all()))
