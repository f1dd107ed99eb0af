"""`shelfwise search`, `recommend` and `status`: the shop's answers in a terminal. They leave no trace in the facts."""

from __future__ import annotations

from typing import Any

import click

from shelfwise.cli.main import Context
from shelfwise.records import Hit
from shelfwise.shop import Shop

__all__ = ["recommend_command", "search_command", "status_command"]


@click.command("search")
@click.argument("query")
@click.option("--user", metavar="U", help="Bend the order towards this shopper.")
@click.option("--limit", default=10, show_default=True)
@click.pass_obj
def search_command(context: Context, query: str, user: str | None, limit: int) -> None:
    """Search the shop."""
    with Shop(context.data) as shop:
        shop.warm_up()
        answer = shop.search(query, user=user, limit=limit, log=False)
    head = f"{answer.total:,} found in {answer.took_ms:.1f} ms by generation {answer.generation}"
    context.answer(answer.to_dict(), lambda: [head + _degraded(answer.degraded), *map(_line, answer.hits)])


@click.command("recommend")
@click.option("--user", metavar="U", help="For this shopper.")
@click.option("--item", "items", multiple=True, metavar="I…", help="Like this item (repeatable).")
@click.option("--limit", default=10, show_default=True)
@click.pass_obj
def recommend_command(context: Context, user: str | None, items: tuple[str, ...], limit: int) -> None:
    """Recommend for a shopper, or like an item."""
    with Shop(context.data) as shop:
        shop.warm_up()
        answer = shop.recommend(user=user, item=list(items), limit=limit, log=False)
    head = f"{answer.kind}, in {answer.took_ms:.1f} ms by generation {answer.generation}"
    context.answer(answer.to_dict(), lambda: [head + _degraded(answer.degraded), *map(_line, answer.hits)])


@click.command("status")
@click.pass_obj
def status_command(context: Context) -> None:
    """What the shop holds and serves."""
    from shelfwise.api.status import whole_status

    with Shop(context.data) as shop:
        status = whole_status(shop)
    context.answer(status, lambda: [f"{name:>20}  {_shown(value)}" for name, value in status.items()])


def _line(hit: Hit) -> str:
    price = hit.item.get("price")
    cost = f"{price:>9.2f} {hit.item.get('currency') or ''}".rstrip() if price is not None else " " * 9
    return f"{hit.score:7.3f}  {cost:<14} {hit.id:<12} {hit.item['title']}"


def _degraded(degraded: list[str]) -> str:
    return f" (without {', '.join(degraded)})" if degraded else ""


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(map(str, value)) or "none"
    if isinstance(value, bool) or not isinstance(value, int):
        return "none" if value is None else str(value)
    return f"{value:,}"
