"""Convert raw synonyms and rules to valid ones, for the command line and HTTP alike. Nothing here touches the disk.

Unlike those of items and events, unknown fields are errors: a misspelt window or condition must not make a rule that
always holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from shelfwise.arguments import validate_choice, validate_query
from shelfwise.catalogue.filter_parser import parse
from shelfwise.errors import InvalidInput, NotFound
from shelfwise.text.normalize import casefold_nfkc, normalize_punctuation, strip_accents, words
from shelfwise.timestamps import parse_time
from shelfwise.types import Row
from shelfwise.validation import parse_id, validate_encodable

__all__ = [
    "ACTIONS",
    "DEFAULT_STRENGTH",
    "MATCHES",
    "parse_pair",
    "parse_row_id",
    "parse_rule",
    "parse_synonym",
    "query_words",
    "row_not_found",
]

ACTIONS = ("pin", "boost", "bury", "hide")
MATCHES = ("exact", "contains", "any")
DEFAULT_STRENGTH = 0.3
_MAX_WORD_CHARS, _MAX_NOTE_CHARS = 100, 1_000
_MAX_MEANINGS, _MAX_ITEMS = 100, 100
_SYNONYM_FIELDS = ("word", "means", "two_way")
_RULE_FIELDS = ("action", "match", "query", "items", "filter", "strength", "starts", "ends", "note")


def query_words(query: str) -> tuple[str, ...]:
    """Return the words by which queries, rules and synonyms are compared: folded, without accents."""
    return tuple(words(strip_accents(normalize_punctuation(query))))


def parse_synonym(row: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    """Return the pairs (word, means, two_way) of a row; `means` is a text or a list of them. Raises InvalidInput."""
    _check_fields(row, "synonym", _SYNONYM_FIELDS)
    means, two_way = row.get("means"), row.get("two_way")
    if not isinstance(two_way, bool | None):
        raise InvalidInput.expected("two_way", "true or false", two_way)
    meanings = means if isinstance(means, list | tuple) else [means]
    if not 1 <= len(meanings) <= _MAX_MEANINGS:
        raise InvalidInput.expected("means", f"1 to {_MAX_MEANINGS} texts", len(meanings))
    return [(*parse_pair(row.get("word"), meaning), bool(two_way)) for meaning in meanings]


def parse_pair(word: object, means: object) -> tuple[str, str]:
    """Return both sides folded. Raises InvalidInput for a side without words, and for two that a search reads alike."""
    pair = _side(word, "word"), _side(means, "means")
    if query_words(pair[0]) == query_words(pair[1]):
        raise InvalidInput.expected("means", f"other words than {pair[0]!r}", pair[1])
    return pair


def parse_rule(row: Mapping[str, Any]) -> Row:
    """Return all fields of a rule as `store.rules` keeps them, times in epoch seconds. Raises InvalidInput."""
    _check_fields(row, "rule", _RULE_FIELDS)
    action = validate_choice(row.get("action"), ACTIONS, "action")
    match = "exact" if row.get("match") is None else validate_choice(row["match"], MATCHES, "match")
    rule: Row = {"action": action, "match": match, "query": _query(row.get("query"), match)}
    rule |= {"items": _items(row.get("items")), "filter": _filter(row.get("filter"))}
    if not rule["items"] and rule["filter"] is None:
        raise InvalidInput.expected("items", "the ids of items, or a filter that they pass", None)
    rule |= {
        "strength": _strength(row.get("strength"), action),
        "note": _text(row.get("note"), "note", _MAX_NOTE_CHARS),
    }
    for field in ("starts", "ends"):
        rule[field] = None if _is_blank(row.get(field)) else parse_time(row[field], field)
    if rule["starts"] is not None and rule["ends"] is not None and rule["ends"] <= rule["starts"]:
        raise InvalidInput.expected("ends", "a time after starts", row["ends"])
    return rule


def parse_row_id(id: str, kind: str) -> int:
    """Return the number of a synonym or a rule. Raises NotFound where no row can have it, as where none has."""
    if not id.isascii() or not id.isdigit() or len(id) > 18:
        raise row_not_found(id, kind)
    return int(id)


def row_not_found(id: str, kind: str) -> NotFound:
    """Return the error for a synonym or a rule, its `kind`, that is not in the list."""
    return NotFound(f"{kind}: expected one of the list, got {id[:60]!r}", "id")


def _check_fields(row: object, kind: str, fields: Sequence[str]) -> None:
    if not isinstance(row, Mapping):
        raise InvalidInput(f"{kind}: expected an object with {', '.join(fields)}, got {type(row).__name__}")
    for name in row:
        if name not in fields:
            raise InvalidInput.expected(str(name)[:60], f"a field of a {kind} ({', '.join(fields)})", name)


def _side(value: object, field: str) -> str:
    text = _text(value, field, _MAX_WORD_CHARS)
    if text is None or not query_words(text):
        raise InvalidInput.expected(field, "words with at least one letter or digit", value)
    return casefold_nfkc(text)


def _query(value: object, match: str) -> str | None:
    if match == "any":
        if not _is_blank(value):
            raise InvalidInput.expected("query", "no query with match any, or match exact or contains", value)
        return None
    if _is_blank(value):
        raise InvalidInput.expected("query", "the words of a query, or match any for every query", value)
    query = validate_query(value, "query")
    if not query_words(query):
        raise InvalidInput.expected("query", "at least one letter or digit", query)
    return query


def _items(value: object) -> list[str]:
    ids = [] if _is_blank(value) else value if isinstance(value, list | tuple) else [value]
    if len(ids) > _MAX_ITEMS:
        raise InvalidInput.expected("items", f"at most {_MAX_ITEMS} ids, or a filter", len(ids))
    return list(dict.fromkeys(parse_id(id, "items") for id in ids))


def _filter(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput.expected("filter", "a filter such as brand:Sony, or none", value)
    parse(value)
    return value.strip()


def _strength(value: object, action: str) -> float:
    if action in ("pin", "hide"):
        if value is not None:
            raise InvalidInput.expected("strength", f"none with {action}, only with boost and bury", value)
        return 0.0
    if value is None:
        return DEFAULT_STRENGTH
    try:
        number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0 < number <= 1:
        raise InvalidInput.expected("strength", "a number above 0 and up to 1", value)
    return number


def _text(value: object, field: str, max_chars: int) -> str | None:
    """Return the text with single spaces; None for a blank one."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidInput.expected(field, "a string", value)
    text = validate_encodable(" ".join(str(value).split()), field)
    if len(text) > max_chars:
        raise InvalidInput.expected(field, f"at most {max_chars:,} characters", len(text))
    return text or None


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
