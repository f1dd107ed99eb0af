"""Rules as they are stored: whole, in order, and an equal one once."""

from __future__ import annotations

from typing import Any

import pytest

from shelfwise.store import Store

RULE: dict[str, Any] = {
    "action": "boost", "match": "contains", "query": "red mug", "items": ["a", "ü"], "filter": "brand:Sony",
    "strength": 0.5, "starts": 0.0, "ends": 86_400.5, "note": "spring",
}  # fmt: skip
BARE: dict[str, Any] = dict.fromkeys(RULE) | {"action": "hide", "match": "any", "items": ["a"], "strength": 0.0}


def test_rules_add_returns_whole_rules(store: Store) -> None:
    rules, new = store.rules.add([RULE, BARE])
    assert (store.rules.all(), new) == (rules, 2)
    assert rules[0].to_dict() == RULE | {
        "id": rules[0].id, "starts": "1970-01-01T00:00:00.000Z", "ends": "1970-01-02T00:00:00.500Z",
    }  # fmt: skip
    assert rules[1].to_dict() == BARE | {"id": rules[1].id, "strength": None}


def test_rules_add_of_an_equal_rule_adds_none(store: Store) -> None:
    first, _ = store.rules.add([RULE, BARE])
    assert store.rules.add([BARE, RULE, RULE]) == ([first[1], first[0]], 0)
    assert store.rules.all() == first


@pytest.mark.parametrize("field", RULE)
def test_rules_add_of_a_rule_with_one_other_field_adds_it(store: Store, field: str) -> None:
    store.rules.add([RULE])
    assert store.rules.add([RULE | {field: BARE[field] if field != "items" else ["ü", "a"]}])[1] == 1


def test_rules_remove_returns_whether_there_was_one(store: Store) -> None:
    number = store.rules.add([RULE])[0][0].id
    assert store.rules.remove(number)
    assert not store.rules.remove(number)
    assert store.rules.all() == []


def test_rules_add_with_an_invalid_row_adds_none(store: Store) -> None:
    with pytest.raises(KeyError):
        store.rules.add([RULE, {"action": "hide"}])
    assert store.rules.all() == []


def test_curation_seq_grows_with_every_change_of_rules(store: Store) -> None:
    seqs = [store.curation_seq()]
    number = store.rules.add([RULE])[0][0].id
    seqs.append(store.curation_seq())
    store.rules.add([RULE])
    assert store.curation_seq() == seqs[-1], "nothing changed"
    store.rules.remove(number)
    assert store.curation_seq() > seqs[-1] > seqs[0]
