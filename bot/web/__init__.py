"""The web process: only input and output. It never thinks, so it never blocks."""
