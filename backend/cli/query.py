"""`shelfwise search`, `recommend` and `status`: the shop's answers in a terminal. None of them is logged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from shelfwise.catalogue.sorting import SORTS
from shelfwise.cli.main import Context
from shelfwise.recommend.strategies import KINDS
from shelfwise.shop import Shop
from shelfwise.types import Hit, Row

__all__ = ["recommend_command", "search_command", "status_command"]

_Answer = TypeVar("_Answer")


def _split(context: click.Context, option: click.Parameter, text: str) -> list[str]:
    """Return the names between the commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


_limit = click.option("--limit", default=10, show_default=True, help="How many hits, 1 to 100.")
_filter = click.option("--filter", metavar="F", help="Only what passes: brand:Sony AND price:10..50 (docs/filters.md).")
_explain = click.option("--explain", is_flag=True, help="Say why each hit is there.")


@click.command("search")
@click.argument("query")
@click.option("--user", metavar="U", help="Personalize the order for this user.")
@_limit
@_filter
@click.option("--sort", type=click.Choice(SORTS), default="relevance", show_default=True)
@click.option("--facets", metavar="F,…", default="", callback=_split, help="Count the values of these fields.")
@click.option("--exact", is_flag=True, help="Take every word as it stands.")
@_explain
@click.pass_obj
def search_command(context: Context, /, query: str, **options: Any) -> None:
    """Search the shop."""
    answer = _ask(context, lambda shop: shop.search(query, log=False, **options))
    head = f"{answer.total:,} found in {answer.took_ms:.1f} ms by generation {answer.generation}"
    head += f", read as {answer.corrected!r}" if answer.corrected else ""
    head += f", relaxed to {answer.relaxed}" if answer.relaxed else ""
    lines = [head + _degraded(answer.degraded), *map(_hit_line, answer.hits), *map(_facet_line, answer.facets.items())]
    context.answer(answer.to_dict(), lambda: lines)


@click.command("recommend")
@click.option("--user", metavar="U", help="For this user.")
@click.option("--session", metavar="S", help="For this session.")
@click.option("--item", multiple=True, metavar="I…", help="To go with this item (repeatable: a cart).")
@click.option("--kind", type=click.Choice(KINDS), help="The kind of shelf (docs/recommendations.md).")
@_limit
@_filter
@click.option("--exclude", multiple=True, metavar="I…", help="Not this item (repeatable).")
@click.option("--no-repeats", is_flag=True, help="Nothing that the user bought already.")
@_explain
@click.pass_obj
def recommend_command(context: Context, /, no_repeats: bool, **options: Any) -> None:
    """Recommend for a user, or to go with an item."""
    answer = _ask(context, lambda shop: shop.recommend(log=False, repeats=not no_repeats, **options))
    filled = f", filled with {', '.join(answer.filled)}" if answer.filled else ""
    head = f"{answer.kind}{filled}, in {answer.took_ms:.1f} ms by generation {answer.generation}"
    context.answer(answer.to_dict(), lambda: [head + _degraded(answer.degraded), *map(_hit_line, answer.hits)])


@click.command("status")
@click.pass_obj
def status_command(context: Context) -> None:
    """Print what the shop holds and serves."""
    from shelfwise.api.endpoints.status import read_status

    with Shop(context.data) as shop:
        status = read_status(shop)
    context.answer(status, lambda: [f"{name:>20}  {_status_text(value)}" for name, value in status.items()])


def _ask(context: Context, ask: Callable[[Shop], _Answer]) -> _Answer:
    """Return the shop's answer, timed without the opening of its generation."""
    with Shop(context.data) as shop:
        shop.warm_up()
        return ask(shop)


def _hit_line(hit: Hit) -> str:
    price = hit.item.get("price")
    amount = f"{price:>9.2f} {hit.item.get('currency') or ''}".rstrip() if price is not None else " " * 9
    reason = f" ({hit.reasons['text']})" if hit.reasons else ""
    return f"{hit.score:7.3f}  {amount:<14} {hit.id:<12} {hit.item['title']}{reason}"


def _facet_line(facet: tuple[str, list[Row]]) -> str:
    name, entries = facet
    return f"{name}: " + ", ".join(map(_entry_text, entries))


def _entry_text(entry: Row) -> str:
    name = entry.get("value", f"{entry.get('from') or ''}..{entry.get('to') or ''}")
    return f"{name} {entry['count']:,}"


def _degraded(degraded: list[str]) -> str:
    return f" (without {', '.join(degraded)})" if degraded else ""


def _status_text(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(map(str, value)) or "none"
    if isinstance(value, bool) or not isinstance(value, int):
        return "none" if value is None else str(value)
    return f"{value:,}"
