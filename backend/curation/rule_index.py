"""The rules of a shop by what a query must say, so that a search looks only at those that could apply to it."""

from __future__ import annotations

from collections.abc import Iterable

from shelfwise.curation.validation import query_words
from shelfwise.store import Rule

__all__ = ["RuleIndex"]


class RuleIndex:
    """Immutable. `exact` is the whole query in its order, `contains` all words of the rule in any order."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._any: list[Rule] = []
        self._exact: dict[tuple[str, ...], list[Rule]] = {}
        self._containing: dict[str, list[tuple[frozenset[str], Rule]]] = {}  # by one of the words
        for rule in rules:
            words = query_words(rule.query or "")
            if rule.match == "any":
                self._any.append(rule)
            elif rule.match == "exact":
                self._exact.setdefault(words, []).append(rule)
            elif words:
                self._containing.setdefault(max(words, key=len), []).append((frozenset(words), rule))

    def applying(self, queries: Iterable[str], now: float) -> list[Rule]:
        """The rules that hold at `now` (epoch seconds) for any of these readings of one query, oldest first."""
        found = {rule.id: rule for rule in self._any}
        for query in queries:
            words = query_words(query)
            found |= {rule.id: rule for rule in self._exact.get(words, ())}
            asked = frozenset(words)
            for word in asked:
                found |= {rule.id: rule for needed, rule in self._containing.get(word, ()) if needed <= asked}
        return [found[id] for id in sorted(found) if _holds(found[id], now)]


def _holds(rule: Rule, now: float) -> bool:
    return (rule.starts is None or rule.starts <= now) and (rule.ends is None or now < rule.ends)
