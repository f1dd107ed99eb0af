"""The exception tree of shelfwise, drawn once. `shelfwise.index` has only its own IndexCorrupt.

ShelfwiseError
├── InvalidInput(ValueError)     a row, a query or a setting that a caller can mend; `field` names it
├── NotFound(LookupError)        an item, a night or a generation that does not exist
├── GenerationError              a generation that can't be served
│   ├── GenerationCorrupt        a file is missing or its sha256 differs from the manifest's
│   └── GenerationTooNew         made by a newer shelfwise than this one
├── EncoderUnsupported           a model that is no transformer with mean or cls pooling
├── NightBusy                    another night holds the lock
└── TrainingDiverged             training came to numbers that are none; its weights are thrown away
"""

from __future__ import annotations

__all__ = [
    "EncoderUnsupported",
    "GenerationCorrupt",
    "GenerationError",
    "GenerationTooNew",
    "InvalidInput",
    "NightBusy",
    "NotFound",
    "ShelfwiseError",
    "TrainingDiverged",
]


class ShelfwiseError(Exception):
    """Whatever shelfwise raises on purpose, IndexCorrupt aside."""


class InvalidInput(ShelfwiseError, ValueError):
    """The caller can mend it: the message says what was wrong and what is expected."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotFound(ShelfwiseError, LookupError):
    """The named thing does not exist."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class GenerationError(ShelfwiseError):
    """A generation on disk can't be served."""


class GenerationCorrupt(GenerationError):
    """A file of the generation is missing or differs from its manifest."""


class GenerationTooNew(GenerationError):
    """The generation was written by a newer shelfwise; upgrade, or roll back."""


class EncoderUnsupported(ShelfwiseError):
    """The model can't be exported: only transformers with mean or cls pooling are."""


class NightBusy(ShelfwiseError):
    """Another night is running on this shop."""


class TrainingDiverged(ShelfwiseError):
    """The loss or a weight is no finite number any more: nothing of this training is kept."""
