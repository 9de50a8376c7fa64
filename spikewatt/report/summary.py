"""What `run` prints: the layers of a run, its totals and its speed."""

from __future__ import annotations

from typing import TextIO

from spikewatt.report.comparison import BY_SENSOR
from spikewatt.report.record import MeasuredRecord, RunRecord, UnmeasuredRecord
from spikewatt.report.tables import Column, plain, render

_COLUMNS = (
    Column("index", "layer"),
    Column("type"),
    Column("neurons"),
    Column("synapses_nonzero", "synapses"),
    Column("spikes_in", "spikes in"),
    Column("spikes_out", "spikes out"),
    Column("synaptic_events", "synaptic events"),
    Column("synaptic_events_stored", "stored"),
    Column("neuron_updates", "updates"),
    Column("dense_macs", "dense MACs/step"),
    Column("paper_sops", "paper SOPs"),
)


def run_summary(record: RunRecord, file: TextIO) -> None:
    """Write the table of layers and a few lines on the whole run; counts are totals."""
    named = any(layer.module for layer in record.layers)
    columns = (*_COLUMNS, Column("module")) if named else _COLUMNS
    render([layer.model_dump() for layer in record.layers], columns, file)
    totals = record.totals
    file.write(
        f"{record.backend}: {record.samples} samples of {record.steps} steps, "
        f"{plain(totals.synaptic_events)} synaptic events, {plain(totals.paper_sops)} paper SOPs, "
        f"coverage {plain(totals.coverage)}\n"
    )
    if record.persons > 1:
        file.write(f"{record.clips} clips, each of them {record.persons} samples, one a person\n")
    file.write(f"built in {record.build_s:.2f} s, stepped in {record.wall_s:.2f} s\n")
    if (host := record.host) is not None:
        file.write(
            f"host, {host.module}: {plain(host.macs)} MACs, {plain(host.acs)} ACs, "
            f"{plain(host.neuron_updates)} neuron updates, coverage {plain(host.coverage)}; "
            f"{100 * host.dense_macs_share:.4g} % of the network's dense MACs\n"
        )
    if record.accuracy is not None:
        file.write(f"accuracy {record.accuracy:.4f} on {record.clips} clips\n")
    if record.measured is not None:
        file.write(f"{BY_SENSOR}: {_measured(record.measured)}\n")


def _measured(found: MeasuredRecord | UnmeasuredRecord) -> str:
    if isinstance(found, UnmeasuredRecord):
        return f"unavailable, because {found.unavailable}"
    error = "" if found.error_j is None else f" +- {found.error_j:.2g}"
    return f"{found.joules:.4g}{error} J dynamic a sample, {found.device}, {found.method}"
