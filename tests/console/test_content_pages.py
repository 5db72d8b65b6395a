"""Withdrawing by the console's pages, and that web says it at once."""

from __future__ import annotations

import uuid

import pytest

from tests.console.conftest import Office

PART = {"kind": "facet", "ref": "appointment/book", "reason": "The site has moved"}


def _says(office: Office) -> str:
    answer = office.web.service.live.current.knowledge.answer("appointment/book")
    assert answer is not None
    return answer.messages[0].es


def test_a_supervisor_withdraws_and_a_second_person_confirms(office: Office) -> None:
    ana, zoe = office.signed_in("Ana", "supervisor"), office.signed_in("Zoe", "administrator")
    old = _says(office)
    found = ana.get("/console/content?q=sacar cita")
    assert "ref=appointment/book" in found.text
    assert old.splitlines()[0].split("{")[0] in ana.get("/console/content/part?kind=facet&ref=appointment/book").text.replace("&#34;", '"')

    answer = ana.post("/console/content/withdraw", PART | {"new_es": "Llame a {ciam}.", "new_en": "Call {ciam}."})
    assert answer.headers["location"] == "/console/content?done=withdrawn"
    assert _says(office) == office.web.service.live.base.knowledge.phrases["withdrawn"].es

    number = 1
    assert ana.post(f"/console/content/{number}/confirm").status_code == 409
    assert zoe.post(f"/console/content/{number}/confirm").status_code == 303
    assert _says(office) == "Llame a {ciam}."
    patch = ana.get("/console/content/patch")
    assert "+          Llame a {ciam}." in patch.text
    assert "attachment" in patch.headers["content-disposition"]

    assert ana.post(f"/console/content/{number}/lift").status_code == 303
    assert _says(office) == old
    acts = [act for _, act, subject in office.acts() if subject == "facet:appointment/book"]
    assert acts == ["content_withdrawn", "content_confirmed", "content_lifted"]


@pytest.mark.parametrize(
    "changed",
    [{"reason": " "}, {"new_es": "Solo español"}, {"new_es": "x" * 90, "new_en": "y"}, {"kind": "hotline", "ref": "ciam"}],
)
def test_what_does_not_fit_is_refused_and_nothing_typed_is_lost(office: Office, changed: dict[str, str]) -> None:
    ana, old = office.signed_in("Ana", "supervisor"), _says(office)

    answer = ana.post("/console/content/withdraw", PART | {"reason": "A reason of mine"} | changed)

    assert answer.status_code == 422
    assert changed.get("new_es", "A reason of mine" if changed.get("reason") is None else "") in answer.text
    assert _says(office) == old


def test_a_supervisor_withdraws_their_own_offices_only(office: Office) -> None:
    ana = office.signed_in("Ana", "supervisor", consulates=["dallas"])
    form = {"kind": "consulate", "reason": "It has moved"}

    assert ana.post("/console/content/withdraw", form | {"ref": "houston/phone"}).status_code == 403
    assert ana.post("/console/content/withdraw", form | {"ref": "dallas/phone"}).status_code == 303
    assert office.web.service.live.current.consulates["dallas"].known("phone") is None


def test_unknown_parts_are_not_found(office: Office) -> None:
    ana = office.signed_in("Ana", "supervisor")

    for kind, ref in (("facet", "x"), ("king", "appointment"), ("consulate", "dallas/lat"), ("", "")):
        assert ana.get("/console/content/part", params={"kind": kind, "ref": ref}).status_code == 404
    assert ana.post(f"/console/content/{uuid.uuid4().int % 10**6}/lift").status_code == 404
