"""Keep the shop's synonyms and rules as last read, ready for use; any process may change them."""

from __future__ import annotations

from dataclasses import dataclass

from shelfwise.caching import CachedBy
from shelfwise.curation.rule_index import RuleIndex
from shelfwise.query.synonyms import Synonyms
from shelfwise.store import Store

__all__ = ["CurationCache", "CurationSnapshot"]


@dataclass(frozen=True, slots=True)
class CurationSnapshot:
    """Synonyms and rules as of one moment."""

    synonyms: Synonyms
    rules: RuleIndex


class CurationCache:
    """The newest snapshot of a shop's synonyms and rules. Safe for several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._snapshot = CachedBy[CurationSnapshot]()

    def current(self) -> CurationSnapshot:
        """Return the snapshot, read again after a change: one look-up when nothing changed."""
        # The number is read before the lists: a change that comes between makes them be read again.
        return self._snapshot.get(self._read, self._store.curation_seq())

    def _read(self) -> CurationSnapshot:
        pairs = ((pair.word, pair.means, pair.two_way) for pair in self._store.synonyms.all())
        return CurationSnapshot(Synonyms(pairs), RuleIndex(self._store.rules.all()))
