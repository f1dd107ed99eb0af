"""The steps of one night on one parent: collect, pairs, train, export, encode, judge, build, publish.

Who calls them holds the night's lock and keeps the ledger (`night.py`).
"""

from __future__ import annotations

import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from shelfwise import Shop
from shelfwise.encoder import Encoder
from shelfwise.errors import GenerationError
from shelfwise.generations import Generation, copy_part
from shelfwise.serving import Serving
from shelfwise.times import to_iso
from shelfwise.trainer.build import Catalogue, encode_catalogue, share_changes, snapshot, write_index
from shelfwise.trainer.collect import LEAST_PAIRS, Material, collect
from shelfwise.trainer.counting import count

__all__ = ["Night", "Progress", "Run", "genesis", "is_worn"]

Progress = Callable[[str, int, int], object]  # stage, done, total
_SEED = 20_111
_MOST_DELTA, _MOST_TOMBSTONES = 0.10, 0.20  # beyond these the index is rebuilt
# What a parent that never learned has learned; generation 0's card says so.
_NOTHING: dict[str, Any] = {"events_seq": 0, "until": 0.0, "held_out": []}


@dataclass(frozen=True, slots=True)
class Night:
    """How a night ended. `verdict`: published, refused, compacted or nothing to learn; `generation` serves now."""

    night: int
    verdict: str
    reason: str
    parent: int | None
    generation: int | None
    report: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Run:
    """The steps of one night on one parent generation; `report` fills up as they are done."""

    def __init__(self, shop: Shop, number: int, parent: Generation, progress: Progress) -> None:
        self.shop, self.number, self.parent, self.progress = shop, number, parent, progress
        self.current = shop.generations.current()  # another than the parent when that one is damaged
        self.report: dict[str, Any] = {"parent": parent.number, "seconds": {}}

    def increment(self, until: float, learn_pairs: bool) -> Night:
        events_seq = self.shop.store.events.last_seq()
        catalogue = snapshot(self.shop.store)
        events = list(self.shop.store.events.before(until, events_seq))
        learned = self.parent.card["learned"]
        material = collect(events, learned, set(catalogue.ids).__contains__)
        self.report |= {"until": to_iso(until), "events_seq": events_seq, "counts": material.counts}
        nothing_new = material.counts["since_parent"] == 0 and material.is_little
        if nothing_new and self.parent.number == self.current and not is_worn(self.shop, self.parent):
            return self._close("nothing to learn", "no event came since the last night", None)

        number, folder = self.shop.generations.begin()
        with self._timed("count"):
            count(events, catalogue.ids, until, folder / "statistics")
        if not (learn_pairs and self._train(material, catalogue, folder)):
            self._carry_encoder(catalogue, folder)
            verdict, reason = "published", self.report.get("not_trained", "the encoder was kept, as asked")
        else:
            verdict, reason = self._judged(material, catalogue, folder)
            if verdict == "published":
                learned = {"events_seq": events_seq, "until": until, "held_out": material.held_out}
            else:
                self._carry_encoder(catalogue, folder)
        return self._publish(number, folder, catalogue, verdict, reason, {"learned": learned, "until": until})

    def compact(self) -> Night:
        catalogue = snapshot(self.shop.store)
        number, folder = self.shop.generations.begin()
        copy_part(self.parent, "statistics", folder)
        self._carry_encoder(catalogue, folder)
        kept = {name: self.parent.card[name] for name in ("learned", "until")}
        reason = "many items changed since the index was built"
        return self._publish(number, folder, catalogue, "compacted", reason, kept)

    # ---- steps ------------------------------------------------------------------------------------------------

    def _train(self, material: Material, catalogue: Catalogue, folder: Path) -> bool:
        """Train the parent's encoder on and export it to `folder`; False when there are too few pairs."""
        from shelfwise.trainer.export import export_serving
        from shelfwise.trainer.learn import Recipe, learn
        from shelfwise.trainer.models import load_model
        from shelfwise.trainer.pairs import make_pairs

        titles = self._titles(catalogue)
        pairs, counts = make_pairs(material, catalogue.texts, titles, _SEED + self.number)
        self.report["counts"] |= counts
        new = counts["new_pairs"] + counts.get("new_basket_pairs", 0)
        if new < LEAST_PAIRS:
            self.report["not_trained"] = f"{new} new pairs are too few to train on; statistics only"
            return False
        with self._timed("train"):
            model = load_model(str(self.parent.checked("encoder")))
            self.report["training"] = learn(
                model,
                pairs,
                catalogue.texts,
                self.shop.path / "work",
                seed=_SEED + self.number,
                recipe=Recipe(),
                progress=lambda done, total: self.progress("train", done, total),
            )
        with self._timed("export"):
            self.progress("export", 0, 1)
            model.save(str(folder / "encoder"), create_model_card=False)
            export_serving(model, folder / "serving")
            self.progress("export", 1, 1)
        return True

    def _judged(self, material: Material, catalogue: Catalogue, folder: Path) -> tuple[str, str]:
        """Encode the catalogue with the trained encoder, and say whether it may serve: verdict and reason."""
        from shelfwise.trainer.judge import judge, set_exams

        encoder = Encoder(folder / "serving")
        with self._timed("encode"):
            vectors = encode_catalogue(catalogue, encoder, lambda done, total: self.progress("encode", done, total))
        with self._timed("judge"):
            exams = set_exams(material, catalogue.texts, self._titles(catalogue), _SEED)
            serving = self._parent_serving()
            before = encode_catalogue(catalogue, serving.encoder, _no_count, reuse=_exact(serving))
            verdicts = judge(exams, (serving.encoder, before), (encoder, vectors), catalogue.ids)
        self.report["verdicts"] = [verdict.to_dict() for verdict in verdicts]
        failed = [str(verdict) for verdict in verdicts if not verdict.passed]
        if failed:
            shutil.rmtree(folder / "encoder")
            shutil.rmtree(folder / "serving")
            return "refused", "the trained encoder is worse, the parent's is kept: " + "; ".join(failed)
        write_index(catalogue, vectors, folder)
        return "published", "; ".join(map(str, verdicts)) or "nothing was held out to judge on"

    def _carry_encoder(self, catalogue: Catalogue, folder: Path) -> None:
        """The parent's encoder again, and an index by it over the catalogue of now."""
        for part in ("encoder", "serving"):
            copy_part(self.parent, part, folder)
        with self._timed("encode"):
            serving = self._parent_serving()
            vectors = encode_catalogue(
                catalogue, serving.encoder, lambda done, total: self.progress("encode", done, total), _exact(serving)
            )
        write_index(catalogue, vectors, folder)

    def _publish(
        self, number: int, folder: Path, catalogue: Catalogue, verdict: str, reason: str, card: dict[str, Any]
    ) -> Night:
        with self._timed("publish"):
            encoder = Encoder(folder / "serving")
            share_changes(self.shop.store, encoder, catalogue.items_seq)
            self.shop.generations.publish(
                number,
                folder,
                card
                | {
                    "items_seq": catalogue.items_seq,
                    "encoder": encoder.id,
                    "base": self.parent.card["base"],
                    "night": self.number,
                    "verdict": verdict,
                    "report": self.report,
                },
                parent=self.parent.number,
                current=self.current,
            )
            self._tidy()
        return self._close(verdict, reason, number)

    def _tidy(self) -> None:
        self.shop.generations.prune()
        kept = []
        for number in self.shop.generations.numbers():
            with suppress(GenerationError):  # a damaged one serves nobody
                kept.append(self.shop.generations.open(number).card["encoder"])
        self.shop.store.vectors.keep_only(kept)

    def _close(self, verdict: str, reason: str, generation: int | None) -> Night:
        self.report["peak_memory_mb"] = _peak_memory_mb()
        number = self.parent.number if generation is None else generation
        return Night(self.number, verdict, reason, self.parent.number, number, self.report)

    def _titles(self, catalogue: Catalogue) -> dict[str, str]:
        """id → title of the items that the night knows; others may have come meanwhile."""
        known = set(catalogue.ids)
        return {id: title for id, title in self.shop.store.items.titles() if id in known}

    def _parent_serving(self) -> Serving:
        serving = Serving(self.parent, self.shop.store, self.shop.path)
        serving.catch_up()
        return serving

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        seconds = self.report["seconds"]
        seconds[stage] = round(seconds.get(stage, 0.0) + time.perf_counter() - started, 2)


