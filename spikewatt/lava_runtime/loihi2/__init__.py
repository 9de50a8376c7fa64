"""Loihi 2: Lava's own processes, compiled for a board where Intel's extension is installed.

Importing this package imports neither Lava nor the extension; that happens in a process of its own.
"""
