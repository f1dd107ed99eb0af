"""`shelfwise shelves`: clicks and purchases of the answers that were shown, by kind of shelf."""

from __future__ import annotations

import click

from shelfwise.cli.main import Context
from shelfwise.cli.night_table import align_columns
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
    """Print clicks, conversion, AUC and range of the answers shown, by kind of shelf."""
    with Shop(context.data) as shop:
        since, until = shop.now() - days * DAY, shop.now()
        shelves = shop.store.engagement.shelves(since, until)
    body = {"since": to_iso(since), "until": to_iso(until), "shelves": [shelf.to_dict() for shelf in shelves]}
    rows = [_HEAD, *map(_cells, shelves)]
    lines = align_columns(rows, range(1, len(_HEAD))) if shelves else [f"nothing was shown in the last {days} days"]
    context.answer(body, lambda: lines)


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
