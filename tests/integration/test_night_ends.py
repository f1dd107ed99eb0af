"""How nights end, on a tiny encoder: refused, forced, over the budget, stopped and taken up again, in which precision.

What every end leaves is looked at: the generation with its card and page, the row in the ledger, the folder `work`.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from conftest import ITEMS, NOW, clicks

from shelfwise import InvalidInput, Shop
from shelfwise.cli.main import cli
from shelfwise.errors import ShelfwiseError, TrainingDiverged
from shelfwise.generation.card import GenerationCard
from shelfwise.generation.item_signals import ItemSignals
from shelfwise.generation.popularity import PopularityCounts
from shelfwise.generation.registry import Generation
from shelfwise.night_report_parts import GateResult, PrecisionReport, TrainingReport
from shelfwise.store.ledger import Ledger
from shelfwise.timestamps import to_iso
from shelfwise.trainer import compact, increment
from shelfwise.trainer.encoder import training as learn_module
from shelfwise.trainer.encoder.pairs import Pair
from shelfwise.trainer.encoder.training import TrainingTask
from shelfwise.trainer.evaluation import drift, sampled
from shelfwise.trainer.export import serving_model as export
from shelfwise.trainer.night import pipeline as run
from shelfwise.trainer.night.pipeline import NightResult
from shelfwise.trainer.night.plan import Budget
from shelfwise.trainer.statistics import popularity as counting
from support.stores import make_initial_shop

TAUGHT = [("cup", "mug-red"), ("light", "lantern"), ("school", "bag")]
COLOURS = ("amber", "black", "crimson", "denim", "emerald", "fawn", "grey", "hazel")
THINGS = ("teapot", "doormat", "umbrella", "cushion", "mirror")
DISTINCT = [
    {"id": f"d{row}{column}", "title": f"{colour} {thing}"}
    for row, colour in enumerate(COLOURS)
    for column, thing in enumerate(THINGS)
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A shop of 46 items with generation 0; made once, for an export takes its time."""
    return make_initial_shop(tmp_path_factory.mktemp("made") / "shop", [*ITEMS, *DISTINCT], tiny_model)


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "shop"))


@pytest.fixture
def shop(folder: Path) -> Iterator[Shop]:
    with Shop(folder, clock=lambda: NOW) as opened:
        yield opened


def teach(shop: Shop, count: int = 20, ago: timedelta = timedelta(days=2)) -> None:
    for query, item in TAUGHT:
        shop.record(clicks(query, item, count, NOW - ago))


def cards(shop: Shop, *numbers: int) -> list[GenerationCard]:
    return [shop.generations.open(number).card for number in numbers]


def row(shop: Shop, night: int | None = None) -> dict[str, Any]:
    """The whole row of a night in the ledger, the newest unless asked for another."""
    return shop.store.ledger.get(night or shop.store.ledger.latest(1)[0]["night"])


def served(shop: Shop, number: int) -> Generation:
    """The generation, sound, with its page in the manifest, and answering."""
    generation = shop.generations.open(number)
    generation.verify()
    assert "report.html" in generation.card.manifest
    answer = shop.search("cup")
    assert (answer.generation, answer.degraded) == (number, [])
    return generation


def stopping(problem: BaseException) -> Callable[..., Any]:
    def stop(*_: Any, **__: Any) -> Any:
        raise problem

    return stop


# ---- judged ---------------------------------------------------------------------------------------------------


def ruin(model: Any, *_: Any, **__: Any) -> TrainingReport:
    torch.manual_seed(1)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter.data, std=1.0)
    return TrainingReport({})


def no_numbers(model: Any, *_: Any, **__: Any) -> TrainingReport:
    next(iter(model.parameters())).data.fill_(math.nan)
    return TrainingReport({})


