"""Officers' accounts: invitations, sign-up, failures and locks, second factors. Each function works in the caller's transaction."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, insert, select, update

from bot.cases.queue import Scope
from bot.console import audit
from bot.console.passwords import recovery_form
from bot.knowledge.schema import Language
from bot.store.crypto import Keys
from bot.store.schema import case, console_session, officer

Role = Literal["officer", "supervisor", "administrator"]
ROLES: tuple[Role, ...] = ("officer", "supervisor", "administrator")
"""Each may do what those before it may."""

INVITATION = 86_400.0 * 3
FIRST_LINK = 86_400.0
"""Seconds that an invitation, and the first administrator's link, can be used."""
WAITS = {5: 5.0, 6: 15.0, 7: 45.0, 8: 120.0, 9: 300.0}
"""Failures in a row -> seconds without a further try."""
LOCK = 900.0
"""Seconds without a try after ten failures, and after each one more."""
EMAIL = re.compile(r"[^@\s<>,;\"]{1,64}@[^@\s<>,;\"]{1,120}\.[^@\s<>,;\"]{2,24}")
_FIRST = "the first administrator"


class AccountError(Exception):
    """A step that is refused; `key` names the sentence that says why."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True)
class Officer:
    """An account, opened.

    Attributes:
        consulates: ids; None: all.
        settings: keys on or off, sound, zone; what each browser page of the officer goes by.
        invited: the invitation was not taken up yet.
        factor: a second factor is set up.
    """

    id: str
    name: str
    email: str
    role: Role
    consulates: frozenset[str] | None
    team: str | None
    language: Language
    settings: dict[str, Any] = field(default_factory=dict)
    invited: bool = False
    invite_until: float | None = None
    disabled: bool = False
    factor: bool = False
    has_password: bool = False
    seen_at: float | None = None

    @property
    def scope(self) -> Scope:
        """The cases that this officer may see."""
        return Scope(self.id, self.role, self.consulates)

    def may(self, role: Role) -> bool:
        """Whether the role is this one or includes it."""
        return ROLES.index(self.role) >= ROLES.index(role)


def _email(text: str) -> str:
    return text.strip().lower()


def _email_hash(keys: Keys, email: str) -> bytes:
    return keys.hash(_email(email), "email")


def opened(keys: Keys, row: Row[Any]) -> Officer:
    """The account of a row of `officer`."""
    profile = keys.open(row.profile, f"officer:{row.id}")
    settings = settings_of(keys, row)
    settings.pop("recovery", None)
    return Officer(
        row.id,
        profile.get("name") or profile.get("email") or "?",
        profile.get("email") or "",
        row.role,
        None if row.consulates is None else frozenset(filter(None, row.consulates.split(","))),
        row.team,
        "en" if row.language == "en" else "es",
        settings,
        row.invite_hash is not None,
        row.invite_until if row.invite_hash is not None else None,
        row.disabled_at is not None,
        row.totp is not None,
        row.password is not None,
        row.seen_at,
    )


def settings_of(keys: Keys, row: Row[Any]) -> dict[str, Any]:
    """The sealed settings, recovery codes included."""
    return dict(keys.open(row.settings, f"officer_settings:{row.id}")) if row.settings else {}


def _sealed_settings(keys: Keys, officer_id: str, settings: dict[str, Any]) -> bytes:
    return keys.seal(settings, f"officer_settings:{officer_id}")


def row_of(c: Connection, officer_id: str) -> Row[Any] | None:
    return c.execute(select(officer).where(officer.c.id == officer_id)).first()


def row_by_email(c: Connection, keys: Keys, email: str) -> Row[Any] | None:
    return c.execute(select(officer).where(officer.c.email_hash == _email_hash(keys, email))).first()


def everyone(c: Connection, keys: Keys) -> list[Officer]:
    """All accounts but the first administrator's pending one, by name."""
    rows = c.execute(select(officer).where(officer.c.email_hash != _email_hash(keys, _FIRST)))
    return sorted((opened(keys, row) for row in rows), key=lambda o: o.name.casefold())


