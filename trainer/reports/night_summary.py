"""Summarise a night in words and in the units of charts, for its page and for the terminal.

Any part of the report may be missing. A rate or a share keeps its limit beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shelfwise.night_report import NightReport
from shelfwise.night_report_parts import (
    ClickThrough,
    DriftReport,
    GateResult,
    MovedQuery,
    PrecisionReport,
    RankerReport,
    TrainingReport,
)
from shelfwise.trainer.reports.curves import dev_curve, is_number, loss_curve, number

__all__ = ["NightHead", "summarise_night"]

_MEASURES = {"ndcg": "nDCG@10", "hr": "HR@10", "map": "MAP@10", "recall": "recall@50", "auc": "AUC"}
_DRIFT = {
    "query_psi": "query mix (stability index)",
    "unseen_queries": "share of unseen queries",
    "new_items": "share of clicks on new items",
    "embedding_shift": "item vectors, mean 1 − cosine",
    "catalogue_shift": "share of items with another text",
}
_LABELS = {
    "wishes": "visits", "strange_days": "anomalous days", "held_searches": "held-out searches",
    "held_baskets": "held-out baskets", "old_searches": "replayable searches", "old_baskets": "replayable baskets",
}  # fmt: skip
_MOVED = {"gained": "Gained", "lost": "Lost"}
_RANKERS = {"trees": "trees", "weights": "fitted weights of the blend"}
_CURVES = ("losses", "dev")  # drawn; the rest of a training is settings


@dataclass(frozen=True, slots=True)
class NightHead:
    """What a night's row says beside its report; `generation` is the one that it made, where that is known."""

    night: int | None = None
    verdict: str | None = None
    reason: str | None = None
    generation: int | None = None


def summarise_night(report: NightReport, head: NightHead) -> dict[str, Any]:
    """Return what the template of the page and the terminal show of a night."""
    training = report.training or TrainingReport({})
    return {
        "title": f"Night {head.night}" if head.night is not None else "A night",
        "verdict": head.verdict or "running",
        "reason": head.reason,
        "facts_line": _facts_line(report, head.generation),
        "warnings": report.warnings,
        **_gates(report.verdicts),
        "precision": _precision(report.precision),
        "not_trained": report.not_trained,
        "loss": loss_curve(training.losses, training.steps),
        "not_numbers": sum(not is_number(loss) for loss in training.losses),
        "dev": dev_curve(training.dev),
        "ranker": _ranker(report.ranker, "searches"),
        "shelf_ranker": _ranker(report.wishes, "visits"),
        "moved": [(label, [_ranks(row) for row in rows]) for label, rows in _moved(report.moved)],
        "counts": _facts(report.counts),
        "removed": _facts(report.removed),
        "drift": _drift(report.drift) if report.drift else [],
        **_seconds(report.seconds),
        "memory": f"{report.peak_memory_mb:,} MB" if report.peak_memory_mb else None,
        "settings": _settings(report),
    }


# ---- the head ---------------------------------------------------------------------------------------------------


def _facts_line(report: NightReport, generation: int | None) -> list[str]:
    facts = []
    if report.parent is not None:
        end = " is the parent" if generation is None else f" → {generation}"
        facts.append(f"generation {report.parent}{end}")
    if report.until:
        facts.append(f"until {report.until[:16].replace('T', ' ')} UTC")
    if report.events_seq is not None:
        facts.append(f"events {(report.since_seq or 0) + 1:,} to {report.events_seq:,} are new")
    remarks = {
        "forced": report.forced,
        "taken up again after it was killed": report.resumed,
        "after a rollback": report.after_rollback,
    }
    return facts + [remark for remark, is_true in remarks.items() if is_true]


def _settings(report: NightReport) -> list[tuple[str, str]]:
    own = {"strategy": report.strategy, "seed": report.seed}
    training = report.training.to_dict() if report.training else {}
    return _facts(
        {name: str(value) for name, value in own.items() if value is not None}
        | {name: value for name, value in training.items() if name not in _CURVES}
    )


# ---- evaluation -------------------------------------------------------------------------------------------------


def _gates(results: Sequence[GateResult]) -> dict[str, Any]:
    """Return a row for each evaluation set, and a matrix of all metrics.

    The whisker of a row is in per cent of its cell, where 50 is no difference.
    """
    reach = _reach(results)
    measured = [result for result in results if result.metrics]
    rows = [
        (label, [_change(result.metrics.get(name)) for result in measured])
        for name, label in _MEASURES.items()
        if any(name in result.metrics for result in measured)
    ]
    strata = dict.fromkeys(kind for result in measured for kind in result.strata)
    rows += [(f"nDCG@10, {kind}", [_of_stratum(result, kind) for result in measured]) for kind in strata]
    return {
        "gates": [_gate(result, reach) for result in results],
        "measured": [result.exam for result in measured],
        "measures": rows,
    }


def _reach(results: Sequence[GateResult]) -> float:
    """Return the difference at the edge of the cell.

    The long bar of a set of few questions must not flatten the rest.
    """
    measured = [result for result in results if result.questions]
    extents = [max(abs(number(result.low)), abs(number(result.high))) for result in measured]
    tolerance = max((number(result.tolerance) for result in measured), default=0.0)
    longest = min(max(extents), 8 * min(extents)) if extents else 0.0
    return 1.1 * max(0.01, tolerance, longest)


