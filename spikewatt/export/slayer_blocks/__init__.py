"""lava-dl's blocks to populations and projections."""

from spikewatt.export.slayer_blocks.lowering import lower_blocks

__all__ = ["lower_blocks"]
