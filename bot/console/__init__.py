"""The officers' console: server-rendered pages below /console/, in Spanish and English."""
