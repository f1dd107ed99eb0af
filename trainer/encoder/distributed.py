"""The processes of a torchrun: rank 0 runs the night, the others only help it to train and never open the shop.

A helper (`training.run_helper`) waits in `next_job` for what rank 0 sends with `broadcast_job`, trains along, and waits
again until `release_helpers`. Without torchrun there is one process, and all of this does nothing. torch is imported
only where it is needed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from shelfwise.errors import ShelfwiseError, TrainingDiverged
from shelfwise.generation.encoder import threads

__all__ = [
    "all_reduce_max",
    "barrier",
    "broadcast_job",
    "disconnect",
    "is_helper",
    "next_job",
    "on_gpu",
    "rank",
    "release_helpers",
    "threads_each",
    "world",
]

_PATIENCE = timedelta(hours=24)  # a helper waits while rank 0 collects, judges and publishes
_talk: Any = None  # the group that jobs and decisions go through: gloo, whatever carries the gradients
_over = False


def world() -> int:
    """How many processes train together; 1 without torchrun."""
    return int(os.environ.get("WORLD_SIZE") or 1)


def rank() -> int:
    """This process's number, from 0."""
    return int(os.environ.get("RANK") or 0)


def is_helper() -> bool:
    """Whether another process runs the night."""
    return world() > 1 and rank() > 0


def on_gpu() -> bool:
    """Whether every process of this machine has a GPU of its own to train on."""
    import torch

    return torch.cuda.is_available() and torch.cuda.device_count() >= _local_world()


def threads_each() -> int:
    """The processors of this machine, shared out to its processes."""
    return max(1, threads() // _local_world())


@contextmanager
def broadcast_job(job: Any) -> Iterator[None]:
    """Send the helpers a job that they do along with the block; raises ShelfwiseError when they are gone."""
    if world() == 1 or is_helper():
        yield
        return
    if _over:
        raise ShelfwiseError("the other ranks of this torchrun are gone; start it again")
    _broadcast(job)
    try:
        yield
    except TrainingDiverged:
        raise
    except BaseException:
        disconnect()  # the helpers stand in the middle of a step: a word now would be taken for a gradient
        raise


def release_helpers() -> None:
    """Tell the helpers that the night is over; they end. Call it on rank 0 whatever the night's end."""
    if world() == 1 or is_helper() or _over:
        return
    _broadcast(None)
    disconnect()


def all_reduce_max(number: int) -> int:
    """The greatest number that any rank says, on every rank."""
    if world() == 1:
        return number
    import torch

    said = torch.tensor([number])
    torch.distributed.all_reduce(said, op=torch.distributed.ReduceOp.MAX, group=_connected())
    return int(said)


def barrier() -> None:
    """Return when every rank got here."""
    all_reduce_max(0)


def next_job() -> Any:
    """Wait for the next job that rank 0 broadcasts; None when the night is over.

    Exits the process with status 1 when rank 0 is gone.
    """
    try:
        return _broadcast(None)
    except RuntimeError as problem:  # gloo has no kinder word for a closed connection
        raise SystemExit(f"rank {rank()}: rank 0 is gone ({str(problem).splitlines()[0]})") from problem


def _broadcast(message: Any) -> Any:
    import torch

    box = [message]
    torch.distributed.broadcast_object_list(box, src=0, group=_connected())
    return box[0]


def _connected() -> Any:
    global _talk
    if _talk is None:
        import torch

        if on_gpu():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        torch.distributed.init_process_group("nccl" if on_gpu() else "gloo", timeout=_PATIENCE)
        _talk = torch.distributed.new_group(backend="gloo", timeout=_PATIENCE)
    return _talk


def disconnect() -> None:
    """Leave the process group, for good."""
    global _talk, _over
    import torch

    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    _talk, _over = None, True


def _local_world() -> int:
    return int(os.environ.get("LOCAL_WORLD_SIZE", str(world())))
