"""Administration: invitations, rights, lost factors, leaving; roster and audit log."""

from __future__ import annotations

import csv
import io
import re
import time

import pyotp
import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DatabaseError

from bot.cases import desk
from bot.console import accounts, audit
from bot.store.claims import NewCase
from bot.store.schema import audit as audit_table
from bot.store.schema import case, console_session, officer, shift
from tests.conftest import Chat
from tests.console.conftest import PASSWORD, Office


def _link(page: str) -> str:
    found = re.search(r'id="link" value="[^"]*/console/signup/([^"]+)"', page)
    assert found, page
    return found[1]


def _take_up(office: Office, token: str, name: str = "Beto", password: str = PASSWORD) -> str:
    browser = office.browser()
    browser.post(f"/console/signup/{token}", {"name": name, "password": password})
    secret = re.search(r'id="secret">([^<]+)<', browser.get("/console/signup/factor").text)
    assert secret
    plain = secret[1].replace(" ", "")
    assert browser.post("/console/signup/factor", {"code": pyotp.TOTP(plain).now()}).status_code == 200
    return plain


def test_an_invited_officer_gets_what_was_given(office: Office) -> None:
    ana = office.signed_in("Ana", "administrator")
    page = ana.post(
        "/console/officers/invite",
        {"email": "Beto@Example.org", "role": "supervisor", "team": "noche", "consulate": ["dallas", "houston"], "language": "en"},
    ).text

    secret = _take_up(office, _link(page))

    office.secrets["beto@example.org"] = secret
    with office.database.read() as c:
        row = accounts.row_by_email(c, office.keys, "beto@example.org")
        assert row is not None
        beto = accounts.opened(office.keys, row)
    assert (beto.name, beto.role, beto.team, beto.language) == ("Beto", "supervisor", "noche", "en")
    assert beto.consulates == beto.scope.consulates == frozenset({"dallas", "houston"})
    assert office.browser().sign_in("beto@example.org").status_code == 303


@pytest.mark.parametrize(
    "given",
    [
        {"email": "no address", "role": "officer"},
        {"email": "ana@example.org", "role": "officer"},
        {"email": "b@example.org", "role": "king"},
        {"email": "b@example.org", "role": "officer", "consulate": "atlantis"},
        {"email": "b@example.org", "role": "officer", "team": "x" * 33},
    ],
)
def test_an_invitation_that_does_not_fit_is_refused(office: Office, given: dict[str, str]) -> None:
    ana = office.signed_in("Ana", "administrator")

    assert ana.post("/console/officers/invite", given).status_code == 422


@pytest.mark.parametrize("role", ["officer", "supervisor"])
def test_only_administrators_administer(office: Office, role: accounts.Role) -> None:
    other, browser = office.account("Otro"), office.signed_in("Ana", role)

    assert browser.get("/console/officers").status_code == 403
    assert browser.get("/console/audit").status_code == 403
    assert browser.post("/console/officers/invite", {"email": "b@example.org", "role": "administrator"}).status_code == 403
    assert browser.post(f"/console/officers/{other}/disable").status_code == 403
    assert browser.get("/console/roster").status_code == (403 if role == "officer" else 200)
    assert browser.get("/console/content").status_code == (403 if role == "officer" else 200)


def test_changed_rights_hold_from_the_next_request_on(office: Office) -> None:
    ana, beto = office.signed_in("Ana", "administrator"), office.signed_in("Beto", "supervisor")
    with office.database.read() as c:
        row = accounts.row_by_email(c, office.keys, "beto@example.org")
    assert row is not None
    assert beto.get("/console/roster").status_code == 200

    assert ana.post(f"/console/officers/{row.id}/rights", {"role": "officer", "consulate": "dallas"}).status_code == 303

    assert beto.get("/console/roster").status_code == 403
    assert "dallas" in beto.get("/console/account").text


def test_the_last_administrator_stays(office: Office) -> None:
    ana = office.signed_in("Ana", "administrator")
    with office.database.read() as c:
        ana_id = c.scalar(select(officer.c.id))

    assert ana.post(f"/console/officers/{ana_id}/disable").status_code == 409
    assert ana.post(f"/console/officers/{ana_id}/rights", {"role": "officer", "all": "on"}).status_code == 409


