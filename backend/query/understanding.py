"""Understand a query: the terms to look up, the text to embed, and what was corrected on the way.

Everything about the shop comes in as arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from shelfwise.query.fts_terms import Count, ShopLexicon, Term, exact_terms, fts_expression, rewrite, splits, terms
from shelfwise.query.spelling import UNKNOWN_COST, Correction, QueryWord, correct
from shelfwise.query.synonyms import NO_SYNONYMS, Synonyms
from shelfwise.query.tokenizer import Token, any_of, apply_corrections, normalize_query, parts, phrase, render, tokens
from shelfwise.query.vocabulary import MAX_WORD_CHARS, Vocabulary

__all__ = ["Query", "understand"]

_MAX_TERMS = 32
_MAX_CORRECTED = 6  # words of one query
_MAX_DOUBTED = 8  # words of one query that may be typing mistakes although they are known
_MIN_ITEMS = 3  # fewer items than these are hardly any
# Costs to leave a word as it is, as those of `spelling`.
_PREFIX_COST = 0.2  # the last word, read as the beginning of another; that word's cost is added
_PREFIX_OF_STEM_COST = 1.8  # where only what FTS5 cuts it down to begins others
_SPLIT_LETTER_COST = 1.2  # where it is a known word and a single letter
_STEM_COST = 0.9  # where only its stem is found, by other words


@dataclass(frozen=True, slots=True)
class Query:
    """`original` is what was typed, `text` what the encoder embeds; `corrected` is `text` if a word was corrected."""

    original: str
    text: str
    terms: tuple[Term, ...] = ()
    corrected: str | None = None

    @property
    def remembered_as(self) -> str:
        """Return the text by which the query memory is searched: the corrected one, else the original."""
        return self.corrected or self.original


def understand(
    original: str,
    vocabulary: Vocabulary,
    count: Count,
    synonyms: Synonyms = NO_SYNONYMS,
    *,
    exact: bool = False,
    fresh: bool = False,
) -> Query:
    """Return the query as the shop understands it; without terms where it has no letter and no digit.

    Args:
        original: what was typed.
        vocabulary: the shop's words.
        count: returns how many live items match all of the FTS5 expressions given.
        synonyms: what the shop's words also mean.
        exact: take every word as it stands: correct, complete, join and replace nothing.
        fresh: the vocabulary has the words of every item, so that a word that it lacks and yet matches items is only
            the stem of another word.
    """
    text = normalize_query(original)
    read = tokens(text)
    if exact:
        return Query(original, render(text, read), _dedup(term for token in read for term in exact_terms(token)))
    lexicon = ShopLexicon(vocabulary, count, synonyms)
    read = _split_known(read, lexicon)
    changes = _corrections(read, lexicon, fresh)
    if changes:
        text = render(text, apply_corrections(read, changes))
        others = {change.words: change.others for change in changes}
        read = [_add_variants(token, others.get((token.text,), ())) for token in _split_known(tokens(text), lexicon)]
    read = _add_likely_spellings(read, lexicon)
    text = render(text, rewrite(read, lexicon))
    return Query(original, text, _dedup(terms(read, lexicon)), text if changes else None)


def _split_known(query_tokens: Sequence[Token], lexicon: ShopLexicon) -> list[Token]:
    """Return the tokens with compounds that the shop lacks split, and the last a prefix where it begins others."""
    if not query_tokens:
        return []
    *earlier, last = query_tokens
    result = [part for token in earlier for part in _as_compound(token, lexicon)]
    prefix = _as_prefix(last, lexicon)
    if prefix.is_prefix:
        return [*result, prefix]
    *first_parts, last_part = _as_compound(last, lexicon)
    return [*result, *first_parts, _as_prefix(last_part, lexicon)]


def _as_compound(token: Token, lexicon: ShopLexicon) -> list[Token]:
    """Return a compound that the shop lacks as its parts; a measure that it lacks may also be its bare number."""
    if token.bigrams or (token.can_join and not token.number) or lexicon.knows(token):
        return [token]
    return [_add_variants(token, [token.number])] if token.number else parts(token)


def _as_prefix(token: Token, lexicon: ShopLexicon) -> Token:
    """Return a token that the shop lacks as a prefix, where some items have a word that begins so."""
    if token.bigrams or token.number or not 1 < len(token.text) <= MAX_WORD_CHARS or lexicon.knows(token):
        return token
    prefix = replace(token, is_prefix=True)
    return prefix if lexicon.has_match(fts_expression(prefix)) else token


def _corrections(query_tokens: Sequence[Token], lexicon: ShopLexicon, fresh: bool) -> list[Correction]:
    costs: list[float] = []
    for token in query_tokens:
        costs.append(_cost(token, lexicon, fresh) if sum(map(bool, costs)) < _MAX_CORRECTED else 0.0)
    if not any(costs):
        return []
    matches = {
        token.text: any_of([fts_expression(token), *map(phrase, splits(token, lexicon))]) for token in query_tokens
    }
    missing = {text for text, match in matches.items() if not lexicon.has_match(match)}

    def co_occurs(words: Sequence[str]) -> int:
        return lexicon.count([matches.get(word, phrase(word)) for word in words if word not in missing])

    words = [QueryWord(token.text, cost, token.can_join) for token, cost in zip(query_tokens, costs, strict=True)]
    return correct(words, lexicon.vocabulary, co_occurs, lexicon.synonyms.vocabulary)


def _add_likely_spellings(query_tokens: Sequence[Token], lexicon: ShopLexicon) -> list[Token]:
    """Return the tokens; where hardly an item has all, a rare word that looks mistyped also means the usual one.

    It may be mistyped in the shop's own texts (`cartrige`), or a word of the language (`cannon`): neither is corrected.
    """
    result = list(query_tokens)
    matches = [fts_expression(token) for token in result]
    if lexicon.count(matches) >= _MIN_ITEMS:
        return result
    for position, token in enumerate(query_tokens[:_MAX_DOUBTED]):
        if not token.is_alphabetic or token.is_prefix:
            continue
        usual = lexicon.vocabulary.dominant_neighbour(token.text)
        others = [*matches[:position], *matches[position + 1 :]]
        if usual and (lexicon.count([*others, phrase(usual)]) if others else _is_shop_typo(token, lexicon)):
            result[position] = _add_variants(token, [usual])
    return result


def _is_shop_typo(token: Token, lexicon: ShopLexicon) -> bool:
    """Return whether a word that stands alone is the shop's and no word of the language."""
    return token.text in lexicon.vocabulary and not lexicon.vocabulary.is_language_word(token.text)


