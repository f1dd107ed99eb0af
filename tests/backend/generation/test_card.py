"""The card of a generation: its JSON, the cards of early generations, and which events a generation may hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shelfwise.generation.card import ALL_EVENTS, GenerationCard, LearnedEvents, LearnedRange
from shelfwise.night_report import NightReport

BASE: dict[str, Any] = {
    "format": 1, "generation": 0, "parent": None, "learned": {"events_seq": 0, "until": 0.0, "held_out": []},
    "until": 0.0, "noise": 0.25, "items_seq": 7, "encoder": "abc", "base": "all-MiniLM-L6-v2", "verdict": "published",
    "manifest": {"serving/model.onnx": "123"},
}  # fmt: skip
NIGHT: dict[str, Any] = {
    "format": 1, "generation": 3, "parent": 2,
    "learned": {"events_seq": 90, "until": 50.0, "held_out": [80, 81], "strange_days": [15_000]}, "until": 60.0,
    "together": {"until": 40.0, "events_seq": 70}, "ranked": {"until": 60.0, "events_seq": 95}, "noise": 0.5,
    "items_seq": 8, "encoder": "def", "base": "all-MiniLM-L6-v2", "night": 4, "verdict": "refused",
    "report": {"seconds": {"collect": 0.5}, "warnings": [], "after_rollback": False, "forced": False, "events_seq": 95},
    "manifest": {},
}  # fmt: skip


@pytest.mark.parametrize("values", [BASE, NIGHT])
def test_card_json_returns_unchanged_and_in_order(values: dict[str, Any]) -> None:
    written = GenerationCard.from_dict(values).to_dict()
    assert written == values and list(written) == list(values)


def test_card_of_an_early_format_gets_defaults() -> None:
    optional = ("noise", "ranked", "together", "report", "night")
    card = GenerationCard.from_dict({name: value for name, value in NIGHT.items() if name not in optional})
    assert (card.noise, card.ranked, card.linked, card.report, card.night) == (0.0, None, None, None, None)
    assert (card.ranked_until, card.links_range) == (60.0, LearnedRange(60.0, 0))


@pytest.mark.parametrize("missing", ["generation", "parent", "items_seq", "manifest"])
def test_card_without_what_every_generation_has_is_refused(missing: str) -> None:
    with pytest.raises(KeyError):
        GenerationCard.from_dict({name: value for name, value in NIGHT.items() if name != missing})


@pytest.mark.parametrize("missing", ["encoder", "base"])
def test_card_without_names_of_its_models_gets_defaults(missing: str) -> None:
    card = GenerationCard.from_dict({name: value for name, value in NIGHT.items() if name != missing})
    assert getattr(card, missing) == {"encoder": "", "base": None}[missing]
    assert card.event_range == LearnedRange(60.0, 95)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learned", None), ("learned", {"events_seq": 5}), ("learned", [1]), ("until", None), ("until", "?"),
        ("report", {"events_seq": "?"}), ("report", "?"), ("report", {"verdicts": [None]}),
        ("report", {"training": [1]}), ("report", {"events_seq": float("inf")}),
    ],
)  # fmt: skip
def test_card_with_a_damaged_history_may_hold_every_event(
    name: str, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    card = GenerationCard.from_dict(NIGHT | {name: value})
    assert (card.items_seq, card.encoder, card.ranked) == (8, "def", LearnedRange(60.0, 95))
    assert card.event_range == ALL_EVENTS
    rebuilt = GenerationCard.from_dict(replace(card, verdict="compacted").to_dict())
    assert rebuilt.event_range == ALL_EVENTS, "as has what is made from it"
    assert (f"generation 3: could not read {name} of its card" in caplog.text) is (value is not None)


@pytest.mark.parametrize(
    ("ranked", "expected"),
    [({"until": 60.0, "events_seq": 95, "days": 3}, LearnedRange(60.0, 95)), ({"until": 60.0}, None), ([1], None)],
)
def test_card_ranges_pass_over_unknown_and_damaged_entries(ranked: object, expected: LearnedRange | None) -> None:
    card = GenerationCard.from_dict(NIGHT | {"ranked": ranked, "together": ranked})
    assert (card.ranked, card.linked, card.event_range) == (expected, expected, LearnedRange(60.0, 95))


LEARNED = LearnedEvents(5, 10.0)


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        (GenerationCard(LEARNED, 10.0, report=NightReport(events_seq=5)), LearnedRange(10.0, 5)),
        (GenerationCard(LEARNED, 20.0, report=NightReport(events_seq=8)), LearnedRange(20.0, 8)),
        # the rebuilt index of a night that only counted: its card doesn't say up to which seq that was
        (GenerationCard(LEARNED, 20.0, report=NightReport()), LearnedRange(20.0, ALL_EVENTS.events_seq)),
        (GenerationCard(LEARNED, 20.0), LearnedRange(20.0, ALL_EVENTS.events_seq)),
        (GenerationCard(), LearnedRange(0.0, ALL_EVENTS.events_seq)),
    ],
)
def test_event_range_holds_what_was_learned_and_counted(card: GenerationCard, expected: LearnedRange) -> None:
    assert card.event_range == expected


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        (
            GenerationCard(until=5.0, linked=LearnedRange(3.0, 7), report=NightReport(events_seq=9)),
            LearnedRange(3.0, 7),
        ),
        (GenerationCard(until=5.0, report=NightReport(events_seq=9)), LearnedRange(5.0, 9)),
        (GenerationCard(), LearnedRange(0.0, 0)),
    ],
)
def test_links_range_of_an_early_card_is_what_its_night_read(card: GenerationCard, expected: LearnedRange) -> None:
    assert card.links_range == expected
