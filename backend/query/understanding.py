"""What a shopper's query asks for: the terms to look up, the text to embed, and what was corrected on the way.

The steps of understanding meet here; everything about the shop comes in as arguments, and there is no SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from shelfwise.query.fts_terms import (
    LONGEST,
    Count,
    ShopLexicon,
    Term,
    exact_terms,
    fts_expression,
    rewrite,
    splits,
    terms,
)
from shelfwise.query.spelling import UNKNOWN, Correction, QueryWord, correct
from shelfwise.query.synonyms import NO_SYNONYMS, Synonyms
from shelfwise.query.tokenizer import Token, any_of, apply_corrections, normalize_query, parts, phrase, render, tokens
from shelfwise.query.vocabulary import Vocabulary

__all__ = ["Query", "understand"]

_MOST_TERMS = 32
_MOST_DOUBTFUL = 6  # words that are corrected in one query
_MOST_DOUBTED = 8  # words of a query that may be slips although they are known
_HARDLY = 3  # fewer items than these are hardly any
# Costs, as those of `spelling`.
_COMPLETED = 0.2  # to read the last word as a beginning, beside the cost of the word it begins,
_BEGUN_STEM = 1.8  # where only what FTS5 cuts it down to begins others
_LETTERED = 1.2  # to take a letter off a word,
_STEM = 0.9  # to leave a word that is found only as what FTS5 cuts it down to


@dataclass(frozen=True, slots=True)
class Query:
    """`text` is what the encoder embeds; `corrected`, the query as it was read, is None where it was left alone."""

    original: str
    text: str
    terms: tuple[Term, ...] = ()
    corrected: str | None = None

    @property
    def remembered_as(self) -> str:
        """What earlier shoppers typed for the same: the query as it stands, but for its corrections."""
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
    """The query as the shop understands it; without terms where it holds no letter and no digit.

    `count` returns how many live items match all of the FTS5 expressions given. `exact` takes every word as it
    stands: nothing corrected, completed, joined or replaced by a synonym. `fresh`: the vocabulary holds the words of
    every item there is, so that what matches items and yet isn't in it is only the stem of another word.
    """
    text = normalize_query(original)
    given = tokens(text)
    if exact:
        return Query(original, render(text, given), _dedup(term for token in given for term in exact_terms(token)))
    held = ShopLexicon(vocabulary, count, synonyms)
    given = _split_known(given, held)
    changes = _corrections(given, held, fresh)
    if changes:
        text = render(text, apply_corrections(given, changes))
        others = {change.words: change.others for change in changes}
        given = [_meaning(token, others.get((token.text,), ())) for token in _split_known(tokens(text), held)]
    read = _add_likely_spellings(given, held)
    text = render(text, rewrite(read, held))
    return Query(original, text, _dedup(terms(read, held)), text if changes else None)


def _split_known(query_tokens: Sequence[Token], lexicon: ShopLexicon) -> list[Token]:
    """The tokens as far as the shop holds them, compounds in their parts where it doesn't."""
    return [part for token in query_tokens[:-1] for part in _as_compound(token, lexicon)] + _last(
        query_tokens[-1:], lexicon
    )


def _as_compound(token: Token, lexicon: ShopLexicon) -> list[Token]:
    """A compound that the shop holds as it is, else its parts; a measure that it lacks is also its bare number."""
    if token.bigrams or (token.can_join and not token.number) or lexicon.known(token):
        return [token]
    return [replace(token, variants=(*token.variants, token.number))] if token.number else parts(token)


def _last(query_tokens: Sequence[Token], lexicon: ShopLexicon) -> list[Token]:
    """The last token of a query, which may be the beginning of what some items hold; none where there is none."""
    begun = [_as_prefix(token, lexicon) for token in query_tokens]
    if any(token.is_prefix for token in begun):
        return begun
    whole = [part for token in query_tokens for part in _as_compound(token, lexicon)]
    return [*whole[:-1], *(_as_prefix(token, lexicon) for token in whole[-1:])]


def _as_prefix(token: Token, lexicon: ShopLexicon) -> Token:
    if token.bigrams or token.number or not 1 < len(token.text) <= LONGEST or lexicon.known(token):
        return token
    begun = replace(token, is_prefix=True)
    return begun if lexicon.found(fts_expression(begun)) else token


def _corrections(query_tokens: Sequence[Token], lexicon: ShopLexicon, fresh: bool) -> list[Correction]:
    costs: list[float] = []
    for token in query_tokens:
        costs.append(_cost(token, lexicon, fresh) if sum(map(bool, costs)) < _MOST_DOUBTFUL else 0.0)
    if not any(costs):
        return []
    matches = {
        token.text: any_of([fts_expression(token), *map(phrase, splits(token, lexicon))]) for token in query_tokens
    }
    missing = {text for text, match in matches.items() if not lexicon.found(match)}

    def together(read: Sequence[str]) -> int:
        return lexicon.count([matches.get(word, phrase(word)) for word in read if word not in missing])

    words = [QueryWord(token.text, cost, token.can_join) for token, cost in zip(query_tokens, costs, strict=True)]
    return correct(words, lexicon.vocabulary, together, lexicon.synonyms.vocabulary)


def _add_likely_spellings(read: Sequence[Token], lexicon: ShopLexicon) -> list[Token]:
    """The tokens; where hardly an item has all of them, a rare word that looks like a slip means the usual one, too.

    It may be a slip of the shop's own texts (`cartrige`), or a word of the language (`cannon`); neither is corrected.
    """
    matches = [fts_expression(token) for token in read]
    if lexicon.count(matches) >= _HARDLY:
        return list(read)
    result = list(read)
    for position, token in enumerate(read[:_MOST_DOUBTED]):
        usual = (
            lexicon.vocabulary.dominant_neighbour(token.text) if token.is_alphabetic and not token.is_prefix else None
        )
        others = [*matches[:position], *matches[position + 1 :]]
        if usual and (_is_shop_typo(token, lexicon) if not others else lexicon.count([*others, phrase(usual)])):
            result[position] = _meaning(token, [usual])
    return result


def _is_shop_typo(token: Token, lexicon: ShopLexicon) -> bool:
    """Whether a word that stands alone is the shop's and no word of the language."""
    return token.text in lexicon.vocabulary and not lexicon.vocabulary.is_language_word(token.text)


def _meaning(token: Token, others: Iterable[str]) -> Token:
    """The token, which may mean other words as well."""
    return replace(token, variants=(*token.variants, *others))


def _cost(token: Token, lexicon: ShopLexicon, fresh: bool) -> float:
    """What it costs, in edits, to leave a token as it is."""
    if not token.is_alphabetic or not 2 < len(token.text) <= LONGEST:
        return 0.0
    if token.is_prefix:
        completion = lexicon.vocabulary.completion(token.text)
        return _COMPLETED + lexicon.vocabulary.cost(completion) if completion else _BEGUN_STEM
    if lexicon.named(token) or lexicon.vocabulary.is_language_word(token.text):
        return 0.0
    if lexicon.found(fts_expression(token)):
        return _STEM if fresh else 0.0
    lettered = any(1 in map(len, way.split()) for way in splits(token, lexicon))  # as `t shirt` of tshirt
    return _LETTERED if lettered else UNKNOWN


def _dedup(found: Iterable[Term]) -> tuple[Term, ...]:
    """The first terms, each expression once."""
    once: dict[str, Term] = {}
    for term in found:
        once.setdefault(term.match, term)
    return tuple(islice(once.values(), _MOST_TERMS))
