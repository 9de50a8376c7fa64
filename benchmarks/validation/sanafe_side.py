"""Runs small networks in SANA-FE; needs only SANA-FE, not spikewatt.

Reads a JSON list of networks from stdin, writes a JSON list of results to stdout. A network:
{layers: [n0, n1, ...], weights: [[[w of target][source]]...], threshold, spikes: [[0, 1, ...]...],
steps, zeros: whether connections of weight 0 are made}. Layer 0 is the input. A layer has a core.
"""

import contextlib
import json
import os
import sys
from pathlib import Path

import sanafe


def build(network, arch):
    cores = [core for tile in arch.tiles for core in tile.cores]
    net = sanafe.Network()
    lif = {"threshold": float(network["threshold"]), "leak_decay": 1.0, "reset": 0.0}
    groups = []
    for i, size in enumerate(network["layers"]):
        group = net.create_neuron_group(f"layer{i}", size, model_attributes=lif if i else {})
        for j in range(size):
            if i:
                group[j].set_attributes(soma_hw_name="loihi_lif", log_spikes=True)
            else:
                spikes = {"spikes": network["spikes"][j]}
                group[j].set_attributes(
                    soma_hw_name=f"loihi_inputs[{j}]", model_attributes=spikes, log_spikes=True
                )
            group[j].map_to_core(cores[i])
        groups.append(group)
    for i, weight in enumerate(network["weights"]):
        for target, row in enumerate(weight):
            for source, w in enumerate(row):
                if w or network["zeros"]:
                    groups[i][source].connect_to_neuron(groups[i + 1][target], {"weight": float(w)})
    return net


def run(network):
    arch = sanafe.load_loihi()
    chip = sanafe.SpikingChip(arch)
    chip.load(build(network, arch))
    done = chip.sim(network["steps"], timing_model="simple", spike_trace=True, perf_trace=True)
    fired = [0] * len(network["layers"])
    for step in done["spike_trace"]:
        for neuron in step:
            fired[int(str(neuron).split(".")[0].removeprefix("layer"))] += 1
    return {
        "energy": done["energy"],
        "spikes": fired,
        "events": done["spikes"],
        "messages": done["packets_sent"],
        "hops": sum(done["perf_trace"]["hops"]),
        "time_s": done["sim_time"],
    }


def quietly(network):
    """SANA-FE reports progress on stdout, below Python's."""
    sys.stdout.flush()
    kept = os.dup(1)
    with Path(os.devnull).open("w") as null, contextlib.ExitStack() as stack:
        os.dup2(null.fileno(), 1)
        stack.callback(os.dup2, kept, 1)
        return run(network)


if __name__ == "__main__":
    json.dump([quietly(network) for network in json.load(sys.stdin)], sys.stdout)
