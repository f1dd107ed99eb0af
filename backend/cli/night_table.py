"""The ledger in a terminal: the latest nights as a table, and one night whole, section by section as on its page."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["align_columns", "night_lines", "nights_table"]

_WIDTH = 100
_MIN_REASON_WIDTH = 24
_HEAD = ("night", "started", "verdict", "generation", "nDCG@10", "seconds", "warnings", "reason")
_RIGHT_ALIGNED = (0, 5, 6)

LedgerRow = Mapping[str, Any]


def nights_table(nights: Sequence[LedgerRow], width: int) -> list[str]:
    """Return one line a night; its reason is cut to fit into `width` characters, but never under 24."""
    if not nights:
        return ["no night yet"]
    rows = [_HEAD[:-1], *(_cells(night) for night in nights)]
    lines = align_columns(rows, _RIGHT_ALIGNED)
    reason_width = max(_MIN_REASON_WIDTH, width - len(lines[0]) - 2)
    reasons = [_HEAD[-1], *(_cut(night["reason"] or "", reason_width) for night in nights)]
    return [f"{line}  {reason}".rstrip() for line, reason in zip(lines, reasons, strict=True)]


def night_lines(night: LedgerRow, view: Mapping[str, Any]) -> list[str]:
    """Return all of a night: its row, and the `view` that `summarise_night` made of its report."""
    sections = {
        "": _head(night, view),
        "warnings": view["warnings"],
        "judge": _gates(view),
        "all metrics, parent → candidate": _measures(view),
        "learning": _learning(view),
        **{f"queries that {name.lower()}": _moved(rows) for name, rows in view["moved"]},
        "counts": _pairs(view["counts"]),
        "removed by rule": _pairs(view["removed"]),
        "drift since the parent": _drift(view["drift"]),
        "seconds": _seconds(view),
        "settings": _pairs(view["settings"]),
    }
    lines = [f"night {night['night']}: {night['verdict']}"]
    for name, section in sections.items():
        if section:
            lines += ["", *([name] if name else []), *(f"  {line}".rstrip() for line in section)]
    return lines


def align_columns(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Return the rows with each column as wide as its widest cell; the columns in `right` are aligned right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if position in right else cell.ljust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _cells(night: LedgerRow) -> tuple[str, ...]:
    measure, seconds, warnings = night["measure"], night["seconds"], night["warnings"]
    return (
        str(night["night"]),
        _minute(night["started"]),
        night["verdict"],
        _generations(night),
        f"{measure[0]:.3f} → {measure[1]:.3f}" if measure and None not in measure else "",
        f"{seconds:,.1f}" if seconds is not None else "",
        str(len(warnings)) if warnings else "",
    )


def _head(night: LedgerRow, view: Mapping[str, Any]) -> list[str]:
    times = f"from {_minute(night['started'])} to {_minute(night['finished']) or '?'} UTC"
    erased = ["learned from people who were erased since"] if night["report"].get("erased") else []
    facts = [times, *(fact for fact in view["facts_line"] if not fact.startswith("generation")), *erased]
    generations = _generations(night)
    return [
        *textwrap.wrap(night["reason"] or "", _WIDTH),
        *textwrap.wrap(" · ".join([*([f"generation {generations}"] if generations else []), *facts]), _WIDTH),
    ]


def _gates(view: Mapping[str, Any]) -> list[str]:
    rows = [
        (
            gate["name"], gate["questions"], "passed" if gate["passed"] else "NOT PASSED",
            f"nDCG@10 {gate['parent']} → {gate['candidate']}" if "words" in gate else gate["reason"] or "",
            gate.get("words", ""),
        )
        for gate in view["gates"]
    ]  # fmt: skip
    return align_columns(rows, (1,)) + ([view["precision"]] if view["precision"] else [])


def _measures(view: Mapping[str, Any]) -> list[str]:
    rows = [
        (name, *(cell["words"] + (f", {cell['count']}" if cell["count"] else "") for cell in cells))
        for name, cells in view["measures"]
    ]
    return align_columns([("", *view["measured"]), *rows]) if rows else []


def _learning(view: Mapping[str, Any]) -> list[str]:
    lines = [f"not trained: {view['not_trained']}"] if view["not_trained"] else []
    for name, curve in (("loss", view["loss"]), ("nDCG@10 on the questions kept for stopping early", view["dev"])):
        if curve:
            lines.append(f"{name}: {curve['words']}")
    if view["not_numbers"]:
        lines.append(f"{view['not_numbers']} of the losses are not finite")
    return lines + ([f"ranker: {view['ranker']}"] if view["ranker"] else [])


def _moved(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    cells = [(f"rank {row['before']} → {row['after']}", str(row["query"]), str(row["item"])) for row in rows]
    return align_columns(cells)


def _drift(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return align_columns(
        [
            (
                row["name"], row["value"], f"before {row['before']}" if row["before"] else "",
                f"warns {row['limit']}" if row["limit"] else "",
            )
            for row in rows
        ],
        (1,),
    )  # fmt: skip


def _seconds(view: Mapping[str, Any]) -> list[str]:
    if not view["seconds"]:
        return []
    memory = f"; at most {view['memory']} of memory" if view["memory"] else ""
    return [*align_columns([(name, value) for name, value, _ in view["seconds"]], (1,)), view["total"] + memory]


def _pairs(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return align_columns(list(pairs), (1,))


def _generations(night: LedgerRow) -> str:
    parent, candidate = night["parent"], night["generation"]
    if parent is None or candidate in (None, parent):
        return str(parent if candidate is None else candidate) if (parent, candidate) != (None, None) else ""
    return f"{parent} → {candidate}"


def _minute(time: str | None) -> str:
    return (time or "")[:16].replace("T", " ")


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"