def _gate(result: GateResult, reach: float) -> dict[str, Any]:
    row = {
        "passed": result.passed, "reason": result.reason, "name": result.exam,
        "questions": _questions(result.questions),
    }  # fmt: skip
    parent, candidate, low, high = result.parent, result.child, result.low, result.high
    if not result.questions or not all(map(is_number, (parent, candidate, low, high))):
        return row

    def x(difference: float) -> float:
        return round(50 + 50 * max(-1.0, min(1.0, difference / reach)), 2)

    left = x(-number(result.tolerance))
    return row | {
        "low": x(low), "high": x(high), "middle": x(candidate - parent),
        "parent": f"{parent:.3f}", "candidate": f"{candidate:.3f}", "band": {"x": left, "width": round(50 - left, 2)},
        "mood": "bad" if not result.passed else "good" if low > 0 else "",
        "words": f"{candidate - parent:+.3f} ({low:+.3f} to {high:+.3f})",
        "ends": [x(end) for end in (low, high) if abs(end) < reach],  # a bar that goes on beyond the cell has none
    }  # fmt: skip


def _change(values: Sequence[float] | None) -> dict[str, Any]:
    shown = [f"{value:.3f}" if is_number(value) else "?" for value in values or []]
    return {"words": " → ".join(shown) or "–", "count": None}


def _of_stratum(result: GateResult, kind: str) -> dict[str, Any]:
    count, *values = result.strata.get(kind) or [0]
    return _change(values) | {"count": _questions(int(count)) if count else None}


def _questions(count: int) -> str:
    return f"{count:,} question{'' if count == 1 else 's'}"


def _precision(precision: PrecisionReport | None) -> str | None:
    if precision is None or not precision.served:
        return None
    lost = f", which costs {precision.lost:.4f} nDCG@10" if is_number(precision.lost) else ""
    sample = f" on {_questions(precision.questions)}" if precision.questions else ""
    return f"Served in {precision.served}{lost}{sample} against the trained weights."


# ---- the rest ---------------------------------------------------------------------------------------------------


def _ranker(ranker: RankerReport | None, questions: str) -> str | None:
    """Say what orders the hits now, and how it did on the newest `questions`: searches or visits."""
    if ranker is None:
        return None
    count = f"{ranker.searches:,} {questions}"
    blend, learned, low, high = map(number, (ranker.blend, ranker.learned, ranker.low, ranker.high))
    if kind := _RANKERS.get(ranker.kind):
        change = f"nDCG@10 {blend:.3f} → {learned:.3f} ({low:+.3f} to {high:+.3f})"
        return f"{kind}, {change} on the newest {count}"
    if not blend:
        return f"the blend as it is; {count} are too few to learn from"
    return f"the blend as it is, nDCG@10 {blend:.3f}; nothing learned did better on the newest {count}"


def _moved(moved: Mapping[str, Sequence[MovedQuery]] | None) -> list[tuple[str, Sequence[MovedQuery]]]:
    return [(label, moved.get(name, ())) for name, label in _MOVED.items()] if moved else []


def _ranks(row: MovedQuery) -> dict[str, str]:
    return {"query": row.query, "item": row.title or row.item, "before": _rank(row.before), "after": _rank(row.after)}


def _rank(reciprocal: float) -> str:
    """Return the rank that a reciprocal rank stands for; 0 is beyond the tenth."""
    if not is_number(reciprocal):
        return "?"
    return f"{1 / reciprocal:.0f}" if reciprocal > 0 else "> 10"


def _drift(drift: DriftReport) -> list[dict[str, Any]]:
    before = {"unseen_queries": drift.unseen_before, "new_items": drift.new_items_before}
    limits = drift.limits or {}
    rows = []
    for name, label in _DRIFT.items():
        if (value := getattr(drift, name)) is not None:
            limit, old = limits.get(name), before.get(name)
            row = {"name": label, "value": _figure(value), "before": "" if old is None else _figure(old)}
            row["limit"] = "" if limit is None else f"above {_figure(limit)}"
            rows.append(row | {"over": limit is not None and value > limit})
    rates = {"searches": drift.ctr, "recommendations": drift.recommendation_ctr}
    return rows + [_rate(f"{kind} clicked, yesterday", rate) for kind, rate in rates.items() if rate]


def _rate(label: str, rate: ClickThrough) -> dict[str, Any]:
    yesterday, before, spread = number(rate.yesterday), number(rate.before), number(rate.spread)
    return {
        "name": label, "value": f"{yesterday:.1%}", "before": f"{before:.1%} ± {100 * spread:.1f}",
        "limit": "" if rate.limit is None else f"below {rate.limit:.1%}",
        "over": rate.limit is not None and yesterday < rate.limit,
    }  # fmt: skip


def _seconds(seconds: Mapping[str, float]) -> dict[str, Any]:
    longest = max(seconds.values(), default=0.0) or 1.0
    bars = [(_label(name), f"{value:,.1f}", round(100 * value / longest, 1)) for name, value in seconds.items()]
    return {"seconds": bars, "total": f"{sum(seconds.values()):,.1f} seconds in all"}


def _facts(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(_label(name), _figure(value)) for name, value in values.items()]


def _label(name: str) -> str:
    """Return a figure's name in today's words; reports keep those of their first version."""
    return _LABELS.get(name, name).replace("_", " ")


def _figure(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
