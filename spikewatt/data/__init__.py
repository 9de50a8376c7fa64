"""Graphs, modalities, data sets and the encoder that turns clips into stimuli."""
