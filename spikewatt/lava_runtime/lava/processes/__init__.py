"""Lava processes and their models, and nothing else.

Lava executes every module of this folder again, under a bare name, when it looks for the
model of a process; so modules here import absolutely and do nothing on import.
"""
