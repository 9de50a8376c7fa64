"""Parts that the networks share. Tensors are (N, channel, *space, step), steps last."""