def test_a_new_link_ends_the_old_password_and_keeps_the_second_factor(office: Office) -> None:
    ana, beto_id, beto = office.signed_in("Ana", "administrator"), office.account("Beto"), office.browser()
    beto.sign_in("beto@example.org")
    token = _link(ana.post(f"/console/officers/{beto_id}/link").text)
    assert beto.get("/console/account").status_code == 303
    assert office.browser().sign_in("beto@example.org").status_code == 401

    browser = office.browser()
    browser.post(f"/console/signup/{token}", {"name": "Beto", "password": "otra frase bien distinta"})
    assert 'id="secret"' not in browser.get("/console/signup/factor").text
    assert browser.post("/console/signup/factor", {"code": pyotp.TOTP(pyotp.random_base32()).now()}).status_code == 401
    assert browser.post("/console/signup/factor", {"code": office.code("beto@example.org")}).status_code == 303

    assert office.browser().sign_in("beto@example.org", "otra frase bien distinta").status_code == 303


def test_a_reset_of_the_factor_wants_a_fresh_proof_and_a_whole_new_one(office: Office) -> None:
    ana, beto_id = office.signed_in("Ana", "administrator"), office.account("Beto")
    with office.database.write() as c:
        c.execute(update(console_session).values(confirmed_at=0))
    assert ana.post(f"/console/officers/{beto_id}/link", {"factor": "new"}).status_code == 403
    ana.post("/console/confirm", {"code": office.code("ana@example.org")})

    token = _link(ana.post(f"/console/officers/{beto_id}/link", {"factor": "new"}).text)
    secret = _take_up(office, token)

    assert secret != office.secrets["beto@example.org"]
    assert office.browser().sign_in("beto@example.org").status_code == 401  # the old authenticator
    assert "factor_reset" in [act for _, act, _ in office.acts()]


def test_who_leaves_is_out_at_once_and_can_come_back(office: Office) -> None:
    ana, beto_id, beto = office.signed_in("Ana", "administrator"), office.account("Beto"), office.browser()
    beto.sign_in("beto@example.org")

    assert ana.post(f"/console/officers/{beto_id}/disable").status_code == 303
    assert beto.get("/console/account").status_code == 303
    assert office.browser().sign_in("beto@example.org").status_code == 401

    ana.post(f"/console/officers/{beto_id}/enable")
    assert office.browser().sign_in("beto@example.org").status_code == 303


def test_the_cases_of_who_leaves_go_back_into_the_queue(office: Office) -> None:
    ana, beto = office.signed_in("Ana", "administrator"), office.account("Beto")
    chat, case_id, now = Chat(office.database, office.keys), "c" * 32, time.time()
    with office.database.write() as c:
        desk.open_case(c, office.keys, chat.id, case_id, "ABCD-0001", NewCase("detention_report", 1, "x"), "es", "web", now)
        desk.claim(c, office.keys, case_id, beto, now)

    ana.post(f"/console/officers/{beto}/disable")

    with office.database.read() as c:
        assert c.execute(select(case.c.state, case.c.officer_id).where(case.c.id == case_id)).one() == ("waiting", None)


def test_names_are_text(office: Office) -> None:
    ana = office.signed_in("Ana", "administrator")
    ana.post("/console/account/settings", {"name": '<img src=x onerror="alert(1)">'})

    for path in ("/console/account", "/console/officers", "/console/audit", "/console/roster"):
        assert "<img src=x" not in ana.get(path).text
        assert "&lt;img src=x" in ana.get(path).text


# --- roster --------------------------------------------------------------------------------------------------------------------


def test_shifts_are_planned_and_taken_back(office: Office) -> None:
    ana, beto = office.signed_in("Ana", "supervisor"), office.account("Beto")
    form = {"who": beto, "starts": "22:00", "ends": "06:00", "zone": "America/Chicago", "day": ["0", "6"]}

    assert ana.post("/console/roster/add", form).status_code == 303
    assert ana.post("/console/roster/add", form).status_code == 303  # the same again is the same
    with office.database.read() as c:
        rows = c.execute(select(shift).order_by(shift.c.weekday)).all()
    assert [(r.officer_id, r.weekday, r.starts, r.ends, r.zone) for r in rows] == [
        (beto, 0, 1320, 360, "America/Chicago"),
        (beto, 6, 1320, 360, "America/Chicago"),
    ]

    ana.post("/console/roster/remove", {"shift_id": str(rows[0].id)})
    with office.database.read() as c:
        assert len(c.execute(select(shift)).all()) == 1


