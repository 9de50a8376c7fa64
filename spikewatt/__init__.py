"""spikewatt: from a trained spiking network to counted synaptic events and joules."""
