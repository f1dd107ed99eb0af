"""What a person wants to see of a night, in words and in the units of charts: for its page and for the terminal.

It is made from the night's report alone, any part of which may be missing. A rate or a share keeps its limit beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shelfwise.trainer.reports.curves import dev_curve, is_number, loss_curve, number

__all__ = ["summarise_night"]

_MEASURES = {"ndcg": "nDCG@10", "hr": "HR@10", "map": "MAP@10", "recall": "recall@50", "auc": "AUC"}
_DRIFT = {
    "query_psi": "query mix (stability index)",
    "unseen_queries": "share of unseen queries",
    "new_items": "share of clicks on new items",
    "embedding_shift": "item vectors, mean 1 − cosine",
    "catalogue_shift": "share of items with another text",
    "ctr": "searches clicked, yesterday",
    "recommendation_ctr": "recommendations clicked, yesterday",
}
_BEFORE = {"unseen_queries": "unseen_before", "new_items": "new_items_before"}
_OF_THE_RUN = ("losses", "dev")  # drawn; the rest of `training` is settings

Part = Mapping[str, Any]


def summarise_night(night: Part) -> dict[str, Any]:
    """`night` is the night's report with the keys "night", "verdict" and "reason" added; "generation" is its child."""
    training: Part = night.get("training") or {}
    moved: Part = night.get("moved") or {}
    losses = training.get("losses") or []
    return {
        "title": f"Night {night['night']}" if night.get("night") is not None else "A night",
        "verdict": night.get("verdict") or "running",
        "reason": night.get("reason"),
        "facts_line": _facts_line(night),
        "warnings": night.get("warnings") or [],
        **_exams(night.get("verdicts") or []),
        "precision": _precision(night.get("precision") or {}),
        "not_trained": night.get("not_trained"),
        "loss": loss_curve(losses, training.get("steps")),
        "not_numbers": sum(not is_number(loss) for loss in losses),
        "dev": dev_curve(training.get("dev") or []),
        "ranker": _ranker(night.get("ranker") or {}, "searches"),
        "shelf_ranker": _ranker(night.get("wishes") or {}, "visits"),
        "moved": [(_MOVED[name], [_ranks(row) for row in moved.get(name) or []]) for name in _MOVED] if moved else [],
        "counts": _facts(night.get("counts") or {}),
        "removed": _facts(night.get("removed") or {}),
        "drift": _drift(night.get("drift") or {}),
        **_seconds(night.get("seconds") or {}),
        "memory": f"{night['peak_memory_mb']:,} MB" if night.get("peak_memory_mb") else None,
        "settings": _settings(night, training),
    }


# ---- the head ---------------------------------------------------------------------------------------------------


def _facts_line(night: Part) -> list[str]:
    facts = []
    if night.get("parent") is not None:
        child = night.get("generation")
        facts.append(f"generation {night['parent']}" + (f" → {child}" if child is not None else " is the parent"))
    if night.get("until"):
        facts.append(f"until {str(night['until'])[:16].replace('T', ' ')} UTC")
    if night.get("events_seq") is not None:
        facts.append(f"events {(night.get('since_seq') or 0) + 1:,} to {night['events_seq']:,} are new")
    said = {"forced": "forced", "resumed": "taken up again after it was killed", "after_rollback": "after a rollback"}
    return facts + [words for name, words in said.items() if night.get(name)]


def _settings(night: Part, training: Part) -> list[tuple[str, str]]:
    own = {name: str(night[name]) for name in ("strategy", "seed") if night.get(name) is not None}
    return _facts(own | {name: value for name, value in training.items() if name not in _OF_THE_RUN})


# ---- exams ------------------------------------------------------------------------------------------------------


def _exams(verdicts: Sequence[Part]) -> dict[str, Any]:
    """One row an exam, its whisker in per cent of the cell where 50 is no difference; and a matrix of all measures."""
    reach = _reach(verdicts)
    with_measures = [verdict for verdict in verdicts if verdict.get("metrics")]
    rows = [
        (label, [_change(verdict["metrics"].get(name)) for verdict in with_measures])
        for name, label in _MEASURES.items()
        if any(name in verdict["metrics"] for verdict in with_measures)
    ]
    strata = dict.fromkeys(kind for verdict in with_measures for kind in verdict.get("strata") or {})
    rows += [(f"nDCG@10, {kind}", [_of_stratum(verdict, kind) for verdict in with_measures]) for kind in strata]
    return {
        "exams": [_exam(verdict, reach) for verdict in verdicts],
        "measured": [verdict.get("exam") for verdict in with_measures],
        "measures": rows,
    }


def _reach(verdicts: Sequence[Part]) -> float:
    """The difference at the edge of the cell. The long bar of an exam with few questions must not flatten the rest."""
    asked = [verdict for verdict in verdicts if verdict.get("questions")]
    extents = [max(abs(number(verdict.get(end))) for end in ("low", "high")) for verdict in asked]
    tolerance = max((number(verdict.get("tolerance")) for verdict in asked), default=0.0)
    longest = min(max(extents), 8 * min(extents)) if extents else 0.0
    return 1.1 * max(0.01, tolerance, longest)