# --- invitations ---------------------------------------------------------------------------------------------------------------


def first_link(c: Connection, keys: Keys, now: float) -> str | None:
    """A token for the first administrator, while nobody has an account; an earlier one ends."""
    first = _email_hash(keys, _FIRST)
    if c.scalar(select(func.count()).select_from(officer).where(officer.c.email_hash != first)):
        return None
    token = secrets.token_urlsafe(32)
    values = {"invite_hash": keys.hash(token, "invite"), "invite_until": now + FIRST_LINK}
    if not c.execute(update(officer).where(officer.c.email_hash == first).values(**values)).rowcount:
        officer_id = secrets.token_hex(16)
        profile = keys.seal({"name": "", "email": ""}, f"officer:{officer_id}")
        c.execute(insert(officer).values(id=officer_id, email_hash=first, profile=profile, role="administrator", created_at=now, **values))
    return token


def is_first(row: Row[Any], keys: Keys) -> bool:
    """Whether it is the first administrator's account, whose e-mail address is not known yet."""
    return bool(row.email_hash == _email_hash(keys, _FIRST))


def invite(
    c: Connection, keys: Keys, email: str, role: Role, consulates: Iterable[str] | None, team: str | None, language: Language, now: float
) -> tuple[str, str]:
    """A new account that waits to be taken up: its id and the token of its link.

    Raises:
        AccountError: not an e-mail address, or it has an account.
    """
    if not EMAIL.fullmatch(_email(email)):
        raise AccountError("email_wrong")
    if row_by_email(c, keys, email) is not None:
        raise AccountError("email_known")
    officer_id, token = secrets.token_hex(16), secrets.token_urlsafe(32)
    c.execute(
        insert(officer).values(
            id=officer_id,
            email_hash=_email_hash(keys, email),
            profile=keys.seal({"name": "", "email": _email(email)}, f"officer:{officer_id}"),
            role=role,
            consulates=_joined(consulates),
            team=team or None,
            language=language,
            invite_hash=keys.hash(token, "invite"),
            invite_until=now + INVITATION,
            created_at=now,
        )
    )
    return officer_id, token


def _joined(consulates: Iterable[str] | None) -> str | None:
    """As the column holds it.

    Raises:
        AccountError: more than it holds; all of them are named by None.
    """
    joined = None if consulates is None else ",".join(sorted(consulates))
    if joined is not None and len(joined) > 400:
        raise AccountError("too_many_consulates")
    return joined


def reinvite(c: Connection, keys: Keys, officer_id: str, now: float, new_factor: bool = False) -> str:
    """A new link by which the officer sets a new password. The second factor stays and is asked for, unless it is to be new as well.

    The old password and all sessions end at once.
    """
    token = secrets.token_urlsafe(32)
    values: dict[str, Any] = {"invite_hash": keys.hash(token, "invite"), "invite_until": now + INVITATION, "password": None}
    if new_factor:
        row = row_of(c, officer_id)
        settings = settings_of(keys, row) if row else {}
        settings.pop("recovery", None)
        values |= {"totp": None, "totp_step": 0, "settings": _sealed_settings(keys, officer_id, settings)}
    if not c.execute(update(officer).where(officer.c.id == officer_id).values(failures=0, locked_until=None, **values)).rowcount:
        raise AccountError("gone")
    c.execute(console_session.delete().where(console_session.c.officer_id == officer_id))
    return token


def invited(c: Connection, keys: Keys, token: str, now: float) -> Row[Any] | None:
    """The account that a link belongs to; None where it is used, too old or the account disabled."""
    wanted = (officer.c.invite_hash == keys.hash(token, "invite"), officer.c.invite_until > now, officer.c.disabled_at.is_(None))
    return c.execute(select(officer).where(*wanted)).first()


