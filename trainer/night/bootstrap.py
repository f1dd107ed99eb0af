"""Generation 0, and whether an index is worn: what is built without learning."""

from __future__ import annotations

from shelfwise import Shop
from shelfwise.generation.card import GenerationCard
from shelfwise.generation.encoder import Encoder
from shelfwise.generation.item_signals import save_signals
from shelfwise.generation.registry import Generation
from shelfwise.serving.loaded_generation import LoadedGeneration
from shelfwise.trainer.evaluation.noise_floor import noise_floor
from shelfwise.trainer.statistics.catalogue_vectors import (
    Progress,
    encode_catalogue,
    load_catalogue,
    publish_changed_vectors,
    write_index,
)
from shelfwise.trainer.statistics.item_signals import centrality
from shelfwise.trainer.statistics.popularity import write_popularity

__all__ = ["needs_compaction", "publish_base_generation"]

_MOST_DELTA, _MOST_TOMBSTONES = 0.10, 0.20  # beyond these the index is rebuilt


def publish_base_generation(shop: Shop, model_name: str | None, progress: Progress) -> Generation:
    """The base model as it is, and nothing counted yet. It serves only where nothing does yet: else it is a parent."""
    from shelfwise.trainer.encoder.base_model import DEFAULT_MODEL, load_model
    from shelfwise.trainer.export.serving_model import export_best

    model = load_model(model_name)
    number, folder = shop.generations.create_folder(shop.store.personal_data.last_generation())
    progress("export", 0, 1)
    model.save(str(folder / "encoder"), create_model_card=False)
    export_best(model, folder / "serving")
    progress("export", 1, 1)
    encoder = Encoder(folder / "serving")
    catalogue = load_catalogue(shop.store)
    vectors = encode_catalogue(catalogue, encoder, lambda done, total: progress("encode", done, total))
    write_index(catalogue, vectors, folder)
    write_popularity([], catalogue.ids, shop.now(), folder / "statistics")
    save_signals(folder / "signals", catalogue.ids, {"central": centrality(vectors)}, {})
    publish_changed_vectors(shop.store, encoder, catalogue.items_seq)
    card = GenerationCard(
        items_seq=catalogue.items_seq,
        encoder=encoder.id,
        base=model_name or DEFAULT_MODEL,
        noise=noise_floor(encoder, vectors),
    )
    current = shop.generations.current()
    return shop.generations.publish(number, folder, card, parent=None, current=current, point=current is None)


def needs_compaction(shop: Shop, generation: Generation) -> bool:
    """Whether so much changed since the index was built that a new one pays."""
    if generation.card.items_seq == shop.store.items.last_seq():
        return False
    serving = LoadedGeneration(generation, shop.store, shop.path)
    serving.encode_backlog()
    return serving.index.delta_share > _MOST_DELTA or serving.index.tombstone_share > _MOST_TOMBSTONES
