"""Links between items: read by row, summed over several, and written as they were."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.generation.item_links import ItemLinks


@pytest.fixture
def links() -> ItemLinks:
    """0 leads to 1 (.5, by 3 shoppers) and 2 (.25, by 2); 1 leads to nothing; 2 leads to 0 (1, by 4)."""
    return ItemLinks(
        np.array([0, 2, 2, 3]),
        np.array([1, 2, 0], np.int32),
        np.array([0.5, 0.25, 1.0], np.float32),
        np.array([3, 2, 4], np.int32),
    )


@pytest.mark.parametrize(("row", "leads_to"), [(0, {1: 0.5, 2: 0.25}), (1, {}), (2, {0: 1.0}), (3, {}), (-1, {})])
def test_where_an_item_leads(links: ItemLinks, row: int, leads_to: dict[int, float]) -> None:
    indices, weights = links.links_of(row)
    assert dict(zip(indices.tolist(), weights.tolist(), strict=True)) == leads_to


@pytest.mark.parametrize(
    ("rows", "weights", "summed"),
    [
        ([0], [1.0], [0.0, 0.5, 0.25]),
        ([0, 2], [2.0, 1.0], [1.0, 1.0, 0.5]),
        ([1], [1.0], [0.0, 0.0, 0.0]),
        ([-1, 7], [1.0, 1.0], [0.0, 0.0, 0.0]),
        ([], [], [0.0, 0.0, 0.0]),
    ],
)
def test_where_several_lead_together(
    links: ItemLinks, rows: list[int], weights: list[float], summed: list[float]
) -> None:
    found = links.spread(np.array(rows, np.int64), np.array(weights), 3)
    assert found.dtype == np.float32
    assert found.tolist() == pytest.approx(summed)


def test_summing_is_a_product_with_the_matrix() -> None:
    random = np.random.default_rng(0)
    dense = random.random((40, 40)) * (random.random((40, 40)) < 0.2)
    indptr = np.concatenate([[0], np.cumsum((dense > 0).sum(1))])
    links = ItemLinks(indptr, np.nonzero(dense)[1].astype(np.int32), dense[dense > 0].astype(np.float32))
    rows, weights = np.array([3, 17, 39, 3]), np.array([0.5, 1.0, 2.0, 0.25])
    assert links.spread(rows, weights, 40) == pytest.approx(weights @ dense[rows], abs=1e-5)


def test_how_strongly_others_lead_to_one(links: ItemLinks) -> None:
    assert links.weights_to(0, np.array([0, 1, 2, 9])).tolist() == [0.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize(("row", "other", "shoppers"), [(0, 1, 3), (0, 2, 2), (2, 0, 4), (1, 0, 0), (0, 0, 0)])
def test_how_many_shoppers_made_a_link(links: ItemLinks, row: int, other: int, shoppers: int) -> None:
    assert links.support_of(row, other) == shoppers


def test_links_whose_shoppers_were_not_counted(links: ItemLinks) -> None:
    assert ItemLinks(links.indptr, links.indices, links.weights).support_of(0, 1) == 0


def test_what_was_written_is_read_again(links: ItemLinks) -> None:
    arrays = links.to_arrays("x")
    again = ItemLinks.from_arrays("x", arrays)
    assert again.links_of(0)[0].tolist() == [1, 2]
    assert again.support_of(2, 0) == 4
    assert len(ItemLinks.from_arrays("absent", arrays)) == 0
