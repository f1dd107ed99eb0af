"""Fine-tune the encoder: pairs, hard negatives, replay, loss, checkpoints, distributed training. Imports `data`."""
