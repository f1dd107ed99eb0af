"""The steps of one night on one parent: collect, count, learn, judge, measure drift, publish.

Who calls them holds the night's lock and keeps the ledger (`night.py`).
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from shelfwise import Shop
from shelfwise.errors import GenerationError
from shelfwise.generation.card import GenerationCard, LearnedEvents, LearnedRange
from shelfwise.generation.encoder import Encoder
from shelfwise.generation.registry import WORK, Generation, copy_part
from shelfwise.index import load
from shelfwise.night_report import NightReport
from shelfwise.serving.loaded_generation import LoadedGeneration
from shelfwise.timestamps import DAY, to_iso
from shelfwise.trainer.data.split import TrainingData, split_events
from shelfwise.trainer.evaluation import drift
from shelfwise.trainer.evaluation.anomalous_days import anomalous_days, exclude_days, make_scorer
from shelfwise.trainer.evaluation.noise_floor import noise_floor
from shelfwise.trainer.night.bootstrap import needs_compaction
from shelfwise.trainer.night.encoder_step import EncoderJob, EncoderOutcome, ParentEncoder, train_and_judge
from shelfwise.trainer.night.plan import Budget, Options, Plan
from shelfwise.trainer.night.ranker_step import RankerStep
from shelfwise.trainer.night.run_log import RunLog
from shelfwise.trainer.reports.night_page import write_night_page
from shelfwise.trainer.statistics.catalogue_vectors import (
    CatalogueTexts,
    Progress,
    encode_catalogue,
    load_catalogue,
    publish_changed_vectors,
    write_index,
)
from shelfwise.trainer.statistics.popularity import link_items, write_popularity
from shelfwise.trainer.statistics.query_memory import build_query_memory, with_vectors

__all__ = ["NightPipeline", "NightResult"]

_SEED = 20_111
_REMEMBERED = 90 * DAY  # answers shown longer ago teach no position bias and no negatives
_SHOWN = 28 * DAY  # what became of the answers shown since then stands in the report
_MOST_SWAPPED = 0.25  # of the items: a night on which so many became another thing teaches nothing


@dataclass(frozen=True, slots=True)
class NightResult:
    """How a night ended. `verdict`: published, refused, compacted or nothing to learn; `generation` serves now."""

    night: int
    verdict: str
    reason: str
    parent: int | None
    generation: int | None
    report: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class NightPipeline:
    """The steps of one night on one parent generation; `report` fills up as they are done."""

    def __init__(self, shop: Shop, number: int, parent: Generation, progress: Progress, options: Options) -> None:
        self.shop, self.number, self.parent, self.options = shop, number, parent, options
        self.current = shop.generations.current()  # another than the parent when that one is damaged or erased
        self.seed = _SEED + parent.number  # not by the night's number: one that is taken up again draws the same
        self.run_log = RunLog(progress, lambda report: shop.store.ledger.note(number, report))
        self.report = self.run_log.report
        self.report |= {
            "parent": parent.number, "seed": self.seed,
            "after_rollback": parent.number == self.current and shop.generations.was_rolled_back(),
            "forced": False,
        }  # fmt: skip

    def increment(self, plan: Plan) -> NightResult:
        catalogue = load_catalogue(self.shop.store)
        budget = Budget(self.options.budget, len(catalogue.items), self.parent.card.report)
        with self.run_log.timed("collect"):
            data = self._collect(plan, catalogue)
        nothing_new = data.counts["since_parent"] == 0 and data.is_little
        if nothing_new and self.parent.number == self.current and not needs_compaction(self.shop, self.parent):
            return self._close("nothing to learn", "no event came since the last night", None)

        number, folder = self._begin()
        with self.run_log.timed("count"):
            now = LearnedRange(plan.until, plan.events_seq)
            write_popularity(data.clean_events, catalogue.ids, plan.until, folder / "statistics")
        with self.run_log.timed("links"):
            together, upto, links = link_items(data, self.parent, catalogue.ids, now)
        with self.run_log.timed("catalogue"):
            parent = self._parent(catalogue)
        left_out = self.parent.card.learned.anomalous_days
        score = make_scorer(parent.encoder, parent.vectors, catalogue.ids)
        strange, changed = anomalous_days(data, score, left_out)
        data = exclude_days(data, strange)
        self.report |= {"counts": dict(data.counts), "removed": dict(data.removed)}
        self.run_log.warn(strange.values())
        texts = self._texts_then_and_now(catalogue, parent.vectors)
        job = EncoderJob(
            parent, data, catalogue, self._titles(catalogue), plan.until, self.seed, self.options, budget,
            self.shop.path / WORK, plan.resumed,
        )  # fmt: skip
        outcome = _swapped(*texts) or train_and_judge(job, folder, self.run_log)
        with self.run_log.timed("drift"):
            self._measure_drift(job, texts, outcome.vectors)
        if together:
            self.report["verdicts"] = [*self.report.get("verdicts", []), together.to_dict()]
        if not outcome.trained:
            self.report["not_trained"] = outcome.reason
        learned = self.parent.card.learned
        if outcome.vectors is None:
            self._carry_encoder(folder)
        else:
            days = tuple(sorted({*left_out, *strange} - changed))
            learned = LearnedEvents(plan.events_seq, plan.until, data.held_out(outcome.postponed), days)
        vectors = parent.vectors if outcome.vectors is None else outcome.vectors
        write_index(catalogue, vectors, folder)
        noise = noise_floor(Encoder(folder / "serving"), vectors)
        lessons = RankerStep(self.shop, self.parent, self.parent_serving, plan, folder, self.run_log)
        if self.options.learn_pairs:
            self._remember(data, catalogue, plan, folder)
            self.report["ranker"] = lessons.train_search_ranker(data)
        self.report["wishes"] = lessons.train_for_you_ranker(data.clean_events, links, catalogue.ids, vectors)
        reason = "; ".join([outcome.reason, *strange.values()])
        if together and not together.passed:
            reason += f"; the parent's co-purchase weights are kept: {together}"
        return self._publish(
            number,
            folder,
            catalogue,
            outcome.verdict,
            reason,
            GenerationCard(learned, plan.until, noise=noise, linked=upto, ranked=now),
        )

    def compact(self) -> NightResult:
        catalogue = load_catalogue(self.shop.store)
        number, folder = self._begin()
        copy_part(self.parent, "statistics", folder)
        self._carry_encoder(folder)
        with self.run_log.timed("catalogue"):
            write_index(catalogue, self._parent(catalogue).vectors, folder)
        for part in ("memory", "ranker", "signals", "wishes"):
            if self.parent.has_part(part):
                copy_part(self.parent, part, folder)
        kept = replace(self.parent.card, linked=self.parent.card.links_range)
        if kept.report and kept.report.events_seq is not None:
            self.report["events_seq"] = kept.report.events_seq  # the statistics are the parent's still
        reason = "many items changed since the index was built"
        return self._publish(number, folder, catalogue, "compacted", reason, kept)

    # ---- steps ------------------------------------------------------------------------------------------------

    def _collect(self, plan: Plan, catalogue: CatalogueTexts) -> TrainingData:
        store, learned = self.shop.store, self.parent.card.learned
        data = split_events(
            list(store.events.before(plan.until, plan.events_seq)),
            learned,
            set(catalogue.ids).__contains__,
            store.impressions.searches(plan.until - _REMEMBERED, plan.until),
            self.options.limits,
        )
        self.report |= {
            "until": to_iso(plan.until), "events_seq": plan.events_seq, "since_seq": learned.events_seq,
            "resumed": plan.resumed, "counts": dict(data.counts), "removed": dict(data.removed),
        }  # fmt: skip
        if bots := len(data.bots):
            self.run_log.warn(
                [
                    f"{data.removed['bots']} events of {bots} names were left out: more than a person chooses in a"
                    " day or a minute. A name that many share, such as guest, is taken for a bot: leave its user empty"
                ]
            )
        return data

    def _begin(self) -> tuple[int, Path]:
        return self.shop.generations.create_folder(self.shop.store.personal_data.last_generation())

    def _parent(self, catalogue: CatalogueTexts) -> ParentEncoder:
        generation = self.parent_serving = LoadedGeneration(self.parent, self.shop.store, self.shop.path)
        generation.encode_backlog()
        # A quantised index would lose a little each time its vectors are taken again.
        exact = generation.index if generation.index.kind in ("flat", "gpu") else None
        vectors = encode_catalogue(catalogue, generation.encoder, self.run_log.count("catalogue"), exact)
        return ParentEncoder(self.parent, generation.encoder, vectors)

    def _texts_then_and_now(self, catalogue: CatalogueTexts, now: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The parent encoder's vectors of the items that the last night saw, (n, dim) each: of the texts then and now.

        An import may have rebuilt the index since then, with the new texts: that was no night.
        """
        ids, then = load(self._last_seen()).vectors(catalogue.ids)
        rows = {id: row for row, id in enumerate(catalogue.ids)}
        return then, now[[rows[id] for id in ids]]

    def _last_seen(self) -> Path:
        """The index of the last night's generation; where that is gone or damaged, of what was made from it."""
        seen, known = self.parent, self.shop.generations.numbers()
        index = seen.verified_path("index")
        with suppress(GenerationError):
            while seen.card.verdict == "compacted" and seen.card.parent in known:
                seen = self.shop.generations.open(seen.card.parent)
                index = seen.verified_path("index")
        return index

    def _measure_drift(self, job: EncoderJob, texts: tuple[np.ndarray, np.ndarray], child: np.ndarray | None) -> None:
        data, parent, online = job.data, job.parent, self.shop.store.engagement
        inputs = drift.DriftInputs(
            old=data.searches.replay,
            new=data.searches.since_parent,
            parent_until=self.parent.card.learned.until,
            encode=parent.encoder.queries,
            seed=self.seed,
            same_items=None if child is None else (parent.vectors, child),
            texts=texts,
            engagement={kind: online.days(kind, job.until) for kind in ("searches", "recommendations")},
        )
        self.report["drift"], warnings = drift.measure(inputs)
        self.run_log.warn(warnings)
        self.report["shelves"] = [kind.to_dict() for kind in online.shelves(job.until - _SHOWN, job.until)]

    def _remember(self, data: TrainingData, catalogue: CatalogueTexts, plan: Plan, folder: Path) -> None:
        with self.run_log.timed("remember"):
            memory = build_query_memory(data.searches.known, catalogue.ids, plan.until)
            with_vectors(memory, Encoder(folder / "serving")).save(folder / "memory")

    def _carry_encoder(self, folder: Path) -> None:
        for part in ("encoder", "serving"):
            shutil.rmtree(folder / part, ignore_errors=True)
            copy_part(self.parent, part, folder)

    def _publish(
        self, number: int, folder: Path, catalogue: CatalogueTexts, verdict: str, reason: str, card: GenerationCard
    ) -> NightResult:
        with self.run_log.timed("publish"):
            encoder = Encoder(folder / "serving")
            publish_changed_vectors(self.shop.store, encoder, catalogue.items_seq)
            told = {"night": self.number, "verdict": verdict, "reason": reason, "generation": number}
            write_night_page(folder / "report.html", self.report | told)
            self.shop.generations.publish(
                number,
                folder,
                replace(
                    card,
                    items_seq=catalogue.items_seq,
                    encoder=encoder.id,
                    base=self.parent.card.base,
                    night=self.number,
                    verdict=verdict,
                    report=NightReport.from_dict(self.report),
                ),
                parent=self.parent.number,
                current=self.current,
            )
            self._tidy()
        return self._close(verdict, reason, number)

    def _tidy(self) -> None:
        self.shop.generations.prune(retire=self.shop.store.personal_data.generations_to_retire())
        kept = []
        for number in self.shop.generations.numbers():
            with suppress(GenerationError):  # a damaged one serves nobody
                kept.append(self.shop.generations.open(number).card.encoder)
        self.shop.store.vectors.keep_only(kept)

    def _close(self, verdict: str, reason: str, generation: int | None) -> NightResult:
        number = self.parent.number if generation is None else generation
        if self.report["after_rollback"]:
            reason += f"; after a rollback generation {self.parent.number} is the parent again"
        return NightResult(self.number, verdict, reason, self.parent.number, number, self.report)

    def _titles(self, catalogue: CatalogueTexts) -> dict[str, str]:
        """id → title of the items that the night knows; others may have come meanwhile."""
        known = set(catalogue.ids)
        return {id: title for id, title in self.shop.store.items.titles() if id in known}


def _swapped(then: np.ndarray, now: np.ndarray) -> EncoderOutcome | None:
    """No night trains when much of the catalogue became something else since the last one; vectors (n_items, dim) each.

    A broken feed is mended within days, but what was learned from it would stay. If the texts stay, the next night
    knows them and learns.
    """
    share = drift.texts_swapped(then, now) if len(then) >= drift.MIN_ITEMS else 0.0
    if share <= _MOST_SWAPPED:
        return None
    return EncoderOutcome(
        "refused",
        f"the texts of {share:.0%} of the known items are about something else than last night;"
        " nothing is learned tonight, in case the catalogue is broken",
        trained=False,
    )
