"""Fake clicks that push an item up for a popular query: its rank with the defences on and off, and what they cost.

The attack is made on copies of one honest shop: so many clicks by so many fake shoppers beside the day's honest ones.
The cost is measured on two shops that live through the same days without any attack.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.support import shops
from bench.support.asking import WAYS
from bench.support.shops import Cases, Log, Rank
from shelfwise.search.blend import ALL
from shelfwise.store import Event
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.interactions import is_anchor
from shelfwise.trainer.data.spam_filters import SpamLimits
from shelfwise.types import Row

DEFENCES = {"on": SpamLimits(), "off": SpamLimits.off()}
TOP, DEEP = 5, 100
FAR = 50  # the target's rank before the attack is beyond it


@dataclass(frozen=True)
class Aim:
    """The item that is pushed, and the query it is pushed for."""

    query: str
    item: str


@dataclass(frozen=True)
class Attack:
    """Over all its nights together: `clicks` by `users` fake shoppers, who come again every night."""

    aim: Aim
    clicks: int
    users: int
    nights: int
    defences: str

    def __str__(self) -> str:
        size = f"{self.clicks} clicks by {self.users} in {self.nights} nights"
        return f"{self.defences}: {size}: {self.aim.query} → {self.aim.item}"


def main() -> None:
    parser = shops.options(__doc__)
    parser.add_argument("--honest", type=int, default=14, help="days that the shop lived before the attack")
    parser.add_argument("--clicks", type=int, nargs="+", default=[10, 100, 1_000, 10_000])
    parser.add_argument("--users", type=int, nargs="+", default=[1, 10, 20, 50, 100])
    parser.add_argument("--attack-nights", type=int, nargs="+", default=[1], help="over which the clicks are spread")
    parser.add_argument("--aims", type=int, default=1, help="pairs of a query and an item to push")
    parser.add_argument("--cost-days", type=int, default=10, help="days that the cost is measured on")
    given = parser.parse_args()
    log = shops.load(given)
    if given.honest + max(given.attack_nights) > len(log.days) or given.honest + given.cost_days > len(log.days):
        parser.error(f"the log has {len(log.days)} days")
    before = log.out / "shops" / "before"
    cost = measure_cost(log, before, given.honest, given.cost_days)
    done = Cases(log.out / "poison.jsonl")
    aims = choose_aims(log, before, given.honest, given.aims)
    for attack in attacks(aims, given.clicks, given.users, given.attack_nights):
        row = done.rows.get(str(attack)) or done.add(str(attack), run(log, before, given.honest, attack))
        print(f"{attack}: rank {row['before']} → {row['ranks']}; {'; '.join(row['verdicts'])}", flush=True)
    rows = [done.rows[str(attack)] for attack in attacks(aims, given.clicks, given.users, given.attack_nights)]
    least = least_users(rows)
    (log.out / "poison.json").write_text(json.dumps({"attacks": rows, "least_users": least, "cost": cost}, indent=1))
    print("\n".join(table(rows, least, cost)))


# ---- what the defences cost -----------------------------------------------------------------------------------


def measure_cost(log: Log, before: Path, honest: int, days: int) -> Row:
    """HR@5 of both shops by way over the days after the honest ones; `before` is kept from the one with defences."""
    ranks: dict[str, dict[str, list[Rank]]] = {}
    for name, defences in DEFENCES.items():
        done = Cases(log.out / f"honest-{name}.jsonl")
        keep = {honest: before} if name == "on" else {}
        lived = honest + max(days, 1)  # the copy is made on the morning after
        rows = shops.live(
            log, log.out / "shops" / f"honest-{name}", lived, done, keep=keep, score_from=honest, defences=defences
        )
        ranks[name] = {way: [rank for row in rows[honest:] for rank in row["ranks"][way]] for way in WAYS}
    questions = log.questions(*range(honest, honest + max(days, 1)))
    return {
        way: shops.compare(questions, *(shops.hits(ranks[name][way], TOP) for name in ("off", "on"))) for way in WAYS
    }


# ---- the attack -----------------------------------------------------------------------------------------------


def choose_aims(log: Log, before: Path, honest: int, count: int) -> list[Aim]:
    """The most popular queries, each with an item of the least clicked quarter that is far from it."""
    counts = Counter(item for _, item in log.questions(*range(honest)))
    rare = sorted(log.known, key=lambda item: (counts[item], item))[: max(1, len(log.known) // 4)]
    chance, aims = random.Random(1), list[Aim]()
    for query in shops.popular_queries(log, range(honest), count):
        chance.shuffle(rare)
        taken = {aim.item for aim in aims}
        ranks = shops.ask(before, [(query, item) for item in rare], ALL, FAR)
        far = [item for item, rank in zip(rare, ranks, strict=True) if rank is None and item not in taken]
        aims.append(Aim(query, far[0]))
    return aims


def attacks(
    aims: Sequence[Aim], clicks: Sequence[int], users: Sequence[int], nights: Sequence[int]
) -> Iterator[Attack]:
    for aim in aims:
        for over in nights:
            for many in clicks:
                for by in users:
                    if by <= many and over <= many // by:
                        yield from (Attack(aim, many, by, over, defences) for defences in DEFENCES)


def run(log: Log, before: Path, first: int, attack: Attack) -> Row:
    """The target's rank by the shop's own search before the attack and after each of its nights."""
    folder = shops.copy_shop(before, log.out / "shops" / "case")
    question = [(attack.aim.query, attack.aim.item)]
    row: Row = {
        "clicks": attack.clicks, "users": attack.users, "nights": attack.nights, "defences": attack.defences,
        "query": attack.aim.query, "item": attack.aim.item, "ranks": [], "verdicts": [], "removed": [],
        "before": shops.ask(before, question, ALL, DEEP)[0],
    }  # fmt: skip
    for number in range(attack.nights):
        day = first + number
        events = [*log.days[day], *fakes(log, day, number, attack)]
        night = shops.night(log, folder, day, events, defences=DEFENCES[attack.defences])
        row["ranks"].append(shops.ask(folder, question, ALL, DEEP)[0])
        row["verdicts"].append(f"{night['verdict']}: {night['reason'][:160]}")
        row["removed"].append(night["removed"])
    shutil.rmtree(folder)
    return row


def fakes(log: Log, day: int, number: int, attack: Attack) -> list[Row]:
    """This night's share of the clicks, evenly over the first half of the day, one fake shopper after the other.

    In the second half some would be held out, which an attacker who wants to be learned tonight avoids.
    """
    start = log.first + day * DAY
    names = fake_names(start, attack.users)
    count = attack.clicks // attack.nights
    return [
        shops.click(
            f"fake-{number}-{place}",
            start + (place + 0.5) / count * DAY / 2,
            names[place * len(names) // count],
            attack.aim.query,
            attack.aim.item,
        )
        for place in range(count)
    ]


def fake_names(start: float, count: int) -> list[str]:
    """Names as a shop gives them; none that the day's anchor takes out anyway, for the attacker may be lucky."""
    names: list[str] = []
    number = 0
    while len(names) < count:
        number += 1
        name = hashlib.sha1(f"fake {number}".encode()).hexdigest()
        if not is_anchor(Event(0, start, "click", "", name, None, None)):
            names.append(name)
    return names


