"""The server on a shop: seconds to the first answer, a worker's memory, p50 and p99 of /search, HTTP and in-process.

Starts `shelfwise serve` with two workers on a free port, sends it real queries (two words of the catalogue's titles),
and stops it. Times drift on shared machines; the ratios within one run are what to compare.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import quote

from bench.support.ablations import ENCODER_ONLY, WORDS_ONLY, search_with
from bench.support.http_server import HttpClient, serve
from bench.support.options import new_parser
from bench.support.timing import print_percentiles, timed
from shelfwise import Shop
from shelfwise.text.normalize import words

REQUESTS = 2_000
NAME_WIDTH = 32


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument("--data", type=Path, default=Path("shelfwise-data"), metavar="DIR", help="the shop's folder")
    parser.add_argument("--requests", type=int, default=REQUESTS, help="queries of each measurement")
    options = parser.parse_args()
    queries = make_queries(options.data, options.requests)
    print(f"{options.data}: {len(queries):,} queries, such as {', '.join(queries[:4])}")
    measure_in_process(options.data, queries)
    measure_http(options.data, queries)


def make_queries(folder: Path, count: int) -> list[str]:
    """Return two words of a title for each query."""
    rng = random.Random(1)
    with Shop(folder) as shop:
        titles = [words(title) for _, title in shop.store.items.titles()]
    chosen = rng.choices([title for title in titles if len(title) > 1], k=count)
    return [" ".join(rng.sample(title, 2)) for title in chosen]


def measure_in_process(folder: Path, queries: list[str]) -> None:
    """Print the milliseconds of `Shop.search`, whole and of single sources."""
    with Shop(folder) as shop:
        shop.search("warm up", log=False)
        searches: dict[str, Callable[[str], object]] = {
            "search": lambda query: shop.search(query, log=False),
            "  words alone": lambda query: search_with(shop, query, WORDS_ONLY, 10),
            "  encoder alone": lambda query: search_with(shop, query, ENCODER_ONLY, 10),
        }
        for name, search in searches.items():
            times = [timed(partial(search, query))[0] for query in queries]
            print_percentiles(f"in-process {name}", times, NAME_WIDTH)


def measure_http(folder: Path, queries: list[str]) -> None:
    """Print the seconds to the first answer, the milliseconds of one client, and the memory of the workers."""
    with serve(folder) as server:
        print(f"first answer after {server.first_answer_seconds:.2f} s")
        client = HttpClient(server.port)
        times = [timed(partial(client.get, f"/search?q={quote(query)}"))[0] for query in queries]
        print_percentiles("over HTTP, one client", times, NAME_WIDTH)
        for pid in child_processes(server.pid):
            rss, pss = memory(pid)
            print(f"worker {pid}: RSS {rss:.0f} MB, PSS {pss:.0f} MB")


def child_processes(pid: int) -> list[int]:
    """Return the process ids of the children (Linux only)."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def memory(pid: int) -> tuple[float, float]:
    """Return resident and proportional set size in megabytes (Linux only)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    sizes = {line.split()[0]: int(line.split()[1]) / 1024 for line in lines[1:]}
    return sizes["Rss:"], sizes["Pss:"]


if __name__ == "__main__":
    main()
