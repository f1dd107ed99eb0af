"""Publishing, opening, rolling back and pruning generations."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import pytest

from shelfwise.errors import GenerationCorrupt, GenerationTooNew, InvalidInput, NotFound
from shelfwise.generation.card import FORMAT, GenerationCard
from shelfwise.generation.registry import Generation, GenerationRegistry, copy_part


@pytest.fixture
def generations(tmp_path: Path) -> GenerationRegistry:
    return GenerationRegistry(tmp_path)


def publish(generations: GenerationRegistry, text: str = "weights") -> Generation:
    """A generation of two small files; its parent is the current one."""
    number, folder = generations.create_folder()
    (folder / "serving" / "deep").mkdir(parents=True)
    (folder / "serving" / "model.onnx").write_text(text)
    (folder / "serving" / "deep" / "config.json").write_text("{}")
    current = generations.current()
    return generations.publish(number, folder, GenerationCard(encoder=text), parent=current, current=current)


def test_before_the_first(generations: GenerationRegistry) -> None:
    assert (generations.current(), generations.numbers()) == (None, [])
    with pytest.raises(NotFound, match="expected a current one to roll back from, got none"):
        generations.rollback()
    with pytest.raises(NotFound, match=r"expected one of \[\], got 0"):
        generations.open(0)
    generations.prune()
    generations.remove_unfinished()


def test_publish_writes_the_card_and_moves_current(generations: GenerationRegistry) -> None:
    first, second = publish(generations), publish(generations, "more")
    assert (first.number, second.number, generations.current()) == (0, 1, 1)
    assert generations.numbers() == [0, 1]
    opened = generations.open(1)
    assert opened == second
    assert (opened.card.number, opened.card.parent, opened.card.encoder) == (1, 0, "more")
    assert set(opened.card.manifest) == {"serving/model.onnx", "serving/deep/config.json"}
    assert (opened.verified_path("serving") / "model.onnx").read_text() == "more"
    assert (first.card.parent, first.folder.name) == (None, "0000")


def test_publish_leaves_no_other_files(generations: GenerationRegistry) -> None:
    publish(generations)
    assert sorted(path.name for path in generations.folder.iterdir()) == ["0000", "CURRENT"]


def test_create_folder_removes_unfinished_generations(generations: GenerationRegistry) -> None:
    publish(generations)
    number, folder = generations.create_folder()
    (folder / "half").write_text("written")
    (generations.folder / ".tmp-file").write_text("")
    again, empty = generations.create_folder()
    assert (number, again) == (1, 1)
    assert list(empty.iterdir()) == []
    generations.remove_unfinished()
    assert sorted(path.name for path in generations.folder.iterdir()) == ["0000", "CURRENT"]


def test_a_number_is_not_used_again(generations: GenerationRegistry) -> None:
    for _ in range(3):
        publish(generations)
    generations.rollback()
    assert generations.create_folder()[0] == 3


def test_create_folder_numbers_after_the_highest_ever_given(generations: GenerationRegistry) -> None:
    publish(generations)
    assert [generations.create_folder(after)[0] for after in (-1, 0, 4)] == [1, 1, 5]


def test_publishing_is_refused_when_the_pointer_moved(generations: GenerationRegistry) -> None:
    publish(generations)
    publish(generations)
    number, folder = generations.create_folder()
    generations.rollback(0)
    with pytest.raises(GenerationCorrupt, match="CURRENT: expected 1 as when the night began, got 0"):
        generations.publish(number, folder, GenerationCard(), parent=1, current=1)
    assert (generations.current(), generations.numbers()) == (0, [0, 1])


def test_the_pointer_is_never_seen_half_written(generations: GenerationRegistry) -> None:
    for _ in range(2):
        publish(generations)
    numbers: list[object] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            numbers.append(generations.current())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for turn in range(100):
            generations.rollback(turn % 2)
    finally:
        done.set()
        reader.join()
    assert set(numbers) <= {0, 1}
    assert len(numbers) > 100


@pytest.mark.parametrize("content", ["", "seven", "7.5", "\x00", "0001\n0002"])
def test_a_pointer_that_names_no_number(generations: GenerationRegistry, content: str) -> None:
    publish(generations)
    (generations.folder / "CURRENT").write_text(content)
    with pytest.raises(GenerationCorrupt, match=r"CURRENT: expected a generation's number.*\[0\]"):
        generations.current()


@pytest.mark.parametrize("name", ["serving/model.onnx", "serving/deep/config.json"])
@pytest.mark.parametrize("damage", ["changed", "shortened", "missing"])
def test_a_damaged_file_is_named(generations: GenerationRegistry, name: str, damage: str) -> None:
    opened = publish(generations, "some weights")
    path = opened.folder / name
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(content[:-1] + (b"?" if damage == "changed" else b""))
    with pytest.raises(GenerationCorrupt, match=f"generation 0: expected {re.escape(name)} as published.*rollback"):
        opened.verified_path("serving")


def test_a_file_beside_the_parts_is_checked_too(generations: GenerationRegistry) -> None:
    first = publish(generations)
    number, folder = generations.create_folder()
    (folder / "report.html").write_text("a page")
    second = generations.publish(number, folder, GenerationCard(), parent=0, current=0)
    second.verify()
    assert generations.latest_valid() == second
    (second.folder / "report.html").write_text("another")
    with pytest.raises(GenerationCorrupt, match=r"generation 1: expected report\.html as published"):
        second.verify()
    assert generations.latest_valid() == first


def test_latest_valid_leaves_out_the_excluded(generations: GenerationRegistry) -> None:
    for _ in range(4):
        publish(generations)
    (generations.folder / "0002" / "serving" / "model.onnx").unlink()
    latest = [generations.latest_valid(exclude) for exclude in (frozenset(), {3}, {3, 1}, {0, 1, 3})]
    assert [generation and generation.number for generation in latest] == [3, 1, 0, None]
    generations.rollback(1)
    assert generations.latest_valid({1}) == generations.open(0), "what was rolled back from is not taken up"


def test_whether_it_was_rolled_back(generations: GenerationRegistry) -> None:
    states = [generations.was_rolled_back()]
    for _ in range(2):
        publish(generations)
        states.append(generations.was_rolled_back())
    generations.rollback()
    states.append(generations.was_rolled_back())
    publish(generations)
    states.append(generations.was_rolled_back())
    assert states == [False, False, False, True, False]


def test_a_part_that_was_never_there(generations: GenerationRegistry) -> None:
    with pytest.raises(GenerationCorrupt, match="expected the part 'index', got none"):
        publish(generations).verified_path("index")


@pytest.mark.parametrize("card", ["", "{", "[]", "null", "{}", '{"format": null}', '{"format": 1}',
                                  '{"format": 1, "manifest": []}', '{"format": 1, "manifest": null}'])  # fmt: skip
def test_a_damaged_card(generations: GenerationRegistry, card: str) -> None:
    (publish(generations).folder / "card.json").write_text(card)
    with pytest.raises(GenerationCorrupt, match="generation 0"):
        generations.open(0).verified_path("serving")


@pytest.mark.parametrize("missing", ["learned", "until", "encoder", "base", "report", "generation"])
def test_open_of_an_incomplete_card_serves(generations: GenerationRegistry, missing: str) -> None:
    path = publish(generations).folder / "card.json"
    path.write_text(
        json.dumps({name: value for name, value in json.loads(path.read_text()).items() if name != missing})
    )
    opened = generations.open(0)
    assert (opened.card.number, opened.verified_path("serving")) == (0, opened.folder / "serving")


def test_a_missing_card(generations: GenerationRegistry) -> None:
    (publish(generations).folder / "card.json").unlink()
    with pytest.raises(GenerationCorrupt, match=r"expected a readable card\.json"):
        generations.open(0)


def test_a_newer_format_is_refused(generations: GenerationRegistry) -> None:
    path = publish(generations).folder / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": FORMAT + 1}))
    with pytest.raises(GenerationTooNew, match=f"got {FORMAT + 1}: upgrade shelfwise"):
        generations.open(0)


@pytest.mark.parametrize(("to", "expected"), [(None, 2), (0, 0), (2, 2), (3, 3)])
def test_rollback(generations: GenerationRegistry, to: int | None, expected: int) -> None:
    for _ in range(4):
        publish(generations)
    assert generations.rollback(to) == expected
    assert (generations.current(), generations.numbers()) == (expected, [0, 1, 2, 3])
    assert sorted(path.name for path in generations.folder.glob(".*")) == []


def test_rollback_follows_parents_not_numbers(generations: GenerationRegistry) -> None:
    for _ in range(3):
        publish(generations)
    generations.rollback(0)
    assert publish(generations).card.parent == 0
    assert generations.rollback() == 0


@pytest.mark.parametrize(
    ("to", "error", "reason"),
    [(None, NotFound, "expected one before 0, got none"), (7, NotFound, "got 7"), (-1, NotFound, "got -1")],
)
def test_rollback_that_cannot_be(
    generations: GenerationRegistry, to: int | None, error: type[Exception], reason: str
) -> None:
    publish(generations)
    with pytest.raises(error, match=reason):
        generations.rollback(to)
    assert generations.current() == 0


@pytest.mark.parametrize(
    ("exclude", "to", "expected"),
    [({2}, None, 1), ({1, 2}, None, 0), ({3}, None, 2), ({2, 3}, 1, 1), ({2}, 3, 3)],
)
def test_rollback_passes_over_the_excluded(
    generations: GenerationRegistry, exclude: set[int], to: int | None, expected: int
) -> None:
    for _ in range(4):
        publish(generations)
    assert generations.rollback(to, exclude) == expected


def test_rollback_passes_over_the_excluded_that_are_gone(generations: GenerationRegistry) -> None:
    for _ in range(4):
        publish(generations)
    generations.prune(retire={1, 2})
    assert generations.rollback(exclude={1, 2}) == 0


@pytest.mark.parametrize(
    ("exclude", "to", "error", "reason"),
    [
        ({1}, 1, InvalidInput, "expected one that learned from no erased person, got 1"),
        ({0, 1}, None, NotFound, "expected one before 2 that learned from no erased person, got none"),
    ],
)
def test_rollback_to_an_excluded_one_is_refused(
    generations: GenerationRegistry, exclude: set[int], to: int | None, error: type[Exception], reason: str
) -> None:
    for _ in range(3):
        publish(generations)
    with pytest.raises(error, match=reason):
        generations.rollback(to, exclude)
    assert generations.current() == 2


def test_rollback_to_what_cannot_be_served_is_refused(generations: GenerationRegistry) -> None:
    for _ in range(2):
        publish(generations)
    (generations.folder / "0000" / "card.json").unlink()
    with pytest.raises(GenerationCorrupt):
        generations.rollback()
    assert generations.current() == 1


def test_rollback_from_a_generation_whose_card_is_damaged(generations: GenerationRegistry) -> None:
    """The error about it says: `shelfwise rollback` returns to the one before."""
    for _ in range(3):
        publish(generations)
    (generations.folder / "0002" / "card.json").write_text("{")
    assert generations.rollback() == 1


@pytest.mark.parametrize(
    ("current", "kept"), [(7, [5, 6, 7]), (1, [0, 1, 5, 6, 7]), (0, [0, 5, 6, 7]), (4, [3, 4, 5, 6, 7])]
)
def test_prune_keeps_the_newest_the_current_and_its_parent(
    generations: GenerationRegistry, current: int, kept: list[int]
) -> None:
    for _ in range(8):
        publish(generations)
    generations.rollback(current)
    generations.prune(keep=3)
    assert generations.numbers() == kept


@pytest.mark.parametrize(
    ("current", "retired", "kept"),
    [(7, {5, 6}, [3, 4, 7]), (7, {7}, [4, 5, 6, 7]), (1, {0, 7}, [1, 4, 5, 6]), (7, set(range(7)), [7])],
)
def test_prune_retires_all_but_the_current(
    generations: GenerationRegistry, current: int, retired: set[int], kept: list[int]
) -> None:
    for _ in range(8):
        publish(generations)
    generations.rollback(current)
    generations.prune(keep=3, retire=retired)
    assert generations.numbers() == kept


def test_other_files_in_the_folder_are_left_alone(generations: GenerationRegistry) -> None:
    publish(generations)
    for name in ("notes", "12", ".keep"):
        (generations.folder / name).mkdir()
    assert generations.numbers() == [0]
    generations.prune(keep=1)
    assert (generations.folder / "notes").is_dir()


def test_a_part_is_carried_over_whole(generations: GenerationRegistry, tmp_path: Path) -> None:
    parent = publish(generations)
    copy_part(parent, "serving", tmp_path / "child")
    assert (tmp_path / "child/serving/deep/config.json").read_text() == "{}"
    (parent.folder / "serving/model.onnx").write_text("changed")
    with pytest.raises(GenerationCorrupt, match=r"model\.onnx"):
        copy_part(parent, "serving", tmp_path / "another")
