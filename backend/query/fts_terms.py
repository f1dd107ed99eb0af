"""Terms: what is looked up in the full-text index for the tokens of a query, with every way a shop may write them.

A term is a safe expression of FTS5, quoted words joined by OR and AND, whatever the shopper typed. What the shop holds
comes in as `Held`; no SQL here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from shelfwise.query.synonyms import Synonyms
from shelfwise.query.tokenizer import Token, all_of, any_of, phrase
from shelfwise.query.vocabulary import Vocabulary

__all__ = ["LONGEST", "Count", "ShopLexicon", "Term", "exact_terms", "fts_expression", "rewrite", "splits", "terms"]

Count = Callable[[Sequence[str]], int]  # how many live items match all of the expressions

LONGEST = 40  # characters of a word that is taken apart or completed
_MOST_WAYS = 4  # of taking a word apart that are looked up
_BOUNDARY = re.compile(r"(?<=\d)(?=[^\W\d])|(?<=[^\W\d])(?=\d)")


@dataclass(frozen=True, slots=True)
class Term:
    """`text`: the word or words as searched for; `match`: the expression for them."""

    text: str
    match: str


@dataclass(frozen=True, slots=True)
class ShopLexicon:
    """What the shop holds: its words, its synonyms, and how many items match."""

    vocabulary: Vocabulary
    count: Count
    synonyms: Synonyms

    def found(self, match: str) -> bool:
        return self.count([match]) > 0

    def named(self, token: Token) -> bool:
        return token.text in self.vocabulary or self.synonyms.knows(token.text)

    def known(self, token: Token) -> bool:
        return self.named(token) or self.found(fts_expression(token))


def fts_expression(token: Token) -> str:
    """The expression of a token as it stands."""
    return any_of(phrase(way, prefix=token.is_prefix) for way in token.variants)


def exact_terms(token: Token) -> list[Term]:
    """The terms of a token by itself: one, but for a run without spaces one for each pair of its characters."""
    if not token.bigrams:
        return [Term(token.text, fts_expression(token))]
    return [Term(pair, phrase(pair, prefix=len(pair) == 1)) for pair in token.bigrams]


def terms(read: Sequence[Token], lexicon: ShopLexicon) -> Iterator[Term]:
    """A term for each token, and one for several that have a synonym or mean something only together."""
    position = 0
    while position < len(read):
        covered, meant = _meant(read, position, lexicon)
        group = range(position, position + (covered or 1 + _needs_next(read, position, lexicon)))
        if read[position].bigrams and not meant:
            yield from exact_terms(read[position])
        else:
            own = all_of([any_of(_ways(read, number, lexicon)) for number in group])
            yield Term(" ".join(read[number].text for number in group), any_of([own, *meant]))
        position = group.stop


def splits(token: Token, lexicon: ShopLexicon) -> list[str]:
    """The ways to write a token as two words, or a model number as its letters and numbers, that some item has."""
    if token.number or token.bigrams or len(token.text) > LONGEST:
        return []
    if token.is_alphabetic:
        pairs = lexicon.vocabulary.splits(token.text, 1 if len(token.text) > 4 else 2)  # as `t shirt` of tshirt
        pairs.sort(key=lambda pair: max(map(lexicon.vocabulary.cost, pair)))
        ways = [" ".join(pair) for pair in pairs]
    else:
        text = token.variants[0]
        cuts = [found.start() for found in _BOUNDARY.finditer(text)]
        ways = [f"{text[:cut]} {text[cut:]}" for cut in cuts] + [_BOUNDARY.sub(" ", text)]
        ways = list(dict.fromkeys(way for way in ways if way != text))
    return [way for way in ways[:_MOST_WAYS] if lexicon.found(phrase(way))]


def rewrite(read: Sequence[Token], lexicon: ShopLexicon) -> list[Token]:
    """The tokens as the shop writes them: joined what it never writes apart, and apart what it never joins."""
    result: list[Token] = []
    for position, token in enumerate(read):
        if position and _torn_apart(read[position - 1], token, lexicon):
            result[-1] = replace(result[-1], surface=result[-1].surface + token.surface, end=token.end)
        elif token.can_join and not token.is_prefix and not lexicon.known(token) and (ways := splits(token, lexicon)):
            result.append(replace(token, surface=ways[0]))
        else:
            result.append(token)
    return result


def _ways(read: Sequence[Token], position: int, lexicon: ShopLexicon) -> list[str]:
    """The expressions of one token: as it stands, taken apart, joined with a neighbour."""
    token = read[position]
    ways = [fts_expression(token), *map(phrase, splits(token, lexicon))]
    pairs = [(read[start], read[start + 1]) for start in (position - 1, position) if 0 <= start < len(read) - 1]
    return ways + [phrase(one.text + other.text) for one, other in pairs if _joined(one, other, lexicon)]


def _joined(token: Token, following: Token, lexicon: ShopLexicon) -> bool:
    """Whether the shop writes the two as one word, too."""
    return token.can_join and following.can_join and token.text + following.text in lexicon.vocabulary


def _torn_apart(token: Token, following: Token, lexicon: ShopLexicon) -> bool:
    """Whether the shop writes the two words only as one."""
    if not (token.is_alphabetic and following.is_alphabetic and _joined(token, following, lexicon)):
        return False
    return not lexicon.found(phrase(f"{token.text} {following.text}"))


def _needs_next(read: Sequence[Token], position: int, lexicon: ShopLexicon) -> bool:
    """Whether the token means something only with the next, as a single letter does: t shirt."""
    if position + 1 == len(read) or not _joined(read[position], read[position + 1], lexicon):
        return False
    return any(len(token.text) == 1 and token.is_alphabetic for token in read[position : position + 2])


def _meant(read: Sequence[Token], position: int, lexicon: ShopLexicon) -> tuple[int, Sequence[str]]:
    """How many tokens from `place` have a synonym together, and the expressions of it; 0 where none has."""
    words = [word for token in read[position:] for word in token.variants[0].split()]
    length, meant = lexicon.synonyms.find(words)
    covered = 0
    while length > 0:
        length -= len(read[position + covered].variants[0].split())
        covered += 1
    return (covered, meant) if length == 0 else (0, ())  # it may end within a compound
