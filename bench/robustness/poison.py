"""Fake clicks that push an item up for a popular query: its rank with the spam limits on and off, and what they cost.

The attack is made on copies of one clean shop: so many clicks by so many fake shoppers beside the day's real ones.
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
from itertools import product
from pathlib import Path

from bench.support import shops
from bench.support.ablations import ABLATIONS
from bench.support.shops import Cases, Log, Rank
from shelfwise.search.blend import ALL
from shelfwise.store import Event
from shelfwise.timestamps import DAY
from shelfwise.trainer.data.interactions import is_anchor
from shelfwise.trainer.data.spam_filters import SpamLimits
from shelfwise.types import Row

LIMITS = {"on": SpamLimits(), "off": SpamLimits.off()}
TOP, DEEP = 5, 100
FAR = 50  # the target's rank before the attack is beyond it


@dataclass(frozen=True)
class Target:
    """The item that is pushed, and the query it is pushed for."""

    query: str
    item: str


@dataclass(frozen=True)
class Attack:
    """Over all its nights together: `clicks` by `users` fake shoppers, who come again every night."""

    target: Target
    clicks: int
    users: int
    nights: int
    limits: str

    def __str__(self) -> str:
        size = f"{self.clicks} clicks by {self.users} in {self.nights} nights"
        return f"{self.limits}: {size}: {self.target.query} → {self.target.item}"


def main() -> None:
    parser = shops.log_parser(__doc__)
    parser.add_argument("--days-before", type=int, default=14, help="that the shop lived before the attack")
    parser.add_argument("--clicks", type=int, nargs="+", default=[10, 100, 1_000, 10_000])
    parser.add_argument("--users", type=int, nargs="+", default=[1, 10, 20, 50, 100])
    parser.add_argument("--attack-nights", type=int, nargs="+", default=[1], help="over which the clicks are spread")
    parser.add_argument("--aims", type=int, default=1, help="pairs of a query and an item to push")
    parser.add_argument("--cost-days", type=int, default=10, help="days that the cost is measured on")
    options = parser.parse_args()
    log = shops.load_log(options)
    if options.days_before + max(*options.attack_nights, options.cost_days) > len(log.days):
        parser.error(f"--days-before and the days after it: expected at most the log's {len(log.days)} days together")
    before = log.out / "shops" / "before"
    cost = measure_cost(log, before, options.days_before, options.cost_days)
    done = Cases(log.out / "poison.jsonl")
    targets = choose_targets(log, before, options.days_before, options.aims)
    for attack in attacks(targets, options.clicks, options.users, options.attack_nights):
        row = done.rows.get(str(attack)) or done.add(str(attack), run(log, before, options.days_before, attack))
        print(f"{attack}: rank {row['before']} → {row['ranks']}; {'; '.join(row['verdicts'])}", flush=True)
    rows = [done.rows[str(attack)] for attack in attacks(targets, options.clicks, options.users, options.attack_nights)]
    fewest = fewest_users(rows)
    (log.out / "poison.json").write_text(json.dumps({"attacks": rows, "least_users": fewest, "cost": cost}, indent=1))
    print("\n".join(table(rows, fewest, cost)))


# ---- what the limits cost -----------------------------------------------------------------------------------


def measure_cost(log: Log, before: Path, days_before: int, days: int) -> Row:
    """Return HR@5 of both shops by ablation from day `days_before` on; `before` is a copy of the limited one."""
    ranks: dict[str, dict[str, list[Rank]]] = {}
    for name, limits in LIMITS.items():
        done = Cases(log.out / f"clean-{name}.jsonl")
        keep = {days_before: before} if name == "on" else {}
        lived = days_before + max(days, 1)  # the copy is made on the morning after
        rows = shops.live_through(
            log, log.out / "shops" / f"clean-{name}", lived, done, keep=keep, score_from=days_before, limits=limits
        )
        ranks[name] = {
            ablation: [rank for row in rows[days_before:] for rank in row["ranks"][ablation]] for ablation in ABLATIONS
        }
    questions = log.questions(*range(days_before, lived))
    return {
        ablation: shops.compare_paired(
            questions, *(shops.hit_rate(ranks[name][ablation], TOP) for name in ("off", "on"))
        )
        for ablation in ABLATIONS
    }


# ---- the attack -----------------------------------------------------------------------------------------------


def choose_targets(log: Log, before: Path, days_before: int, count: int) -> list[Target]:
    """Return the most popular queries, each with an item of the least clicked quarter that is far from it."""
    counts = Counter(item for _, item in log.questions(*range(days_before)))
    rare = sorted(log.known, key=lambda item: (counts[item], item))[: max(1, len(log.known) // 4)]
    rng, targets = random.Random(1), list[Target]()
    for query in log.popular_queries(range(days_before), count):
        rng.shuffle(rare)
        taken = {target.item for target in targets}
        ranks = shops.rank_items(before, [(query, item) for item in rare], ALL, FAR)
        far = [item for item, rank in zip(rare, ranks, strict=True) if rank is None and item not in taken]
        targets.append(Target(query, far[0]))
    return targets


def attacks(
    targets: Sequence[Target], clicks: Sequence[int], users: Sequence[int], nights: Sequence[int]
) -> Iterator[Attack]:
    """Yield every attack in which each fake shopper has a click each night."""
    for target, n_nights, n_clicks, n_users in product(targets, nights, clicks, users):
        if n_nights * n_users <= n_clicks:
            yield from (Attack(target, n_clicks, n_users, n_nights, limits) for limits in LIMITS)


def run(log: Log, before: Path, first: int, attack: Attack) -> Row:
    """Return the target's rank by the shop's own search before the attack and after each of its nights."""
    folder = shops.copy_shop(before, log.out / "shops" / "case")
    question = [(attack.target.query, attack.target.item)]
    row: Row = {
        "clicks": attack.clicks, "users": attack.users, "nights": attack.nights, "defences": attack.limits,
        "query": attack.target.query, "item": attack.target.item, "ranks": [], "verdicts": [], "removed": [],
        "before": shops.rank_items(before, question, ALL, DEEP)[0],
    }  # fmt: skip
    for number in range(attack.nights):
        day = first + number
        events = [*log.days[day], *fakes(log, day, number, attack)]
        night = shops.run_night(log, folder, day, events, limits=LIMITS[attack.limits])
        row["ranks"].append(shops.rank_items(folder, question, ALL, DEEP)[0])
        row["verdicts"].append(f"{night['verdict']}: {night['reason'][:160]}")
        row["removed"].append(night["removed"])
    shutil.rmtree(folder)
    return row


def fakes(log: Log, day: int, number: int, attack: Attack) -> list[Row]:
    """Return this night's share of the clicks, evenly over the first half of the day, one fake shopper after the other.

    In the second half some would be held out, which an attacker who wants to be learned tonight avoids.
    """
    start = log.first + day * DAY
    names = fake_names(start, attack.users)
    count = attack.clicks // attack.nights
    return [
        shops.click_row(
            f"fake-{number}-{position}",
            start + (position + 0.5) / count * DAY / 2,
            names[position * len(names) // count],
            attack.target.query,
            attack.target.item,
        )
        for position in range(count)
    ]


def fake_names(start: float, count: int) -> list[str]:
    """Return user ids as a shop gives them, without those that the day's anchor takes out anyway."""
    names: list[str] = []
    number = 0
    while len(names) < count:
        number += 1
        name = hashlib.sha1(f"fake {number}".encode()).hexdigest()
        if not is_anchor(Event(0, start, "click", "", name, None, None)):
            names.append(name)
    return names


