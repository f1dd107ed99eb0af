"""Train the parent's encoder on the night's pairs, export it, and judge it beside the parent's."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shelfwise.errors import EncoderUnsupported, ShelfwiseError, TrainingDiverged
from shelfwise.files import write_atomically
from shelfwise.generation.card import LearnedEvents
from shelfwise.generation.encoder import Encoder
from shelfwise.generation.registry import Generation, copy_part
from shelfwise.night_report_parts import PrecisionReport
from shelfwise.trainer.data.seed import SEED
from shelfwise.trainer.data.split import MIN_PAIRS
from shelfwise.trainer.encoder.pairs import MAX_PAIRS, Pair, PairSet, make_pairs
from shelfwise.trainer.evaluation.evaluation_sets import EvaluationSet, build_evaluation_sets
from shelfwise.trainer.evaluation.judge import judge
from shelfwise.trainer.night.state import NightState
from shelfwise.trainer.statistics.catalogue_vectors import encode_catalogue, write_index

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["EncoderOutcome", "copy_encoder", "learned_events", "train_and_judge", "write_encoder_and_index"]

_STRATEGY = "replay and words of titles"  # the winner of bench/quality/continual.py


@dataclass(frozen=True, slots=True)
class EncoderOutcome:
    """The verdict on the night's encoder, and the reason.

    `vectors` (n_items, dim) float32 are the trained encoder's if it may serve, else the parent's is kept; `trained`
    tells whether it was trained at all; `postponed` are the `seq` of events that wait for a later night.
    """

    verdict: str
    reason: str
    vectors: np.ndarray | None = None
    trained: bool = True
    postponed: Sequence[int] = ()


def train_and_judge(state: NightState) -> EncoderOutcome:
    """Write the trained encoder and its serving form into the folder, and say whether it may serve.

    The files of a rejected encoder are left there.
    """
    if not state.options.learn_pairs:
        return EncoderOutcome("published", "the encoder was kept, as asked", trained=False)
    limit = state.budget.max_pairs()
    pairs = _load_or_make_pairs(state, limit)
    state.run_log.report.counts = {**state.run_log.report.counts, **pairs.counts}
    new = pairs.counts["new_pairs"] + pairs.counts.get("new_basket_pairs", 0)
    if new < MIN_PAIRS:
        is_cut = limit < MIN_PAIRS or (limit < MAX_PAIRS and not state.data.is_little)
        why = "the budget leaves no time to train" if is_cut else f"{new} new pairs are too few to train on"
        reason = f"{why}; popularity and co-purchases were counted"
        return EncoderOutcome("nothing to learn", reason, trained=False)
    try:
        _train(state, pairs)
        return replace(_judge(state), postponed=pairs.postponed)
    except TrainingDiverged as problem:
        return EncoderOutcome("refused", f"the parent's encoder is kept: {problem}")


def _load_or_make_pairs(state: NightState, limit: int) -> PairSet:
    """Make at most `limit` pairs.

    A resumed night has the pairs that it had, whatever the limit is now, but for items that are gone.
    """
    path = state.work / "pairs.json"
    if state.plan.resumed and path.exists():
        kept = json.loads(path.read_text())
        pairs = [Pair(anchor, item, weight, tuple(negatives)) for anchor, item, weight, negatives in kept["pairs"]]
        still_known = [pair for pair in pairs if {pair.item, *pair.negatives} <= state.texts.keys()]
        return PairSet(still_known, kept["counts"], kept["postponed"])
    pair_set = make_pairs(state.data, state.texts, state.titles, state.seed, limit=limit)
    rows = [[pair.anchor, pair.item, pair.weight, pair.negatives] for pair in pair_set.pairs]
    state.work.mkdir(parents=True, exist_ok=True)
    kept = {"pairs": rows, "counts": pair_set.counts, "postponed": pair_set.postponed}
    write_atomically(path, lambda unfinished: unfinished.write_text(json.dumps(kept)))
    return pair_set


def _train(state: NightState, pairs: PairSet) -> None:
    """Train the parent's encoder on the pairs, and export it."""
    from shelfwise.trainer.encoder.base_model import load_model
    from shelfwise.trainer.encoder.callbacks import MonitorOptions
    from shelfwise.trainer.encoder.training import TrainingTask, train_encoder
    from shelfwise.trainer.evaluation.sampled import dev_metric

    run_log, searches = state.run_log, state.data.searches
    run_log.report.strategy = _STRATEGY
    with run_log.timed("train"):
        model = load_model(str(state.parent.generation.verified_path("encoder")))
        task = TrainingTask(pairs.pairs, state.texts, state.seed, state.options.config)
        dev = dev_metric(searches.dev, state.texts, state.seed) if searches.dev else None
        monitor = MonitorOptions(run_log.count("train"), dev, state.budget.deadline, state.options.tensorboard)
        run_log.report.training = train_encoder(model, task, state.work, monitor)
    with run_log.timed("export"):
        run_log.progress("export", 0, 1)
        model.save(str(state.folder / "encoder"), create_model_card=False)
        _export(model, state.folder / "serving")
        run_log.progress("export", 1, 1)


