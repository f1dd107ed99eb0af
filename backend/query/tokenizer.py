"""A query taken apart into tokens: words, compounds, model numbers, measures, and runs of scripts without spaces.

Each token knows the ways it may be written in the index and where it stands in the query. What the shop holds is not
known here; `understanding` decides with it.
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

_MOST_TOKENS = 32
_MOST_PARTS = 8  # of a compound that is one token
_LONGEST_RUN = 64  # characters of a run that become terms
_PIECE = re.compile(r"\w+(?:['.&-]\w+)*")
_SPACED = re.compile(f"{UNSPACED.pattern}|.+?(?={UNSPACED.pattern}|$)")
_PAIRED = re.compile(r'(?<!\S)"([^"]*)"(?!\S)')


@dataclass(frozen=True, slots=True)
class Token:
    """Stands at `start`..`end` of the folded query; `ways` are the ways to write it, each a phrase of FTS5."""

    text: str  # as one word, without accents
    variants: tuple[str, ...]
    start: int
    end: int
    surface: str  # as it is read, in the text to embed
    is_alphabetic: bool = False  # letters only: it may be corrected
    can_join: bool = False  # a word or number of its own, that may be written together with its neighbour
    number: str = ""  # of a measure
    is_prefix: bool = False  # a longer word, in the index
    bigrams: tuple[str, ...] = ()  # of a run without spaces: every one is a term


def normalize_query(asked: str) -> str:
    """The query in plain letters, its spaces collapsed, and without the quotation marks around words."""
    return " ".join(_PAIRED.sub(r"\1", normalize_punctuation(asked)).split())


def tokens(text: str) -> list[Token]:
    """The tokens of a folded query, 32 at most."""
    return list(islice(_tokens(text), _MOST_TOKENS))


def parts(token: Token) -> list[Token]:
    """A compound as the tokens between its hyphens and points; any other token as it is."""
    if token.can_join or token.number or token.bigrams:
        return [token]
    return [_word(found[0], token.start + found.start()) for found in re.finditer(r"\w[\w']*", token.surface)]


def apply_corrections(tokens_before: Sequence[Token], changes: Sequence[Correction]) -> list[Token]:
    """The tokens after corrections of some of them."""
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
    """The folded query with each token as it is read."""
    spoken, position = "", 0
    for token in query_tokens:
        spoken += text[position : token.start] + token.surface
        position = token.end
    return spoken + text[position:]


def phrase(text: str, *, prefix: bool = False) -> str:
    """A safe FTS5 expression: the words of the text next to each other; `prefix`: the last may go on."""
    quoted = text.replace('"', '""')
    return f'"{quoted}"*' if prefix else f'"{quoted}"'


def any_of(matches: Iterable[str]) -> str:
    """The expression that any of these expressions matches, each once."""
    return " OR ".join(dict.fromkeys(matches))


def all_of(matches: Sequence[str]) -> str:
    """The expression that all of these match."""
    return " AND ".join(f"({match})" for match in matches) if len(matches) > 1 else matches[0]


def _tokens(text: str) -> Iterator[Token]:
    position = 0
    for measure in measures(text):
        yield from _pieces(text, position, measure.start)
        yield _measured(text, measure)
        position = measure.end
    yield from _pieces(text, position, len(text))


def _measured(text: str, measure: Measure) -> Token:
    literal = text[measure.start : measure.end].strip("'\"")
    ways = tuple(dict.fromkeys((measure.word, literal)))
    joins = literal.isalnum()  # it may be the end of a model number: dr 130cl
    return Token(measure.text, ways, measure.start, measure.end, measure.text, can_join=joins, number=measure.number)


def _pieces(text: str, start: int, end: int) -> Iterator[Token]:
    for piece in _PIECE.finditer(text, start, end):
        for part in _SPACED.finditer(text, piece.start(), piece.end()):
            if UNSPACED.match(part[0]):
                yield _run(part[0], part.start())
            else:
                yield from _compound(part[0], part.start())


def _compound(text: str, start: int) -> Iterator[Token]:
    """A piece with hyphens, apostrophes, points or ampersands within is one token."""
    held = words(text)
    if len(held) == 1 or set(text) & {".", "&", "-"} == set():
        yield _word(text, start)
    elif len(held) <= _MOST_PARTS:
        joined = strip_accents(join_compound(text))
        hyphens = not set(text) & {".", "&"}
        ways = (" ".join(held), joined) if hyphens else (" ".join(held),)
        yield Token(joined if hyphens else text, ways, start, start + len(text), text)
    else:
        for found in re.finditer(r"\w+", text):
            yield _word(found[0], start + found.start())


def _word(text: str, start: int) -> Token:
    """A word; with an apostrophe it is written with or without."""
    word = strip_accents(join_compound(text))
    ways = (text,) if "'" not in text else (word, " ".join(words(text)))
    return Token(word, ways, start, start + len(text), text, is_alphabetic=word.isalpha(), can_join=True)


def _run(run: str, start: int) -> Token:
    pairs = [pair for pair in bigrams(run[:_LONGEST_RUN]) if len(pair) == 2] or bigrams(run)
    return Token(run, (run,), start, start + len(run), run, bigrams=tuple(pairs))