# ---- results --------------------------------------------------------------------------------------------------


def fewest_users(rows: Sequence[Row]) -> Row:
    """Return the fewest fake shoppers that brought a target into the top 5, over any number of clicks and nights."""
    fewest: Row = {}
    for name in LIMITS:
        reached = [row["users"] for row in rows if row["defences"] == name and _is_top(row["ranks"][-1])]
        fewest[name] = min(reached, default=None)
    tried = max((row["users"] for row in rows), default=0)
    fewest["most_tried"] = tried
    fewest["ratio"] = (fewest["on"] or tried) / fewest["off"] if fewest["off"] else None
    return fewest


def table(rows: Sequence[Row], fewest: Row, cost: Row) -> list[str]:
    """Return the ranks of each attack with and without the limits, and what the limits cost."""
    lines = [f"{'nights':>6}{'clicks':>8}{'users':>7}{'before':>8}{'off':>6}{'on':>6}   query → item"]
    cases: dict[tuple[int, int, int, str, str], Row] = {}
    for row in rows:
        key = row["nights"], row["clicks"], row["users"], row["query"], row["item"]
        cases.setdefault(key, {"before": row["before"]})[row["defences"]] = row["ranks"][-1]
    for (nights, clicks, users, query, item), ranks in cases.items():
        shown = [_shown(ranks[name]) for name in ("before", "off", "on")]
        lines.append(f"{nights:>6}{clicks:>8}{users:>7}{shown[0]:>8}{shown[1]:>6}{shown[2]:>6}   {query} → {item}")
    beyond = "" if fewest["on"] else f", none of up to {fewest['most_tried']} did"
    lines.append(f"fewest fake shoppers that reach the top {TOP}: off {fewest['off']}, on {fewest['on']}{beyond}")
    lines.append(f"ratio: {'≥ ' if beyond else ''}{fewest['ratio']}")
    for ablation, values in cost.items():
        lines.append(
            f"clean HR@{TOP}, {ablation}: off {values['before']:.4f}, on {values['after']:.4f}, difference"
            f" {values['mean']:+.4f} ({values['low']:+.4f}..{values['high']:+.4f}), {values['n']:,} clicks"
        )
    return lines


def _is_top(rank: Rank) -> bool:
    return rank is not None and rank <= TOP


def _shown(rank: Rank) -> str:
    return f">{DEEP}" if rank is None else str(rank)


if __name__ == "__main__":
    main()
