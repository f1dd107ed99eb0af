"""The loss of a night, and the batches it is computed on.

A text that is in a batch several times is encoded once. Under torchrun the items of all ranks are candidates, and the
weights are normalised over all ranks, so that several small batches train as one large batch would.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.util import all_gather, all_gather_padded, get_world_size
from torch import Tensor

from shelfwise.trainer.encoder.pairs import Pair

__all__ = ["DedupInfoNCELoss", "PairCollator"]


class PairCollator:
    """Collates rows of the data set, `{"pair": number}`, into the tokens of their distinct texts and labels.

    Items with the same text are the same item here: the encoder can't tell them apart. The labels are
    `query` (batch,) int64, the row of the pair's query among the distinct ones; `chosen` (batch,) int64, the row of its
    item; `weight` (batch,) float32; `listed` (batch, n_items) bool, its hard negatives; `code` (n_items,) int64, the
    item's number, the same on every rank.
    """

    def __init__(self, model: SentenceTransformer, pairs: Sequence[Pair], texts: Mapping[str, str]) -> None:
        self._model, self._pairs, self._texts = model, pairs, texts
        distinct = sorted({texts[id] for pair in pairs for id in (pair.item, *pair.negatives)})
        self._codes = {text: code for code, text in enumerate(distinct)}

    def __call__(self, rows: Sequence[Mapping[str, int]]) -> dict[str, Any]:
        pairs = [self._pairs[row["pair"]] for row in rows]
        queries = _numbered(pair.anchor for pair in pairs)
        items = _numbered(self._texts[id] for pair in pairs for id in (pair.item, *pair.negatives))
        listed = torch.zeros(len(pairs), len(items), dtype=torch.bool)
        for row, pair in enumerate(pairs):
            listed[row, [items[self._texts[id]] for id in pair.negatives]] = True
        labels = {
            "query": torch.tensor([queries[pair.anchor] for pair in pairs]),
            "chosen": torch.tensor([items[self._texts[pair.item]] for pair in pairs]),
            "weight": torch.tensor([pair.weight for pair in pairs], dtype=torch.float32),
            "listed": listed,
            "code": torch.tensor([self._codes[text] for text in items]),
        }
        return self._tokens("query", queries) | self._tokens("item", items) | {"label": labels}

    def _tokens(self, column: str, texts: Mapping[str, int]) -> dict[str, Any]:
        return {f"{column}_{name}": value for name, value in self._model.preprocess(list(texts)).items()}


class DedupInfoNCELoss(torch.nn.Module):
    """InfoNCE (van den Oord et al. 2018) over the distinct items of a batch, a weighted mean over its pairs.

    It is sentence-transformers' MultipleNegativesRankingLoss + de-duplication of items + hard negatives per query. An
    item that several shoppers of the batch chose is a candidate once: not a negative of its own queries, and not
    several negatives of the others, which would train the encoder to rank popular items low. An item that is in the
    batch as a hard negative only is a candidate of the queries that list it only.

    Args:
        model: The encoder to train.
        scale: The inverse temperature: cosines are multiplied by it before the softmax.
    """

    def __init__(self, model: SentenceTransformer, scale: float) -> None:
        super().__init__()
        self.model, self.scale = model, scale

    def forward(self, sentence_features: Sequence[dict[str, Any]], labels: dict[str, Tensor]) -> Tensor:
        """Return the loss of the tokens of distinct queries and items, with the labels of `PairCollator`."""
        queries, items = (self.model(features)["sentence_embedding"] for features in sentence_features)
        return self.compute_loss_from_embeddings([queries, items], labels)

    def compute_loss_from_embeddings(self, embeddings: list[Tensor], labels: dict[str, Tensor]) -> Tensor:
        """Return the loss of distinct queries (n_queries, dim) and items (n_items, dim), labels of `PairCollator`."""
        queries, items = (torch.nn.functional.normalize(part.float(), dim=-1) for part in embeddings)
        code, chosen = labels["code"], labels["chosen"]
        is_chosen = torch.zeros_like(code)
        is_chosen[chosen] = 1
        items, codes, is_chosen = _of_all_ranks(items, code, is_chosen)

        distinct, position = torch.unique(codes, return_inverse=True)  # (n_candidates,), (n_gathered,)
        first = (codes == distinct[:, None]).int().argmax(dim=1)  # (n_candidates,) a gathered row for each
        # (n_candidates,) whether any query chose it, which makes it a candidate of all
        is_open = torch.zeros_like(distinct).index_add_(0, position, is_chosen) > 0
        own = torch.searchsorted(distinct, code)  # (n_items,) the candidates that are this rank's items
        is_candidate = is_open.repeat(len(chosen), 1)  # (batch, n_candidates)
        is_candidate[:, own] |= labels["listed"]

        logits = self.scale * queries[labels["query"]] @ items[first].T  # (batch, n_candidates)
        logits = logits.masked_fill(~is_candidate, -torch.inf)
        losses = torch.nn.functional.cross_entropy(logits, own[chosen], reduction="none")
        return _weighted_mean(losses, labels["weight"])


def _numbered(texts: Any) -> dict[str, int]:
    """Return text → number, distinct texts in the order they come."""
    return {text: number for number, text in enumerate(dict.fromkeys(texts))}


def _of_all_ranks(items: Tensor, code: Tensor, is_chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the three of all ranks, concatenated; the gradient of an item flows back to the rank that encoded it."""
    if get_world_size() == 1:
        return items, code, is_chosen
    real = torch.ones_like(code)[None]  # ranks have different numbers of items: the shorter ones are padded
    gathered, are_real = all_gather_padded(items[None], real, with_grad=True)  # (ranks, max, dim), (ranks, max)
    numbers, _ = all_gather_padded(torch.stack([code, is_chosen], dim=-1)[None], real)  # (ranks, max, 2)
    numbers = numbers[are_real > 0]
    return gathered[are_real > 0], numbers[:, 0], numbers[:, 1]


def _weighted_mean(losses: Tensor, weight: Tensor) -> Tensor:
    """Return this rank's part of the weighted mean over all ranks, such that the mean over the ranks is that mean.

    DDP averages the gradients of the ranks, hence the factor.
    """
    total = weight.sum().clamp_min(1e-12)  # all may weigh nothing
    if get_world_size() > 1:
        total = all_gather(total[None]).sum()
    return get_world_size() * (weight * losses).sum() / total
