"""The filter in a results page's address: what a shopper chose of the facets, and the text that says the same.

Read is only what the page's own links write, conditions in a row; of any other filter the page knows the text, and
keeps it. Whether a filter is one at all is for `shelfwise.catalogue.filter_parser` to judge, which reads the address
itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from shelfwise.catalogue.dictionary import key
from shelfwise.text.normalize import casefold_nfkc

__all__ = ["FacetChoices"]

_TEXTS = ("category", "brand")  # written in quotes; what is chosen of the others needs none
_NAMES = (*_TEXTS, "price", "stock")
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_VALUE = rf'(?:{_QUOTED}|[^\s"(),:]+)'
_CONDITION = re.compile(rf"(?P<name>{_VALUE}):(?P<values>{_VALUE}(?:,{_VALUE})*)(?:\s+|$)", re.DOTALL)
_EACH = re.compile(_VALUE, re.DOTALL)


@dataclass(frozen=True, slots=True)
class FacetChoices:
    """`chosen`: facet → its values, as a shopper reads them; `rest`: what else the filter says, as it stands."""

    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rest: str = ""

    @classmethod
    def read(cls, text: str) -> FacetChoices:
        """What a filter's text says: conditions in a row, then at most a group. Any other is all rest."""
        text = text.strip()
        chosen: dict[str, tuple[str, ...]] = {}
        rest, position = [], 0
        while found := _CONDITION.match(text, position):
            name = casefold_nfkc(found["name"])
            if name in chosen:  # it has to meet both, and a choice of both would let either pass
                return cls(rest=_as_group(text))
            if name in _NAMES:
                chosen[name] = tuple(map(_plain, _EACH.findall(found["values"])))
            else:
                rest.append(found[0].strip())
            position = found.end()
        if position < len(text) and not _is_group(text[position:]):
            return cls(rest=_as_group(text))
        return cls(chosen, " ".join(filter(None, [*rest, text[position:]])))

    def has(self, name: str, value: str) -> bool:
        """Whether a value is among those chosen, however it is spelt."""
        return key(value) in map(key, self.chosen.get(name, ()))

    def only(self, name: str, *values: str) -> FacetChoices:
        """The same with these values of the facet and no others; with none, without the facet."""
        others = {other: chosen for other, chosen in self.chosen.items() if other != name}
        return FacetChoices(others | ({name: values} if values else {}), self.rest)

    def also(self, name: str, value: str) -> FacetChoices:
        """The same, and this value beside those chosen of its facet."""
        return self.only(name, *self.chosen.get(name, ()), value)

    def without(self, name: str, value: str) -> FacetChoices:
        """The same, but for this value."""
        return self.only(name, *(other for other in self.chosen.get(name, ()) if key(other) != key(value)))

    def text(self) -> str:
        """The filter that says this; blank where all items pass."""
        conditions = [
            f"{name}:{','.join(_quoted(value) if name in _TEXTS else value for value in self.chosen[name])}"
            for name in _NAMES
            if name in self.chosen
        ]
        return " ".join([*conditions, *([self.rest] if self.rest else [])])


def _quoted(value: str) -> str:
    escaped = re.sub(r'(["\\])', r"\\\1", value)
    return f'"{escaped}"'


def _plain(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL) if value.startswith('"') else value


def _as_group(text: str) -> str:
    """The text in parentheses, so that a condition can stand before it."""
    return text if _is_group(text) else f"({text})"


def _is_group(text: str) -> bool:
    """Whether the text is in parentheses as a whole."""
    bare = re.sub(_QUOTED, "", text, flags=re.DOTALL)
    depths = list(accumulate((sign == "(") - (sign == ")") for sign in bare))
    return bare.startswith("(") and 0 in depths and depths.index(0) == len(depths) - 1
