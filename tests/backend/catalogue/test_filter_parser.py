"""Filters from text, the errors about a text that is none, and filters written back as text."""

from __future__ import annotations

import math
import random

import pytest

from shelfwise.catalogue.dictionary import Range
from shelfwise.catalogue.filter_parser import MAX_CHARACTERS, MAX_CONDITIONS, MAX_DEPTH, parse, to_text
from shelfwise.catalogue.filters import And, Condition, Filter, Not, Or
from shelfwise.errors import InvalidInput
from shelfwise.timestamps import DAY, parse_time
from support.filter_reference import Item, random_filter

A, B, C = (Condition(name, ("x",)) for name in "abc")
JUNE = parse_time("2024-06-01")


def condition_on(name: str, *values: str | Range) -> Condition:
    return Condition(name, values)


@pytest.mark.parametrize(
    ("text", "filter"),
    [
        ("", And(())),
        ("  ", And(())),
        ("a:x", A),
        ("a:x b:x", And((A, B))),
        ("a:x AND b:x and c:x", And((A, B, C))),
        ("a:x OR b:x c:x", Or((A, And((B, C))))),
        ("(a:x OR b:x) c:x", And((Or((A, B)), C))),
        ("a:x(b:x)", And((A, B))),
        ("NOT a:x b:x", And((Not(A), B))),
        ("NOT(a:x b:x)", Not(And((A, B)))),
        ("not NOT a:x or b:x", Or((Not(Not(A)), B))),
        ("((a:x))", A),
        ("\n a:x\tAND\u00a0b:x ", And((A, B))),
        ("or:x AND:y not:z", And((condition_on("or", "x"), condition_on("and", "y"), condition_on("not", "z")))),
        ("brand:or OR brand:not", Or((condition_on("brand", "or"), condition_on("brand", "not")))),
    ],
)
def test_operators(text: str, filter: Filter) -> None:
    assert parse(text) == filter


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("brand:Sony", condition_on("brand", "sony")),
        ('brand:"Sony  Ericsson"', condition_on("brand", "sony ericsson")),
        ("Brand:Sony,HP , Intel", condition_on("brand", "sony", "hp", "intel")),
        ('brand:"Sony, Inc.","HP"', condition_on("brand", "sony, inc.", "hp")),
        (r'brand:"17\" \\ co"', condition_on("brand", r'17" \ co')),
        ("brand:a..b", condition_on("brand", "a..b")),
        ("brand:ＨＰ", condition_on("brand", "hp")),
        ('category:"Audio > Head Phones>In-Ear"', condition_on("category", "audio > head phones > in-ear")),
        ("category:Audio>Headphones", condition_on("category", "audio > headphones")),
        ("price:10..50", condition_on("price", Range(10, 50))),
        ("price:10..", condition_on("price", Range(10, math.inf))),
        ("price:..50", condition_on("price", Range(-math.inf, 50))),
        ("price:..<50", condition_on("price", Range(-math.inf, math.nextafter(50, 0)))),
        ("price:9.99,.5..1e3", condition_on("price", Range(9.99, 9.99), Range(0.5, 1000))),
        ('price:"10..50"', condition_on("price", Range(10, 50))),
        ("stock:IN", condition_on("stock", "in")),
        ("stock:in,out", condition_on("stock", "in", "out")),
        ("created_at:2024-06-01..", condition_on("created_at", Range(JUNE, math.inf))),
        ("created_at:2024-06-01..<2024-06-02", condition_on("created_at", Range(JUNE, math.nextafter(JUNE + DAY, 0)))),
        ("created_at:2024-06-01", condition_on("created_at", Range(JUNE, math.nextafter(JUNE + DAY, 0)))),
        ("created_at:20240601..2024-06-01", condition_on("created_at", Range(JUNE, math.nextafter(JUNE + DAY, 0)))),
        ("created_at:2024-06-01T00:00:30Z..", condition_on("created_at", Range(JUNE + 30, math.inf))),
        ("created_at:..1717200000.5", condition_on("created_at", Range(-math.inf, 1717200000.5))),
        ("id:A-1,a-1", condition_on("id", "A-1", "a-1")),
        ('id:"a, b"', condition_on("id", "a, b")),
        ("Colour:Dark-Red", condition_on("colour", "dark-red")),
        ('"Product Line":Pro', condition_on("product line", "pro")),
        ("screen.size:15..17", condition_on("screen.size", Range(15, 17))),
        ('version:"15..17"', condition_on("version", "15..17")),
        ("size:17.0,17,17.50,0.0", condition_on("size", "17", "17", "17.50", "0")),
        ("time:12:30", condition_on("time", "12:30")),
        ('brand:"A:B"', condition_on("brand", "a:b")),
        ("tags:sale..now", condition_on("tags", "sale..now")),
        ("temperature:-5..-1", condition_on("temperature", Range(-5, -1))),
    ],
)
def test_conditions(text: str, condition: Condition) -> None:
    assert parse(text) == condition


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Sony", "at character 1: expected a condition such as brand:Sony … got 'Sony'"),
        ("brand:black shoes", "at character 13: expected … got 'shoes'"),
        ("brand:", "at character 7: expected a value of 'brand' … got the end"),
        ("brand: Sony", "at character 7: expected a value of 'brand' … got ' '"),
        ("brand:Sony,", "at character 12: expected a value of 'brand' … got the end"),
        ("brand:Sony,,HP", "at character 12: expected a value … got ','"),
        ('brand:" "', "at character 7: expected a value … got '\"'"),
        ('brand:"Sony', "at character 7: expected a second quotation mark … got '\"'"),
        (":Sony", "at character 1: expected a condition such as brand:Sony … got ':Sony'"),
        ("(a:x", "at character 5: expected AND, OR or ')' … got the end"),
        ("a:x)", "at character 4: expected AND, OR or the end … got ')'"),
        ("()", "at character 2: expected a condition … got ')'"),
        ("a:x OR", "at character 7: expected a condition … got the end"),
        ("a:x AND OR b:x", "at character 9: expected a condition … got 'OR'"),
        ("NOT", "at character 4: expected a condition … got the end"),
        ("brand:Sony, price:10..50", "at character 18: expected a blank before the next condition … got ':10..50'"),
        ("brand:A:B", "at character 8: expected a blank before the next condition (a value with a ':' … got ':B'"),
        ("a:x :y", "at character 5: expected AND, OR or the end … got ':y'"),
        ("price:cheap", "at character 7: expected a price such as 10..50 … got 'cheap'"),
        ("price:..", "at character 7: expected a price … got '..'"),
        ("price:<20", "at character 7: expected a price … got '<20'"),
        ("price:10..<", "at character 7: expected a price … got '10..<'"),
        ("price:1..2,nan", "at character 12: expected a price … got 'nan'"),
        ("price:1_000", "expected a price"),
        ("price:１０", "expected a price"),
        ("size:a..b", "at character 6: expected numbers such as 15..17 … got 'a..b'"),
        ("created_at:2024", "at character 12: expected days such as 2024-01-01..2024-06-30 … got '2024'"),
        ("created_at:soon", "expected days such as"),
        ("stock:yes", "at character 7: expected in or out … got 'yes'"),
        ('category:" > "', "expected a category such as"),
        ("in_stock:true", "or an attribute, got 'in_stock'; write stock:in or stock:out"),
        ("Title:mug", "or an attribute, got 'Title'; ask for its words with q"),
        ("brand:\x00", "NUL"),
        ("brand:\ud800", "surrogate"),
        ("a:" + "x" * MAX_CHARACTERS, "expected at most 2,000 characters, got 2,002"),
        ("a:x " * (MAX_CONDITIONS + 1), f"at most {MAX_CONDITIONS} conditions"),
        ("NOT " * (MAX_DEPTH + 1) + "a:x", f"at most {MAX_DEPTH} levels"),
        ("(" * (MAX_DEPTH + 1) + "a:x", f"at most {MAX_DEPTH} levels"),
        ("(" * MAX_CHARACTERS, f"at most {MAX_DEPTH} levels"),
    ],
)
def test_parse_refuses_with_position_expected_and_got(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(text)
    assert str(refused.value).startswith("filter: ")
    assert all(part in str(refused.value) for part in message.split(" … "))
    assert refused.value.field == "filter"
    assert len(str(refused.value)) < 200, "an error repeats little of what was sent"


@pytest.mark.parametrize(
    "text",
    ["x" * (MAX_CHARACTERS - 2), "a:x " * MAX_CONDITIONS, "(" * MAX_DEPTH + "a:x" + ")" * MAX_DEPTH],
    ids=["characters", "conditions", "depth"],
)
def test_the_limits_themselves_are_allowed(text: str) -> None:
    assert parse(text if ":" in text else "a:" + text)


SIGNS = ['"', "\\", "(", ")", ",", ":", "..", "<", ">", "and", "or", "not", " ", "a", "price", "1", "\n", "ß"]


def test_any_text_is_read_or_refused() -> None:
    rng, read = random.Random(5), 0
    for _ in range(3_000):
        text = "".join(rng.choices(SIGNS, k=rng.randint(1, 12)))
        try:
            filter = parse(text)
        except InvalidInput as refused:
            assert refused.field == "filter"
        else:
            assert parse(to_text(filter)) == filter, text
            read += 1
    assert read > 20


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("", ""),
        ('Brand:"Sony" AND price:10.0..', "brand:sony price:10.."),
        ("a:x OR (b:x AND c:x)", "a:x OR b:x c:x"),
        ("(a:x OR b:x) c:x", "(a:x OR b:x) c:x"),
        ("a:x (b:x c:x)", "a:x (b:x c:x)"),
        ("a:x OR (b:x OR c:x)", "a:x OR (b:x OR c:x)"),
        ("not(NOT(a:x b:x))", "NOT NOT (a:x b:x)"),
        ("price:10..<50,7", "price:10..<50,7"),
        ("price:..1e999", "price:-1e999.."),
        ("price:1e999..", "price:1e999"),
        ("size:17.0..17", "size:17..17"),
        ('size:"15..17"', 'size:"15..17"'),
        ("created_at:20240601..<2024-07-01", "created_at:2024-06-01..2024-06-30"),
        ("created_at:2024-06-01", "created_at:2024-06-01"),
        ("created_at:2024-06-01T12:30..", "created_at:2024-06-01T12:30:00.."),
        ("created_at:..<1970-01-01", "created_at:..<1970-01-01"),
        ("created_at:..9999-12-31", "created_at:..9999-12-31"),
        ("created_at:20240601.1234561..", "created_at:20240601.1234561.."),
        ("created_at:253402300799..", "created_at:1978-01-11T21:31:40.799000.."),
        ("created_at:9999-12-31T23:59:59Z..", "created_at:9999-12-31T23:59:59.."),
        ("Category:audio>Headphones", 'category:"audio > headphones"'),
        (r'"Product \"Line\\":or', r'"product \"line\\":or'),
    ],
)
def test_to_text_is_canonical(text: str, canonical: str) -> None:
    filter = parse(text)
    assert to_text(filter) == canonical
    assert parse(canonical) == filter


