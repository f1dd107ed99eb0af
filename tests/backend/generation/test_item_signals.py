"""What a generation counted, written and read again, and by_row on a catalogue that changed since."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.generation.item_signals import ITEM_SIGNALS, MATRICES, ItemSignals, SignalsByRow, save_signals
from shelfwise.store import Store
from support.recommend_shop import ITEMS, make_signals
from support.stores import store_fixture, upsert_rows

# of things some of which are gone, in an order of their own
IDS = ["mug", "gone", "tea", "cup"]
KNOWN = make_signals(
    {"buyers": {"mug": 5, "gone": 9, "tea": 2}, "repeat": {"tea": 0.4}},
    {"together": {"tea": {"cup": 0.5, "gone": 0.4}, "cup": {"mug": 0.25}, "gone": {"mug": 9.0}}},
    IDS,
)


store = store_fixture(ITEMS)


def nonzero_by_id(values: np.ndarray, columns: CatalogueSnapshot) -> dict[str | None, float]:
    """id → value, of what is not zero."""
    assert values.shape == (columns.size,) and values.dtype == np.float32
    return {columns.ids[row]: float(values[row]) for row in np.flatnonzero(values)}


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    save_signals(tmp_path / "signals", IDS, KNOWN.numbers, KNOWN.links)
    found = ItemSignals.load(tmp_path / "signals")
    assert list(found.ids) == IDS
    assert {name: values.tolist() for name, values in found.numbers.items()} == {
        name: values.tolist() for name, values in KNOWN.numbers.items()
    }
    assert set(found.links) == set(MATRICES)
    assert found.links["together"].links_of(2)[1].tolist() == pytest.approx([0.5, 0.4])
    assert found.links["together"].support_of(2, 3) == 3


@pytest.mark.parametrize("name", ["signals.npz", "ids.json"])
def test_half_of_it_is_an_error(tmp_path: Path, name: str) -> None:
    save_signals(tmp_path / "signals", IDS, KNOWN.numbers, KNOWN.links)
    (tmp_path / "signals" / name).unlink()
    with pytest.raises(OSError):
        ItemSignals.load(tmp_path / "signals")


def test_numbers_by_row(columns: CatalogueSnapshot) -> None:
    by_row = SignalsByRow(KNOWN, columns)
    assert nonzero_by_id(by_row.signal("buyers"), columns) == {"mug": 5, "tea": 2}
    assert nonzero_by_id(by_row.signal("repeat"), columns) == {"tea": pytest.approx(0.4)}


@pytest.mark.parametrize("name", ITEM_SIGNALS)
def test_a_number_that_was_not_counted_is_zero(columns: CatalogueSnapshot, name: str) -> None:
    assert nonzero_by_id(SignalsByRow(ItemSignals(), columns).signal(name), columns) == {}


@pytest.mark.parametrize(
    ("own", "weights", "leads_to"),
    [
        (["tea"], [1.0], {"cup": 0.5}),
        (["tea", "cup"], [2.0, 1.0], {"cup": 1.0, "mug": 0.25}),
        (["mug"], [1.0], {}),
        (["rug"], [1.0], {}),
        (["unknown", "tea"], [7.0, 1.0], {"cup": 0.5}),
        ([], [], {}),
    ],
)
def test_where_items_lead(
    columns: CatalogueSnapshot, own: list[str], weights: list[float], leads_to: dict[str, float]
) -> None:
    found = SignalsByRow(KNOWN, columns).spread("together", columns.rows(own), np.array(weights))
    assert nonzero_by_id(found, columns) == pytest.approx(leads_to)


@pytest.mark.parametrize("name", [*MATRICES[1:], "of another time"])
def test_a_matrix_that_was_not_counted_leads_nowhere(columns: CatalogueSnapshot, name: str) -> None:
    by_row, tea, cup = SignalsByRow(KNOWN, columns), columns.row_of["tea"], columns.row_of["cup"]
    assert nonzero_by_id(by_row.spread(name, np.array([tea]), np.ones(1)), columns) == {}
    assert by_row.weights_to(name, cup, np.array([tea])).tolist() == [0.0]
    assert by_row.support(name, tea, cup) == 0


def test_how_strongly_others_lead_to_one(columns: CatalogueSnapshot) -> None:
    by_row = SignalsByRow(KNOWN, columns)
    others = columns.rows(["tea", "mug", "rug", "unknown"])
    assert by_row.weights_to("together", columns.row_of["cup"], others).tolist() == [0.5, 0.0, 0.0, 0.0]
    assert by_row.weights_to("together", columns.row_of["rug"], others).tolist() == [0.0] * 4


@pytest.mark.parametrize(("row", "other", "shoppers"), [("tea", "cup", 3), ("cup", "tea", 0), ("rug", "tea", 0)])
def test_how_many_shoppers_made_a_link(columns: CatalogueSnapshot, row: str, other: str, shoppers: int) -> None:
    assert SignalsByRow(KNOWN, columns).support("together", columns.row_of[row], columns.row_of[other]) == shoppers


def test_items_that_came_since_are_simply_unknown(store: Store) -> None:
    upsert_rows(store, {"id": "late", "title": "late"})
    columns = CatalogueCache(store).current()
    by_row = SignalsByRow(KNOWN, columns)
    assert nonzero_by_id(by_row.signal("buyers"), columns) == {"mug": 5, "tea": 2}
    assert nonzero_by_id(by_row.spread("together", columns.rows(["late", "tea"]), np.ones(2)), columns) == {"cup": 0.5}


def test_an_item_that_comes_back_has_its_numbers_again(store: Store) -> None:
    upsert_rows(store, {"id": "gone", "title": "gone"})
    columns = CatalogueCache(store).current()
    assert nonzero_by_id(SignalsByRow(KNOWN, columns).signal("buyers"), columns)["gone"] == 9
