"""Understanding a query, against a real full-text index: which items its terms find, and what it says it did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from shelfwise.query.synonyms import Synonyms
from shelfwise.query.understanding import Query, understand
from shelfwise.query.vocabulary import Vocabulary, build_vocabulary
from shelfwise.store import Store
from shelfwise.validation import parse_item

TITLES = {
    "mouse": "Wireless Mouse Black",
    "keyboard": "Wireless Keyboard Black",
    "headphones": "Bluetooth Headphones",
    "sony": "Sony WH-1000XM4 Headphones",
    "laptop": 'HP Pavilion dv7-1211ea Notebook 17"',
    "screen": "Monitor 19 inch",
    "toner": "Xerox 006R90321 Toner Cartridge",
    "toner2": "Brother DR130CL Toner Cartridge",
    "console": "PlayStation 3 Console",
    "usbc": "USB-C Cable 2 m",
    "serial": "USB Serial Cable 1.5m",
    "shirt": "Women's T-Shirt Red",
    "tee": "T Shirt Blue",
    "shoes": "Running Trainers",
    "tv": "LED Television",
    "stick": "Memory Stick 500 GB",
    "jacket": "O'Neill Rain Jacket",
    "lantern": "White Metal Lantern",
    "café": "Café Sign",
    "mug": "日本製マグカップ",
    "case": "iPhoneケース",
    "thai": "หมวกแดง",
    "phone": "Smart Phone",
    "photo": "Photo of a Smartphone",
    "slip": "Lamp Cartrige",
    "wide": "ＡＢＣ Glue",
    "and": "Near And Far",
    "brush": "Tooth Brush",
    "store": "General Store",
    "genre": "Toner Genre",
} | {f"ink{number}": f"Ink Cartridge No{number}" for number in range(40)}
SYNONYMS = Synonyms(
    [("sneakers", "trainers", False), ("tv", "television", True), ("usb stick", "memory stick", True),
     ("mouse", "rodent", False)]
)  # fmt: skip


class Shop:
    """What the tests ask of a shop."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder)
        rows = [{"id": id, "title": title} for id, title in TITLES.items()]
        self.store.items.upsert([(number, parse_item(row)) for number, row in enumerate(rows)])
        self.ids = {row: id for row, (id, _) in enumerate(self.store.items.titles(), 1)}
        self.vocabulary = build_vocabulary(self.store.item_texts.stream(), language_words=["pillow", "cannon"])

    def rows(self, match: str) -> set[int]:
        return set(self.store.fulltext.postings(match)[0].tolist())

    def count(self, matches: Sequence[str]) -> int:
        return len(set.intersection(*map(self.rows, matches))) if matches else 0

    def read(self, query: str, *, exact: bool = False, vocabulary: Vocabulary | None = None) -> Query:
        return understand(query, vocabulary or self.vocabulary, self.count, SYNONYMS, exact=exact, fresh=True)

    def all(self, query: str, *, exact: bool = False) -> set[str]:
        """The items that match all the terms."""
        matching = [self.rows(term.match) for term in self.read(query, exact=exact).terms]
        return {self.ids[row] for row in set.intersection(*matching)} if matching else set()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("understanding") / "shop")
    yield made
    made.store.close()