@pytest.mark.parametrize("wrong", [{"starts": "25:00"}, {"ends": ""}, {"zone": "Mars/Base"}, {"day": []}, {"day": ["7"]}])
def test_a_shift_that_does_not_fit_is_refused(office: Office, wrong: dict[str, object]) -> None:
    ana, beto = office.signed_in("Ana", "supervisor"), office.account("Beto")
    form = {"who": beto, "starts": "09:00", "ends": "17:00", "zone": "America/Chicago", "day": ["0"]}

    assert ana.post("/console/roster/add", form | wrong).status_code == 422


def test_a_supervisor_plans_their_own_consulates_only(office: Office) -> None:
    ana = office.signed_in("Ana", "supervisor", consulates=["dallas"])
    mine, theirs = office.account("Beto", consulates=["dallas"]), office.account("Caro", consulates=["dallas", "houston"])
    form = {"starts": "09:00", "ends": "17:00", "zone": "America/Chicago", "day": ["0"]}

    assert ana.post("/console/roster/add", form | {"who": mine}).status_code == 303
    assert ana.post("/console/roster/add", form | {"who": theirs}).status_code == 404


# --- audit log -----------------------------------------------------------------------------------------------------------------


def test_the_audit_log_cannot_be_changed(office: Office) -> None:
    with office.database.write() as c:
        audit.record(c, "a" * 32, "case_viewed", "ABCD-1234", None, time.time())
    for statement in (update(audit_table).values(action="x"), delete(audit_table), text("DELETE FROM audit")):
        with pytest.raises(DatabaseError, match="stands"), office.database.write() as c:
            c.execute(statement)

    assert office.acts() == [("a" * 32, "case_viewed", "ABCD-1234")]


def test_an_entry_is_one_line_and_fits(office: Office) -> None:
    with office.database.write() as c:
        audit.record(c, None, "search", "x\ny" + "z" * 100, "a\r\nb\u202e" + "c" * 300, time.time())
    with office.database.read() as c:
        entry = next(audit.entries(c))

    assert entry.subject == ("x y" + "z" * 100)[:64]
    assert entry.detail == ("a  b " + "c" * 300)[:200]


def test_the_log_is_read_filtered_and_exported(office: Office) -> None:
    ana = office.signed_in("Ana", "administrator")
    with office.database.write() as c:
        for number in range(150):
            audit.record(c, "b" * 32, "case_viewed", f"CASE-{number}", "=1+1", time.time())
    page = ana.get("/console/audit?action=case_viewed").text
    assert page.count("<td>CASE-") == 100
    older = re.search(r'href="(/console/audit\?before=[^"]+)"', page)
    assert older
    assert ana.get(older[1].replace("&amp;", "&")).text.count("<td>CASE-") == 50
    assert ana.get("/console/audit?subject=CASE-7").text.count("<td>CASE-") == 1

    rows = list(csv.reader(io.StringIO(ana.get("/console/audit/csv?subject=CASE-7").text)))

    assert rows[1][2:] == ["b" * 32, "case_viewed", "CASE-7", "'=1+1"]
    assert "audit_exported" in [act for _, act, _ in office.acts()]


def test_every_act_leaves_its_entry(office: Office) -> None:
    ana = office.signed_in("Ana", "administrator")
    page = ana.post("/console/officers/invite", {"email": "b@example.org", "role": "officer"}).text
    _take_up(office, _link(page))
    office.browser().post("/console/signin", {"email": "ana@example.org", "password": "wrong wrong wrong"})
    ana.post("/console/signout")

    acts = [act for _, act, _ in office.acts()]
    assert acts == ["signin", "officer_invited", "account_taken_up", "signin", "signin_refused", "signout"]


def test_nothing_of_an_officer_stands_in_the_database_in_plain(office: Office) -> None:
    office.account("Anacleta", "administrator")
    with office.database.write() as c:
        c.execute(insert(shift).values(officer_id=c.scalar(select(officer.c.id)), weekday=0, starts=0, ends=1, zone="UTC"))
    folder = office.web.service.settings.data_dir / "db"

    for file in folder.iterdir():
        held = file.read_bytes()
        assert b"Anacleta" not in held
        assert b"anacleta@" not in held
        assert office.secrets["anacleta@example.org"].encode() not in held
