"""What a model is made of, counted from its modules and its integer network."""

from __future__ import annotations

from typing import Any

from spikewatt.train.models import Model


def facts(entry: Model) -> dict[str, Any]:
    """Parameters of the table's configuration."""
    net = entry.build(entry.table, entry.options)
    return {"parameters": sum(p.numel() for p in net.parameters() if p.requires_grad)}