@pytest.mark.parametrize(("query", "ids"), [
    # case, accents, width, apostrophes
    ("WIRELESS mouse", {"mouse"}), ("CAFE sign", {"café"}), ("cáfé", {"café"}), ("ｗｉｒｅｌｅｓｓ mouse", {"mouse"}),
    ("abc glue", {"wide"}), ("women's shirt", {"shirt"}), ("womens shirt", {"shirt"}), ("women’s shirt", {"shirt"}),
    ("o'neill", {"jacket"}), ("oneill", {"jacket"}), ("Wireless™ Mouse®", {"mouse"}),
    # measures
    ('17"', {"laptop"}), ("17 inch notebook", {"laptop"}), ("17in", {"laptop"}), ("17-inch", {"laptop"}),
    ('19" monitor', {"screen"}), ("2m cable", {"usbc"}), ("2 metre cable", {"usbc"}), ("1.5 m cable", {"serial"}),
    ("1,5m", {"serial"}), ("500gb", {"stick"}), ("500 gigabytes", {"stick"}),
    ("19 gb", {"screen"}),  # no item has the measure: the number still tells
    # compounds and hyphens
    ("t-shirt", {"shirt", "tee"}), ("t shirt", {"shirt", "tee"}), ("tshirt", {"shirt", "tee"}),
    ("playstation3", {"console"}), ("playstation 3", {"console"}), ("play station", {"console"}), ("usb-c", {"usbc"}),
    ("usbc", {"usbc"}), ("usb c", {"usbc"}), ("smartphone", {"phone", "photo"}), ("smart phone", {"phone", "photo"}),
    ("wireless-mouse", {"mouse"}), ("black-mouse", {"mouse"}),
    # model numbers
    ("dv7-1211ea", {"laptop"}), ("dv71211ea", {"laptop"}), ("dv7 1211ea", {"laptop"}), ("WH-1000XM4", {"sony"}),
    ("wh1000xm4", {"sony"}), ("wh 1000xm4", {"sony"}), ("wh-1000x", {"sony"}), ("006R90321", {"toner"}),
    ("DR-130CL", {"toner2"}), ("dr 130cl", {"toner2"}),
    # beginnings
    ("lant", {"lantern"}), ("metal lan", {"lantern"}), ("headph", {"headphones", "sony"}), ("006r9", {"toner"}),
    # synonyms
    ("sneakers", {"shoes"}), ("sneaker", {"shoes"}), ("tv", {"tv"}), ("television", {"tv"}), ("usb stick", {"stick"}),
    ("usb-stick 500gb", {"stick"}), ("memory sticks", {"stick"}),
    # corrections
    ("wirless mosue", {"mouse"}), ("wirelessmouse", {"mouse"}), ("hedphones sony", {"sony"}),
    ("blue tooth headphones", {"headphones"}), ("blutooth", {"headphones"}), ("lanterm", {"lantern"}),
    ("womens tshrit", {"shirt"}), ("snekaers", {"shoes"}),
    # scripts without spaces
    ("日本", {"mug"}), ("日本製", {"mug"}), ("マグ", {"mug"}), ("ﾏｸﾞ", {"mug"}), ("本", {"mug"}), ("iphone", {"case"}),
    ("iphoneケース", {"case"}), ("ケース", {"case"}), ("หมวก", {"thai"}), ("แดง", {"thai"}),
    # operators are words
    ("near AND far", {"and"}), ('"wireless mouse"', {"mouse"}), ("title:mouse", set()), ("mouse*", {"mouse"}),
    ("-mouse", {"mouse"}),
])  # fmt: skip
def test_terms_find_items(shop: Shop, query: str, ids: set[str]) -> None:
    assert shop.all(query) == ids


@pytest.mark.parametrize(("query", "text", "corrected"), [
    ("Wireless  MOUSE ", "wireless mouse", False), ("wirless mosue", "wireless mouse", True),
    ('17" notebok', "17 inch notebook", True), ("wirelessmouse", "wireless mouse", True),
    ("key-board, black!", "key-board, black!", False), ("blue tooth headphones", "bluetooth headphones", False),
    ("playstation3", "playstation 3", False), ("women’s café", "women's café", False), ("lant", "lant", False),
    ("sneakers", "sneakers", False), ("snekaers", "sneakers", True), ("dv7-1211eb", "dv7-1211eb", False),
    ("006R90322", "006r90322", False), ("wh1000xm5 headphones", "wh1000xm5 headphones", False), ("tv", "tv", False),
    ("xq", "xq", False), ("cartrige", "cartrige", False), ("pillow", "pillow", False),
    ("qwrtzp xkcdxkcd", "qwrtzp xkcdxkcd", False), ("日本製マグ", "日本製マグ", False),
])  # fmt: skip
def test_text_to_embed_and_corrected(shop: Shop, query: str, text: str, corrected: bool) -> None:
    read = shop.read(query)
    assert (read.original, read.text, read.corrected) == (query, text, text if corrected else None)


@pytest.mark.parametrize(("query", "ids"), [
    ("wireless mouse", {"mouse"}), ("WIRELESS MOUSE", {"mouse"}), ("women's", {"shirt"}), ("womens", {"shirt"}),
    ('17"', {"laptop"}), ("2 metres", {"usbc"}), ("dv7-1211ea", {"laptop"}), ("日本", {"mug"}),
    ("wirless mouse", set()), ("lant", set()), ("sneakers", set()), ("tv", set()), ("playstation3", set()),
    ("t shirt", {"shirt", "tee"}),
    ("smart phone", {"phone"}),
])  # fmt: skip
def test_exact_takes_words_as_they_stand(shop: Shop, query: str, ids: set[str]) -> None:
    assert shop.all(query, exact=True) == ids
    assert shop.read(query, exact=True).corrected is None