def _exam(verdict: Part, reach: float) -> dict[str, Any]:
    row = {name: verdict.get(name) for name in ("passed", "reason")}
    row |= {"name": verdict.get("exam"), "questions": _questions(verdict.get("questions") or 0)}
    numbers = [verdict.get(name) for name in ("parent", "child", "low", "high")]
    if not verdict.get("questions") or not all(map(is_number, numbers)):
        return row
    parent, child, low, high = map(number, numbers)
    tolerance = number(verdict.get("tolerance"))

    def x(difference: float) -> float:
        return round(50 + 50 * max(-1.0, min(1.0, difference / reach)), 2)

    mood = "bad" if not verdict.get("passed") else "good" if low > 0 else ""
    places = {"low": x(low), "high": x(high), "middle": x(child - parent)}
    ends = [x(end) for end in (low, high) if abs(end) < reach]  # a bar that goes on beyond the cell has none
    band = {"x": x(-tolerance), "width": round(50 - x(-tolerance), 2)}
    words = f"{child - parent:+.3f} ({low:+.3f} to {high:+.3f})"
    return row | places | {
        "parent": f"{parent:.3f}", "child": f"{child:.3f}", "band": band, "mood": mood, "words": words,
        "ends": ends,
    }  # fmt: skip


def _change(values: Any) -> dict[str, Any]:
    shown = [f"{value:.3f}" if is_number(value) else "?" for value in values or []]
    return {"words": " → ".join(shown) or "–", "count": None}


def _of_stratum(verdict: Part, kind: str) -> dict[str, Any]:
    values = (verdict.get("strata") or {}).get(kind) or [None]
    return _change(values[1:]) | {"count": values[0] and _questions(values[0])}


def _questions(count: int) -> str:
    return f"{count:,} question{'' if count == 1 else 's'}"


def _precision(precision: Part) -> str | None:
    if not precision.get("served"):
        return None
    lost = f", which costs {precision['lost']:.4f} nDCG@10" if is_number(precision.get("lost")) else ""
    asked = f" on {_questions(precision['questions'])}" if precision.get("questions") else ""
    return f"Served in {precision['served']}{lost}{asked} against the trained weights."


# ---- the rest ---------------------------------------------------------------------------------------------------

_MOVED = {"gained": "Gained", "lost": "Lost"}
_RANKERS = {"trees": "trees", "weights": "fitted weights of the blend"}


def _ranker(ranker: Part, asked: str) -> str | None:
    """What orders the hits now, and how it did on the newest of what it is `asked`: searches or visits."""
    if not ranker:
        return None
    searches = f"{ranker.get('searches') or 0:,} {asked}"
    blend, learned, low, high = (number(ranker.get(name)) for name in ("blend", "learned", "low", "high"))
    if kind := _RANKERS.get(ranker.get("kind") or ""):
        change = f"nDCG@10 {blend:.3f} → {learned:.3f} ({low:+.3f} to {high:+.3f})"
        return f"{kind}, {change} on the newest {searches}"
    if not blend:
        return f"the blend as it is; {searches} are too few to learn from"
    return f"the blend as it is, nDCG@10 {blend:.3f}; nothing learned did better on the newest {searches}"


def _ranks(row: Part) -> dict[str, Any]:
    return {"query": row.get("query"), "item": row.get("title") or row.get("item")} | {
        side: _rank(row.get(side)) for side in ("before", "after")
    }


def _rank(reciprocal: Any) -> str:
    """The rank that a reciprocal rank stands for; 0 is beyond the tenth."""
    if not is_number(reciprocal):
        return "?"
    return f"{1 / reciprocal:.0f}" if reciprocal > 0 else "> 10"


def _drift(drift: Part) -> list[dict[str, Any]]:
    limits: Part = drift.get("limits") or {}
    rows = []
    for name, label in _DRIFT.items():
        value = drift.get(name)
        if isinstance(value, Mapping):
            rows.append(_rate(label, value))
        elif value is not None:
            limit = limits.get(name)
            before = drift.get(_BEFORE.get(name, ""))
            row = {"name": label, "value": _figure(value), "before": "" if before is None else _figure(before)}
            row["limit"] = "" if limit is None else f"above {_figure(limit)}"
            rows.append(row | {"over": limit is not None and value > limit})
    return rows


def _rate(label: str, rate: Part) -> dict[str, Any]:
    yesterday, before, spread, limit = (number(rate.get(name)) for name in ("yesterday", "before", "spread", "limit"))
    return {
        "name": label, "value": f"{yesterday:.1%}", "before": f"{before:.1%} ± {100 * spread:.1f}",
        "limit": f"below {limit:.1%}" if "limit" in rate else "", "over": "limit" in rate and yesterday < limit,
    }  # fmt: skip


def _seconds(seconds: Part) -> dict[str, Any]:
    longest = max(seconds.values(), default=0.0) or 1.0
    bars = [(name, f"{value:,.1f}", round(100 * value / longest, 1)) for name, value in seconds.items()]
    return {"seconds": bars, "total": f"{sum(seconds.values()):,.1f} seconds in all"}


def _facts(values: Part) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), _figure(value)) for name, value in values.items()]


def _figure(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
