"""Which Mexican consulate serves a place in the United States or Canada."""

from bot.places.model import Found, Place, Resolution
from bot.places.resolve import Places

__all__ = ["Found", "Place", "Places", "Resolution"]
