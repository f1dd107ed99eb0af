"""Generation 0, and whether an index is worn: what is built without learning."""

from __future__ import annotations

from typing import Any

from shelfwise import Shop
from shelfwise.generation.encoder import Encoder
from shelfwise.generation.item_signals import save
from shelfwise.generation.registry import Generation
from shelfwise.serving.loaded_generation import Serving
from shelfwise.trainer.evaluation.noise_floor import noise_floor
from shelfwise.trainer.statistics.catalogue_vectors import (
    Progress,
    encode_catalogue,
    share_changes,
    snapshot,
    write_index,
)
from shelfwise.trainer.statistics.item_signals import central
from shelfwise.trainer.statistics.popularity import count

__all__ = ["genesis", "is_worn"]

_MOST_DELTA, _MOST_TOMBSTONES = 0.10, 0.20  # beyond these the index is rebuilt
# What a parent that never learned has learned; generation 0's card says so.
_NOTHING: dict[str, Any] = {"events_seq": 0, "until": 0.0, "held_out": []}


def genesis(shop: Shop, model_name: str | None, progress: Progress) -> Generation:
    """The base model as it is, and nothing counted yet. It serves only where nothing does yet: else it is a parent."""
    from shelfwise.trainer.encoder.base_model import DEFAULT_MODEL, load_model
    from shelfwise.trainer.export.serving_model import export_best

    model = load_model(model_name)
    number, folder = shop.generations.begin(shop.store.people.last_generation())
    progress("export", 0, 1)
    model.save(str(folder / "encoder"), create_model_card=False)
    export_best(model, folder / "serving")
    progress("export", 1, 1)
    encoder = Encoder(folder / "serving")
    catalogue = snapshot(shop.store)
    vectors = encode_catalogue(catalogue, encoder, lambda done, total: progress("encode", done, total))
    write_index(catalogue, vectors, folder)
    count([], catalogue.ids, shop.now(), folder / "statistics")
    save(folder / "signals", catalogue.ids, {"central": central(vectors)}, {})
    share_changes(shop.store, encoder, catalogue.items_seq)
    card = {
        "learned": _NOTHING,
        "until": 0.0,
        "items_seq": catalogue.items_seq,
        "encoder": encoder.id,
        "base": model_name or DEFAULT_MODEL,
        "noise": noise_floor(encoder, vectors),
        "verdict": "published",
    }
    current = shop.generations.current()
    return shop.generations.publish(number, folder, card, parent=None, current=current, point=current is None)


def is_worn(shop: Shop, generation: Generation) -> bool:
    """Whether so much changed since the index was built that a new one pays."""
    if generation.card["items_seq"] == shop.store.items.last_seq():
        return False
    serving = Serving(generation, shop.store, shop.path)
    serving.catch_up()
    return serving.index.delta_share > _MOST_DELTA or serving.index.tombstone_share > _MOST_TOMBSTONES