@dataclass(frozen=True)
class NewAccount:
    """What an invited person chose.

    Attributes:
        secret: of the new second factor; None where the one they have stays.
        step: the step of the code that confirmed it.
        recovery: their recovery codes in plain; None where theirs stay.
    """

    name: str
    email: str
    password: str | None
    secret: str | None
    step: int
    recovery: list[str] | None


def take_up(c: Connection, keys: Keys, token: str, chosen: NewAccount, now: float) -> str:
    """Make the invitation an account; its id.

    Raises:
        AccountError: the link was used meanwhile, or somebody has this e-mail address.
    """
    row = invited(c, keys, token, now)
    if row is None:
        raise AccountError("link_dead")
    known = row_by_email(c, keys, chosen.email)
    if known is not None and known.id != row.id:
        raise AccountError("email_known")
    complete(c, keys, row, chosen)
    return str(row.id)


def complete(c: Connection, keys: Keys, row: Row[Any], chosen: NewAccount) -> None:
    """Store what the person chose; the invitation is used up.

    Raises:
        AccountError: the code that confirmed it was used before.
    """
    settings = settings_of(keys, row)
    if chosen.recovery is not None:
        settings["recovery"] = [_recovery_hash(keys, row.id, code) for code in chosen.recovery]
    values: dict[str, Any] = {
        "email_hash": _email_hash(keys, chosen.email),
        "profile": keys.seal({"name": chosen.name.strip(), "email": _email(chosen.email)}, f"officer:{row.id}"),
        "settings": _sealed_settings(keys, row.id, settings),
        "password": chosen.password,
        "totp_step": chosen.step,
        "invite_hash": None,
        "invite_until": None,
        "failures": 0,
        "locked_until": None,
    }
    if chosen.secret is not None:
        values["totp"] = keys.seal(chosen.secret, f"officer_totp:{row.id}")
    unused = officer.c.totp_step < chosen.step if chosen.secret is None and row.totp is not None else officer.c.id.is_not(None)
    if not c.execute(update(officer).where(officer.c.id == row.id, unused).values(**values)).rowcount:
        raise AccountError("signin_refused")


# --- failures and locks --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Charge:
    """One try, counted as a failure before it is looked at: so many at once cannot slip under the lock."""

    officer_id: str
    before: int
    locked_until: float | None


def charge(c: Connection, officer_id: str, now: float) -> Charge | None:
    """Count a try; None where the account waits, and the try is not to be looked at."""
    row = c.execute(select(officer.c.failures, officer.c.locked_until).where(officer.c.id == officer_id)).first()
    if row is None or (row.locked_until or 0) > now:
        return None
    failures = row.failures + 1
    wait = LOCK if failures >= 10 else WAITS.get(failures)
    c.execute(update(officer).where(officer.c.id == officer_id).values(failures=failures, locked_until=now + wait if wait else None))
    return Charge(officer_id, row.failures, row.locked_until)


def take_back(c: Connection, charged: Charge) -> None:
    """The try was right so far: it counts no more. Earlier failures stay until the whole sign-in is done."""
    where = (officer.c.id == charged.officer_id, officer.c.failures == charged.before + 1)
    c.execute(update(officer).where(*where).values(failures=charged.before, locked_until=charged.locked_until))


def forgive(c: Connection, officer_id: str) -> None:
    """Signed in whole: all failures are forgotten."""
    c.execute(update(officer).where(officer.c.id == officer_id).values(failures=0, locked_until=None))


# --- second factor -------------------------------------------------------------------------------------------------------------


def secret_of(keys: Keys, row: Row[Any]) -> str | None:
    return str(keys.open(row.totp, f"officer_totp:{row.id}")) if row.totp else None


def use_step(c: Connection, officer_id: str, step: int) -> bool:
    """Each code counts once: False where this one, or a later one, was used."""
    where = (officer.c.id == officer_id, officer.c.totp_step < step)
    return c.execute(update(officer).where(*where).values(totp_step=step)).rowcount == 1


