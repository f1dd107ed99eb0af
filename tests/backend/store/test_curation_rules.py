"""Rules as they are kept: whole, in their order, and the same one once."""

from __future__ import annotations

from typing import Any

import pytest

from shelfwise.store import Store

RULE: dict[str, Any] = {
    "action": "boost", "match": "contains", "query": "red mug", "items": ["a", "ü"], "filter": "brand:Sony",
    "strength": 0.5, "starts": 0.0, "ends": 86_400.5, "note": "spring",
}  # fmt: skip
BARE: dict[str, Any] = dict.fromkeys(RULE) | {"action": "hide", "match": "any", "items": ["a"], "strength": 0.0}


def test_a_rule_comes_back_whole(store: Store) -> None:
    rules, new = store.rules.add([RULE, BARE])
    assert (store.rules.all(), new) == (rules, 2)
    assert rules[0].to_dict() == RULE | {
        "id": rules[0].id, "starts": "1970-01-01T00:00:00.000Z", "ends": "1970-01-02T00:00:00.500Z",
    }  # fmt: skip
    assert rules[1].to_dict() == BARE | {"id": rules[1].id, "strength": None}


def test_the_same_rule_is_said_once(store: Store) -> None:
    first, _ = store.rules.add([RULE, BARE])
    assert store.rules.add([BARE, RULE, RULE]) == ([first[1], first[0]], 0)
    assert store.rules.all() == first


@pytest.mark.parametrize("field", RULE)
def test_a_rule_that_differs_in_anything_is_another(store: Store, field: str) -> None:
    store.rules.add([RULE])
    assert store.rules.add([RULE | {field: BARE[field] if field != "items" else ["ü", "a"]}])[1] == 1


def test_removing(store: Store) -> None:
    number = store.rules.add([RULE])[0][0].id
    assert store.rules.remove(number)
    assert not store.rules.remove(number)
    assert store.rules.all() == []


def test_all_or_none(store: Store) -> None:
    with pytest.raises(KeyError):
        store.rules.add([RULE, {"action": "hide"}])
    assert store.rules.all() == []


def test_every_change_moves_the_number(store: Store) -> None:
    seen = [store.curation_seq()]
    number = store.rules.add([RULE])[0][0].id
    seen.append(store.curation_seq())
    store.rules.add([RULE])
    assert store.curation_seq() == seen[-1], "nothing changed"
    store.rules.remove(number)
    assert store.curation_seq() > seen[-1] > seen[0]
