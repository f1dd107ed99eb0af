"""Filters as text: `brand:Sony,HP price:10..50 NOT (tags:sale OR colour:red)`. docs/filters.md explains it.

A parser by hand, because its errors have to tell a shop owner where in an address the mistake is.
"""

from __future__ import annotations

import re
from typing import NoReturn

from shelfwise.catalogue.dictionary import Range
from shelfwise.catalogue.filter_values import expected_value, quote, read_value, write_value
from shelfwise.catalogue.filters import And, Condition, Filter, Not, Or
from shelfwise.errors import InvalidInput
from shelfwise.text.normalize import casefold_nfkc
from shelfwise.validation import is_encodable

__all__ = ["MAX_CHARACTERS", "MAX_CONDITIONS", "MAX_DEPTH", "parse", "to_text", "validate_name"]

MAX_CHARACTERS, MAX_CONDITIONS, MAX_DEPTH = 2_000, 100, 20

_BLANKS = re.compile(r"\s*")
_OPERATOR = re.compile(r"(and|or|not)(?=[\s()\"]|$)", re.IGNORECASE)
_NAME = re.compile(r"[^\s\"(),:]+")
_VALUE = re.compile(r"[\d.][^\s\"(),]*|[^\s\"(),:]+")  # a ':' as in 12:30; after letters it ends a name
_FOUND = re.compile(r"[^\s\"(),]{1,40}")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)

_ELSEWHERE = {
    "in_stock": "write stock:in or stock:out",
    "title": "ask for its words with q",
    "description": "ask for its words with q",
    **dict.fromkeys(("currency", "url", "image", "attributes"), "no item is chosen by it"),
}


def parse(text: str) -> Filter:
    """The filter that a text says; a blank one lets all items pass. Raises InvalidInput, naming the place."""
    if not isinstance(text, str) or not is_encodable(text):
        raise InvalidInput("filter: is no text, or holds a NUL character or a lone surrogate", "filter")
    if len(text) > MAX_CHARACTERS:
        raise InvalidInput(f"filter: has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read", "filter")
    return _Reader(text).read()


def to_text(filter: Filter) -> str:
    """Return the canonical text of a filter that `parse` returned: parsed again, it is equal.

    Words are folded and quoted only where needed, AND is left out. It may pass MAX_CHARACTERS where folding lengthens
    a text. Raises ValueError for a filter that no text stands for, such as an empty Or.
    """
    match filter:
        case Condition(name, values):
            return f"{quote(name)}:{','.join(write_value(name, value) for value in values)}"
        case Not(part):
            return f"NOT {_group(part, And, Or)}"
        case And(()):
            return ""
        case And(parts) if len(parts) > 1:
            return " ".join(_group(part, And, Or) for part in parts)
        case Or(parts) if len(parts) > 1:
            return " OR ".join(_group(part, Or) for part in parts)
    raise ValueError(f"filter: expected two parts or more in AND and OR, got {filter}")


def _group(part: Filter, *looser: type[Filter]) -> str:
    """Return the text of a part, in parentheses where it is of a type that binds no closer than what it stands in."""
    if part == And(()):
        raise ValueError("filter: expected a condition within AND, OR and NOT, got an empty AND")
    return f"({to_text(part)})" if isinstance(part, looser) else to_text(part)


def validate_name(name: str, parameter: str) -> None:
    """Raises InvalidInput for a field of every item that is no filter and no facet, and says what is."""
    if (instead := _ELSEWHERE.get(casefold_nfkc(name))) is not None:
        raise InvalidInput(f"{parameter}: there is none by {name!r}; {instead}", parameter)


class _Reader:
    """One text, read from left to right by recursive descent; `_at` is the place reached."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._conditions = 0

    def read(self) -> Filter:
        if not self._text.strip():
            return And(())
        found = self._either(depth=0)
        if self._at < len(self._text):
            self._fail("AND, OR or the end")
        return found

    def _either(self, depth: int) -> Filter:
        parts = [self._both(depth)]
        while self._operator("or"):
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _both(self, depth: int) -> Filter:
        parts = [self._one(depth)]
        while self._operator("and") or self._more():
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _one(self, depth: int) -> Filter:
        if depth > MAX_DEPTH:
            self._fail(f"at most {MAX_DEPTH} levels of NOT and parentheses")
        if self._operator("not"):
            return Not(self._one(depth + 1))
        if self._sign("("):
            within = self._either(depth + 1)
            if not self._sign(")"):
                self._fail("AND, OR or ')'")
            return within
        return self._condition()

    def _condition(self) -> Condition:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            self._fail(f"at most {MAX_CONDITIONS} conditions")
        start, expected = self._at, "a condition such as brand:Sony (words that belong together in quotes)"
        name, _ = self._word(_NAME, expected)
        if not self._follows(":"):
            self._at = start
            self._fail(expected)
        validate_name(name, "filter")
        name = casefold_nfkc(name)
        values = [self._value(name)]
        while self._sign(","):
            self._skip()
            values.append(self._value(name))
        return Condition(name, tuple(value for value, _ in values), tuple(written for _, written in values))

    def _value(self, name: str) -> tuple[str | Range, str]:
        start = self._at
        text, quoted = self._word(_VALUE, f"a value of {name!r}")
        if not quoted and self._text.startswith(":", self._at):
            self._fail("a blank before the next condition (a value with a ':' is written in quotes)")
        try:
            return read_value(name, text, quoted), text
        except ValueError:
            self._at = start
            self._fail(expected_value(name))

    def _word(self, bare: re.Pattern[str], expected: str) -> tuple[str, bool]:
        """A word or a text in quotes from here on, and whether it was in quotes."""
        if self._text.startswith('"', self._at):
            found = _QUOTED.match(self._text, self._at)
            if found is None:
                self._fail("a second quotation mark that ends the text")
            text = re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL)
        else:
            found = bare.match(self._text, self._at)
            text = found[0] if found else ""
        if found is None or not text.strip():
            self._fail(expected)
        self._at = found.end()
        return text, found[0].startswith('"')

    def _more(self) -> bool:
        """Whether another condition follows without AND."""
        self._skip()
        operator = _OPERATOR.match(self._text, self._at)
        ends = operator is not None and operator[1].lower() == "or"
        return not ends and self._at < len(self._text) and self._text[self._at] not in "),:"

    def _operator(self, name: str) -> bool:
        self._skip()
        found = _OPERATOR.match(self._text, self._at)
        if found is None or found[1].lower() != name:
            return False
        self._at = found.end()
        return True

    def _sign(self, sign: str) -> bool:
        self._skip()
        return self._follows(sign)

    def _follows(self, sign: str) -> bool:
        there = self._text.startswith(sign, self._at)
        self._at += there
        return there

    def _skip(self) -> None:
        found = _BLANKS.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _fail(self, expected: str) -> NoReturn:
        found = _FOUND.match(self._text, self._at)
        there = repr(found[0] if found else self._text[self._at]) if self._at < len(self._text) else "the end"
        raise InvalidInput(f"filter: at character {self._at + 1} there is {there}, expected {expected}", "filter")
