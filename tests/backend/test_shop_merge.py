"""`Shop.merge`: an anonymous session becomes the user's at a login."""

from __future__ import annotations

from typing import Any

import pytest

from shelfwise import InvalidInput, Shop
from shelfwise.generation.card import GenerationCard, LearnedEvents


def test_what_was_done_before_the_login_is_known_of_the_user(shop: Shop) -> None:
    answer = shop.search("red mug", session="s")
    shop.record([{"type": "click", "item": "mug-red", "session": "s", "search_id": answer.search_id, "position": 1}])
    shop.record([{"type": "dismiss", "item": "candle", "session": "s"}])
    shop.recommend(session="s")
    assert "candle" in [hit.id for hit in shop.recommend(user="17850").hits]
    merged = {"session": "s", "user": "17850", "events": 2, "searches": 1, "recommendations": 1}
    assert shop.merge(" s ", 17850) == merged  # type: ignore[arg-type]
    assert "candle" not in [hit.id for hit in shop.recommend(user="17850").hits]
    assert [event["item"] for event in shop.export("17850")["events"]] == ["mug-red", "candle"]
    assert shop.merge("s", "17850") == merged | {"events": 0, "searches": 0, "recommendations": 0}


def test_erasing_after_a_merge_retires_what_learned_the_session(shop: Shop) -> None:
    shop.record([{"type": "click", "item": "mug-red", "session": "s", "ts": shop.now() - 5}])
    number, folder = shop.generations.create_folder()
    card = GenerationCard(LearnedEvents(1, shop.now()), shop.now())
    shop.generations.publish(number, folder, card, parent=None, current=None)
    shop.merge("s", "anna")
    receipt = shop.erase("anna")
    assert (receipt["events"], receipt["generations"]) == (1, [number])


@pytest.mark.parametrize("bad", ["", "  ", None, True, "x" * 600, "a\x00b"])
@pytest.mark.parametrize("field", ["session", "user"])
def test_what_is_no_id(shop: Shop, field: str, bad: Any) -> None:
    shop.record([{"type": "click", "item": "mug-red", "session": "s"}])
    with pytest.raises(InvalidInput, match=rf"^{field}: ") as refused:
        shop.merge(**({"session": "s", "user": "u"} | {field: bad}))
    assert refused.value.field == field
    assert shop.merge("s", "u")["events"] == 1
