"""The check for authors: `python -m bot.knowledge [DATA]` prints every fault and warning; exit status 1 where there are faults."""

from __future__ import annotations

import sys
from pathlib import Path

from bot.knowledge.load import ContentError, load

try:
    knowledge = load(Path(sys.argv[1] if len(sys.argv) > 1 else "data"))
except ContentError as error:
    sys.exit(str(error))
for warning in knowledge.warnings:
    print("warning:", warning)
print(f"{len(knowledge.topics)} topics, {sum(len(t.facets) for t in knowledge.topics.values())} facets: no fault")
