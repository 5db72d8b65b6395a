"""The console's pages and steps, one file an area."""
