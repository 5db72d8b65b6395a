"""The tables. Migrations in bot/store/migrations bring a database here; a test compares the two.

Times are seconds since 1970 in UTC. `body`, `identity`, `summary` and `action` are sealed by bot/store/crypto.py.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

conversation = Table(
    "conversation",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("channel", String(16), nullable=False),
    Column("token_hash", LargeBinary(32), unique=True, comment="web: the session's token, as a keyed hash"),
    Column("identity_hash", LargeBinary(32), comment="other channels: who writes, as a keyed hash"),
    Column("identity", LargeBinary),
    Column("language", String(2), nullable=False),
    Column("language_pinned", Boolean, nullable=False, server_default=text("false"), comment="switched to by the person's own word"),
    Column(
        "language_run",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="real messages in a row in the other language; -1: nobody has said one yet",
    ),
    Column("last_seq", Integer, nullable=False, server_default=text("0"), comment="the cursor of the newest message"),
    Column("holder", String(8), nullable=False, server_default=text("'bot'"), comment="bot, or human while an officer has it"),
    Column("fence", Integer, nullable=False, server_default=text("0"), comment="a commit under an older number fails whole"),
    Column("lease_by", String(64)),
    Column("lease_until", Float),
    Column("in_hand", Integer, comment="seq of the message that the lease's holder is answering"),
    Column("outage", Boolean, nullable=False, server_default=text("false"), comment="its one interim of this outage was given"),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("channel", "identity_hash"),
)

message = Table(
    "message",
    metadata,
    Column("conversation_id", String(32), ForeignKey("conversation.id", ondelete="CASCADE"), nullable=False),
    Column("seq", Integer, nullable=False, comment="its place in the conversation, taken in the inserting transaction"),
    Column("id", String(64), nullable=False, comment="the client's id, or ours"),
    Column("author", String(8), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("in_reply_to", String(64)),
    Column("interim", Boolean, nullable=False, server_default=text("false")),
    Column("topic", String(32)),
    Column("facet", String(64)),
    Column("level", Integer),
    Column("language", String(2)),
    Column("at", Float, nullable=False),
    # what follows is of the person's messages only
    Column("answered_at", Float),
    Column("interim_at", Float),
    Column("attempts", Integer, nullable=False, server_default=text("0"), comment="deaths and failures while it was in hand"),
    Column("dead", Boolean, nullable=False, server_default=text("false"), comment="given up: its safety answer is final"),
    PrimaryKeyConstraint("conversation_id", "seq"),
    UniqueConstraint("conversation_id", "id"),
)
unanswered = (message.c.author == "user") & message.c.answered_at.is_(None)
Index("ix_message_unanswered", message.c.at, sqlite_where=unanswered, postgresql_where=unanswered)

tracker = Table(
    "tracker",
    metadata,
    Column("conversation_id", String(32), ForeignKey("conversation.id", ondelete="CASCADE"), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

offer = Table(
    "offer",
    metadata,
    Column("conversation_id", String(32), ForeignKey("conversation.id", ondelete="CASCADE"), nullable=False),
    Column("payload", String(32), nullable=False, comment="what a button sends; opaque"),
    Column("action", LargeBinary, nullable=False, comment="what it means, and its title"),
    PrimaryKeyConstraint("conversation_id", "payload"),
)

case = Table(
    "cases",
    metadata,
    Column("id", String(32), primary_key=True, comment="derived from the message that opened it: a repetition opens no second one"),
    Column("number", String(12), nullable=False, unique=True, comment="what the person is told"),
    Column("conversation_id", String(32), ForeignKey("conversation.id", ondelete="CASCADE"), nullable=False),
    Column("topic", String(32)),
    Column("level", Integer, nullable=False),
    Column("language", String(2), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("summary", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False),
    Column("opened_at", Float, nullable=False),
)
Index("ix_cases_conversation_id", case.c.conversation_id)

erasure = Table(
    "erasure",
    metadata,
    Column("conversation_hash", LargeBinary(32), primary_key=True, comment="a restore from a backup replays this list"),
    Column("at", Float, nullable=False),
)
