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
from shelfwise.generation.encoder import thread_count

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

_TIMEOUT = timedelta(hours=24)  # a helper waits while rank 0 collects, judges and publishes
_control: Any = None  # the group that jobs and decisions go through: gloo, whatever carries the gradients
_over = False


def world() -> int:
    """Return how many processes train together; 1 without torchrun."""
    return int(os.environ.get("WORLD_SIZE") or 1)


def rank() -> int:
    """Return this process's number, from 0."""
    return int(os.environ.get("RANK") or 0)


def is_helper() -> bool:
    """Return whether another process runs the night."""
    return world() > 1 and rank() > 0


def on_gpu() -> bool:
    """Return whether every process of this machine has a GPU of its own to train on."""
    import torch

    return torch.cuda.is_available() and torch.cuda.device_count() >= _local_world()


def threads_each() -> int:
    """Return the number of CPU threads for each process of this machine."""
    return max(1, thread_count() // _local_world())


@contextmanager
def broadcast_job(job: Any) -> Iterator[None]:
    """Send the helpers a job that they do along with the block. Raises ShelfwiseError when they are gone."""
    if world() == 1 or is_helper():
        yield
        return
    if _over:
        raise ShelfwiseError("expected the other ranks of this torchrun, they are gone; start it again")
    _broadcast(job)
    try:
        yield
    except TrainingDiverged:
        raise
    except BaseException:
        disconnect()  # the helpers are in the middle of a step: a message now would be taken for a gradient
        raise


def release_helpers() -> None:
    """Tell the helpers that the night is over; they end. Call it on rank 0 whatever the night's end."""
    if world() == 1 or is_helper() or _over:
        return
    _broadcast(None)
    disconnect()


def all_reduce_max(number: int) -> int:
    """Return the greatest of the ranks' numbers, on every rank."""
    if world() == 1:
        return number
    import torch

    value = torch.tensor([number])
    torch.distributed.all_reduce(value, op=torch.distributed.ReduceOp.MAX, group=_control_group())
    return int(value)


def barrier() -> None:
    """Wait until every rank got here."""
    all_reduce_max(0)


def next_job() -> Any:
    """Wait for the next job that rank 0 broadcasts and return it; None when the night is over.

    Exits the process with status 1 when rank 0 is gone.
    """
    try:
        return _broadcast(None)
    except RuntimeError as problem:  # gloo's only sign of a closed connection
        raise SystemExit(f"rank {rank()}: rank 0 is gone ({str(problem).splitlines()[0]})") from problem


def _broadcast(message: Any) -> Any:
    import torch

    box = [message]
    torch.distributed.broadcast_object_list(box, src=0, group=_control_group())
    return box[0]


def _control_group() -> Any:
    global _control
    if _control is None:
        import torch

        if on_gpu():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        torch.distributed.init_process_group("nccl" if on_gpu() else "gloo", timeout=_TIMEOUT)
        _control = torch.distributed.new_group(backend="gloo", timeout=_TIMEOUT)
    return _control


def disconnect() -> None:
    """Leave the process group for good."""
    global _control, _over
    import torch

    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    _control, _over = None, True


def _local_world() -> int:
    return int(os.environ.get("LOCAL_WORLD_SIZE", str(world())))
