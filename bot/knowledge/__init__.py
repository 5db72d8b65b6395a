"""What the assistant says: content files with sources, checked before they are served."""

from bot.knowledge.load import ContentError, Knowledge, load
from bot.knowledge.schema import LANGUAGES, Answer, Aspect, Facet, Hotline, Language, Text, Topic

__all__ = ["LANGUAGES", "Answer", "Aspect", "ContentError", "Facet", "Hotline", "Knowledge", "Language", "Text", "Topic", "load"]
