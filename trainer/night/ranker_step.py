"""What a night teaches the two rankers and counts for the shelves, once encoder and events are settled.

Each ranker learns from what the parent's generation, or an evening counted anew, knew before the searches and visits.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shelfwise import Shop
from shelfwise.catalogue.snapshot import Catalogue as Columns
from shelfwise.generation.item_signals import Signals, save
from shelfwise.generation.registry import Generation
from shelfwise.recommend.user_profile import CHOSEN
from shelfwise.serving.loaded_generation import Serving
from shelfwise.store import Event
from shelfwise.trainer.data.basket_matrix import Choices
from shelfwise.trainer.data.split import Material
from shelfwise.trainer.night.plan import Plan
from shelfwise.trainer.night.run_log import Diary
from shelfwise.trainer.rankers.for_you_examples import Evening, WishRows, came_again, evenings, known_at, wishes_of
from shelfwise.trainer.rankers.for_you_ranker import teach_wishes
from shelfwise.trainer.rankers.search_examples import Rows, seen_before
from shelfwise.trainer.rankers.search_ranker import teach
from shelfwise.trainer.statistics.item_signals import bought_by, numbers_of
from shelfwise.trainer.statistics.popularity import Links
from shelfwise.trainer.statistics.query_memory import learned_searches

__all__ = ["RankingLessons"]


class RankingLessons:
    """The lessons of one night on one parent; what they write goes into the child's `folder`."""

    def __init__(
        self, shop: Shop, parent: Generation, serving: Serving, plan: Plan, folder: Path, diary: Diary
    ) -> None:
        self.shop, self.parent, self.serving, self.plan = shop, parent, serving, plan
        self.folder, self.diary, self.seed = folder, diary, int(diary.report["seed"])

    def searches(self, material: Material) -> dict[str, Any]:
        """Teach the ranker of searches, on the parent's rows and on the searches since, as the parent saw them."""
        past = learned_searches(material)
        with self.diary.timed("rank"):
            rows = Rows.open(self.parent.checked("ranker")) if self.parent.holds("ranker") else Rows()
            # Without rows to go on from, all searches that the parent's encoder did not learn from.
            seen = self.parent.card["ranked" if len(rows) else "learned"]
            new = [one for one in past if one.ts >= seen["until"] or max(one.seqs) > seen["events_seq"]]
            made = seen_before(self.shop, self.serving, new, past, material.honest, self.diary.count("rank"))
            rows = rows.then(made)
            rows.save(self.folder / "ranker")
            return teach(rows, self.folder / "ranker", self.seed).to_dict()

    def shelves(self, honest: Sequence[Event], links: Links, ids: list[str], vectors: np.ndarray) -> dict[str, Any]:
        """Count the child's signals, write them with the links, and teach the ranker of the shelves."""
        columns = Columns(self.shop.store).current()
        categories = columns.category[columns.rows(ids)]
        rows = {id: row for row, id in enumerate(ids)}
        with self.diary.timed("signals"):
            now = self.plan.until
            chosen, bought = (Choices.of(honest, rows, types) for types in (CHOSEN, bought_by(honest)))
            numbers = numbers_of(chosen, bought, categories, vectors, now)
            save(self.folder / "signals", ids, numbers, links)
        with self.diary.timed("wishes"):
            known = WishRows.open(self.parent.checked("wishes")) if self.parent.holds("wishes") else WishRows()
            shown = self.shop.store.impressions.shelves_of
            for evening in self._evenings(known, honest, ids, categories):
                made = wishes_of(
                    evening, honest, columns, self.serving.index, self.seed, shown, self.diary.count("wishes")
                )
                known = known.then(made)
            known.save(self.folder / "wishes")
            return teach_wishes(known, self.folder / "wishes", self.seed, self.diary.count("trees")).to_dict()

    def _evenings(
        self, known: WishRows, honest: Sequence[Event], ids: list[str], categories: np.ndarray
    ) -> list[Evening]:
        """Where the rows go on from: the parent's own evening, or several of the past for a ranker that begins."""
        until = self.plan.until
        if len(known) and self.parent.holds("signals"):
            counted = float(self.parent.card.get("ranked", self.parent.card)["until"])
            return [Evening(counted, until, Signals.open(self.parent.checked("signals")))] if counted < until else []
        if not came_again(honest):
            return []
        return [known_at(at, end, honest, ids, categories) for at, end in evenings(honest, until, len(ids))]
