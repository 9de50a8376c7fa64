"""Trained module to integer network; NetX files."""
