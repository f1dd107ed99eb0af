"""The example shop, Online Retail: all of it learned before November 2011, or a few items with made-up clicks."""

from __future__ import annotations

import argparse
import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.support.options import add_data, add_out, folder_or_temporary, new_parser
from shelfwise import Shop
from shelfwise.ingest.importer import ImportFiles, import_events, import_items
from shelfwise.ingest.readers import ColumnMapping
from shelfwise.store import Event
from shelfwise.trainer import increment, init
from shelfwise.types import EVENT_FIELDS, ITEM_FIELDS

__all__ = [
    "CUT", "EXAMPLE", "TRAINED_BEFORE", "Title", "all_events", "example_parser", "import_example_items",
    "import_example_purchases", "make_small_shop", "parse_small_shop", "record_title_clicks", "split_at_cut",
    "train_example", "trained_example",
]  # fmt: skip

EXAMPLE = Path(__file__).parents[2] / "examples" / "online-retail"
TRAINED_BEFORE = datetime(2011, 11, 1, tzinfo=UTC)
CUT = TRAINED_BEFORE.timestamp()
_SMALL_SHOP_ITEMS = 600
Title = tuple[str, str]  # an item's id and title


# ---- the whole shop -------------------------------------------------------------------------------------------


def example_parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options of `trained_example`."""
    parser = new_parser(doc)
    add_data(parser, "keep the shop here (default: a temporary folder)", required=False)
    parser.add_argument("--no-training", action="store_true", help="count only, keep the base encoder")
    return parser


@contextmanager
def trained_example(options: argparse.Namespace) -> Iterator[Shop]:
    """Yield the shop, learned before TRAINED_BEFORE, which is also what its clock shows."""
    with folder_or_temporary(options.data) as folder:
        train_example(folder, learn_pairs=not options.no_training)
        with Shop(folder, clock=lambda: TRAINED_BEFORE) as shop:
            yield shop


def train_example(folder: Path, *, learn_pairs: bool = True) -> None:
    """Import the example and run one night on it; a shop that has a generation is left as it is."""
    with Shop(folder) as shop:
        if shop.generations.current() is not None:
            return
        import_example_items(shop)
        import_example_purchases(shop)
    night = increment(folder, TRAINED_BEFORE, learn_pairs=learn_pairs)
    print(f"night: {night.verdict}: {night.reason}")


def import_example_items(shop: Shop) -> None:
    """Import the example's catalogue."""
    import_items(shop, ImportFiles([str(EXAMPLE / "items.csv.gz")], ColumnMapping.of(ITEM_FIELDS), print))


def import_example_purchases(shop: Shop) -> None:
    """Import the example's log."""
    mapping = ColumnMapping.of(EVENT_FIELDS, constants={"type": "purchase"})
    import_events(shop, ImportFiles([str(EXAMPLE / "events.csv.gz")], mapping, print))


def all_events(shop: Shop) -> list[Event]:
    """Return all events of the shop, oldest first."""
    return list(shop.store.events.before(math.inf, 2**62))


def split_at_cut(shop: Shop) -> tuple[dict[str, list[Event]], dict[str, set[str]]]:
    """Return each user's events before CUT, and the first basket after it of those who have both."""
    history: dict[str, list[Event]] = {}
    baskets: dict[str, tuple[str | None, set[str]]] = {}
    for event in all_events(shop):
        if event.user is None:
            continue
        if event.ts < CUT:
            history.setdefault(event.user, []).append(event)
        else:
            session, items = baskets.setdefault(event.user, (event.session, set()))
            if event.session == session:
                items.add(event.item)
    return history, {user: items for user, (_, items) in baskets.items() if user in history}


# ---- a few of its items ---------------------------------------------------------------------------------------


def make_small_shop(folder: Path) -> list[Title]:
    """Make a shop of 600 items with generation 0, and return those with a title that no other item has."""
    with Shop(folder) as shop:
        if shop.generations.current() is None:
            import_example_items(shop)
            shop.delete([id for id, _ in shop.store.items.titles()[_SMALL_SHOP_ITEMS:]])
        titles = shop.store.items.titles()
    init(folder)
    counts = Counter(title.lower() for _, title in titles)
    return [(id, title) for id, title in titles if counts[title.lower()] == 1]


def parse_small_shop(parser: argparse.ArgumentParser, name: str) -> tuple[argparse.Namespace, Path, list[Title]]:
    """Parse the command line with --out, and make the small shop `name` below it; return its folder and titles too."""
    add_out(parser)
    options = parser.parse_args()
    folder = options.out / "shops" / name
    return options, folder, make_small_shop(folder)


def record_title_clicks(folder: Path, titles: Sequence[Title], count: int, until: datetime) -> None:
    """Record clicks on items for their own titles: they teach what is true anyway, so that the night is published."""
    clicked = random.Random(7).choices(titles, k=count)
    with Shop(folder) as shop:
        shop.record(
            {
                "type": "click", "item": id, "query": title.lower(), "user": f"shopper {number}",
                "ts": until - timedelta(seconds=20 * number),
            }
            for number, (id, title) in enumerate(clicked, start=1)
        )  # fmt: skip