def _recovery_hash(keys: Keys, officer_id: str, code: str) -> str:
    return keys.hash(recovery_form(code), f"recovery:{officer_id}").hex()


def use_recovery(c: Connection, keys: Keys, officer_id: str, code: str) -> bool:
    """Each recovery code counts once."""
    row = row_of(c, officer_id)
    settings = settings_of(keys, row) if row else {}
    left, used = settings.get("recovery", []), _recovery_hash(keys, officer_id, code)
    if used not in left:
        return False
    settings["recovery"] = [code for code in left if code != used]
    c.execute(update(officer).where(officer.c.id == officer_id).values(settings=_sealed_settings(keys, officer_id, settings)))
    return True


def recovery_left(keys: Keys, row: Row[Any]) -> int:
    return len(settings_of(keys, row).get("recovery", []))


def new_recovery(c: Connection, keys: Keys, officer_id: str, codes: list[str]) -> None:
    """The old recovery codes end."""
    change_settings(c, keys, officer_id, {"recovery": [_recovery_hash(keys, officer_id, code) for code in codes]})


# --- changes -------------------------------------------------------------------------------------------------------------------


def change_settings(c: Connection, keys: Keys, officer_id: str, changed: dict[str, Any]) -> None:
    """Change some of the settings."""
    row = row_of(c, officer_id)
    if row is not None:
        settings = settings_of(keys, row) | changed
        c.execute(update(officer).where(officer.c.id == officer_id).values(settings=_sealed_settings(keys, officer_id, settings)))


def change(c: Connection, keys: Keys, officer_id: str, **values: Any) -> None:
    """Change columns of an account: role, consulates (ids or None), team, language, password."""
    if "consulates" in values:
        values["consulates"] = _joined(values["consulates"])
    c.execute(update(officer).where(officer.c.id == officer_id).values(**values))


def rename(c: Connection, keys: Keys, officer_id: str, name: str) -> None:
    row = row_of(c, officer_id)
    if row is not None:
        profile = keys.open(row.profile, f"officer:{officer_id}") | {"name": name.strip()}
        c.execute(update(officer).where(officer.c.id == officer_id).values(profile=keys.seal(profile, f"officer:{officer_id}")))


def administrators(c: Connection) -> int:
    """Accounts that can administer now: the last one can neither be disabled nor made less."""
    able = (officer.c.role == "administrator", officer.c.disabled_at.is_(None), officer.c.invite_hash.is_(None))
    return c.scalar(select(func.count()).select_from(officer).where(*able)) or 0


def disable(c: Connection, officer_id: str, now: float) -> list[str]:
    """The account can do nothing from now on, and its sessions end; ids of the open cases that it holds, for the caller to return.

    Raises:
        AccountError: it is the last administrator's.
    """
    keep_an_administrator(c, officer_id)
    c.execute(update(officer).where(officer.c.id == officer_id).values(disabled_at=now, invite_hash=None, invite_until=None))
    c.execute(console_session.delete().where(console_session.c.officer_id == officer_id))
    held = select(case.c.id).where(case.c.officer_id == officer_id, case.c.state.in_(("assigned", "with_person", "for_person")))
    return list(c.scalars(held))


def enable(c: Connection, officer_id: str) -> None:
    c.execute(update(officer).where(officer.c.id == officer_id).values(disabled_at=None, failures=0, locked_until=None))


def keep_an_administrator(c: Connection, officer_id: str) -> None:
    """Before an administrator is disabled or made less.

    Raises:
        AccountError: nobody could administer afterwards.
    """
    row = row_of(c, officer_id)
    if row is not None and row.role == "administrator" and row.disabled_at is None and row.invite_hash is None and administrators(c) <= 1:
        raise AccountError("last_administrator")


def refused(c: Connection, officer_id: str | None, why: str, now: float) -> None:
    """Note a sign-in that failed: of an unknown address nothing is kept."""
    audit.record(c, officer_id, "signin_refused", officer_id, why, now)
