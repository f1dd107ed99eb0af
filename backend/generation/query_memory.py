"""What earlier shoppers chose: for each query and each of its words the items with their decayed weight.

The night makes it with `Memory.of` and saves it; the door opens it. A query is known by its letters and digits alone.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np

__all__ = ["HALF_LIFE_DAYS", "MemoryHits", "QueryMemory", "SparseTable", "WeightedClick", "query_key", "query_ngrams"]

HALF_LIFE_DAYS = 30.0
_MOST_QUERIES = 20_000
_NEIGHBOURS = 10
_LEAST_COSINE = 0.6  # a query that is less like this one says nothing of it
_SHARPNESS = 20.0  # of the weights of neighbours: the temperature of the encoder's loss
_DOUBT = 2.0  # choices; a share of fewer counts as less than it is
_LEAST = 1e-15  # what decayed below it, after four years, is forgotten: shares of nothing can't be told
_PARTS = "indptr", "rows", "masses", "times"
_PIECE = re.compile(r"\d+|[^\W\d_]+")

WeightedClick = tuple[str, int, float]  # query, row of the item, decayed weight


@dataclass(frozen=True, slots=True)
class MemoryHits:
    """What is remembered of one query, by row of `Memory.items`, each (n,) float32; absent rows were never chosen."""

    rows: np.ndarray  # (n,) int64
    share: np.ndarray  # of the choices for this very query, 0..1, less where they are few
    mass: np.ndarray  # decayed choices for it
    near: np.ndarray  # the share over the nearest other queries, weighed by their nearness
    words: np.ndarray  # the mean share over the words of the query and their pairs, rare ones first
    total: float  # all decayed choices for this very query


@dataclass(frozen=True)
class SparseTable:
    """Keys with the rows of items chosen for them, and their masses, in CSR form."""

    keys: Sequence[str] = ()
    indptr: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))  # (n_keys + 1,)
    rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))  # (n_pairs,)
    masses: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))  # (n_pairs,)
    times: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))  # (n_pairs,) how often, undecayed

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        return {key: number for number, key in enumerate(self.keys)}

    def of(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """The rows chosen for a key and their masses, (n,) each."""
        part = slice(int(self.indptr[number]), int(self.indptr[number + 1]))
        return self.rows[part], self.masses[part]

    @classmethod
    def build(cls, chosen: Mapping[str, Mapping[int, Sequence[float]]]) -> SparseTable:
        """Of key → row → (mass, times)."""
        pairs = [pair for found in chosen.values() for pair in found.values()]
        return cls(
            list(chosen),
            np.cumsum([0, *map(len, chosen.values())], dtype=np.int64),
            np.array([row for found in chosen.values() for row in found], np.int32),
            np.array([mass for mass, _ in pairs], np.float32),
            np.array([times for _, times in pairs], np.int32),
        )


@dataclass(frozen=True)
class QueryMemory:
    """`items` are ids; `texts` are the queries as most shoppers typed them, in the order of `queries` and `vectors`."""

    items: Sequence[str] = ()
    queries: SparseTable = field(default_factory=SparseTable)
    words: SparseTable = field(default_factory=SparseTable)
    texts: Sequence[str] = ()
    vectors: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))  # (n_queries, dim)

    @classmethod
    def build(cls, items: Sequence[str], choices: Iterable[WeightedClick]) -> QueryMemory:
        """The memory of these choices, without vectors; only the queries that were followed most are kept."""
        queries: defaultdict[str, dict[int, list[float]]] = defaultdict(dict)
        words: defaultdict[str, dict[int, list[float]]] = defaultdict(dict)
        typed: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for query, row, mass in choices:
            if mass > _LEAST and (key := query_key(query)):
                typed[key][query] += 1
                for found in (queries[key], *(words[piece] for piece in query_ngrams(query))):
                    pair = found.setdefault(row, [0.0, 0])
                    pair[0] += mass
                    pair[1] += 1
        kept = sorted(queries, key=lambda key: (-sum(mass for mass, _ in queries[key].values()), key))[:_MOST_QUERIES]
        return cls(
            items,
            SparseTable.build({key: queries[key] for key in kept}),
            SparseTable.build(words),
            [typed[key].most_common(1)[0][0] for key in kept],
        )

    def recall(self, query: str, vector: np.ndarray | None) -> MemoryHits:
        """What was chosen for `query`, for those nearest to its `vector` (dim,), and for its words."""
        number = self.queries.numbers.get(query_key(query))
        nothing = np.zeros(0, np.int32), np.zeros(0, np.float32)
        own = nothing if number is None else self.queries.of(number)
        near = nothing if vector is None or not len(self.vectors) else self._neighbours(number, vector)
        words = self._words(query)
        rows, position = np.unique(np.concatenate([own[0], near[0], words[0]]), return_inverse=True)
        found = np.zeros((3, len(rows)), np.float32)
        ends = np.cumsum([0, len(own[0]), len(near[0]), len(words[0])])
        for source, (_, values) in enumerate((own, near, words)):
            np.add.at(found[source], position[ends[source] : ends[source + 1]], values)
        total = float(found[0].sum())
        return MemoryHits(rows.astype(np.int64), found[0] / (total + _DOUBT), found[0], found[1], found[2], total)

    def times(self, query: str) -> dict[int, int]:
        """How often each row was chosen for this very query, undecayed."""
        number = self.queries.numbers.get(query_key(query))
        if number is None:
            return {}
        part = slice(int(self.queries.indptr[number]), int(self.queries.indptr[number + 1]))
        return dict(zip(self.queries.rows[part].tolist(), self.queries.times[part].tolist(), strict=True))

    def followed(self) -> list[tuple[str, float]]:
        """Every query as most shoppers typed it, with its decayed choices."""
        sums = np.add.reduceat(np.append(self.queries.masses, 0.0), self.queries.indptr[:-1]).tolist()
        return list(zip(self.texts, sums, strict=True))

    def _neighbours(self, number: int | None, vector: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows of items (repeated) and their weights, of the nearest queries but this one."""
        cosines = self.vectors @ vector  # (n_queries,)
        if number is not None:
            cosines[number] = -1
        count = min(_NEIGHBOURS, len(cosines))
        nearest = np.argpartition(-cosines, count - 1)[:count]
        nearest = nearest[cosines[nearest] >= _LEAST_COSINE]
        parts = [
            (rows, float(np.exp(_SHARPNESS * (cosines[query] - 1))) * np.log1p(masses.sum()) * masses / masses.sum())
            for query in nearest.tolist()
            for rows, masses in [self.queries.of(query)]
        ]
        return _shared_out(parts)

    def _words(self, query: str) -> tuple[np.ndarray, np.ndarray]:
        parts = []
        certain = 0.0
        for piece in query_ngrams(query):
            number = self.words.numbers.get(piece)
            if number is not None:
                rows, masses = self.words.of(number)
                worth = 1 / float(np.log(3 + len(rows)))  # a word that leads everywhere says little
                certain += worth
                parts.append((rows, worth * masses / (masses.sum() + 1)))
        if not parts:
            return np.zeros(0, np.int32), np.zeros(0, np.float32)
        rows, shares = (np.concatenate(column) for column in zip(*parts, strict=True))
        return rows, shares / certain

    def save(self, folder: Path) -> None:
        """Write what `open` reads."""
        folder.mkdir(parents=True)
        names = {"items": self.items, "queries": self.queries.keys, "words": self.words.keys, "texts": self.texts}
        (folder / "names.json").write_text(
            json.dumps({name: list(of) for name, of in names.items()}, ensure_ascii=False)
        )
        arrays = {
            f"{name}_{part}": getattr(table, part)
            for name, table in (("queries", self.queries), ("words", self.words))
            for part in _PARTS
        }
        np.savez(folder / "choices.npz", vectors=self.vectors.astype(np.float16), **arrays)

    @classmethod
    def open(cls, folder: Path) -> QueryMemory:
        names = json.loads((folder / "names.json").read_text())
        with np.load(folder / "choices.npz") as arrays:
            tables = {
                name: SparseTable(names[name], *(arrays[f"{name}_{part}"] for part in _PARTS))
                for name in ("queries", "words")
            }
            return cls(names["items"], **tables, texts=names["texts"], vectors=arrays["vectors"].astype(np.float32))


def query_key(query: str) -> str:
    """Lower-cased and stripped to letters and digits, without spaces: what makes two queries the same."""
    return re.sub(r"[\W_]+", "", query.lower())


def query_ngrams(query: str) -> list[str]:
    """The words and numbers of a query, each once, and each two that follow each other."""
    words = list(dict.fromkeys(_PIECE.findall(query.lower())))[:32]
    return [*words, *(f"{one} {other}" for one, other in pairwise(words))]


def _shared_out(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and weights joined, the weights summing to 1."""
    if not parts:
        return np.zeros(0, np.int32), np.zeros(0, np.float32)
    rows, weights = (np.concatenate(column) for column in zip(*parts, strict=True))
    return rows, weights / weights.sum()
