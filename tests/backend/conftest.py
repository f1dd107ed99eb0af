"""A generation costs seconds to make, so it is made once and every test gets a copy of its shop."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ITEMS

from shelfwise import Shop
from shelfwise.catalogue.snapshot import CatalogueCache, CatalogueSnapshot
from shelfwise.generation.card import GenerationCard
from shelfwise.generation.encoder import Encoder, encoder_id
from shelfwise.generation.registry import Generation, GenerationRegistry, copy_part
from shelfwise.store import Store
from support.recommend_shop import ITEMS as THINGS
from support.stores import make_initial_shop, store_fixture

Publish = Callable[..., Generation]
PARTS = ("encoder", "serving", "index", "items", "statistics")


@pytest.fixture(scope="session")
def generation_zero(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """The shop that `tiny_shop` is copied from; not to be changed."""
    return make_initial_shop(tmp_path_factory.mktemp("zero") / "shop", ITEMS, tiny_model)


@pytest.fixture
def tiny_shop(tmp_path: Path, generation_zero: Path) -> Path:
    """The folder of a shop with the six items and a generation 0 of the tiny model."""
    return Path(shutil.copytree(generation_zero, tmp_path / "tiny-shop"))


store = store_fixture(THINGS)


@pytest.fixture
def columns(store: Store) -> CatalogueSnapshot:
    return CatalogueCache(store).current()


@pytest.fixture
def publish_copy() -> Publish:
    """Publishes the current generation of a shop once more; `alter` changes the folder before it is sealed."""

    def publish(folder: Path, alter: Callable[[Path], None] = lambda folder: None) -> Generation:
        generations = GenerationRegistry(folder)
        current = generations.current()
        assert current is not None
        parent = generations.open(current)
        number, unfinished = generations.create_folder()
        for part in PARTS:
            copy_part(parent, part, unfinished)
        alter(unfinished)
        encoder = encoder_id(unfinished / "serving")
        card = GenerationCard(parent.card.learned, parent.card.until, parent.card.items_seq, encoder, parent.card.base)
        return generations.publish(number, unfinished, card, parent=current, current=current)

    return publish


@pytest.fixture
def other_encoder() -> Callable[[Path, Path], Callable[[Path], None]]:
    """For `publish_copy`: a child whose encoder puts a word before every item, and so has vectors of its own."""
    from shelfwise.trainer.statistics.catalogue_vectors import encode_catalogue, load_catalogue, write_index

    def changing(shop: Path) -> Callable[[Path], None]:
        def alter(folder: Path) -> None:
            config = folder / "serving" / "serving.json"
            changed = json.loads(config.read_text()) | {
                "item_prompt": "zebra crossing ",
                "query_prompt": "zebra crossing ",
            }
            config.unlink()  # the parent's file is linked to it
            config.write_text(json.dumps(changed))
            for part in ("index", "items"):
                shutil.rmtree(folder / part)
            with Shop(shop) as opened:
                catalogue = load_catalogue(opened.store)
            vectors = encode_catalogue(catalogue, Encoder(folder / "serving"), lambda done, total: None)
            write_index(catalogue, vectors, folder)

        return alter

    return changing
