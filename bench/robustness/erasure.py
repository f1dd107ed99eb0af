"""What a shop has learned from one person alone, before and after that person is erased.

A few people each search for a word that no other shopper uses and choose one item for it, on several days. The item's
rank is measured in the shop that learned it, after `erase`, after the next night, and in a twin without them.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path

from bench.support import shops
from bench.support.shops import Cases, Log, Rank
from shelfwise import Shop
from shelfwise.search.blend import ALL, SourceSwitches
from shelfwise.timestamps import DAY, to_datetime
from shelfwise.trainer import increment
from shelfwise.types import Row

_NOTHING = {field.name: False for field in fields(SourceSwitches)}
ABLATIONS = {
    "encoder alone": SourceSwitches(**_NOTHING | {"meaning": True}),
    "memory alone": SourceSwitches(**_NOTHING | {"memory": True}),
    "all": ALL,
}
FORMS = "{0}", "{0}s", "the {0}", "{0} game", "new {0}", "{0} edition", "buy {0}", "best {0}", "{0} deluxe", "my {0}"
SYLLABLES = "zyx", "grom", "vlur", "qua", "nebb", "trosk", "wiff", "plon", "drax", "mup", "keel", "yorb"
DEEP = 100
STEPS = "never seen", "learned", "erased", "night after"


@dataclass(frozen=True)
class Person:
    """A person with a word for an item that no other shopper uses."""

    user: str
    word: str
    item: str


def main() -> None:
    parser = shops.log_parser(__doc__)
    parser.add_argument("--people", type=int, default=5)
    parser.add_argument("--before", type=int, default=3, help="days that the shop lives before they come")
    parser.add_argument("--days", type=int, default=6, help="days on which they search")
    options = parser.parse_args()
    log = shops.load_log(options)
    lived = options.before + options.days
    if lived > len(log.days):
        parser.error(f"--before and --days: expected at most the log's {len(log.days)} days together, got {lived}")
    people = invent(log, options.people)
    twin, shop = log.out / "shops" / "twin", log.out / "shops" / "shop"
    parting = {options.before: log.out / "shops" / "parting"}
    shops.live_through(log, twin, lived, Cases(log.out / "twin.jsonl"), keep=parting)
    if not shop.exists():
        shops.copy_shop(parting[options.before], shop)
    steps = Cases(log.out / "erasure.jsonl")
    steps.rows.get(STEPS[0]) or steps.add(STEPS[0], {"ranks": ranks(twin, people)})
    live_with_people(log, shop, people, range(options.before, lived), steps)
    erase_people(log, shop, people, lived - 1, steps)
    result = {"people": [vars(person) for person in people], "steps": [steps.rows[name] for name in STEPS]}
    (log.out / "erasure.json").write_text(json.dumps(result, indent=1))
    print("\n".join(table(people, steps)))


def live_with_people(log: Log, shop: Path, people: list[Person], days: range, steps: Cases) -> None:
    """Live through the same days as the twin, with the people in them."""
    for day in days:
        if f"day {day}" not in steps.rows:
            own_clicks = [row for person in people for row in clicks(person, log.first + day * DAY)]
            row = steps.add(f"day {day}", shops.run_night(log, shop, day, [*log.days[day], *own_clicks]))
            print(f"{log.date(day)} {row['verdict']}: {row['reason'][:120]}; removed {row['removed']}", flush=True)
    steps.rows.get(STEPS[1]) or steps.add(STEPS[1], {"ranks": ranks(shop, people)})


def erase_people(log: Log, shop: Path, people: list[Person], last: int, steps: Cases) -> None:
    """Erase the people, run the night after the last day, and keep the ranks after each."""
    if STEPS[2] not in steps.rows:
        with Shop(shop, clock=lambda: to_datetime(log.first + (last + 1) * DAY)) as opened:
            receipts = [opened.erase(person.user) for person in people]
        steps.add(STEPS[2], {"ranks": ranks(shop, people), "receipts": receipts})
    if STEPS[3] not in steps.rows:
        night = increment(shop, log.until(last))
        report = {name: getattr(night.report, name) for name in ("parent", "counts", "seconds")}
        row = {"verdict": night.verdict, "reason": night.reason, "report": report, "ranks": ranks(shop, people)}
        steps.add(STEPS[3], row)


def invent(log: Log, count: int) -> list[Person]:
    """Return people with words of their own, each with an item that few clicked."""
    rng = random.Random(3)
    counts = Counter(item for _, item in log.questions(*range(len(log.days))))
    items = sorted(log.known, key=lambda item: (counts[item], item))[: len(log.known) // 2]
    return [
        Person(f"{rng.getrandbits(80):020x}", "".join(rng.sample(SYLLABLES, 3)), rng.choice(items))
        for _ in range(count)
    ]


def clicks(person: Person, start: float) -> list[Row]:
    """Return what the spam limits let through of one shopper in a morning: each form once, a session each."""
    return [
        shops.click_row(f"{person.user}-{start}-{number}", start + 3600 + number * 600, person.user, query, person.item)
        | {"session": f"{person.user}-{start}-{number}"}
        for number, query in enumerate(form.format(person.word) for form in FORMS)
    ]


def ranks(folder: Path, people: list[Person]) -> dict[str, list[Rank]]:
    """Return the rank of each person's item for their word, by ablation."""
    questions = [(person.word, person.item) for person in people]
    return {name: shops.rank_items(folder, questions, sources, DEEP) for name, sources in ABLATIONS.items()}


def table(people: list[Person], steps: Cases) -> list[str]:
    """Return the ranks after each step, and what the erasure removed."""
    lines = []
    for ablation in ABLATIONS:
        lines.append(f"{'rank, ' + ablation:<24}" + "".join(f"{step:>13}" for step in STEPS))
        for number, person in enumerate(people):
            cells = [steps.rows[name]["ranks"][ablation][number] for name in STEPS]
            lines.append(f"{person.word:<24}" + "".join(f"{rank or f'>{DEEP}':>13}" for rank in cells))
    night = steps.rows[STEPS[3]]
    receipts = steps.rows[STEPS[2]]["receipts"]
    return [
        *lines,
        f"erased: {sum(receipt['events'] for receipt in receipts)} events; last receipt {receipts[-1]}",
        f"the night after: {night['verdict']}: {night['reason']}; {night['report']}",
    ]


if __name__ == "__main__":
    main()