def _export(model: SentenceTransformer, folder: Path) -> None:
    from shelfwise.trainer.export.serving_model import export_best

    try:
        export_best(model, folder, keep_exact=True)
    except (EncoderUnsupported, TrainingDiverged):
        raise
    except ShelfwiseError as problem:  # weights so large that no two sums of them agree
        raise TrainingDiverged(f"the trained weights can't be served: {problem}") from problem


def _judge(state: NightState) -> EncoderOutcome:
    """Encode the catalogue with the trained encoder, and say whether it may serve."""
    run_log, parent, catalogue = state.run_log, state.parent, state.catalogue
    # The same seed, and so the same known-item queries, on every night
    evaluation_sets = build_evaluation_sets(state.data, state.texts, state.titles, SEED, state.plan.until)
    with run_log.timed("judge"):
        encoder = _choose_precision(state, evaluation_sets)
    with run_log.timed("encode"):
        vectors = encode_catalogue(catalogue, encoder, run_log.count("encode"))
    with run_log.timed("judge"):
        gates = judge(evaluation_sets, (parent.loaded.encoder, parent.vectors), (encoder, vectors), catalogue.ids)
    run_log.report.verdicts, run_log.report.moved = gates.results, gates.moved
    if gates.passed:
        return EncoderOutcome("published", gates.reason or "nothing was held out to judge on", vectors)
    if state.options.force and np.isfinite(vectors).all():
        run_log.report.forced = True
        return EncoderOutcome("published", f"forced, though the trained encoder is worse: {gates.reason}", vectors)
    return EncoderOutcome("refused", f"the trained encoder is worse, the parent's is kept: {gates.reason}")


def _choose_precision(state: NightState, evaluation_sets: Sequence[EvaluationSet]) -> Encoder:
    """Open the trained encoder in int8, or in the exact graph where int8 loses too much of what was learned."""
    from shelfwise.trainer.evaluation.sampled import quantisation_loss
    from shelfwise.trainer.export.serving_model import EXACT_MODEL, choose_precision

    folder = state.folder / "serving"
    precision = PrecisionReport(served="fp32")
    if (folder / EXACT_MODEL).exists():
        exact = Encoder(folder, model=folder / EXACT_MODEL)
        sides = (exact.queries, exact.items), Encoder(folder)
        precision = quantisation_loss(evaluation_sets, *sides, state.texts, state.seed)
        choose_precision(folder, "fp32" if precision.too_coarse else "int8")
    state.run_log.report.precision = precision
    return Encoder(folder)


def write_encoder_and_index(state: NightState, outcome: EncoderOutcome) -> np.ndarray:
    """Keep the trained encoder or copy the parent's, write the index, and return its vectors, (n_items, dim)."""
    if outcome.vectors is None:
        copy_encoder(state.parent.generation, state.folder)
    vectors = state.parent.vectors if outcome.vectors is None else outcome.vectors
    write_index(state.catalogue, vectors, state.folder)
    return vectors


def copy_encoder(parent: Generation, folder: Path) -> None:
    """Put the parent's encoder in place of what is in the folder."""
    for part in ("encoder", "serving"):
        shutil.rmtree(folder / part, ignore_errors=True)
        copy_part(parent, part, folder)


def learned_events(state: NightState, outcome: EncoderOutcome, left_out: tuple[int, ...]) -> LearnedEvents:
    """Return what the encoder of the new generation learned; `left_out` are the anomalous days (since 1970)."""
    if outcome.vectors is None:
        return state.parent.generation.card.learned
    return LearnedEvents(state.plan.events_seq, state.plan.until, state.data.held_out(outcome.postponed), left_out)
