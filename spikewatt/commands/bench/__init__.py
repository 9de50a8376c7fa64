"""bench: engines, networks and data side by side, in turns, with a check that all did the same."""
