"""The parent's encoder learns, and its child is exported and judged: from the night's material to a verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shelfwise.errors import EncoderUnsupported, ShelfwiseError, TrainingDiverged
from shelfwise.files import write_atomically
from shelfwise.generation.encoder import Encoder
from shelfwise.generation.registry import Generation
from shelfwise.trainer.data.split import MIN_PAIRS, TrainingData
from shelfwise.trainer.encoder.pairs import MAX_PAIRS, Pair, PairSet, make_pairs
from shelfwise.trainer.evaluation.evaluation_sets import EvaluationSet, build_evaluation_sets
from shelfwise.trainer.evaluation.judge import judge
from shelfwise.trainer.night.plan import Budget, Options
from shelfwise.trainer.night.run_log import RunLog
from shelfwise.trainer.statistics.catalogue_vectors import CatalogueTexts, encode_catalogue

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["EncoderJob", "EncoderOutcome", "ParentEncoder", "train_and_judge"]

_STRATEGY = "replay and words of titles"  # the winner of bench/quality/continual.py
_JUDGED_SEED = 20_111  # the same known-item questions on every night


@dataclass(frozen=True, slots=True)
class ParentEncoder:
    """A generation with its encoder and the encoder's vectors of today's catalogue, (n_items, dim) float32."""

    generation: Generation
    encoder: Encoder
    vectors: np.ndarray


@dataclass(frozen=True, slots=True)
class EncoderJob:
    """What there is to learn and from whom; `until` in epoch seconds, `work` holds what a
    killed night left, which a `resumed` one goes on with."""

    parent: ParentEncoder
    data: TrainingData
    catalogue: CatalogueTexts
    titles: Mapping[str, str]
    until: float
    seed: int
    options: Options
    budget: Budget
    work: Path
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class EncoderOutcome:
    """The verdict with its reason; the candidate's vectors (n_items, dim) float32 if it may serve; whether it learned.

    `postponed` are the `seq` of events that wait for a later night.
    """

    verdict: str
    reason: str
    vectors: np.ndarray | None = None
    trained: bool = True
    postponed: Sequence[int] = ()


def train_and_judge(job: EncoderJob, folder: Path, run_log: RunLog) -> EncoderOutcome:
    """Write the trained encoder and its serving form to `folder`; those of a child that may not serve are waste."""
    if not job.options.learn_pairs:
        return EncoderOutcome("published", "the encoder was kept, as asked", trained=False)
    try:
        limit = job.budget.most_pairs()
        pairs = _pairs(job, limit)
        if reason := _train(job, pairs, limit, folder, run_log):
            return EncoderOutcome("nothing to learn", reason, trained=False)
        return replace(_judged(job, folder, run_log), postponed=pairs.postponed)
    except TrainingDiverged as problem:
        return EncoderOutcome("refused", f"the parent's encoder is kept: {problem}")


def _train(job: EncoderJob, pairs: PairSet, limit: int, folder: Path, run_log: RunLog) -> str | None:
    """Train the parent's encoder on the night's pairs and export it; or why it has not been."""
    texts = job.catalogue.texts
    run_log.report["counts"] |= pairs.counts
    new = pairs.counts["new_pairs"] + pairs.counts.get("new_basket_pairs", 0)
    if new < MIN_PAIRS:
        is_cut = limit < MIN_PAIRS or (limit < MAX_PAIRS and not job.data.is_little)
        why = "the budget leaves no time to train" if is_cut else f"{new} new pairs are too few to train on"
        return f"{why}; popularity and co-purchases were counted"

    from shelfwise.trainer.encoder.base_model import load_model
    from shelfwise.trainer.encoder.callbacks import MonitorOptions
    from shelfwise.trainer.encoder.training import TrainingTask, train_encoder
    from shelfwise.trainer.evaluation.sampled import dev_metric

    run_log.report["strategy"] = _STRATEGY
    with run_log.timed("train"):
        model = load_model(str(job.parent.generation.verified_path("encoder")))
        task = TrainingTask(pairs.pairs, texts, job.seed, job.options.config)
        dev = dev_metric(job.data.searches.dev, texts, job.seed) if job.data.searches.dev else None
        monitor = MonitorOptions(run_log.count("train"), dev, job.budget.deadline, job.options.tensorboard)
        run_log.report["training"] = train_encoder(model, task, job.work, monitor)
    with run_log.timed("export"):
        run_log.progress("export", 0, 1)
        model.save(str(folder / "encoder"), create_model_card=False)
        _export(model, folder / "serving")
        run_log.progress("export", 1, 1)
    return None


def _pairs(job: EncoderJob, limit: int) -> PairSet:
    """The night's pairs; a night that is taken up again has those it had, whatever time and items are left."""
    path = job.work / "pairs.json"
    if job.resumed and path.exists():
        kept = json.loads(path.read_text())
        pairs = [Pair(anchor, item, weight, tuple(negatives)) for anchor, item, weight, negatives in kept["pairs"]]
        known = job.catalogue.texts.keys()
        still_known = [pair for pair in pairs if {pair.item, *pair.negatives} <= known]
        return PairSet(still_known, kept["counts"], kept["postponed"])
    made = make_pairs(job.data, job.catalogue.texts, job.titles, job.seed, limit=limit)
    rows = [[pair.anchor, pair.item, pair.weight, pair.negatives] for pair in made.pairs]
    job.work.mkdir(parents=True, exist_ok=True)
    kept = {"pairs": rows, "counts": made.counts, "postponed": made.postponed}
    write_atomically(path, lambda unfinished: unfinished.write_text(json.dumps(kept)))
    return made


