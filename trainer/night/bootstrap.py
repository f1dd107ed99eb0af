"""Make generation 0 without learning, and tell whether an index needs compaction."""

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

_MAX_DELTA_SHARE, _MAX_TOMBSTONE_SHARE = 0.10, 0.20  # beyond these the index is rebuilt


def publish_base_generation(shop: Shop, model_name: str | None, progress: Progress) -> Generation:
    """Publish a generation of the untrained base model and empty counts.

    It becomes CURRENT only if no generation is current; else it is a parent for the next night.
    """
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
    """Return whether enough items changed since the index was built for a rebuild to pay."""
    if generation.card.items_seq == shop.store.items.last_seq():
        return False
    loaded = LoadedGeneration(generation, shop.store, shop.path)
    loaded.encode_backlog()
    return loaded.index.delta_share > _MAX_DELTA_SHARE or loaded.index.tombstone_share > _MAX_TOMBSTONE_SHARE
