"""`shelfwise search`, `recommend` and `status`: the shop's answers in a terminal. They leave no trace in the facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from shelfwise.catalogue.sorting import SORTS
from shelfwise.cli.main import Context
from shelfwise.recommend.strategies import KINDS
from shelfwise.shop import Shop
from shelfwise.types import Hit, Row

__all__ = ["recommend_command", "search_command", "status_command"]


@click.command("search")
@click.argument("query")
@click.option("--user", metavar="U", help="Bend the order towards this shopper.")
@click.option("--limit", default=10, show_default=True)
@click.option(
    "--filter", "filter_", metavar="F", help="Only what passes: brand:Sony AND price:10..50 (docs/filters.md)."
)
@click.option("--sort", type=click.Choice(SORTS), default="relevance", show_default=True)
@click.option("--facets", metavar="F,…", default="", help="Count the values of these fields.")
@click.option("--exact", is_flag=True, help="Take every word as it stands.")
@click.option("--explain", is_flag=True, help="Say why each hit is there.")
@click.pass_obj
def search_command(
    context: Context, query: str, user: str | None, limit: int, filter_: str | None, sort: str, facets: str,
    exact: bool, explain: bool,
) -> None:  # fmt: skip
    """Search the shop."""
    with Shop(context.data) as shop:
        shop.warm_up()
        answer = shop.search(
            query, user=user, limit=limit, log=False, filter=filter_, sort=sort, exact=exact, explain=explain,
            facets=[name.strip() for name in facets.split(",") if name.strip()],
        )  # fmt: skip
    head = f"{answer.total:,} found in {answer.took_ms:.1f} ms by generation {answer.generation}"
    head += f", read as {answer.corrected!r}" if answer.corrected else ""
    head += f", relaxed to {answer.relaxed}" if answer.relaxed else ""
    context.answer(
        answer.to_dict(),
        lambda: [head + _degraded(answer.degraded), *map(_line, answer.hits), *_counted(answer.facets)],
    )


@click.command("recommend")
@click.option("--user", metavar="U", help="For this shopper.")
@click.option("--session", metavar="S", help="For this session.")
@click.option("--item", "items", multiple=True, metavar="I…", help="To go with this item (repeatable: a cart).")
@click.option("--kind", type=click.Choice(KINDS), help="The kind of shelf (docs/recommendations.md).")
@click.option("--limit", default=10, show_default=True)
@click.option(
    "--filter", "filter_", metavar="F", help="Only what passes: brand:Sony AND price:10..50 (docs/filters.md)."
)
@click.option("--exclude", multiple=True, metavar="I…", help="Not this item (repeatable).")
@click.option("--no-repeats", is_flag=True, help="Nothing that the shopper bought already.")
@click.option("--explain", is_flag=True, help="Say why each hit is there.")
@click.pass_obj
def recommend_command(
    context: Context, user: str | None, session: str | None, items: tuple[str, ...], kind: str | None, limit: int,
    filter_: str | None, exclude: tuple[str, ...], no_repeats: bool, explain: bool,
) -> None:  # fmt: skip
    """Recommend for a shopper, or to go with an item."""
    with Shop(context.data) as shop:
        shop.warm_up()
        answer = shop.recommend(
            user=user, session=session, item=list(items), limit=limit, log=False, kind=kind, filter=filter_,
            exclude=exclude, repeats=not no_repeats, explain=explain,
        )  # fmt: skip
    filled = f", filled with {', '.join(answer.filled)}" if answer.filled else ""
    head = f"{answer.kind}{filled}, in {answer.took_ms:.1f} ms by generation {answer.generation}"
    context.answer(answer.to_dict(), lambda: [head + _degraded(answer.degraded), *map(_line, answer.hits)])


@click.command("status")
@click.pass_obj
def status_command(context: Context) -> None:
    """What the shop holds and serves."""
    from shelfwise.api.endpoints.status import whole_status

    with Shop(context.data) as shop:
        status = whole_status(shop)
    context.answer(status, lambda: [f"{name:>20}  {_shown(value)}" for name, value in status.items()])


def _line(hit: Hit) -> str:
    price = hit.item.get("price")
    cost = f"{price:>9.2f} {hit.item.get('currency') or ''}".rstrip() if price is not None else " " * 9
    why = f" ({hit.reasons['text']})" if hit.reasons else ""
    return f"{hit.score:7.3f}  {cost:<14} {hit.id:<12} {hit.item['title']}{why}"


def _counted(facets: Mapping[str, list[Row]]) -> list[str]:
    return [f"{name}: " + ", ".join(map(_entry, entries)) for name, entries in facets.items()]


def _entry(entry: Row) -> str:
    name = entry.get("value", f"{entry.get('from') or ''}..{entry.get('to') or ''}")
    return f"{name} {entry['count']:,}"


def _degraded(degraded: list[str]) -> str:
    return f" (without {', '.join(degraded)})" if degraded else ""


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(map(str, value)) or "none"
    if isinstance(value, bool) or not isinstance(value, int):
        return "none" if value is None else str(value)
    return f"{value:,}"