def _export(model: SentenceTransformer, folder: Path) -> None:
    from shelfwise.trainer.export.serving_model import export_best

    try:
        export_best(model, folder, keep_exact=True)
    except (EncoderUnsupported, TrainingDiverged):
        raise
    except ShelfwiseError as problem:  # weights so large that no two sums of them agree
        raise TrainingDiverged(f"the trained weights can't be served: {problem}") from problem


def _judged(job: EncoderJob, folder: Path, run_log: RunLog) -> EncoderOutcome:
    """Encode the catalogue with the trained encoder, and say whether it may serve."""
    parent, catalogue = job.parent, job.catalogue
    evaluation_sets = build_evaluation_sets(job.data, catalogue.texts, job.titles, _JUDGED_SEED, job.until)
    with run_log.timed("judge"):
        encoder = _settle_precision(evaluation_sets, job, folder / "serving", run_log)
    with run_log.timed("encode"):
        vectors = encode_catalogue(catalogue, encoder, run_log.count("encode"))
    with run_log.timed("judge"):
        judgement = judge(evaluation_sets, (parent.encoder, parent.vectors), (encoder, vectors), catalogue.ids)
    run_log.report["verdicts"] = [verdict.to_dict() for verdict in judgement.results]
    run_log.report["moved"] = judgement.moved
    if judgement.passed:
        return EncoderOutcome("published", judgement.reason or "nothing was held out to judge on", vectors)
    if job.options.force and np.isfinite(vectors).all():
        run_log.report["forced"] = True
        return EncoderOutcome("published", f"forced, though the trained encoder is worse: {judgement.reason}", vectors)
    return EncoderOutcome("refused", f"the trained encoder is worse, the parent's is kept: {judgement.reason}")


def _settle_precision(
    evaluation_sets: Sequence[EvaluationSet], job: EncoderJob, serving: Path, run_log: RunLog
) -> Encoder:
    """int8, or the exact graph where int8 loses too much of what was learned."""
    from shelfwise.trainer.evaluation.sampled import quantisation_loss
    from shelfwise.trainer.export.serving_model import EXACT_MODEL, Precision, choose_precision

    if not (serving / EXACT_MODEL).exists():
        run_log.report["precision"] = {"served": "fp32"}
        return Encoder(serving)
    exact = Encoder(serving, model=serving / EXACT_MODEL)
    found = quantisation_loss(
        evaluation_sets, (exact.queries, exact.items), Encoder(serving), job.catalogue.texts, job.seed
    )
    served: Precision = "fp32" if found["too_coarse"] else "int8"
    choose_precision(serving, served)
    run_log.report["precision"] = {**found, "served": served}
    return Encoder(serving)
