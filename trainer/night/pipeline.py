"""Run the steps of one night on one parent: collect, count, learn, judge, measure drift, rank, publish.

Who calls them holds the night's lock and keeps the ledger (`commands.py`).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from shelfwise import Shop
from shelfwise.errors import GenerationError
from shelfwise.generation.card import GenerationCard, LearnedRange
from shelfwise.generation.encoder import Encoder
from shelfwise.generation.registry import Generation, copy_part
from shelfwise.night_report import NightReport
from shelfwise.timestamps import DAY, to_iso
from shelfwise.trainer.data.seed import SEED
from shelfwise.trainer.data.split import TrainingData, split_events
from shelfwise.trainer.evaluation.anomalous_days import anomalous_days, exclude_days, make_scorer
from shelfwise.trainer.evaluation.noise_floor import noise_floor
from shelfwise.trainer.night.bootstrap import needs_compaction
from shelfwise.trainer.night.drift_step import find_swapped_catalogue, measure_drift, texts_then_and_now
from shelfwise.trainer.night.encoder_step import (
    EncoderOutcome,
    copy_encoder,
    learned_events,
    train_and_judge,
    write_encoder_and_index,
)
from shelfwise.trainer.night.plan import Budget, Options, Plan
from shelfwise.trainer.night.ranker_step import train_for_you_ranker, train_search_ranker, write_query_memory
from shelfwise.trainer.night.run_log import RunLog
from shelfwise.trainer.night.state import NightState, open_parent
from shelfwise.trainer.reports.night_page import write_night_page
from shelfwise.trainer.reports.night_summary import NightHead
from shelfwise.trainer.statistics.catalogue_vectors import (
    CatalogueTexts,
    Progress,
    load_catalogue,
    publish_changed_vectors,
    write_index,
)
from shelfwise.trainer.statistics.popularity import LinkOutcome, Links, link_items, write_popularity
from shelfwise.types import Row

__all__ = ["NightPipeline", "NightResult"]

_IMPRESSION_SECONDS = 90 * DAY  # answers shown longer ago count neither for position bias nor as negatives


@dataclass(frozen=True, slots=True)
class NightResult:
    """How a night ended. `verdict`: published, refused, compacted or nothing to learn; `generation` serves now."""

    night: int
    verdict: str
    reason: str
    parent: int | None
    generation: int | None
    report: NightReport = field(default_factory=NightReport)

    def to_dict(self) -> Row:
        """Return the JSON of the night."""
        values = {name: getattr(self, name) for name in ("night", "verdict", "reason", "parent", "generation")}
        return values | {"report": self.report.to_dict()}


class NightPipeline:
    """The steps of one night on one parent generation; the run log's report fills up as they are done."""

    def __init__(self, shop: Shop, number: int, parent: Generation, progress: Progress, options: Options) -> None:
        """Prepare a night.

        Args:
            shop: The shop, under the night's lock.
            number: The night's row in the ledger.
            parent: The generation to learn from.
            progress: Called with (stage, done, total).
            options: How to run it.
        """
        self.shop, self.number, self.parent, self.options = shop, number, parent, options
        self.current = shop.generations.current()  # another than the parent when that one is damaged or erased
        self.seed = SEED + parent.number  # not by the night's number: a resumed one draws the same
        after_rollback = parent.number == self.current and shop.generations.was_rolled_back()
        report = NightReport(parent=parent.number, seed=self.seed, after_rollback=after_rollback)
        self.run_log = RunLog(progress, lambda report: shop.store.ledger.note(number, report), report)

    @property
    def report(self) -> NightReport:
        """Return the report so far."""
        return self.run_log.report

    def increment(self, plan: Plan) -> NightResult:
        """Learn from the plan's events, and publish a generation with the encoder that the judge lets pass."""
        catalogue = load_catalogue(self.shop.store)
        budget = Budget(self.options.budget, len(catalogue.items), self.parent.card.report)
        data = self._collect(plan, catalogue)
        if self._is_nothing_new(data):
            return self._result("nothing to learn", "no event came since the last night", self.parent.number)
        number, folder = self._create_folder()
        links = self._count(plan, data, catalogue.ids, folder)
        with self.run_log.timed("catalogue"):
            parent = open_parent(self.shop, self.parent, catalogue, self.run_log.count("catalogue"))
        state = NightState(
            self.shop, plan, self.options, budget, self.seed, self.run_log, catalogue, data, parent, folder
        )
        state, contradictions, left_out = self._exclude_anomalous_days(state)
        outcome = self._learn(state, links)
        vectors = write_encoder_and_index(state, outcome)
        self._rank(state, links.links, vectors)
        reason = "; ".join([outcome.reason, *contradictions])
        if links.gate and not links.gate.passed:
            reason += f"; the parent's co-purchase weights are kept: {links.gate}"
        card = GenerationCard(
            learned_events(state, outcome, left_out),
            plan.until,
            catalogue.items_seq,
            noise=noise_floor(Encoder(folder / "serving"), vectors),
            verdict=outcome.verdict,
            linked=links.learned,
            ranked=LearnedRange(plan.until, plan.events_seq),
        )
        return self._publish(number, folder, card, reason)

    def compact(self) -> NightResult:
        """Rebuild the index with the parent's encoder, and publish it with all else of the parent."""
        catalogue = load_catalogue(self.shop.store)
        number, folder = self._create_folder()
        copy_part(self.parent, "statistics", folder)
        copy_encoder(self.parent, folder)
        with self.run_log.timed("catalogue"):
            parent = open_parent(self.shop, self.parent, catalogue, self.run_log.count("catalogue"))
            write_index(catalogue, parent.vectors, folder)
        for part in ("memory", "ranker", "signals", "wishes"):
            if self.parent.has_part(part):
                copy_part(self.parent, part, folder)
        card = self.parent.card
        self.report.events_seq = card.report.events_seq if card.report else None  # the statistics are the parent's
        card = replace(card, items_seq=catalogue.items_seq, verdict="compacted", linked=card.links_range)
        return self._publish(number, folder, card, "many items changed since the index was built")

    # ---- steps ------------------------------------------------------------------------------------------------

    def _collect(self, plan: Plan, catalogue: CatalogueTexts) -> TrainingData:
        """Read and split the events of the plan, and report what there is."""
        store, learned, report = self.shop.store, self.parent.card.learned, self.report
        with self.run_log.timed("collect"):
            data = split_events(
                list(store.events.before(plan.until, plan.events_seq)),
                learned,
                set(catalogue.ids).__contains__,
                store.impressions.searches(plan.until - _IMPRESSION_SECONDS, plan.until),
                self.options.limits,
            )
            report.until, report.events_seq, report.since_seq = to_iso(plan.until), plan.events_seq, learned.events_seq
            report.resumed, report.counts, report.removed = plan.resumed, data.counts, data.removed
            if bots := len(data.bots):
                self.run_log.warn([
                    f"{data.removed['bots']} events of {bots} names were left out: more than a person chooses in a"
                    " day or a minute. A name that many share, such as guest, is taken for a bot: leave its user empty"
                ])  # fmt: skip
        return data

    def _is_nothing_new(self, data: TrainingData) -> bool:
        """Return whether a night would publish what serves already."""
        nothing_came = data.counts["since_parent"] == 0 and data.is_little
        return nothing_came and self.parent.number == self.current and not needs_compaction(self.shop, self.parent)

    def _create_folder(self) -> tuple[int, Path]:
        return self.shop.generations.create_folder(self.shop.store.personal_data.last_generation())

    def _count(self, plan: Plan, data: TrainingData, ids: list[str], folder: Path) -> LinkOutcome:
        """Write the popularity of the items `ids`, and return their links."""
        with self.run_log.timed("count"):
            write_popularity(data.clean_events, ids, plan.until, folder / "statistics")
        with self.run_log.timed("links"):
            return link_items(data, self.parent, ids, LearnedRange(plan.until, plan.events_seq))

    def _exclude_anomalous_days(self, state: NightState) -> tuple[NightState, list[str], tuple[int, ...]]:
        """Leave out the searches of days that contradict the past.

        Returns the state without them, a sentence for each such day, and all days that stay left out from now on.
        """
        before = self.parent.card.learned.anomalous_days
        score = make_scorer(state.parent.loaded.encoder, state.parent.vectors, state.catalogue.ids)
        anomalous, confirmed = anomalous_days(state.data, score, before)
        data = exclude_days(state.data, anomalous)
        self.report.counts, self.report.removed = data.counts, data.removed
        self.run_log.warn(anomalous.values())
        return replace(state, data=data), [*anomalous.values()], tuple(sorted({*before, *anomalous} - confirmed))

    def _learn(self, state: NightState, links: LinkOutcome) -> EncoderOutcome:
        """Train and judge the encoder, unless the catalogue looks broken, and measure drift."""
        texts = texts_then_and_now(state)
        if reason := find_swapped_catalogue(*texts):
            outcome = EncoderOutcome("refused", reason, trained=False)
        else:
            outcome = train_and_judge(state)
        measure_drift(state, texts, outcome.vectors)
        if links.gate:
            self.report.verdicts = [*self.report.verdicts, links.gate]
        if not outcome.trained:
            self.report.not_trained = outcome.reason
        return outcome

    def _rank(self, state: NightState, links: Links, vectors: np.ndarray) -> None:
        """Write memory and signals, and train the rankers; only what is counted where nothing is to be learned."""
        if self.options.learn_pairs:
            write_query_memory(state)
            self.report.ranker = train_search_ranker(state)
        self.report.wishes = train_for_you_ranker(state, links, vectors)

    # ---- end --------------------------------------------------------------------------------------------------

    def _publish(self, number: int, folder: Path, card: GenerationCard, reason: str) -> NightResult:
        """Publish the folder with its page and card, and delete what is not needed any more."""
        with self.run_log.timed("publish"):
            encoder = Encoder(folder / "serving")
            publish_changed_vectors(self.shop.store, encoder, card.items_seq)
            head = NightHead(self.number, card.verdict, reason, number)
            write_night_page(folder / "report.html", self.report, head)
            card = replace(card, encoder=encoder.id, base=self.parent.card.base, night=self.number, report=self.report)
            self.shop.generations.publish(number, folder, card, parent=self.parent.number, current=self.current)
            self._prune()
        return self._result(card.verdict, reason, number)

    def _prune(self) -> None:
        """Delete old generations, and the vectors of encoders that no generation has any more."""
        self.shop.generations.prune(retire=self.shop.store.personal_data.generations_to_retire())
        encoders = []
        for number in self.shop.generations.numbers():
            with suppress(GenerationError):  # a damaged one is never served
                encoders.append(self.shop.generations.open(number).card.encoder)
        self.shop.store.vectors.keep_only(encoders)

    def _result(self, verdict: str, reason: str, generation: int) -> NightResult:
        if self.report.after_rollback:
            reason += f"; after a rollback generation {self.parent.number} is the parent again"
        return NightResult(self.number, verdict, reason, self.parent.number, generation, self.report)