def _add_variants(token: Token, variants: Iterable[str]) -> Token:
    return replace(token, variants=(*token.variants, *variants))


def _cost(token: Token, lexicon: ShopLexicon, fresh: bool) -> float:
    """Return the cost of leaving a token as it is; 1 is an edit in a word of six letters."""
    if not token.is_alphabetic or not 2 < len(token.text) <= MAX_WORD_CHARS:
        return 0.0
    if token.is_prefix:
        completion = lexicon.vocabulary.completion(token.text)
        return _PREFIX_COST + lexicon.vocabulary.cost(completion) if completion else _PREFIX_OF_STEM_COST
    if lexicon.has_word(token) or lexicon.vocabulary.is_language_word(token.text):
        return 0.0
    if lexicon.has_match(fts_expression(token)):
        return _STEM_COST if fresh else 0.0
    has_single_letter = any(1 in map(len, way.split()) for way in splits(token, lexicon))  # as `t shirt` of tshirt
    return _SPLIT_LETTER_COST if has_single_letter else UNKNOWN_COST


def _dedup(query_terms: Iterable[Term]) -> tuple[Term, ...]:
    """Return the first 32 terms of different expressions."""
    unique: dict[str, Term] = {}
    for term in query_terms:
        unique.setdefault(term.match, term)
    return tuple(islice(unique.values(), _MAX_TERMS))
