"""What a shop says about words and hits, cleaned: raw synonyms and rules become valid ones here, off the disk.

Unlike items and events, a field that is none is refused: a window or a condition that was written wrongly must not make
a rule that always holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shelfwise.arguments import validate_query
from shelfwise.errors import InvalidInput, NotFound
from shelfwise.text.normalize import casefold_nfkc, normalize_punctuation, strip_accents, words
from shelfwise.timestamps import parse_time
from shelfwise.types import Row
from shelfwise.validation import is_encodable, parse_id

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
_MAX_WORD, _MAX_MEANINGS, _MAX_ITEMS, _MAX_NOTE = 100, 100, 100, 1_000
_SYNONYM_FIELDS = ("word", "means", "two_way")
_RULE_FIELDS = ("action", "match", "query", "items", "filter", "strength", "starts", "ends", "note")


def query_words(query: str) -> tuple[str, ...]:
    """The words by which queries, rules and synonyms are compared: folded, without accents."""
    return tuple(words(strip_accents(normalize_punctuation(query))))


def parse_synonym(row: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    """The pairs (word, means, two_way) of a row, whose `means` is a text or a list of them. Raises InvalidInput."""
    _check_fields(row, "a synonym", _SYNONYM_FIELDS)
    meanings = row.get("means")
    two_way = row.get("two_way")
    if not isinstance(two_way, bool | None):
        raise InvalidInput(f"two_way: {two_way!r:.60} is neither true nor false", "two_way")
    if isinstance(meanings, list | tuple) and not 1 <= len(meanings) <= _MAX_MEANINGS:
        raise InvalidInput(f"means: has {len(meanings)} texts; 1 to {_MAX_MEANINGS} are taken", "means")
    every = meanings if isinstance(meanings, list | tuple) else [meanings]
    return [(*parse_pair(row.get("word"), one), bool(two_way)) for one in every]


def parse_pair(word: object, means: object) -> tuple[str, str]:
    """Both sides folded. Raises InvalidInput for a side that is none, and for two that are the same to the search."""
    pair = _side(word, "word"), _side(means, "means")
    if query_words(pair[0]) == query_words(pair[1]):
        raise InvalidInput(f"means: {pair[1]!r} is the same to the search as the word {pair[0]!r} itself", "means")
    return pair


def parse_rule(row: Mapping[str, Any], check_filter: Callable[[str], object]) -> Row:
    """All fields of a rule as `store.rules` keeps them, times in epoch seconds.

    `check_filter` raises InvalidInput for what is no filter. Raises InvalidInput.
    """
    _check_fields(row, "a rule", _RULE_FIELDS)
    action = _one_of(row.get("action"), "action", ACTIONS)
    match = "exact" if row.get("match") is None else _one_of(row["match"], "match", MATCHES)
    rule: Row = {"action": action, "match": match, "query": _query(row.get("query"), match)}
    rule |= {"items": _items(row.get("items")), "filter": _filter(row.get("filter"), check_filter)}
    if not rule["items"] and rule["filter"] is None:
        raise InvalidInput("items: missing; give the ids of items, or a filter that they pass", "items")
    rule |= {"strength": _strength(row.get("strength"), action), "note": _note(row.get("note"))}
    for field in ("starts", "ends"):
        rule[field] = None if _is_blank(row.get(field)) else parse_time(row[field], field)
    if rule["starts"] is not None and rule["ends"] is not None and rule["ends"] <= rule["starts"]:
        raise InvalidInput("ends: is not after starts, so the rule would never hold", "ends")
    return rule


def parse_row_id(id: str, kind: str) -> int:
    """Return the number of a synonym or a rule. Raises NotFound for a text that can be none, as for one of no row."""
    if not id.isascii() or not id.isdigit() or len(id) > 18:
        raise row_not_found(id, kind)
    return int(id)


def row_not_found(id: str, kind: str) -> NotFound:
    """Return the error for a `kind` (synonym or rule) of which no row is kept."""
    return NotFound(f"{kind}: expected one of the list, got {id[:60]!r}", "id")


def _check_fields(row: object, kind: str, fields: Sequence[str]) -> None:
    if not isinstance(row, Mapping):
        raise InvalidInput(f"{kind} is an object with {', '.join(fields)}, not {type(row).__name__}")
    for name in row:
        if name not in fields:
            raise InvalidInput(f"{name!r:.60}: {kind} has no such field; it has {', '.join(fields)}", str(name)[:60])


def _side(value: object, field: str) -> str:
    text = _text(value, field, _MAX_WORD)
    if text is None:
        raise InvalidInput(f"{field}: is blank; give a word or several", field)
    if not query_words(text):
        raise InvalidInput(f"{field}: {text!r} holds no letter and no digit, so no query can ask for it", field)
    return casefold_nfkc(text)


def _query(value: object, match: str) -> str | None:
    if match == "any":
        if not _is_blank(value):
            raise InvalidInput(
                "query: a rule for any query has none; leave it out, or match exact or contains", "query"
            )
        return None
    if _is_blank(value):
        raise InvalidInput("query: missing; give the words of the query, or match any for every query", "query")
    try:
        query = validate_query(value)
    except InvalidInput as problem:
        raise InvalidInput(str(problem).replace("q: ", "query: ", 1), "query") from None
    if not query_words(query):
        raise InvalidInput(f"query: {query!r:.60} holds no letter and no digit", "query")
    return query


def _items(value: object) -> list[str]:
    given = [] if _is_blank(value) else value if isinstance(value, list | tuple) else [value]
    if len(given) > _MAX_ITEMS:
        raise InvalidInput(f"items: has {len(given)} ids; at most {_MAX_ITEMS} are taken, or a filter", "items")
    return list(dict.fromkeys(parse_id(id, "items") for id in given))


def _filter(value: object, check: Callable[[str], object]) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput("filter: is blank; leave it out, or write what the items pass, as in brand:Sony", "filter")
    check(value)
    return value.strip()


def _strength(value: object, action: str) -> float:
    if action in ("pin", "hide"):
        if value is not None:
            raise InvalidInput(f"strength: {action} has none; only boost and bury do", "strength")
        return 0.0
    try:
        number = DEFAULT_STRENGTH if value is None else float("nan") if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not 0 < number <= 1:
        raise InvalidInput(f"strength: {value!r:.60} is no number above 0 and up to 1", "strength")
    return number


def _note(value: object) -> str | None:
    return _text(value, "note", _MAX_NOTE)


def _text(value: object, field: str, longest: int) -> str | None:
    """The text with single blanks; None for a blank one."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidInput(f"{field}: {value!r:.60} is no text", field)
    text = " ".join(str(value).split())
    if not is_encodable(text):
        raise InvalidInput(f"{field}: holds a NUL character or a lone surrogate, which is no valid text", field)
    if len(text) > longest:
        raise InvalidInput(f"{field}: has {len(text):,} characters; at most {longest:,} are taken", field)
    return text or None


def _one_of(value: object, field: str, choices: Sequence[str]) -> str:
    if value not in choices:
        shown = "missing" if value is None else f"{value!r:.60}"
        raise InvalidInput(f"{field}: {shown} is none of {', '.join(choices)}", field)
    return str(value)


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
