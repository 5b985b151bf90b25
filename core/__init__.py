"""hoga (호가): watch Korean stocks and crypto, decide, and trade. `core` is shared by `functions` and `streamer`."""
