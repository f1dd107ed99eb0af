"""An encoder with a real architecture, the real tokenizer and random weights: it trains and exports in a second."""

from __future__ import annotations

from pathlib import Path

__all__ = ["make_random_model"]


def make_random_model(folder: Path, *, hidden_size: int, heads: int, feed_forward: int) -> Path:
    """Write a sentence-transformers model of one BERT layer into `folder`, and return its own folder.

    `hidden_size` are the dimensions of its vectors too, `feed_forward` the width of the layer's inner part.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import AutoTokenizer, BertConfig, BertModel

    from shelfwise.trainer.encoder.base_model import packaged_model

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(packaged_model())
    config = BertConfig(
        vocab_size=tokenizer.vocab_size, hidden_size=hidden_size, num_hidden_layers=1, num_attention_heads=heads,
        intermediate_size=feed_forward, max_position_embeddings=128,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    transformer = Transformer(str(folder / "bert"), max_seq_length=64)
    pooling = Pooling(hidden_size, pooling_mode="mean")
    model = SentenceTransformer(modules=[transformer, pooling, Normalize()], device="cpu")
    model.save(str(folder / "model"), create_model_card=False)
    return folder / "model"