@pytest.mark.parametrize("query", ["", " ", "?!", '"', "''", "😀", "👩‍👩‍👧", "___", "-", "\u0301", "* + -"])
def test_terms_of_no_words_are_empty(shop: Shop, query: str) -> None:
    for exact in (False, True):
        assert shop.read(query, exact=exact).terms == ()
        assert shop.read(query, exact=exact).corrected is None


def test_terms_are_unique_and_named_by_their_words(shop: Shop) -> None:
    read = shop.read("mouse t shirt MOUSE usb stick")
    assert [term.text for term in read.terms] == ["mouse", "t shirt", "usb stick"]
    assert read.terms[0].match == '"mouse" OR "rodent"'
    assert read.terms[2].match == '("usb") AND ("stick") OR "memory stick"'


def test_a_word_of_a_new_item_is_not_corrected(shop: Shop) -> None:
    """The vocabulary may be older than the items, the index is not."""
    old = Vocabulary({"mousse": 50.0, "wireless": 5.0})
    assert understand("mouse", old, shop.count).corrected is None
    assert understand("mousze", old, shop.count).corrected == "mousse"


@pytest.mark.parametrize(("query", "fresh", "corrected"), [
    ("cartridges", True, None), ("toner cartridges", True, None), ("wirelessing", True, None),
    ("toner cartridged", True, None), ("genere toner", True, "genre toner"), ("genere toner", False, None),
    ("genere store", True, None),
])  # fmt: skip
def test_a_word_found_only_by_its_stem(shop: Shop, query: str, fresh: bool, corrected: str | None) -> None:
    """FTS5 takes `genere` for `general`; no item has it, which only a vocabulary of all items can tell."""
    assert all(shop.count([f'"{word}"']) for word in query.split())
    assert understand(query, shop.vocabulary, shop.count, fresh=fresh).corrected == corrected


def test_a_rare_word_that_looks_mistyped_means_both(shop: Shop) -> None:
    shop_with_much_ink = Vocabulary({"cartridge": 5000.0, "cartrige": 3.0, "toner": 3.0, "canon": 500.0}, ["cannon"])

    def read(query: str) -> list[str]:
        return [term.match for term in understand(query, shop_with_much_ink, shop.count).terms]

    assert read("cartrige") == ['"cartrige" OR "cartridge"']
    assert read("toner cartrige") == ['"toner"', '"cartrige" OR "cartridge"']
    assert read("lantern cartrige") == ['"lantern"', '"cartrige"']  # no item has these together either way
    assert read("cannon") == ['"cannon"']


HOSTILE = [
    "C++", 'red"shoe', "NEAR(", "NEAR(a b, 2)", "col:val", "{title}: mug", "^mug", ")", "a AND", "OR", "NOT", "mug\\",
    "'; DROP TABLE items", "\t\n\r", "\u200b mouse", "\U0001f600 mouse", "İ", "ǅ", "ﬀ", "①②", "Ⅷ", "१२३", "𝐦𝐨𝐮𝐬𝐞",
    "न हिन्दी", "한국어 마우스", "ั", "x" * 1_000, "mug " * 250, "-" * 999 + "a", "a-" * 500, "'" * 999 + "a",
    "1.5" * 333, "5' " * 330, '5" ' * 330, "½" * 999, "日" * 1_000, "ก็" * 500, "é" * 1_000, "e\u0301" * 500, "﷽" * 50,
    "ﬁ" * 500, "ß" * 300, "a\u0308" * 300, "a&b.c-d'e" * 100,
    " ".join(f"wrd{chr(97 + number % 26)}x" for number in range(200)),
]  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE, ids=lambda query: ascii(query)[:20])
def test_a_hostile_query_is_ordinary_text(shop: Shop, query: str) -> None:
    for exact in (False, True):
        read = shop.read(query, exact=exact)
        assert len(read.terms) <= 32
        assert len({term.match for term in read.terms}) == len(read.terms)
        for term in read.terms:
            shop.rows(term.match)  # raises where it is no expression of FTS5


def test_a_long_noise_is_looked_up_a_few_times_only(shop: Shop) -> None:
    counts = 0

    def count(matches: Sequence[str]) -> int:
        nonlocal counts
        counts += 1
        return 0

    understand(" ".join("xq" + chr(97 + number % 26) * 6 for number in range(100)), shop.vocabulary, count)
    assert counts < 300
