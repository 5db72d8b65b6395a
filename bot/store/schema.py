"""The tables. Migrations in bot/store/migrations bring a database here; a test compares the two.

Times are seconds since 1970 in UTC. What is LargeBinary is sealed by bot/store/crypto.py, or a keyed hash where its name says so.
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
    Column("alias_hash", LargeBinary(32), comment="a second name of the same person (WhatsApp: the number beside the user id)"),
    Column("inbound_at", Float, comment="the person's last message: WhatsApp lets us write freely for a day after it"),
    Column("unreachable", String(32), comment="why nothing can be sent (blocked, gone); null where it can"),
    Column("stopped_at", Float, comment="the person said STOP: nothing is sent that was not asked for"),
    UniqueConstraint("channel", "identity_hash"),
    UniqueConstraint("channel", "alias_hash"),
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
    Column("officer_id", String(32), comment="who wrote it, of an agent's message"),
    Column("external_hash", LargeBinary(32), unique=True, comment="the channel's own id of a message received, as a keyed hash"),
    # what follows is of the person's messages only
    Column("answered_at", Float),
    Column("interim_at", Float),
    Column("attempts", Integer, nullable=False, server_default=text("0"), comment="deaths and failures while it was in hand"),
    Column("unheard", Boolean, nullable=False, server_default=text("false"), comment="a voice message without its words yet: it waits"),
    Column("dead", Boolean, nullable=False, server_default=text("false"), comment="given up: its safety answer is final"),
    PrimaryKeyConstraint("conversation_id", "seq"),
    UniqueConstraint("conversation_id", "id"),
)
owed = (message.c.author == "user") & message.c.answered_at.is_(None)
"""The person waits for an answer."""
unanswered = owed & message.c.unheard.is_(False)
"""A worker can give it now: what was spoken has its words."""
Index("ix_message_unanswered", message.c.at, sqlite_where=owed, postgresql_where=owed)

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

delivery = Table(
    "delivery",
    metadata,
    Column("id", String(32), primary_key=True, comment="sent along where a channel returns it with each state"),
    Column("conversation_id", String(32), ForeignKey("conversation.id", ondelete="CASCADE"), nullable=False),
    Column("seq", Integer, nullable=False, comment="the message that is to be sent; 0: a call that stands for none (a template, typing)"),
    Column("kind", String(16), nullable=False, server_default=text("'message'"), comment="message or template"),
    Column("priority", Integer, nullable=False, comment="1 danger, 2 officer, 3 assistant, 4 notice"),
    Column("state", String(12), nullable=False, comment="pending, sending, sent, delivered, read, failed, unknown or held"),
    Column("parts_done", Integer, nullable=False, server_default=text("0"), comment="calls of this message that were accepted"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("unknowns", Integer, nullable=False, server_default=text("0"), comment="calls of this part whose outcome nobody could tell"),
    Column("started_at", Float),
    Column("not_before", Float, nullable=False),
    Column("external_hash", LargeBinary(32), comment="the channel's id of the last accepted call, as a keyed hash"),
    Column("error", String(32), comment="the channel's code, never its text"),
    Column("doubtful", Boolean, nullable=False, server_default=text("false"), comment="it was repeated and may have arrived twice"),
    Column("created_at", Float, nullable=False),
)
open_delivery = delivery.c.state.in_(("pending", "sending", "unknown"))
Index("ix_delivery_open", delivery.c.not_before, sqlite_where=open_delivery, postgresql_where=open_delivery)
Index("ix_delivery_conversation_id", delivery.c.conversation_id, delivery.c.seq)
Index("ix_delivery_external_hash", delivery.c.external_hash)

unread = Table(
    "unread",
    metadata,
    Column("external_hash", LargeBinary(32), primary_key=True),
    Column("channel", String(16), nullable=False),
    Column("body", LargeBinary, nullable=False, comment="what came and could not be understood, as it came"),
    Column("at", Float, nullable=False),
)

file = Table(
    "file",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("conversation_id", String(32), ForeignKey("conversation.id", ondelete="CASCADE"), nullable=False),
    Column("seq", Integer, comment="the message that carries it; null until it was sent"),
    Column("kind", String(64), nullable=False, comment="its media type"),
    Column("size", Integer, nullable=False),
    Column("body", LargeBinary, comment="sealed; null while it is only known to the channel"),
    Column("remote", LargeBinary, comment="sealed: where the channel keeps it (a media id), fetched when an officer opens it"),
    Column("created_at", Float, nullable=False),
)
Index("ix_file_conversation_id", file.c.conversation_id)

due = Table(
    "due",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(24), nullable=False, comment="which timer: bot/timers.py names them"),
    Column("conversation_id", String(32), ForeignKey("conversation.id", ondelete="CASCADE")),
    Column("case_id", String(32), ForeignKey("cases.id", ondelete="CASCADE")),
    Column("at", Float, nullable=False),
)
Index("ix_due_at", due.c.at)

lease = Table(
    "lease",
    metadata,
    Column("name", String(32), primary_key=True, comment="what there must be one of"),
    Column("holder", String(64), nullable=False),
    Column("fence", Integer, nullable=False, server_default=text("0")),
    Column("until", Float, nullable=False),
)

# --- cases and the officers who close them -------------------------------------------------------------------------------------

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
    Column("state", String(16), nullable=False, comment="waiting, assigned, with_person, for_person, resolved or closed"),
    Column("opened_at", Float, nullable=False),
    Column("version", Integer, nullable=False, server_default=text("0"), comment="raised by every change: a change of an old one fails"),
    Column("intake", LargeBinary, comment="the answers of the intake form"),
    Column("incomplete", Boolean, nullable=False, server_default=text("false"), comment="the form was not finished"),
    Column("consulate", String(32), comment="the post responsible by jurisdiction"),
    Column("interpreter", String(32), comment="the language that an interpreter is needed for"),
    Column("officer_id", String(32), ForeignKey("officer.id"), comment="who has it"),
    Column("offered_to", String(32), ForeignKey("officer.id"), comment="to whom it is being transferred"),
    Column("team", String(32)),
    Column("waiting_since", Float, comment="since when the person has waited for a word from us; null while they need not"),
    Column("claimed_at", Float),
    Column("replied_at", Float, comment="the first word of an officer"),
    Column("resolved_at", Float),
    Column("closed_at", Float),
    Column("outcome", String(24)),
    Column("rating", Integer, comment="1 helped, 0 did not"),
    Column("name_hash", LargeBinary(32), comment="blind index"),
    Column("phone_hash", LargeBinary(32), comment="blind index"),
    Column("resume_hash", LargeBinary(32), comment="the code by which the person finds the case again"),
    Column("resume_tries", Integer, nullable=False, server_default=text("0")),
    Column("callback", LargeBinary, comment="a number to call back, when, and whether a message may be left"),
    Column("escalated_at", Float),
)
Index("ix_cases_conversation_id", case.c.conversation_id)
Index("ix_cases_queue", case.c.state, case.c.level, case.c.waiting_since)
Index("ix_cases_name_hash", case.c.name_hash)
Index("ix_cases_phone_hash", case.c.phone_hash)

case_event = Table(
    "case_event",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_id", String(32), ForeignKey("cases.id", ondelete="CASCADE"), nullable=False),
    Column("at", Float, nullable=False),
    Column("officer_id", String(32), ForeignKey("officer.id"), comment="null: the service or the person"),
    Column("kind", String(24), nullable=False),
    Column("body", LargeBinary, comment="a note, or what was changed"),
)
Index("ix_case_event_case_id", case_event.c.case_id, case_event.c.id)

officer = Table(
    "officer",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("email_hash", LargeBinary(32), nullable=False, unique=True),
    Column("profile", LargeBinary, nullable=False, comment="e-mail and name"),
    Column("role", String(16), nullable=False, comment="officer, supervisor or administrator"),
    Column("consulates", String(400), comment="ids joined by commas; null: all"),
    Column("team", String(32)),
    Column("language", String(2), nullable=False, server_default=text("'es'")),
    Column("password", String(200), comment="Argon2; null until the invitation is taken up"),
    Column("totp", LargeBinary, comment="the second factor's secret"),
    Column("totp_step", Integer, nullable=False, server_default=text("0"), comment="the last code used: each counts once"),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("locked_until", Float),
    Column("disabled_at", Float),
    Column("invite_hash", LargeBinary(32), unique=True),
    Column("invite_until", Float),
    Column("settings", LargeBinary, comment="keys on or off, sound, notices"),
    Column("created_at", Float, nullable=False),
    Column("seen_at", Float),
)

console_session = Table(
    "console_session",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("officer_id", String(32), ForeignKey("officer.id", ondelete="CASCADE"), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("confirmed_at", Float, nullable=False, comment="the last password or second factor: some acts want a fresh one"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("officer_id", String(32), comment="no foreign key: an entry outlives everybody"),
    Column("action", String(32), nullable=False),
    Column("subject", String(64), comment="a pseudonym: a case's number, an officer's id, a content reference"),
    Column("detail", String(200), comment="never what a person wrote"),
)
Index("ix_audit_at", audit.c.at)

draft = Table(
    "draft",
    metadata,
    Column("case_id", String(32), ForeignKey("cases.id", ondelete="CASCADE"), nullable=False),
    Column("officer_id", String(32), ForeignKey("officer.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(8), nullable=False, comment="reply or note"),
    Column("body", LargeBinary, nullable=False),
    Column("at", Float, nullable=False),
    PrimaryKeyConstraint("case_id", "officer_id", "kind"),
)

shift = Table(
    "shift",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("officer_id", String(32), ForeignKey("officer.id", ondelete="CASCADE"), nullable=False),
    Column("weekday", Integer, nullable=False, comment="0 is Monday"),
    Column("starts", Integer, nullable=False, comment="minute of the day in `zone`"),
    Column("ends", Integer, nullable=False, comment="minute of the day; at or before `starts`: of the next day"),
    Column("zone", String(40), nullable=False, comment="an IANA name"),
)

withdrawal = Table(
    "withdrawal",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(12), nullable=False, comment="facet, hotline or consulate"),
    Column("ref", String(100), nullable=False, comment="topic/facet, a line's id, a post's id"),
    Column("correction", String(1200), comment="JSON of what stands in its place; null: withdrawn"),
    Column("reason", String(400), nullable=False),
    Column("officer_id", String(32), nullable=False),
    Column("at", Float, nullable=False),
    Column("confirmed_by", String(32)),
    Column("lifted_at", Float),
)

erasure = Table(
    "erasure",
    metadata,
    Column("conversation_hash", LargeBinary(32), primary_key=True, comment="a restore from a backup replays this list"),
    Column("at", Float, nullable=False),
)
