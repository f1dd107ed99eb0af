"""`shelfwise shelves`: what became of the answers shown, by kind of shelf, as the shop's own log tells it."""

from __future__ import annotations

import click

from shelfwise.cli.main import Context
from shelfwise.shop import Shop
from shelfwise.store import KindEngagement
from shelfwise.timestamps import DAY, to_iso

__all__ = ["shelves_command"]

_HEAD = (
    "kind", "answers", "items", "clicked", "bought", "CTR", "answer CTR", "conversion", "AUC", "coverage", "popular",
)  # fmt: skip


@click.command("shelves")
@click.option("--days", type=click.IntRange(1, 3650), default=28, show_default=True, help="How far back from now.")
@click.pass_obj
def shelves_command(context: Context, days: int) -> None:
    """Clicks, conversion, AUC and range of the answers shown, by kind of shelf."""
    with Shop(context.data) as shop:
        until = shop.now()
        shelves = shop.store.engagement.shelves(until - days * DAY, until)
    body = {"since": to_iso(until - days * DAY), "until": to_iso(until), "shelves": [one.to_dict() for one in shelves]}
    context.answer(body, lambda: _table(shelves) if shelves else [f"nothing was shown in the last {days} days"])


def _table(shelves: list[KindEngagement]) -> list[str]:
    rows = [_HEAD, *map(_cells, shelves)]
    first, *others = (max(map(len, column)) for column in zip(*rows, strict=True))
    return [
        "  ".join([row[0].ljust(first), *(cell.rjust(width) for cell, width in zip(row[1:], others, strict=True))])
        for row in rows
    ]


def _cells(shelf: KindEngagement) -> tuple[str, ...]:
    counts = (shelf.answers, shelf.shown, shelf.clicked, shelf.purchases)
    rates = shelf.to_dict()
    return (
        shelf.kind,
        *(f"{count:,}" for count in counts),
        *(f"{rates[name]:.2%}" for name in ("ctr", "answer_ctr", "conversion")),
        "" if shelf.auc is None else f"{shelf.auc:.3f}",
        *(f"{rates[name]:.1%}" for name in ("coverage", "popularity")),
    )
