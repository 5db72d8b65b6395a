"""first schema"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

AUDIT_STANDS = {
    "sqlite": [
        "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log stands'); END",
        "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log stands'); END",
    ],
    "postgresql": [
        "CREATE FUNCTION audit_stands() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'the audit log stands'; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER audit_stands BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_stands()",
    ],
}


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("officer_id", sa.String(length=32), nullable=True, comment="no foreign key: an entry outlives everybody"),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column(
            "subject", sa.String(length=64), nullable=True, comment="a pseudonym: a case's number, an officer's id, a content reference"
        ),
        sa.Column("detail", sa.String(length=200), nullable=True, comment="never what a person wrote"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_at", "audit", ["at"], unique=False)
    op.create_table(
        "conversation",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=True, comment="web: the session's token, as a keyed hash"),
        sa.Column("identity_hash", sa.LargeBinary(length=32), nullable=True, comment="other channels: who writes, as a keyed hash"),
        sa.Column("identity", sa.LargeBinary(), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column(
            "language_pinned", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="switched to by the person's own word"
        ),
        sa.Column(
            "language_run",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="real messages in a row in the other language; -1: nobody has said one yet",
        ),
        sa.Column("last_seq", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="the cursor of the newest message"),
        sa.Column(
            "holder", sa.String(length=8), server_default=sa.text("'bot'"), nullable=False, comment="bot, or human while an officer has it"
        ),
        sa.Column("fence", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="a commit under an older number fails whole"),
        sa.Column("lease_by", sa.String(length=64), nullable=True),
        sa.Column("lease_until", sa.Float(), nullable=True),
        sa.Column("in_hand", sa.Integer(), nullable=True, comment="seq of the message that the lease's holder is answering"),
        sa.Column(
            "outage", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="its one interim of this outage was given"
        ),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column(
            "alias_hash",
            sa.LargeBinary(length=32),
            nullable=True,
            comment="a second name of the same person (WhatsApp: the number beside the user id)",
        ),
        sa.Column(
            "inbound_at", sa.Float(), nullable=True, comment="the person's last message: WhatsApp lets us write freely for a day after it"
        ),
        sa.Column("unreachable", sa.String(length=32), nullable=True, comment="why nothing can be sent (blocked, gone); null where it can"),
        sa.Column("stopped_at", sa.Float(), nullable=True, comment="the person said STOP: nothing is sent that was not asked for"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation")),
        sa.UniqueConstraint("channel", "alias_hash", name=op.f("uq_conversation_channel_alias_hash")),
        sa.UniqueConstraint("channel", "identity_hash", name=op.f("uq_conversation_channel_identity_hash")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_conversation_token_hash")),
    )
    op.create_table(
        "erasure",
        sa.Column("conversation_hash", sa.LargeBinary(length=32), nullable=False, comment="a restore from a backup replays this list"),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("conversation_hash", name=op.f("pk_erasure")),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=32), nullable=False, comment="what there must be one of"),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("fence", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "officer",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("email_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("profile", sa.LargeBinary(), nullable=False, comment="e-mail and name"),
        sa.Column("role", sa.String(length=16), nullable=False, comment="officer, supervisor or administrator"),
        sa.Column("consulates", sa.String(length=400), nullable=True, comment="ids joined by commas; null: all"),
        sa.Column("team", sa.String(length=32), nullable=True),
        sa.Column("language", sa.String(length=2), server_default=sa.text("'es'"), nullable=False),
        sa.Column("password", sa.String(length=200), nullable=True, comment="Argon2; null until the invitation is taken up"),
        sa.Column("totp", sa.LargeBinary(), nullable=True, comment="the second factor's secret"),
        sa.Column("totp_step", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="the last code used: each counts once"),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("locked_until", sa.Float(), nullable=True),
        sa.Column("disabled_at", sa.Float(), nullable=True),
        sa.Column("invite_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("invite_until", sa.Float(), nullable=True),
        sa.Column("settings", sa.LargeBinary(), nullable=True, comment="keys on or off, sound, notices"),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_officer")),
        sa.UniqueConstraint("email_hash", name=op.f("uq_officer_email_hash")),
        sa.UniqueConstraint("invite_hash", name=op.f("uq_officer_invite_hash")),
    )
    op.create_table(
        "unread",
        sa.Column("external_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="what came and could not be understood, as it came"),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("external_hash", name=op.f("pk_unread")),
    )
    op.create_table(
        "withdrawal",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False, comment="facet, hotline or consulate"),
        sa.Column("ref", sa.String(length=100), nullable=False, comment="topic/facet, a line's id, a post's id"),
        sa.Column("correction", sa.String(length=1200), nullable=True, comment="JSON of what stands in its place; null: withdrawn"),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("officer_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("confirmed_by", sa.String(length=32), nullable=True),
        sa.Column("lifted_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawal")),
    )
    op.create_table(
        "cases",
        sa.Column(
            "id", sa.String(length=32), nullable=False, comment="derived from the message that opened it: a repetition opens no second one"
        ),
        sa.Column("number", sa.String(length=12), nullable=False, comment="what the person is told"),
        sa.Column("conversation_id", sa.String(length=32), nullable=False),
        sa.Column("topic", sa.String(length=32), nullable=True),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("summary", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False, comment="waiting, assigned, with_person, for_person, resolved or closed"),
        sa.Column("opened_at", sa.Float(), nullable=False),
        sa.Column(
            "version",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="raised by every change: a change of an old one fails",
        ),
        sa.Column("intake", sa.LargeBinary(), nullable=True, comment="the answers of the intake form"),
        sa.Column("incomplete", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="the form was not finished"),
        sa.Column("consulate", sa.String(length=32), nullable=True, comment="the post responsible by jurisdiction"),
        sa.Column("interpreter", sa.String(length=32), nullable=True, comment="the language that an interpreter is needed for"),
        sa.Column("officer_id", sa.String(length=32), nullable=True, comment="who has it"),
        sa.Column("offered_to", sa.String(length=32), nullable=True, comment="to whom it is being transferred"),
        sa.Column("team", sa.String(length=32), nullable=True),
        sa.Column(
            "waiting_since",
            sa.Float(),
            nullable=True,
            comment="since when the person has waited for a word from us; null while they need not",
        ),
        sa.Column("claimed_at", sa.Float(), nullable=True),
        sa.Column("replied_at", sa.Float(), nullable=True, comment="the first word of an officer"),
        sa.Column("resolved_at", sa.Float(), nullable=True),
        sa.Column("closed_at", sa.Float(), nullable=True),
        sa.Column("outcome", sa.String(length=24), nullable=True),
        sa.Column("rating", sa.Integer(), nullable=True, comment="1 helped, 0 did not"),
        sa.Column("name_hash", sa.LargeBinary(length=32), nullable=True, comment="blind index"),
        sa.Column("phone_hash", sa.LargeBinary(length=32), nullable=True, comment="blind index"),
        sa.Column("resume_hash", sa.LargeBinary(length=32), nullable=True, comment="the code by which the person finds the case again"),
        sa.Column("resume_tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("callback", sa.LargeBinary(), nullable=True, comment="a number to call back, when, and whether a message may be left"),
        sa.Column("escalated_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_cases_conversation_id_conversation"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["offered_to"], ["officer.id"], name=op.f("fk_cases_offered_to_officer")),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name=op.f("fk_cases_officer_id_officer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("number", name=op.f("uq_cases_number")),
    )
    op.create_index("ix_cases_conversation_id", "cases", ["conversation_id"], unique=False)
    op.create_index("ix_cases_name_hash", "cases", ["name_hash"], unique=False)
    op.create_index("ix_cases_phone_hash", "cases", ["phone_hash"], unique=False)
    op.create_index("ix_cases_queue", "cases", ["state", "level", "waiting_since"], unique=False)
    op.create_table(
        "console_session",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("officer_id", sa.String(length=32), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.Column("confirmed_at", sa.Float(), nullable=False, comment="the last password or second factor: some acts want a fresh one"),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name=op.f("fk_console_session_officer_id_officer"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_console_session")),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.String(length=32), nullable=False, comment="sent along where a channel returns it with each state"),
        sa.Column("conversation_id", sa.String(length=32), nullable=False),
        sa.Column(
            "seq",
            sa.Integer(),
            nullable=False,
            comment="the message that is to be sent; 0: a call that stands for none (a template, typing)",
        ),
        sa.Column("kind", sa.String(length=16), server_default=sa.text("'message'"), nullable=False, comment="message or template"),
        sa.Column("priority", sa.Integer(), nullable=False, comment="1 danger, 2 officer, 3 assistant, 4 notice"),
        sa.Column(
            "state", sa.String(length=12), nullable=False, comment="pending, sending, sent, delivered, read, failed, unknown or held"
        ),
        sa.Column(
            "parts_done", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="calls of this message that were accepted"
        ),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "unknowns",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="calls of this part whose outcome nobody could tell",
        ),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("not_before", sa.Float(), nullable=False),
        sa.Column(
            "external_hash", sa.LargeBinary(length=32), nullable=True, comment="the channel's id of the last accepted call, as a keyed hash"
        ),
        sa.Column("error", sa.String(length=32), nullable=True, comment="the channel's code, never its text"),
        sa.Column(
            "doubtful", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="it was repeated and may have arrived twice"
        ),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_delivery_conversation_id_conversation"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
    )
    op.create_index("ix_delivery_conversation_id", "delivery", ["conversation_id", "seq"], unique=False)
    op.create_index("ix_delivery_external_hash", "delivery", ["external_hash"], unique=False)
    op.create_index(
        "ix_delivery_open",
        "delivery",
        ["not_before"],
        unique=False,
        sqlite_where=sa.text("state IN ('pending', 'sending', 'unknown')"),
        postgresql_where=sa.text("state IN ('pending', 'sending', 'unknown')"),
    )
    op.create_table(
        "file",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("conversation_id", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=True, comment="the message that carries it; null until it was sent"),
        sa.Column("kind", sa.String(length=64), nullable=False, comment="its media type"),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True, comment="sealed; null while it is only known to the channel"),
        sa.Column(
            "remote",
            sa.LargeBinary(),
            nullable=True,
            comment="sealed: where the channel keeps it (a media id), fetched when an officer opens it",
        ),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_file_conversation_id_conversation"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file")),
    )
    op.create_index("ix_file_conversation_id", "file", ["conversation_id"], unique=False)
    op.create_table(
        "message",
        sa.Column("conversation_id", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False, comment="its place in the conversation, taken in the inserting transaction"),
        sa.Column("id", sa.String(length=64), nullable=False, comment="the client's id, or ours"),
        sa.Column("author", sa.String(length=8), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("in_reply_to", sa.String(length=64), nullable=True),
        sa.Column("interim", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("topic", sa.String(length=32), nullable=True),
        sa.Column("facet", sa.String(length=64), nullable=True),
        sa.Column("level", sa.Integer(), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("officer_id", sa.String(length=32), nullable=True, comment="who wrote it, of an agent's message"),
        sa.Column(
            "external_hash", sa.LargeBinary(length=32), nullable=True, comment="the channel's own id of a message received, as a keyed hash"
        ),
        sa.Column("answered_at", sa.Float(), nullable=True),
        sa.Column("interim_at", sa.Float(), nullable=True),
        sa.Column(
            "attempts", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="deaths and failures while it was in hand"
        ),
        sa.Column(
            "unheard",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="a voice message without its words yet: it waits",
        ),
        sa.Column("dead", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="given up: its safety answer is final"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_message_conversation_id_conversation"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("conversation_id", "seq", name=op.f("pk_message")),
        sa.UniqueConstraint("conversation_id", "id", name=op.f("uq_message_conversation_id_id")),
        sa.UniqueConstraint("external_hash", name=op.f("uq_message_external_hash")),
    )
    op.create_index(
        "ix_message_unanswered",
        "message",
        ["at"],
        unique=False,
        sqlite_where=sa.text("author = 'user' AND answered_at IS NULL"),
        postgresql_where=sa.text("author = 'user' AND answered_at IS NULL"),
    )
    op.create_table(
        "offer",
        sa.Column("conversation_id", sa.String(length=32), nullable=False),
        sa.Column("payload", sa.String(length=32), nullable=False, comment="what a button sends; opaque"),
        sa.Column("action", sa.LargeBinary(), nullable=False, comment="what it means, and its title"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_offer_conversation_id_conversation"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("conversation_id", "payload", name=op.f("pk_offer")),
    )
    op.create_table(
        "shift",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("officer_id", sa.String(length=32), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False, comment="0 is Monday"),
        sa.Column("starts", sa.Integer(), nullable=False, comment="minute of the day in `zone`"),
        sa.Column("ends", sa.Integer(), nullable=False, comment="minute of the day; at or before `starts`: of the next day"),
        sa.Column("zone", sa.String(length=40), nullable=False, comment="an IANA name"),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name=op.f("fk_shift_officer_id_officer"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift")),
    )
    op.create_table(
        "tracker",
        sa.Column("conversation_id", sa.String(length=32), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_tracker_conversation_id_conversation"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("conversation_id", name=op.f("pk_tracker")),
    )
    op.create_table(
        "case_event",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("officer_id", sa.String(length=32), nullable=True, comment="null: the service or the person"),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True, comment="a note, or what was changed"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_event_case_id_cases"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name=op.f("fk_case_event_officer_id_officer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_event")),
    )
    op.create_index("ix_case_event_case_id", "case_event", ["case_id", "id"], unique=False)
    op.create_table(
        "draft",
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("officer_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False, comment="reply or note"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_draft_case_id_cases"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["officer_id"], ["officer.id"], name=op.f("fk_draft_officer_id_officer"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("case_id", "officer_id", "kind", name=op.f("pk_draft")),
    )
    op.create_table(
        "due",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False, comment="which timer: bot/timers.py names them"),
        sa.Column("conversation_id", sa.String(length=32), nullable=True),
        sa.Column("case_id", sa.String(length=32), nullable=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_due_case_id_cases"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_due_conversation_id_conversation"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_due")),
    )
    op.create_index("ix_due_at", "due", ["at"], unique=False)
    for statement in AUDIT_STANDS[op.get_bind().dialect.name]:
        op.execute(statement)
