"""Custom actions of Rasa: thin, no SQL, no sentences. They look things up and return what to say and effects (bot/outcome.py)."""
