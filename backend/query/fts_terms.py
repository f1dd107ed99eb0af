"""Make the full-text terms of a query's tokens: expressions with every way a shop may write them.

A term is a safe FTS5 expression, quoted words joined by OR and AND, whatever was typed. What the shop contains comes
in as `ShopLexicon`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from shelfwise.query.synonyms import Synonyms
from shelfwise.query.tokenizer import Token, all_of, any_of, phrase
from shelfwise.query.vocabulary import MAX_WORD_CHARS, Vocabulary

__all__ = ["Count", "ShopLexicon", "Term", "exact_terms", "fts_expression", "rewrite", "splits", "terms"]

Count = Callable[[Sequence[str]], int]  # expressions → how many live items match all of them

_MAX_SPLITS = 4  # ways to take a word apart that are looked up
_LETTERS_TO_DIGITS = re.compile(r"(?<=\d)(?=[^\W\d])|(?<=[^\W\d])(?=\d)")


@dataclass(frozen=True, slots=True)
class Term:
    """`text`: the word or words as searched for; `match`: the FTS5 expression."""

    text: str
    match: str


@dataclass(frozen=True, slots=True)
class ShopLexicon:
    """The shop's words, its synonyms, and a count of the items that match."""

    vocabulary: Vocabulary
    count: Count
    synonyms: Synonyms

    def has_match(self, match: str) -> bool:
        """Return whether any item matches the expression."""
        return self.count([match]) > 0

    def has_word(self, token: Token) -> bool:
        """Return whether the token is a word of the vocabulary or of a synonym."""
        return token.text in self.vocabulary or self.synonyms.knows(token.text)

    def knows(self, token: Token) -> bool:
        """Return whether the token is such a word or any item matches it."""
        return self.has_word(token) or self.has_match(fts_expression(token))


def fts_expression(token: Token) -> str:
    """Return the expression of a token as it stands."""
    return any_of(phrase(variant, prefix=token.is_prefix) for variant in token.variants)


def exact_terms(token: Token) -> list[Term]:
    """Return the term of a token by itself; for a run without spaces a term for each of its bigrams."""
    if not token.bigrams:
        return [Term(token.text, fts_expression(token))]
    return [Term(pair, phrase(pair, prefix=len(pair) == 1)) for pair in token.bigrams]


def terms(tokens: Sequence[Token], lexicon: ShopLexicon) -> Iterator[Term]:
    """Yield a term for each token, and one for several that have a synonym or mean something only together."""
    position = 0
    while position < len(tokens):
        n_covered, synonyms = _synonyms_at(tokens, position, lexicon)
        group = range(position, position + (n_covered or 1 + _needs_next(tokens, position, lexicon)))
        if tokens[position].bigrams and not synonyms:
            yield from exact_terms(tokens[position])
        else:
            literal = all_of([any_of(_expressions(tokens, member, lexicon)) for member in group])
            yield Term(" ".join(tokens[member].text for member in group), any_of([literal, *synonyms]))
        position = group.stop


def splits(token: Token, lexicon: ShopLexicon) -> list[str]:
    """Return the ways to write a token as two words, or a model number as letters and numbers, that some item has."""
    if token.number or token.bigrams or len(token.text) > MAX_WORD_CHARS:
        return []
    if token.is_alphabetic:
        pairs = lexicon.vocabulary.splits(token.text, 1 if len(token.text) > 4 else 2)  # as `t shirt` of tshirt
        pairs.sort(key=lambda pair: max(map(lexicon.vocabulary.cost, pair)))
        ways = [" ".join(pair) for pair in pairs]
    else:
        text = token.variants[0]
        cuts = [boundary.start() for boundary in _LETTERS_TO_DIGITS.finditer(text)]
        ways = [f"{text[:cut]} {text[cut:]}" for cut in cuts] + [_LETTERS_TO_DIGITS.sub(" ", text)]
        ways = list(dict.fromkeys(way for way in ways if way != text))
    return [way for way in ways[:_MAX_SPLITS] if lexicon.has_match(phrase(way))]


def rewrite(tokens: Sequence[Token], lexicon: ShopLexicon) -> list[Token]:
    """Return the tokens as the shop writes them: joined where it never writes them apart, split where never joined."""
    result: list[Token] = []
    for position, token in enumerate(tokens):
        if position and _is_always_joined(tokens[position - 1], token, lexicon):
            result[-1] = replace(result[-1], surface=result[-1].surface + token.surface, end=token.end)
        elif token.can_join and not token.is_prefix and not lexicon.knows(token) and (ways := splits(token, lexicon)):
            result.append(replace(token, surface=ways[0]))
        else:
            result.append(token)
    return result


def _expressions(tokens: Sequence[Token], position: int, lexicon: ShopLexicon) -> list[str]:
    """Return the expressions of one token: as it stands, split, joined with a neighbour."""
    token = tokens[position]
    pairs = [(tokens[start], tokens[start + 1]) for start in (position - 1, position) if 0 <= start < len(tokens) - 1]
    joined = [first.text + second.text for first, second in pairs if _has_joined_form(first, second, lexicon)]
    return [fts_expression(token), *map(phrase, splits(token, lexicon)), *map(phrase, joined)]


def _has_joined_form(token: Token, following: Token, lexicon: ShopLexicon) -> bool:
    """Return whether the shop also writes the two as one word."""
    return token.can_join and following.can_join and token.text + following.text in lexicon.vocabulary


def _is_always_joined(token: Token, following: Token, lexicon: ShopLexicon) -> bool:
    """Return whether the shop writes the two words only as one."""
    if not (token.is_alphabetic and following.is_alphabetic and _has_joined_form(token, following, lexicon)):
        return False
    return not lexicon.has_match(phrase(f"{token.text} {following.text}"))


def _needs_next(tokens: Sequence[Token], position: int, lexicon: ShopLexicon) -> bool:
    """Return whether the token means something only with the next, as a single letter does: t shirt."""
    if position + 1 == len(tokens) or not _has_joined_form(tokens[position], tokens[position + 1], lexicon):
        return False
    return any(len(token.text) == 1 and token.is_alphabetic for token in tokens[position : position + 2])


def _synonyms_at(tokens: Sequence[Token], position: int, lexicon: ShopLexicon) -> tuple[int, Sequence[str]]:
    """Return how many tokens from `position` have a synonym together, and its expressions; 0 where none has."""
    words = [word for token in tokens[position:] for word in token.variants[0].split()]
    n_words, synonyms = lexicon.synonyms.find(words)
    n_tokens = 0
    while n_words > 0:
        n_words -= len(tokens[position + n_tokens].variants[0].split())
        n_tokens += 1
    return (n_tokens, synonyms) if n_words == 0 else (0, ())  # it may end within a compound