def genesis(shop: Shop, model_name: str | None, progress: Progress) -> Generation:
    """Generation 0: the base model as it is, and nothing counted yet."""
    from shelfwise.trainer.export import export_serving
    from shelfwise.trainer.models import DEFAULT_MODEL, load_model

    model = load_model(model_name)
    number, folder = shop.generations.begin()
    progress("export", 0, 1)
    model.save(str(folder / "encoder"), create_model_card=False)
    export_serving(model, folder / "serving")
    progress("export", 1, 1)
    encoder = Encoder(folder / "serving")
    catalogue = snapshot(shop.store)
    vectors = encode_catalogue(catalogue, encoder, lambda done, total: progress("encode", done, total))
    write_index(catalogue, vectors, folder)
    count([], catalogue.ids, shop.now(), folder / "statistics")
    share_changes(shop.store, encoder, catalogue.items_seq)
    card = {
        "learned": _NOTHING,
        "until": 0.0,
        "items_seq": catalogue.items_seq,
        "encoder": encoder.id,
        "base": model_name or DEFAULT_MODEL,
        "verdict": "published",
    }
    return shop.generations.publish(number, folder, card, parent=None, current=shop.generations.current())


def is_worn(shop: Shop, generation: Generation) -> bool:
    """Whether so much changed since the index was built that a new one pays."""
    if generation.card["items_seq"] == shop.store.items.last_seq():
        return False
    serving = Serving(generation, shop.store, shop.path)
    serving.catch_up()
    return serving.index.delta_share > _MOST_DELTA or serving.index.tombstone_share > _MOST_TOMBSTONES


def _exact(serving: Serving) -> Any:
    """The index whose vectors can be taken again; a quantised one would lose a little each time."""
    return serving.index if serving.index.kind in ("flat", "gpu") else None


def _peak_memory_mb() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak // (1024 * 1024 if sys.platform == "darwin" else 1024))


def _no_count(done: int, total: int) -> None: ...
