"""`shelfwise synonyms` and `rules`: what the shop says about words and hits. A change holds at the next search."""

from __future__ import annotations

from typing import Any

import click

from shelfwise.catalogue.filter_parser import parse
from shelfwise.cli.main import Context
from shelfwise.curation.validation import ACTIONS, DEFAULT_STRENGTH, MATCHES, parse_pair, parse_rule, parse_synonym
from shelfwise.errors import NotFound
from shelfwise.shop import Shop
from shelfwise.store import Rule, Synonym

__all__ = ["rules_command", "synonyms_command"]


@click.group("synonyms")
def synonyms_command() -> None:
    """Words that find what other words find."""


@synonyms_command.command("add")
@click.argument("word")
@click.argument("means", nargs=-1, required=True, metavar="MEANS…")
@click.option("--two-way", is_flag=True, help="Each finds what the other finds.")
@click.pass_obj
def add_synonym(context: Context, word: str, means: tuple[str, ...], two_way: bool) -> None:
    """A query with WORD also finds what MEANS finds; either may be several words in quotes."""
    pairs = parse_synonym({"word": word, "means": means, "two_way": two_way})
    with Shop(context.data) as shop:
        said, _ = shop.store.synonyms.add(pairs)
    _answer(context, "synonyms", said)


@synonyms_command.command("list")
@click.pass_obj
def list_synonyms(context: Context) -> None:
    """All pairs, oldest first."""
    with Shop(context.data) as shop:
        said = shop.store.synonyms.all()
    _answer(context, "synonyms", said)


@synonyms_command.command("remove")
@click.argument("which", nargs=-1, required=True, metavar="ID | WORD MEANS")
@click.pass_obj
def remove_synonym(context: Context, which: tuple[str, ...]) -> None:
    """Remove a pair, by its number or by its words."""
    if len(which) > 2:
        raise click.UsageError("give the number of a pair, or its two sides, those of several words in quotes")
    with Shop(context.data) as shop:
        if len(which) == 2:
            there = shop.store.synonyms.remove_pair(*parse_pair(*which))
        else:
            there = shop.store.synonyms.remove(_number(which[0]))
    _removed(context, there, f"synonym {' '.join(which)}")


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
def add_rule(context: Context, /, items: tuple[str, ...], filter_: str | None, **given: Any) -> None:
    """Add a rule. What is out of stock stays last, whatever a rule says."""
    rule = parse_rule({**given, "items": list(items), "filter": filter_}, parse)
    with Shop(context.data) as shop:
        said, _ = shop.store.rules.add([rule])
    _answer(context, "rules", said)


@rules_command.command("list")
@click.pass_obj
def list_rules(context: Context) -> None:
    """All rules, oldest first, those that don't hold now too."""
    with Shop(context.data) as shop:
        said = shop.store.rules.all()
    _answer(context, "rules", said)


@rules_command.command("remove")
@click.argument("id")
@click.pass_obj
def remove_rule(context: Context, id: str) -> None:
    """Remove a rule by its number."""
    with Shop(context.data) as shop:
        there = shop.store.rules.remove(_number(id))
    _removed(context, there, f"rule {id}")


def _answer(context: Context, kind: str, said: list[Synonym] | list[Rule]) -> None:
    lines = [_pair(one) if isinstance(one, Synonym) else _rule(one) for one in said]
    context.answer({kind: [one.to_dict() for one in said]}, lambda: lines or [f"no {kind} yet"])


def _removed(context: Context, there: bool, what: str) -> None:
    if not there:
        raise NotFound(f"there is no {what}", "id")
    context.answer({"deleted": 1}, lambda: [f"removed {what}"])


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise NotFound(f"there is none by the number {text[:60]!r}; list shows them", "id")
    return int(text)


def _pair(pair: Synonym) -> str:
    return f"{pair.id:>4}  {pair.word} {'↔' if pair.two_way else '→'} {pair.means}"


def _rule(rule: Rule) -> str:
    shown = rule.to_dict()
    query = {"any": "any query", "exact": f'"{rule.query}"', "contains": f'with "{rule.query}"'}[rule.match]
    what = [*rule.items, *([rule.filter] if rule.filter else [])]
    window = [f"{name} {shown[field]}" for name, field in (("from", "starts"), ("until", "ends")) if shown[field]]
    strength = [f"by {rule.strength:g}"] if rule.strength else []
    note = [rule.note] if rule.note else []
    return "  ".join([f"{rule.id:>4}", f"{rule.action:<5}", query, ", ".join(what), *strength, *window, *note])
