"""Engines behind one protocol, and the agreement between them."""
