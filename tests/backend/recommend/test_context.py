"""The context of a request: what was just taken, nearest rows and vectors."""

from __future__ import annotations

import pytest

from shelfwise.catalogue.snapshot import CatalogueSnapshot
from support.recommend_shop import ALL_VECTORS, DEGREES, circle_index, event, make_context


@pytest.mark.parametrize(
    ("type", "days", "is_taken"),
    [("purchase", 0.2, True), ("cart", 0, True), ("purchase", 0.3, False), ("cart", 0.3, False), ("click", 0, False)],
)
def test_just_taken_is_bought_or_in_the_cart_within_hours(
    columns: CatalogueSnapshot, type: str, days: float, is_taken: bool
) -> None:
    context = make_context(columns, event("tea", type, days, "s"), event("tea", "view", 0, "s"), event("cup", days=40))
    assert [columns.ids[row] for row in context.just_taken.nonzero()[0]] == (["tea"] if is_taken else [])


def test_nearest_rows_are_eligible(columns: CatalogueSnapshot) -> None:
    context = make_context(columns, index=ALL_VECTORS)
    (near,) = context.nearest(context.vectors(columns.rows(["tea"]))[1], 3)
    assert {columns.ids[row] for row in near} == {"tea", "chai", "coffee"}, "the vase is nearer, and sold out"


def test_vectors_come_with_their_positions(columns: CatalogueSnapshot) -> None:
    index = circle_index({id: angle for id, angle in DEGREES.items() if id != "cup"})
    positions, vectors = make_context(columns, index=index).vectors(
        columns.rows(["mug", "cup", "unknown", "tea", "mug"])
    )
    assert positions.tolist() == [0, 3, 4]
    assert vectors[1] == pytest.approx([1, 0])
    assert len(make_context(columns).vectors(columns.rows(["mug"]))[0]) == 0, "without an index"
