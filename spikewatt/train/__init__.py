"""SLAYER-compatible blocks, models and the training loop."""
