"""The night: what the shop's shoppers did becomes a new generation, judged before it is published.

The only room that imports torch. `init` makes generation 0, `increment` runs one night, `replay` measures nights on
a log.
"""

from __future__ import annotations

import os

# The night shares its processors with the shop it learns for. OpenMP threads that spin while they wait for each other
# made it 10 times slower beside a busy process; waiting asleep costs nothing alone. Read when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # a GPU repeats itself with a fixed workspace only
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # the night shows its own

from shelfwise.trainer.night.commands import compact, help_training, increment, init
from shelfwise.trainer.night.pipeline import NightResult
from shelfwise.trainer.replay.run import replay

Night = NightResult  # the name of before

__all__ = ["Night", "NightResult", "compact", "help_training", "increment", "init", "replay"]