# ---- results --------------------------------------------------------------------------------------------------


def least_users(rows: Sequence[Row]) -> Row:
    """The fewest fake shoppers that brought a target into the top 5, over any number of clicks and nights."""
    least: Row = {}
    for name in DEFENCES:
        reached = [row["users"] for row in rows if row["defences"] == name and _is_top(row["ranks"][-1])]
        least[name] = min(reached, default=None)
    most = max((row["users"] for row in rows), default=0)
    least["most_tried"] = most
    least["ratio"] = (least["on"] or most) / least["off"] if least["off"] else None
    return least


def table(rows: Sequence[Row], least: Row, cost: Row) -> list[str]:
    lines = [f"{'nights':>6}{'clicks':>8}{'users':>7}{'before':>8}{'off':>6}{'on':>6}   query → item"]
    cases: dict[tuple[int, int, int, str, str], Row] = {}
    for row in rows:
        key = row["nights"], row["clicks"], row["users"], row["query"], row["item"]
        cases.setdefault(key, {"before": row["before"]})[row["defences"]] = row["ranks"][-1]
    for (nights, clicks, users, query, item), ranks in cases.items():
        shown = [_shown(ranks[name]) for name in ("before", "off", "on")]
        lines.append(f"{nights:>6}{clicks:>8}{users:>7}{shown[0]:>8}{shown[1]:>6}{shown[2]:>6}   {query} → {item}")
    beyond = "" if least["on"] else f", none of up to {least['most_tried']} did"
    lines.append(f"fewest fake shoppers that reach the top {TOP}: off {least['off']}, on {least['on']}{beyond}")
    lines.append(f"ratio: {'≥ ' if beyond else ''}{least['ratio']}")
    for way, found in cost.items():
        lines.append(
            f"honest HR@{TOP}, {way}: off {found['before']:.4f}, on {found['after']:.4f}, difference"
            f" {found['mean']:+.4f} ({found['low']:+.4f}..{found['high']:+.4f}), {found['n']:,} clicks"
        )
    return lines


def _is_top(rank: Rank) -> bool:
    return rank is not None and rank <= TOP


def _shown(rank: Rank) -> str:
    return f">{DEEP}" if rank is None else str(rank)


if __name__ == "__main__":
    main()
