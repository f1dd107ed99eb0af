"""Split a query into tokens: words, compounds, model numbers, measures, and runs of scripts without spaces.

Each token knows the ways it may be written in the index and its position in the query. What the shop contains is not
known here: `understanding` looks it up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from shelfwise.query.spelling import Correction
from shelfwise.text.normalize import UNSPACED, bigrams, join_compound, normalize_punctuation, strip_accents, words
from shelfwise.text.units import Measure, measures

__all__ = ["Token", "all_of", "any_of", "apply_corrections", "normalize_query", "parts", "phrase", "render", "tokens"]

_MAX_TOKENS = 32
_MAX_PARTS = 8  # of a compound that is one token
_MAX_RUN_CHARS = 64  # characters of a run that become terms
_PIECE = re.compile(r"\w+(?:['.&-]\w+)*")
_SPACED = re.compile(f"{UNSPACED.pattern}|.+?(?={UNSPACED.pattern}|$)")
_PAIRED = re.compile(r'(?<!\S)"([^"]*)"(?!\S)')


@dataclass(frozen=True, slots=True)
class Token:
    """A part of a query, at `start`..`end` of the folded text."""

    text: str  # as one word, without accents
    variants: tuple[str, ...]  # ways to write it, each the words of an FTS5 phrase
    start: int
    end: int
    surface: str  # in the text to embed
    is_alphabetic: bool = False  # letters only: it may be corrected
    can_join: bool = False  # a single word or number, which may be written together with its neighbour
    number: str = ""  # of a measure
    is_prefix: bool = False  # it matches longer words of the index
    bigrams: tuple[str, ...] = ()  # of a run without spaces: every one is a term


def normalize_query(query: str) -> str:
    """Return the query folded, its spaces collapsed, and without quotation marks around words."""
    return " ".join(_PAIRED.sub(r"\1", normalize_punctuation(query)).split())


def tokens(text: str) -> list[Token]:
    """Return the tokens of a folded query, 32 at most."""
    return list(islice(_tokens(text), _MAX_TOKENS))


def parts(token: Token) -> list[Token]:
    """Return a compound's tokens between its hyphens and points; any other token as it is."""
    if token.can_join or token.number or token.bigrams:
        return [token]
    return [_word(match[0], token.start + match.start()) for match in re.finditer(r"\w[\w']*", token.surface)]


def apply_corrections(tokens_before: Sequence[Token], changes: Sequence[Correction]) -> list[Token]:
    """Return the tokens with some of them corrected."""
    result: list[Token] = []
    position = 0
    for change in changes:
        first, last = tokens_before[change.start], tokens_before[change.end - 1]
        result += tokens_before[position : change.start]
        result.append(replace(_word(change.words[0], first.start), end=last.end))
        result += [replace(_word(word, last.end), end=last.end, surface=f" {word}") for word in change.words[1:]]
        position = change.end
    return [*result, *tokens_before[position:]]


def render(text: str, query_tokens: Iterable[Token]) -> str:
    """Return the folded query with the surface of each token in its place."""
    rendered, position = "", 0
    for token in query_tokens:
        rendered += text[position : token.start] + token.surface
        position = token.end
    return rendered + text[position:]


def phrase(text: str, *, prefix: bool = False) -> str:
    """Return a safe FTS5 expression for the words next to each other; `prefix`: the last may go on."""
    quoted = text.replace('"', '""')
    return f'"{quoted}"*' if prefix else f'"{quoted}"'


def any_of(matches: Iterable[str]) -> str:
    """Return the expression that matches what any of these match, each once."""
    return " OR ".join(dict.fromkeys(matches))


def all_of(matches: Sequence[str]) -> str:
    """Return the expression that matches what all of these match."""
    return " AND ".join(f"({match})" for match in matches) if len(matches) > 1 else matches[0]


def _tokens(text: str) -> Iterator[Token]:
    position = 0
    for measure in measures(text):
        yield from _pieces(text, position, measure.start)
        yield _measure_token(text, measure)
        position = measure.end
    yield from _pieces(text, position, len(text))


def _measure_token(text: str, measure: Measure) -> Token:
    literal = text[measure.start : measure.end].strip("'\"")
    return Token(
        text=measure.text,
        variants=tuple(dict.fromkeys((measure.word, literal))),
        start=measure.start,
        end=measure.end,
        surface=measure.text,
        can_join=literal.isalnum(),  # it may be the end of a model number: dr 130cl
        number=measure.number,
    )


def _pieces(text: str, start: int, end: int) -> Iterator[Token]:
    for piece in _PIECE.finditer(text, start, end):
        for part in _SPACED.finditer(text, piece.start(), piece.end()):
            if UNSPACED.match(part[0]):
                yield _run(part[0], part.start())
            else:
                yield from _compound(part[0], part.start())


def _compound(text: str, start: int) -> Iterator[Token]:
    """Yield one token for a piece with hyphens, apostrophes, points or ampersands; for one of many parts, the parts."""
    compound_words = words(text)
    if len(compound_words) == 1 or set(text).isdisjoint(".&-"):
        yield _word(text, start)
    elif len(compound_words) <= _MAX_PARTS:
        apart, joined = " ".join(compound_words), strip_accents(join_compound(text))
        can_be_joined = set(text).isdisjoint(".&")
        variants = (apart, joined) if can_be_joined else (apart,)
        yield Token(joined if can_be_joined else text, variants, start, start + len(text), text)
    else:
        for match in re.finditer(r"\w+", text):
            yield _word(match[0], start + match.start())


def _word(text: str, start: int) -> Token:
    word = strip_accents(join_compound(text))
    variants = (text,) if "'" not in text else (word, " ".join(words(text)))  # with an apostrophe or without
    return Token(word, variants, start, start + len(text), text, is_alphabetic=word.isalpha(), can_join=True)


def _run(run: str, start: int) -> Token:
    pairs = [pair for pair in bigrams(run[:_MAX_RUN_CHARS]) if len(pair) == 2] or bigrams(run)
    return Token(run, (run,), start, start + len(run), run, bigrams=tuple(pairs))