def test_a_worse_encoder_is_refused_and_published_by_force(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.upsert({"id": f"i{n}", "title": f"thing {n} colour{n % 7} shape{n % 11}"} for n in range(150))
    for n in range(150):  # known items, which even random weights partly find
        (chosen,) = clicks(f"colour{n % 7} shape{n % 11} thing {n}", f"i{n}", 1, NOW - timedelta(days=1))
        shop.record([chosen | {"user": f"u{n}"}])
    monkeypatch.setattr(learn_module, "train_encoder", ruin)

    refused = increment(shop.path, NOW)
    assert (refused.verdict, refused.generation, refused.report.forced) == ("refused", 1, False)
    assert "worse" in refused.reason and "forced" not in refused.reason
    assert not all(gate.passed for gate in refused.report.verdicts)
    assert "refused" in (served(shop, 1).folder / "report.html").read_text()

    forced = increment(shop.path, NOW, force=True)
    assert (forced.verdict, forced.generation, forced.report.forced) == ("published", 2, True)
    assert "forced, though the trained encoder is worse" in forced.reason
    assert "forced" in (served(shop, 2).folder / "report.html").read_text()
    assert (row(shop)["reason"], row(shop)["report"]["forced"]) == (forced.reason, True)
    first, kept, child = cards(shop, 0, 1, 2)
    assert first.encoder == kept.encoder != child.encoder
    assert kept.learned.events_seq == 0 and child.learned.events_seq == 150


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("learn", [no_numbers, stopping(TrainingDiverged("the loss is nan"))])
def test_night_with_weights_not_finite_is_refused_even_by_force(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, learn: Callable[..., Any], force: bool
) -> None:
    teach(shop)
    with monkeypatch.context() as patch:
        patch.setattr(learn_module, "train_encoder", learn)
        ended = increment(shop.path, NOW, force=force)
    assert (ended.verdict, ended.generation, ended.report.forced) == ("refused", 1, False)
    assert "the parent's encoder is kept" in ended.reason
    before, after = cards(shop, 0, 1)
    assert after.encoder == before.encoder and after.learned == before.learned
    assert PopularityCounts.load(served(shop, 1).verified_path("statistics")).popularity, "counted all the same"
    if not force:  # once is enough
        again = increment(shop.path, NOW)
        assert (again.verdict, again.generation) == ("published", 2)
        assert again.report.counts["new_events"] == 60, "nothing was lost"


# ---- a broken catalogue ---------------------------------------------------------------------------------------


def swap_half(shop: Shop) -> None:
    half = DISTINCT[: len(DISTINCT) // 2]
    shop.upsert({"id": item["id"], "title": f"Garden hose number {place}"} for place, item in enumerate(half))


@pytest.mark.parametrize("rebuilt", [False, True])
def test_night_on_a_swapped_catalogue_learns_nothing_until_it_stays(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, rebuilt: bool
) -> None:
    monkeypatch.setattr(drift, "_MIN_ALIKE", 0.9999)  # a tiny encoder finds everything alike
    swap_half(shop)
    teach(shop)
    if rebuilt:  # as an import does
        night = compact(shop.path)
        assert night is not None and night.verdict == "compacted"
    ended = increment(shop.path, NOW)
    assert ended.verdict == "refused"
    assert ended.reason.startswith("the texts of 43% of the known items are about something else than last night")
    assert ended.report.not_trained == ended.reason and ended.report.training is None
    assert ended.report.to_dict()["drift"]["catalogue_shift"] == pytest.approx(20 / 46, abs=1e-3)
    assert any("item texts changed" in warning for warning in ended.report.warnings)
    assert ended.generation is not None and ended.parent is not None
    before, after = cards(shop, ended.parent, ended.generation)
    assert after.encoder == before.encoder and after.learned == before.learned
    assert "refused" in (served(shop, ended.generation).folder / "report.html").read_text()

    stayed = increment(shop.path, NOW)
    assert stayed.verdict == "published" and stayed.report.training is not None
    assert stayed.report.to_dict()["drift"]["catalogue_shift"] == 0 and stayed.report.not_trained is None


def test_a_night_goes_on_where_what_was_compacted_is_damaged(shop: Shop) -> None:
    teach(shop)
    swap_half(shop)
    assert compact(shop.path) is not None
    (index, *_) = (shop.generations.folder / "0000" / "index").iterdir()
    index.write_bytes(b"broken")
    ended = increment(shop.path, NOW, learn_pairs=False)
    assert (ended.verdict, ended.parent, ended.generation) == ("published", 1, 2)


# ---- the budget -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clicked", "most", "reason"),
    [
        (20, None, "the budget leaves no time to train; popularity"),
        (20, 10, "the budget leaves no time to train; popularity"),
        (1, 11_999, "3 new pairs are too few to train on; popularity"),
    ],
)
def test_night_with_too_short_a_budget_publishes_counts_only(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, clicked: int, most: int | None, reason: str
) -> None:
    teach(shop, clicked)
    if most is not None:
        monkeypatch.setattr(Budget, "max_pairs", lambda self: most)
    ended = increment(shop.path, NOW, budget=0.01)
    assert (ended.verdict, ended.generation) == ("nothing to learn", 1)
    assert ended.reason.startswith(reason)
    assert ended.report.not_trained == ended.reason and ended.report.training is None
    before, after = cards(shop, 0, 1)
    assert after.encoder == before.encoder and after.learned == before.learned
    assert set(PopularityCounts.load(served(shop, 1).verified_path("statistics")).popularity) == {
        "mug-red",
        "lantern",
        "bag",
    }


@pytest.mark.parametrize("budget", [0.0, -1.0, math.nan])
def test_a_budget_of_no_time_is_no_budget(shop: Shop, budget: float) -> None:
    with pytest.raises(InvalidInput, match="budget"):
        increment(shop.path, NOW, budget=budget)
    assert shop.store.ledger.latest(1) == []


# ---- stopped and taken up again -------------------------------------------------------------------------------


def stop_night(folder: Path, until: datetime, problem: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(type(problem)):
        patch.setattr(run, "train_and_judge", stopping(problem))
        increment(folder, until)


def test_a_stopped_night_is_carried_out_as_it_was(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    teach(shop)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(learn_module, "train_encoder", stopping(KeyboardInterrupt()))
        increment(shop.path, NOW)
    assert (shop.path / "work" / "night.json").is_file()
    stopped = row(shop)
    assert (stopped["verdict"], stopped["generation"]) == ("killed", 0)
    assert stopped["report"]["counts"]["events"] == 60 and stopped["report"]["counts"]["new_pairs"] == 51
    assert not list(shop.generations.folder.glob(".tmp-*"))

    shop.record(clicks("bedroom", "candle", 30, NOW - timedelta(days=1)))  # imported meanwhile
    ended = increment(shop.path)
    assert ended.verdict == "published"
    assert {name: getattr(ended.report, name) for name in ("resumed", "until", "events_seq")} == {
        "resumed": True, "until": to_iso(NOW.timestamp()), "events_seq": 60,
    }  # fmt: skip
    assert (ended.report.counts["events"], ended.report.seed) == (60, stopped["report"]["seed"])
    assert not (shop.path / "work").exists()
    after = increment(shop.path, NOW, learn_pairs=False).report.to_dict()
    assert (after["resumed"], after["events_seq"], after["counts"]["since_parent"]) == (False, 90, 30)


class Learning:
    """Training that keeps the pairs that it was given; it stops at once unless it goes `on`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pairs: list[Sequence[Pair]] = []
        self.on, self._learn = True, learn_module.train_encoder
        monkeypatch.setattr(learn_module, "train_encoder", self)

    def __call__(self, model: Any, task: TrainingTask, *rest: Any) -> Any:
        self.pairs.append(task.pairs)
        if not self.on:
            raise KeyboardInterrupt
        return self._learn(model, task, *rest)

    def asked(self, query: str) -> int:
        """How many of the last night's pairs start from the query."""
        return sum(pair.anchor == query for pair in self.pairs[-1])


def test_a_night_that_is_taken_up_again_has_the_same_pairs(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    teach(shop)
    learning = Learning(monkeypatch)
    learning.on = False
    with pytest.raises(KeyboardInterrupt):
        increment(shop.path, NOW)
    shop.upsert({"id": f"late-{number}", "title": f"A late thing {number}"} for number in range(50))
    with pytest.raises(KeyboardInterrupt):
        increment(shop.path, budget=1000)
    assert learning.pairs[0] == learning.pairs[1], "though items came, and another budget"
    gone = learning.pairs[0][0].item
    shop.delete([gone])
    learning.on = True
    report = increment(shop.path).report.to_dict()
    assert learning.pairs[2] == [pair for pair in learning.pairs[0] if gone not in (pair.item, *pair.negatives)]
    assert report["resumed"] and report["counts"]["new_pairs"] == 51


def test_night_learns_postponed_searches_the_next_time(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    teach(shop)
    learning = Learning(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(Budget, "max_pairs", lambda self: 30)
        first = increment(shop.path, NOW)
    assert (first.verdict, first.report.counts["new_pairs"]) == ("published", 23)
    (card,) = cards(shop, 1)
    assert len(card.learned.held_out) == 57 - 23, "with the six that judged"
    second = increment(shop.path, NOW)
    counts = second.report.counts
    assert (second.verdict, counts["old_searches"]) == ("published", 23)
    assert counts["new_searches"] + counts["held_searches"] == 34
    assert counts["new_pairs"] == counts["new_searches"]
    left = set(cards(shop, 2)[0].learned.held_out)
    assert left < set(card.learned.held_out) and len(left) == counts["held_searches"]
    queries = [query for query, _ in TAUGHT]
    assert sum(map(learning.asked, queries)) == counts["new_pairs"] + counts["replayed_pairs"]


def test_another_until_starts_anew(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    teach(shop)
    stop_night(shop.path, NOW, KeyboardInterrupt(), monkeypatch)
    shop.record(clicks("bedroom", "candle", 30, NOW + timedelta(minutes=1)))
    later = NOW + timedelta(hours=1)
    report = increment(shop.path, later, learn_pairs=False).report.to_dict()
    assert (report["resumed"], report["until"], report["events_seq"]) == (False, to_iso(later.timestamp()), 90)
    assert not (shop.path / "work").exists()


@pytest.mark.parametrize(
    ("problem", "verdict", "is_left"),
    [
        (OSError("no space left on device"), "failed", False),
        (KeyboardInterrupt(), "killed", True),
        (SystemExit(143), "killed", True),
    ],
)
def test_what_a_night_leaves_when_it_does_not_end(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, problem: BaseException, verdict: str, is_left: bool
) -> None:
    teach(shop)
    stop_night(shop.path, NOW, problem, monkeypatch)
    left = row(shop)
    assert (left["verdict"], left["generation"], left["report"]["counts"]["events"]) == (verdict, 0, 60)
    assert left["reason"].startswith(type(problem).__name__) and left["finished"] is not None
    assert (shop.path / "work" / "night.json").exists() == is_left
    assert not list(shop.generations.folder.glob(".tmp-*"))
    assert increment(shop.path, NOW, learn_pairs=False).report.resumed == is_left


def test_the_row_of_a_night_killed_at_once_keeps_what_was_noted(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    teach(shop)
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "end", lambda *_: None)  # kill -9 leaves no time for it
        stop_night(shop.path, NOW, KeyboardInterrupt(), monkeypatch)
    assert row(shop)["verdict"] == "running"
    assert increment(shop.path, learn_pairs=False).report.resumed
    killed = row(shop, 1)
    assert (killed["verdict"], killed["reason"]) == ("killed", "the process ended before the night did")
    assert killed["report"]["counts"]["events"] == 60 and killed["report"]["seconds"].keys() >= {"collect", "count"}


def test_a_wrong_until_leaves_the_plan_of_a_stopped_night(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    teach(shop)
    increment(shop.path, NOW, learn_pairs=False)
    later = NOW + timedelta(hours=1)
    with pytest.raises(InvalidInput, match="until"):
        increment(shop.path, NOW - timedelta(days=1))
    assert not (shop.path / "work").exists(), "a plan that can't be carried out would stop every night to come"
    shop.record(clicks("bedroom", "candle", 30, NOW))
    stop_night(shop.path, later, KeyboardInterrupt(), monkeypatch)
    with pytest.raises(InvalidInput, match="until"):
        increment(shop.path, NOW - timedelta(days=1))
    report = increment(shop.path, learn_pairs=False).report.to_dict()
    assert (report["resumed"], report["until"]) == (True, to_iso(later.timestamp()))


# ---- the base model anew --------------------------------------------------------------------------------------


def test_night_after_an_erasure_from_all_generations_starts_from_the_base(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    teach(shop)
    increment(shop.path, NOW)
    shop.erase("u0")
    shutil.rmtree(shop.generations.folder / "0000")
    assert shop.store.personal_data.generations_to_retire() == {1}
    stop_night(shop.path, NOW, KeyboardInterrupt(), monkeypatch)
    assert (shop.generations.numbers(), shop.generations.current()) == ([1, 2], 1)
    assert shop.search("cup").generation == 1, "better than what never learned"
    raised, pointed = run.train_and_judge, []

    def looked_at(*arguments: Any) -> Any:
        pointed.append(shop.generations.current())
        return raised(*arguments)

    monkeypatch.setattr(run, "train_and_judge", looked_at)
    ended = increment(shop.path, NOW)
    assert (ended.verdict, ended.parent, ended.generation, pointed) == ("published", 2, 3, [1])
    assert ended.report.resumed, "the killed night's parent is not made twice"
    assert not ended.report.after_rollback and "rollback" not in ended.reason
    assert shop.generations.current() == 3 and 1 not in shop.generations.numbers()
    served(shop, 3)


# ---- what is bought together ----------------------------------------------------------------------------------


def buy(shop: Shop, items: tuple[str, str], name: str, when: datetime) -> None:
    shop.record(
        {"type": "purchase", "item": item, "session": f"{name}{number}", "ts": when + timedelta(minutes=number)}
        for number in range(30)
        for item in items
    )


@pytest.mark.parametrize("passed", [True, False])
def test_co_purchases_are_judged_apart_from_the_encoder(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, passed: bool
) -> None:
    buy(shop, ("mug-red", "lantern"), "first", NOW - timedelta(days=3))
    buy(shop, ("candle", "mug-blue"), "others", NOW - timedelta(days=3))
    increment(shop.path, NOW - timedelta(days=2), learn_pairs=False)
    buy(shop, ("bag", "clock"), "second", NOW - timedelta(days=1))
    teach(shop, ago=timedelta(hours=12))
    verdict = GateResult("bought together", 6, 0.9, 0.5, -0.5, -0.3, passed, "" if passed else "shown worse")
    monkeypatch.setattr(counting, "judge_links", lambda *_: verdict)
    ended = increment(shop.path, NOW)
    assert (ended.verdict, ended.generation) == ("published", 2), "the encoder is none the worse for it"
    assert ("the parent's co-purchase weights are kept" in ended.reason) == (not passed)
    assert ended.report.verdicts[-1] == verdict and len(ended.report.verdicts) > 1
    parent, child = cards(shop, 1, 2)
    assert child.encoder != parent.encoder and child.learned.events_seq == 240
    signals = ItemSignals.load(served(shop, 2).verified_path("signals"))
    assert list(signals.companions(["mug-red"])) == ["lantern"]
    assert list(signals.companions(["bag"])) == (["clock"] if passed else [])
    assert PopularityCounts.load(served(shop, 2).verified_path("statistics")).popularity["bag"] > 0


# ---- precision ------------------------------------------------------------------------------------------------


def too_coarse(*_: Any) -> PrecisionReport:
    return PrecisionReport(served="fp32", lost=0.1, questions=3, too_coarse=True)


def only_exact(exported: Callable[..., None]) -> Callable[..., None]:
    """An export that int8 is too much for."""

    def export_serving(model: Any, target: Path, **options: Any) -> None:
        if options.get("precision", "int8") == "int8":
            exported(model, target, **options)  # what it leaves behind must do no harm
            raise ShelfwiseError("the exported encoder model.onnx differs from the trained one")
        exported(model, target, **options)

    return export_serving


@pytest.mark.parametrize("why", ["it loses too much", "it can't be exported"])
def test_float32_serves_where_int8_is_too_coarse(shop: Shop, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    if why == "it loses too much":
        monkeypatch.setattr(sampled, "quantisation_loss", too_coarse)
    else:
        monkeypatch.setattr(export, "export_serving", only_exact(export.export_serving))
    teach(shop)
    ended = increment(shop.path, NOW)
    assert (ended.verdict, ended.report.to_dict()["precision"]["served"]) == ("published", "fp32")
    generation = served(shop, 1)
    serving = generation.verified_path("serving")
    assert json.loads((serving / "serving.json").read_text())["precision"] == "fp32"
    assert not (serving / export.EXACT_MODEL).exists(), "not published twice"
    small = shop.generations.open(0).folder / "serving" / "model.onnx"
    assert (serving / "model.onnx").stat().st_size > 2 * small.stat().st_size
    assert "fp32" in (generation.folder / "report.html").read_text()


# ---- what is told ---------------------------------------------------------------------------------------------


def test_night_reports_moved_queries_and_bots_without_names(shop: Shop) -> None:
    teach(shop)
    bot = [one | {"user": "mallory-4711"} for one in clicks("cup", "clock", 30)]
    moment = NOW - timedelta(days=2)
    shop.record(one | {"ts": moment + timedelta(seconds=number + 1)} for number, one in enumerate(bot))
    ended = increment(shop.path, NOW, budget=3600)
    report = ended.report.to_dict()
    assert (ended.verdict, report["training"]["stopped"]) == ("published", None), "the budget is generous"
    assert (report["removed"]["bots"], report["precision"]["served"]) == (30, "int8")
    assert {"embedding_shift", "catalogue_shift", "limits"} <= report["drift"].keys()
    assert report["drift"]["embedding_shift"] > 0
    (warning,) = (warning for warning in report["warnings"] if "bot" in warning)
    assert warning.startswith("30 events of 1 names were left out: more than a person chooses in a day or a minute.")
    stages = {
        "collect",
        "count",
        "catalogue",
        "encode",
        "train",
        "export",
        "judge",
        "drift",
        "remember",
        "rank",
        "links",
        "signals",
        "wishes",
    }
    assert report["seconds"].keys() == stages | {"publish"} and report["moved"].keys() == {"gained", "lost"}
    generation = served(shop, 1)
    page = (generation.folder / "report.html").read_text()
    assert "published" in page and "generation 0 → 1" in page and "were left out" in page
    assert row(shop)["report"] == json.loads(json.dumps(report))
    for told in (json.dumps(report), json.dumps(row(shop)), json.dumps(generation.card.to_dict()), page):
        assert "mallory" not in told


def test_after_a_rollback_the_night_says_so_once(shop: Shop) -> None:
    teach(shop)
    first = increment(shop.path, NOW, learn_pairs=False)
    assert not first.report.after_rollback and "rollback" not in first.reason
    shop.generations.rollback()
    second = increment(shop.path, NOW, learn_pairs=False)
    assert (second.parent, second.generation, second.report.after_rollback) == (0, 2, True)
    assert second.reason.endswith("after a rollback generation 0 is the parent again")
    assert row(shop)["reason"] == second.reason and cards(shop, 2)[0].to_dict()["report"]["after_rollback"]
    assert "after a rollback" in (served(shop, 2).folder / "report.html").read_text()
    shop.record(clicks("bedroom", "candle", 30, NOW - timedelta(days=1)))
    third = increment(shop.path, NOW, learn_pairs=False)
    assert (third.parent, third.report.after_rollback) == (2, False)


def test_every_end_has_its_line_in_the_ledger(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(night: NightResult | None) -> None:
        assert night is not None
        ended.append((night.verdict, night.generation))

    ended: list[tuple[str, int | None]] = []
    ends(increment(shop.path, NOW))
    teach(shop)
    for problem in (OSError("no space"), KeyboardInterrupt()):
        stop_night(shop.path, NOW, problem, monkeypatch)
        ended.append(("failed" if isinstance(problem, OSError) else "killed", 0))
    ends(increment(shop.path, NOW, learn_pairs=False))
    swap_half(shop)
    ends(compact(shop.path))
    assert [verdict for verdict, _ in ended] == ["nothing to learn", "failed", "killed", "published", "compacted"]

    shown = CliRunner().invoke(cli, ["--data", str(shop.path), "--json", "nights"])
    assert shown.exit_code == 0
    nights = json.loads(shown.output)["nights"]
    assert [(night["verdict"], night["generation"]) for night in reversed(nights)] == ended
    assert all(night["reason"] and night["finished"] for night in nights)