@pytest.mark.parametrize("filter", [Or(()), Or((A,)), And((A,)), Not(And(())), And((A, And(())))])
def test_to_text_refuses_what_no_text_stands_for(filter: Filter) -> None:
    with pytest.raises(ValueError, match="filter: expected"):
        to_text(filter)


@pytest.mark.parametrize("seed", range(3))
def test_to_text_is_the_inverse_of_parse(seed: int) -> None:
    rng = random.Random(seed)
    values = {
        "brand": {"sony", 'quote"s, and (co)', "größe", "a:b", "not"}, "category": {"audio", "audio > in-ear"},
        "stock": {"in", "out"}, "tags": {"2", "gift, wrapped"}, "colour": {"dark red", "a..b"},
        "or": {"1", "back\\slash"}, "product line": {"1.5", "x" * 200},
    }  # fmt: skip
    items = [
        Item(
            rng.choice(["A-1", "a b", '"', "7"]) + str(number),
            rng.choice([None, 0, 10, 49.99, rng.uniform(0, 300), rng.uniform(0, 1e-7), 1e22]),
            rng.choice([None, "1970-01-01", "2024-06-01", "9999-12-31"]),
            values,
        )
        for number in range(20)
    ]
    for _ in range(500):
        filter = parse(random_filter(rng, items).text)
        assert parse(to_text(filter)) == filter
        assert to_text(parse(to_text(filter))) == to_text(filter)


def test_to_text_keeps_each_moment() -> None:
    rng = random.Random(4)
    for _ in range(2_000):
        low, high = sorted(rng.choice([rng.uniform(0, 10 ** rng.randint(1, 11)), rng.uniform(0, 2.5e11)]) for _ in "ab")
        for moments in (
            Range(low, high),
            Range(low),
            Range(high=math.nextafter(round(low, rng.randint(0, 6)), -math.inf)),
        ):
            filter = condition_on("created_at", moments)
            assert parse(to_text(filter)) == filter
