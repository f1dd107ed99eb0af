"""Filters as text: `brand:Sony,HP price:10..50 NOT (tags:sale OR colour:red)`. docs/filters.md explains it.

A parser by hand, because its errors have to tell a shop owner where in an address the mistake is. What the values of
each field are is `filter_values`' matter.
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

_OPERATOR = re.compile(r"(and|or|not)(?=[\s()\"]|$)", re.IGNORECASE)
_NAME = re.compile(r"[^\s\"(),:]+")
_VALUE = re.compile(r"[\d.][^\s\"(),]*|[^\s\"(),:]+")  # a ':' as in 12:30; after letters it ends a name
_EXCERPT = re.compile(r"[^\s\"(),]{1,40}")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)

_INSTEAD = {  # fields of every item that neither filters nor facets read
    "in_stock": "; write stock:in or stock:out",
    **dict.fromkeys(("title", "description"), "; ask for its words with q"),
    **dict.fromkeys(("currency", "url", "image", "attributes"), ""),
}


def parse(text: str) -> Filter:
    """Return the filter that a text stands for; a blank one lets all items pass.

    Raises InvalidInput, which names the position, what was expected there and what came.
    """
    if not isinstance(text, str) or not is_encodable(text):
        raise InvalidInput("filter: expected a text without NUL characters and lone surrogates", "filter")
    if len(text) > MAX_CHARACTERS:
        raise InvalidInput(f"filter: expected at most {MAX_CHARACTERS:,} characters, got {len(text):,}", "filter")
    return _Parser(text).parse()


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
    """Raise InvalidInput, which says what to use instead, for a field that neither filters nor facets read."""
    if (instead := _INSTEAD.get(casefold_nfkc(name))) is not None:
        raise InvalidInput(
            f"{parameter}: expected brand, category, price, stock, tags or an attribute, got {name!r}{instead}",
            parameter,
        )


class _Parser:
    """One text, read from left to right by recursive descent; `_at` is the position reached."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._conditions = 0

    def parse(self) -> Filter:
        """Return the filter of the whole text."""
        if not self._text.strip():
            return And(())
        filter = self._or(depth=0)
        if self._at < len(self._text):
            self._fail("AND, OR or the end")
        return filter

    def _or(self, depth: int) -> Filter:
        parts = [self._and(depth)]
        while self._take_operator("or"):
            parts.append(self._and(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _and(self, depth: int) -> Filter:
        parts = [self._operand(depth)]
        while self._take_operator("and") or self._has_more():
            parts.append(self._operand(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _operand(self, depth: int) -> Filter:
        if depth > MAX_DEPTH:
            self._fail(f"at most {MAX_DEPTH} levels of NOT and parentheses")
        if self._take_operator("not"):
            return Not(self._operand(depth + 1))
        if self._take("("):
            within = self._or(depth + 1)
            if not self._take(")"):
                self._fail("AND, OR or ')'")
            return within
        return self._condition()

    def _condition(self) -> Condition:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            self._fail(f"at most {MAX_CONDITIONS} conditions")
        start, expected = self._at, "a condition such as brand:Sony (words that belong together in quotes)"
        name, _ = self._word(_NAME, expected)
        if not self._take_here(":"):
            self._at = start
            self._fail(expected)
        validate_name(name, "filter")
        name = casefold_nfkc(name)
        values = [self._value(name)]
        while self._take(","):
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
        """Take a word or a text in quotes from here on; return it and whether it was in quotes."""
        if self._text.startswith('"', self._at):
            match = _QUOTED.match(self._text, self._at)
            if match is None:
                self._fail("a second quotation mark that ends the text")
            text = re.sub(r"\\(.)", r"\1", match[1], flags=re.DOTALL)
        else:
            match = bare.match(self._text, self._at)
            text = match[0] if match else ""
        if match is None or not text.strip():
            self._fail(expected)
        self._at = match.end()
        return text, match[0].startswith('"')

    def _has_more(self) -> bool:
        """Return whether another condition follows without AND."""
        self._skip()
        operator = _OPERATOR.match(self._text, self._at)
        ends = operator is not None and operator[1].lower() == "or"
        return not ends and self._at < len(self._text) and self._text[self._at] not in "),:"

    def _take_operator(self, name: str) -> bool:
        self._skip()
        match = _OPERATOR.match(self._text, self._at)
        if match is None or match[1].lower() != name:
            return False
        self._at = match.end()
        return True

    def _take(self, sign: str) -> bool:
        self._skip()
        return self._take_here(sign)

    def _take_here(self, sign: str) -> bool:
        is_here = self._text.startswith(sign, self._at)
        self._at += is_here
        return is_here

    def _skip(self) -> None:
        while self._text[self._at : self._at + 1].isspace():
            self._at += 1

    def _fail(self, expected: str) -> NoReturn:
        excerpt = _EXCERPT.match(self._text, self._at)
        got = repr(excerpt[0] if excerpt else self._text[self._at]) if self._at < len(self._text) else "the end"
        raise InvalidInput(f"filter: at character {self._at + 1}: expected {expected}, got {got}", "filter")
