"""The filter in a results page's address: what a visitor chose of the facets, and the text that says the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from shelfwise.catalogue.dictionary import comparison_key
from shelfwise.catalogue.filter_parser import parse, to_text
from shelfwise.catalogue.filter_values import quote
from shelfwise.catalogue.filters import And, Condition, Filter, Not, Or

__all__ = ["FacetChoices"]

_NAMES = ("category", "brand", "price", "stock")
_QUOTED = ("category", "brand")


@dataclass(frozen=True, slots=True)
class FacetChoices:
    """`chosen`: facet → its values, as a visitor reads them; `rest`: the text of what else the filter says."""

    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rest: str = ""

    @classmethod
    def read(cls, text: str) -> FacetChoices:
        """Return the conditions on facets that a filter's text demands, and the rest. Raises InvalidInput.

        A facet in two conditions stays in the rest: an item has to meet both, while of values chosen one is enough.
        """
        filter = parse(text)
        parts = filter.parts if isinstance(filter, And) else (filter,)
        chosen = [part for part in parts if isinstance(part, Condition) and part.name in _NAMES]
        if max(Counter(part.name for part in chosen).values(), default=0) > 1:
            return cls(rest=_part_text(filter))
        rest = " ".join(_part_text(part) for part in parts if part not in chosen)
        return cls({part.name: part.written for part in chosen}, rest)

    def has(self, name: str, value: str) -> bool:
        """Return whether a value is among those chosen, however it is spelt."""
        return comparison_key(value) in map(comparison_key, self.chosen.get(name, ()))

    def only(self, name: str, *values: str) -> FacetChoices:
        """Return the choices with these values of the facet and no others of it; with none, without the facet."""
        others = {other: chosen for other, chosen in self.chosen.items() if other != name}
        return FacetChoices(others | ({name: values} if values else {}), self.rest)

    def also(self, name: str, value: str) -> FacetChoices:
        """Return the choices with one more value of the facet."""
        return self.only(name, *self.chosen.get(name, ()), value)

    def without(self, name: str, value: str) -> FacetChoices:
        """Return the choices without this value, however it is spelt."""
        left_out = comparison_key(value)
        return self.only(name, *(kept for kept in self.chosen.get(name, ()) if comparison_key(kept) != left_out))

    def text(self) -> str:
        """Return the filter that says this; blank where all items pass."""
        conditions = [
            f"{name}:{','.join(map(quote, self.chosen[name]) if name in _QUOTED else self.chosen[name])}"
            for name in _NAMES
            if name in self.chosen
        ]
        return " ".join([*conditions, *([self.rest] if self.rest else [])])


def _part_text(part: Filter) -> str:
    """Return the text of a part, values as they were written, so that another condition can stand before it."""
    text = to_text(_as_written(part))
    return f"({text})" if isinstance(part, And | Or) else text


def _as_written(part: Filter) -> Filter:
    match part:
        case Condition(name, values, written):
            pairs = zip(values, written, strict=True)
            return Condition(name, tuple(text if isinstance(value, str) else value for value, text in pairs))
        case Not(negated):
            return Not(_as_written(negated))
        case And(parts) | Or(parts):
            return type(part)(tuple(map(_as_written, parts)))
