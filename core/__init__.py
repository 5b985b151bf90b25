"""hoga (호가): watch Korean stocks and crypto, decide, and trade. `core` is shared by `functions` and `streamer`."""

from core import compiled

COMPILED = compiled.begin()
"""Whether the hot path runs compiled (`core/compiled.py`)."""
