"""`shelfwise synonyms` and `rules`: what the shop says about words and hits. A change holds from the next search on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from shelfwise.cli.main import Context
from shelfwise.curation.validation import (
    ACTIONS,
    DEFAULT_STRENGTH,
    MATCHES,
    parse_pair,
    parse_row_id,
    parse_rule,
    parse_synonym,
    row_not_found,
)
from shelfwise.shop import Shop
from shelfwise.store import Rule, Store, Synonym

__all__ = ["rules_command", "synonyms_command"]


@click.group("synonyms")
def synonyms_command() -> None:
    """Let words find what other words find."""


@synonyms_command.command("add")
@click.argument("word")
@click.argument("means", nargs=-1, required=True, metavar="MEANS…")
@click.option("--two-way", is_flag=True, help="Each finds what the other finds.")
@click.pass_obj
def add_synonym(context: Context, word: str, means: tuple[str, ...], two_way: bool) -> None:
    """Let a query with WORD also find what MEANS finds; either may be several words in quotes."""
    pairs = parse_synonym({"word": word, "means": means, "two_way": two_way})
    _answer(context, "synonyms", lambda store: store.synonyms.add(pairs)[0])


@synonyms_command.command("list")
@click.pass_obj
def list_synonyms(context: Context) -> None:
    """List all pairs, oldest first."""
    _answer(context, "synonyms", lambda store: store.synonyms.all())


@synonyms_command.command("remove")
@click.argument("which", nargs=-1, required=True, metavar="ID | WORD MEANS")
@click.pass_obj
def remove_synonym(context: Context, which: tuple[str, ...]) -> None:
    """Remove a pair, by its number or by its words."""
    if len(which) > 2:
        raise click.UsageError(
            f"expected the number of a pair, or its two sides, those of several words in quotes; got {len(which)} words"
        )
    if len(which) == 2:
        _remove(context, "synonym", which, lambda store: store.synonyms.remove_pair(*parse_pair(*which)))
    else:
        _remove(context, "synonym", which, lambda store: store.synonyms.remove(parse_row_id(which[0], "synonym")))


@click.group("rules")
def rules_command() -> None:
    """Pin, boost, bury or hide items, for some queries, for some time."""


@rules_command.command("add")
@click.argument("action", type=click.Choice(ACTIONS))
@click.option("--query", metavar="Q", help="Which query; needed unless --match any.")
@click.option("--match", type=click.Choice(MATCHES), default="exact", show_default=True,
              help="The whole query, all its words within one, or any query.")  # fmt: skip
@click.option("--item", "items", multiple=True, metavar="I…", help="Which item (repeatable); pins keep this order.")
@click.option("--filter", "filter_", metavar="F", help="Which items, by what they are: brand:Sony price:..100")
@click.option("--from", "starts", metavar="TIME", help="Since when (default: at once).")
@click.option("--until", "ends", metavar="TIME", help="Until when, exclusive (default: for good).")
@click.option("--strength", metavar="S", type=float,
              help=f"boost, bury: by how much of the score range, up to 1.  [default: {DEFAULT_STRENGTH}]")  # fmt: skip
@click.option("--note", metavar="N", help="What it is for.")
@click.pass_obj
def add_rule(context: Context, /, items: tuple[str, ...], filter_: str | None, **fields: Any) -> None:
    """Add a rule. What is out of stock stays last, whatever a rule says."""
    rule = parse_rule({**fields, "items": list(items), "filter": filter_})
    _answer(context, "rules", lambda store: store.rules.add([rule])[0])


@rules_command.command("list")
@click.pass_obj
def list_rules(context: Context) -> None:
    """List all rules, oldest first, those that don't hold now too."""
    _answer(context, "rules", lambda store: store.rules.all())


@rules_command.command("remove")
@click.argument("id")
@click.pass_obj
def remove_rule(context: Context, id: str) -> None:
    """Remove a rule by its number."""
    _remove(context, "rule", (id,), lambda store: store.rules.remove(parse_row_id(id, "rule")))


def _answer(context: Context, kind: str, read: Callable[[Store], Sequence[Synonym | Rule]]) -> None:
    with Shop(context.data) as shop:
        rows = read(shop.store)
    lines = [_pair_line(row) if isinstance(row, Synonym) else _rule_line(row) for row in rows]
    context.answer({kind: [row.to_dict() for row in rows]}, lambda: lines or [f"no {kind} yet"])


def _remove(context: Context, kind: str, which: Sequence[str], remove: Callable[[Store], bool]) -> None:
    with Shop(context.data) as shop:
        if not remove(shop.store):
            raise row_not_found(" ".join(which), kind)
    context.answer({"deleted": 1}, lambda: [" ".join(("removed", kind, *which))])


def _pair_line(pair: Synonym) -> str:
    return f"{pair.id:>4}  {pair.word} {'↔' if pair.two_way else '→'} {pair.means}"


def _rule_line(rule: Rule) -> str:
    row = rule.to_dict()
    query = {"any": "any query", "exact": f'"{rule.query}"', "contains": f'with "{rule.query}"'}[rule.match]
    items = [*rule.items, *([rule.filter] if rule.filter else [])]
    window = [f"{name} {row[field]}" for name, field in (("from", "starts"), ("until", "ends")) if row[field]]
    strength = [f"by {rule.strength:g}"] if rule.strength else []
    note = [rule.note] if rule.note else []
    return "  ".join([f"{rule.id:>4}", f"{rule.action:<5}", query, ", ".join(items), *strength, *window, *note])
