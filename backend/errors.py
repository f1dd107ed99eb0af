"""The exception tree of shelfwise, drawn once. `shelfwise.index` has only its own IndexCorrupt.

ShelfwiseError
├── InvalidInput(ValueError)     a row, a query or a setting that the caller can correct; `field` names it
├── NotFound(LookupError)        an item, a night or a generation that does not exist
├── GenerationError              a generation that can't be served
│   ├── GenerationCorrupt        a file is missing or its sha256 differs from the manifest's
│   └── GenerationTooNew         made by a newer shelfwise than this one
├── EncoderUnsupported           a model other than a transformer with mean or cls pooling
├── NightBusy                    another night holds the lock
└── TrainingDiverged             a loss or a weight is not finite; the weights are thrown away
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
    "shown",
]

_MAX_SHOWN_CHARS = 60


class ShelfwiseError(Exception):
    """The base of all that shelfwise raises on purpose, except IndexCorrupt; `field` names the input, if any."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class InvalidInput(ShelfwiseError, ValueError):
    """An input that the caller can correct: the message says what was expected and what was given."""

    @classmethod
    def expected(cls, field: str, expected: str, got: object) -> InvalidInput:
        """Return the error "field: expected …, got …"."""
        return cls(f"{field}: expected {expected}, got {shown(got)}", field)


class NotFound(ShelfwiseError, LookupError):
    """The named thing does not exist."""


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
    """The loss or a weight became infinite or NaN: nothing of this training is kept."""


def shown(value: object) -> str:
    """Return the value as an error message quotes it, cut to 60 characters; "nothing" for None."""
    return "nothing" if value is None else repr(value)[:_MAX_SHOWN_CHARS]
