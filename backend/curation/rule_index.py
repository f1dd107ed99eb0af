"""Find the rules that apply to a query: indexed by its words, their filters parsed once."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, fields

from shelfwise.catalogue.filter_parser import parse
from shelfwise.catalogue.filters import Filter
from shelfwise.curation.validation import query_words
from shelfwise.errors import InvalidInput
from shelfwise.store import Rule

__all__ = ["PreparedRule", "RuleIndex"]


@dataclass(frozen=True, slots=True)
class PreparedRule(Rule):
    """A rule with its filter parsed: None where it has none, or one of a grammar that is not read any more."""

    parsed_filter: Filter | None = None

    @classmethod
    def of(cls, rule: Rule) -> PreparedRule:
        """Return the rule with its filter parsed."""
        parsed = None
        if rule.filter is not None:
            with suppress(InvalidInput):
                parsed = parse(rule.filter)
        return cls(**{field.name: getattr(rule, field.name) for field in fields(Rule)}, parsed_filter=parsed)


class RuleIndex:
    """Immutable. `exact` is the whole query in its order, `contains` all words of the rule in any order."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._any: list[PreparedRule] = []
        self._exact: dict[tuple[str, ...], list[PreparedRule]] = {}
        self._containing: dict[str, list[tuple[frozenset[str], PreparedRule]]] = {}  # by the longest of the words
        for rule in map(PreparedRule.of, rules):
            words = query_words(rule.query or "")
            if rule.match == "any":
                self._any.append(rule)
            elif rule.match == "exact":
                self._exact.setdefault(words, []).append(rule)
            elif words:
                self._containing.setdefault(max(words, key=len), []).append((frozenset(words), rule))

    def applying(self, queries: Iterable[str], now: float) -> list[PreparedRule]:
        """Return the rules that hold at `now` (epoch seconds) for any of these readings of a query, oldest first."""
        rules = {rule.id: rule for rule in self._any}
        for query in queries:
            words = query_words(query)
            rules |= {rule.id: rule for rule in self._exact.get(words, ())}
            for word in set(words):
                rules |= {rule.id: rule for needed, rule in self._containing.get(word, ()) if needed.issubset(words)}
        return [rules[id] for id in sorted(rules) if _holds(rules[id], now)]


def _holds(rule: Rule, now: float) -> bool:
    return (rule.starts is None or rule.starts <= now) and (rule.ends is None or now < rule.ends)
