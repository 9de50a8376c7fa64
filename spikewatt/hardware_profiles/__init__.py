"""Energies and limits of targets, every number with unit, source and kind."""
