"""Every step that an officer takes on the desk, as the page sends it; and what becomes of the ones that cannot be taken."""

from __future__ import annotations

import gzip
import json
import re
import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import func, select, update

from bot.store import files
from bot.store.schema import case_event, conversation, delivery, draft
from tests.console.desk.conftest import House, Seat, Served

Seats = Callable[[str], Seat]


def test_the_desk_needs_a_session(seats: Seats, house: House) -> None:
    case_id, _ = house.opens()
    nobody = seats("nobody")

    for path in ("/", "/queue", f"/cases/{case_id}", "/live", "/figures", "/api/alerts", f"/cases/{case_id}/palette"):
        answer = nobody.get(path)
        assert answer.status_code in (303, 401), path
        assert "agarraron" not in answer.text


def test_a_step_without_the_csrf_token_is_refused(seats: Seats, house: House) -> None:
    case_id, _ = house.opens()

    assert seats("ana").send(f"/cases/{case_id}/claim", csrf="wrong").status_code == 403
    assert house.sees(case_id).state == "waiting"


def test_the_queue_shows_level_wait_and_place(seats: Seats, house: House) -> None:
    house.opens(level=3, topic="documents", ago=7200)
    house.opens(level=1, ago=400, consulate="dallas", interpreter="Mixteco")
    page = seats("ana").get("/queue").text

    assert page.index("▲ Nivel 1") < page.index("Detuvieron a alguien") < page.index("Dallas") < page.index("Pasaporte")
    assert "espera 6 min · ‼ tarde" in page
    assert "Intérprete: Mixteco" in page


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("who=mine", 0),
        ("who=unassigned", 3),
        ("level=1", 1),
        ("language=en", 0),
        ("channel=whatsapp", 1),
        ("interpreter=1", 1),
        ("consulate=dallas", 1),
    ],
)
def test_the_queue_is_filtered(seats: Seats, house: House, asked: str, found: int) -> None:
    house.opens(level=1, consulate="dallas")
    house.opens(level=2, channel="whatsapp")
    house.opens(level=3, interpreter="Mixteco")

    assert len(re.findall('<li id="q-', seats("ana").get(f"/queue?{asked}").text)) == found


def test_a_page_of_fifty_cases_is_small(seats: Seats, house: House) -> None:
    for number in range(50):
        house.opens(level=1 + number % 3, consulate="dallas", interpreter="Mixteco", ago=number * 60)
    size = len(gzip.compress(seats("ana").get("/").content, 9))
    print(f"page of 50 cases: {size / 1000:.1f} KB")

    assert size <= 30_000


def test_one_finds_a_case_by_number_name_and_telephone_and_the_search_is_recorded(seats: Seats, house: House) -> None:
    case_id, _ = house.opens(name="Juan Pérez", phone="602 555 0143")
    house.opens()
    ana = seats("ana")

    for text in (house.sees(case_id).number.lower(), "juan perez", "+1 (602) 555-0143"):
        page = ana.send("/search", text=text).text
        assert re.findall('<li id="q-([0-9a-f]+)', page) == [case_id], text
    assert "q-" not in ana.send("/search", text="Pedro").text
    assert list(dict.fromkeys(row for row in house.audited() if row[1] == "search")) == [("ana", "search", None)]


def test_a_view_is_recorded_and_a_refresh_is_not(seats: Seats, house: House) -> None:
    case_id, _ = house.opens()
    ana = seats("ana")
    ana.get(f"/cases/{case_id}")
    ana.get(f"/cases/{case_id}/again", fragment=True)

    assert house.audited() == [("ana", "case_viewed", house.sees(case_id).number)]


def test_a_case_of_another_consulate_is_not_shown(seats: Seats, house: House) -> None:
    case_id, _ = house.opens(consulate="phoenix")
    dora = seats("dora")

    assert house.sees(case_id).number not in dora.get("/").text
    for answer in (
        dora.get(f"/cases/{case_id}", fragment=True),
        dora.send(f"/cases/{case_id}/claim"),
        dora.get(f"/cases/{case_id}/palette"),
    ):
        assert answer.status_code == 403
        assert "agarraron" not in answer.text
        assert "de otro consulado" in answer.text


def test_claim_reply_note_and_resolve(seats: Seats, house: House) -> None:
    case_id, _ = house.opens()
    ana = seats("ana")

    assert "Enviar a la persona" in ana.send(f"/cases/{case_id}/claim").text
    assert "¿Dónde fue?" in ana.send(f"/cases/{case_id}/reply", text="¿Dónde fue?").text
    assert "mixteca" in ana.send(f"/cases/{case_id}/note", text="Habla mixteca").text
    assert ana.send(f"/cases/{case_id}/resolve", outcome="detention", note="visto").status_code == 200

    assert ("agent", "¿Dónde fue?") in house.transcript(case_id)
    assert all("mixteca" not in text for _, text in house.transcript(case_id))
    assert (house.sees(case_id).state, house.sees(case_id).outcome) == ("resolved", "detention")
    did = [action for who, action, _ in house.audited() if who == "ana"]
    assert did == ["case_claimed", "reply_sent", "note_written", "case_resolved"]


def test_two_claims_at_once_have_one_winner_and_the_other_learns_who(seats: Seats, house: House) -> None:
    case_id, _ = house.opens()
    ana, luis = seats("ana"), seats("luis")
    assert ana.csrf
    assert luis.csrf
    answers = {}

    def take(name: str, seat: Seat) -> None:
        answers[name] = seat.send(f"/cases/{case_id}/claim")

    both = [threading.Thread(target=take, args=pair) for pair in (("ana", ana), ("luis", luis))]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    winner, loser = ("ana", "luis") if house.sees(case_id).officer_id == "ana" else ("luis", "ana")

    assert answers[winner].status_code == 200
    assert answers[loser].status_code == 409
    assert {"ana": "Ana Robles", "luis": "Luis Medina"}[winner] + " ya tomó este caso" in answers[loser].text
    assert answers[loser].headers["HX-Retarget"] == "#problem"


def test_twenty_officers_take_two_hundred_cases_and_each_goes_to_one(seats: Seats, house: House) -> None:
    waiting = {house.opens(level=1 + number % 3)[0] for number in range(200)}
    names = [f"officer {number}" for number in range(20)]
    for name in names:
        house.hires(name)
    desks = {name: seats(name) for name in names}
    assert all(desk.csrf for desk in desks.values())
    taken: dict[str, list[str]] = {name: [] for name in names}
    others: list[int] = []

    def works(name: str, number: int) -> None:
        while left := re.findall('<li id="q-([0-9a-f]+)', desks[name].get("/queue?state=waiting").text):
            case_id = left[number % min(5, len(left))]  # near the top, as people do: they get into each other's way
            status = desks[name].send(f"/cases/{case_id}/claim").status_code
            if status == 200:
                taken[name].append(case_id)
            else:
                others.append(status)

    threads = [threading.Thread(target=works, args=(name, number)) for number, name in enumerate(names)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    claimed = [case_id for mine in taken.values() for case_id in mine]

    assert sorted(claimed) == sorted(waiting)
    assert {house.sees(case_id).officer_id == name for name, mine in taken.items() for case_id in mine} == {True}
    assert set(others) <= {409}


def test_a_transfer_needs_a_note_and_is_accepted_or_declined(seats: Seats, house: House) -> None:
    case_id, _ = house.opens()
    ana, luis = seats("ana"), seats("luis")
    ana.send(f"/cases/{case_id}/claim")

    assert ana.send(f"/cases/{case_id}/transfer", to="officer:luis").status_code == 422
    assert ana.send(f"/cases/{case_id}/transfer", note="mira").status_code == 422
    assert ana.send(f"/cases/{case_id}/transfer", to="officer:luis", note="Tú conoces el centro").status_code == 200
    assert "Se lo ofrecen a usted" in luis.get("/queue").text
    luis.send(f"/cases/{case_id}/decline")
    assert house.sees(case_id).officer_id == "ana"

    ana.send(f"/cases/{case_id}/transfer", to="officer:luis", note="De verdad")
    page = luis.send(f"/cases/{case_id}/accept").text
    assert "De verdad" in page
    assert house.sees(case_id).officer_id == "luis"


def test_a_case_goes_to_a_consulate_and_out_of_sight(seats: Seats, house: House) -> None:
    case_id, _ = house.opens(consulate="dallas")
    dora = seats("dora")
    dora.send(f"/cases/{case_id}/claim")
    answer = dora.send(f"/cases/{case_id}/transfer", to="consulate:phoenix", note="Vive en Phoenix")

    assert answer.headers["HX-Push-Url"] == "/console/"
    assert (house.sees(case_id).state, house.sees(case_id).consulate) == ("waiting", "phoenix")
    assert dora.send(f"/cases/{case_id}/transfer", to="consulate:nowhere", note="x").status_code == 403
    assert seats("ana").send(f"/cases/{case_id}/transfer", to="consulate:nowhere", note="x").status_code == 422


def test_release_reopen_and_close(seats: Seats, house: House) -> None:
    case_id, _ = house.opens()
    ana, eva = seats("ana"), seats("eva")
    ana.send(f"/cases/{case_id}/claim")

    assert seats("luis").send(f"/cases/{case_id}/release").status_code == 403
    assert eva.send(f"/cases/{case_id}/release").status_code == 200  # a supervisor may
    assert house.sees(case_id).state == "waiting"
    ana.send(f"/cases/{case_id}/claim")
    ana.send(f"/cases/{case_id}/resolve", outcome="informed")
    ana.send(f"/cases/{case_id}/close")
    assert house.sees(case_id).state == "closed"
    ana.send(f"/cases/{case_id}/reopen")
    assert house.sees(case_id).state == "waiting"


def test_a_step_on_an_older_version_is_refused(seats: Seats, house: House) -> None:
    case_id, _ = house.opens()
    ana = seats("ana")
    ana.send(f"/cases/{case_id}/claim")
    old = house.sees(case_id).version
    ana.send(f"/cases/{case_id}/reply", text="hola")
    answer = ana.send(f"/cases/{case_id}/resolve", outcome="detention", version=str(old))

    assert answer.status_code == 409
    assert "cambió mientras tanto" in answer.text


# --- drafts --------------------------------------------------------------------------------------------------------------------


def test_a_draft_is_sealed_and_survives_claim_and_transfer(seats: Seats, house: House) -> None:
    case_id, _ = house.opens()
    ana = seats("ana")
    ana.send(f"/cases/{case_id}/claim")

    assert ana.send(f"/api/cases/{case_id}/draft", "PUT", {"kind": "reply", "text": "Estoy buscand"}).json() == {"saved": True}
    assert "Estoy buscand" in ana.get(f"/cases/{case_id}").text
    with house.database.read() as c:
        assert b"buscand" not in bytes(c.execute(select(draft.c.body)).scalar_one())
    ana.send(f"/cases/{case_id}/transfer", to="officer:luis", note="mira")
    ana.send(f"/cases/{case_id}/release")
    assert "Estoy buscand" not in seats("luis").get(f"/cases/{case_id}").text
    ana.send(f"/cases/{case_id}/claim")
    assert "Estoy buscand" in ana.get(f"/cases/{case_id}").text
    ana.send(f"/cases/{case_id}/reply", text="Estoy buscando")
    assert 'data-text="Estoy' not in ana.get(f"/cases/{case_id}").text


def test_the_person_erases_everything_while_the_officer_writes(seats: Seats, house: House) -> None:
    case_id, _ = house.opens()
    ana = seats("ana")
    ana.send(f"/cases/{case_id}/claim")
    house.erases(case_id)

    for answer in (
        ana.send(f"/cases/{case_id}/reply", text="¿Sigue ahí?"),
        ana.send(f"/api/cases/{case_id}/draft", "PUT", {"kind": "reply", "text": "x"}),
        ana.get(f"/cases/{case_id}/again", fragment=True),
    ):
        assert answer.status_code == 410
        assert "La persona borró sus datos" in answer.text
    with house.database.read() as c:
        assert c.execute(select(func.count()).select_from(draft)).scalar_one() == 0


def test_a_megabyte_is_refused_clearly(seats: Seats, house: House) -> None:
    case_id, _ = house.opens()
    ana = seats("ana")
    ana.send(f"/cases/{case_id}/claim")
    answer = ana.send(f"/cases/{case_id}/reply", text="a" * 1_000_000)

    assert answer.status_code == 413
    assert "demasiado largo" in answer.text
    assert all(len(text) < 1000 for _, text in house.transcript(case_id))


def test_an_empty_field_of_a_prepared_reply_is_not_sent(seats: Seats, house: House) -> None:
    case_id, _ = house.opens(topic="legal_help")
    ana = seats("ana")
    ana.send(f"/cases/{case_id}/claim")
    palette = ana.get(f"/cases/{case_id}/palette", fragment=True).text

    assert "Tiene cita con ⟦abogado⟧ el ⟦día y hora⟧" in palette
    assert ana.send(f"/cases/{case_id}/reply", text="Tiene cita con ⟦abogado⟧.").status_code == 422
    assert [author for author, _ in house.transcript(case_id)].count("agent") == 0


def test_markup_in_what_people_write_is_text(seats: Seats, house: House) -> None:
    evil = '<img src=x onerror="alert(1)"><script>alert(2)</script>'
    case_id, _ = house.opens(evil, summary=evil, intake={"what": evil, "person_name": evil}, interpreter=evil[:30], name=evil)
    ana = seats("ana")
    ana.send(f"/cases/{case_id}/claim")
    ana.send(f"/cases/{case_id}/note", text=evil)
    page = (
        ana.get(f"/cases/{case_id}").text
        + ana.get(f"/cases/{case_id}/palette").text
        + ana.send(f"/cases/{case_id}/open/intake.person_name").text
    )

    assert "<img" not in page
    assert "<script>" not in page
    assert "&lt;img" in page


# --- what is masked, files, delivery ---------------------------------------------------------------------------------------------


def test_a_masked_field_opens_on_a_click_and_that_is_recorded(seats: Seats, house: House) -> None:
    case_id, _ = house.opens(intake={"person_name": "Juan Pérez López", "place": "Phoenix", "contact": "602 555 0143"})
    ana = seats("ana")
    page = ana.get(f"/cases/{case_id}").text

    assert "Juan Pérez" not in page
    assert "602 555" not in page
    assert "Phoenix" in page
    assert "Juan Pérez López" in ana.send(f"/cases/{case_id}/open/intake.person_name").text
    assert [row for row in house.audited() if row[1] == "field_opened"] == [("ana", "field_opened", house.sees(case_id).number)]
    assert ana.send(f"/cases/{case_id}/open/intake.nothing").status_code == 410


def test_a_file_is_opened_within_the_scope_and_recorded(seats: Seats, house: House) -> None:
    case_id, _ = house.opens(consulate="phoenix")
    new = files.seal(house.keys, "image/png", b"\x89PNG picture")
    house.does(lambda c: files.add(c, house.sees(case_id).conversation, new, time.time()))
    answer = seats("ana").get(f"/files/{new.id}")

    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"\x89PNG picture", "image/png")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert seats("dora").get(f"/files/{new.id}").status_code == 410
    assert ("ana", "file_opened", house.sees(case_id).number) in house.audited()


def test_how_far_a_message_came_is_told(seats: Seats, house: House) -> None:
    case_id, _ = house.opens(channel="whatsapp")
    ana = seats("ana")
    ana.send(f"/cases/{case_id}/claim")
    ana.send(f"/cases/{case_id}/reply", text="¿Dónde fue?")
    page = ana.get(f"/cases/{case_id}").text
    assert "por enviar" in page
    for state, told in (("sent", "✓ enviado"), ("read", "✓✓ leído"), ("failed", "✕ no se pudo enviar (131026)"), ("held", "◼ guardado")):
        values = {"state": state, "error": "131026" if state == "failed" else None, "doubtful": state == "sent"}
        changed = update(delivery).values(**values)
        house.does(lambda c, changed=changed: c.execute(changed))  # type: ignore[misc]
        page = ana.get(f"/cases/{case_id}").text
        assert told in page
        assert ("dos veces" in page) == (state == "sent")


@pytest.mark.parametrize(
    ("hours", "told"), [(1, "puede escribir hasta"), (23, "la ventana cierra"), (25, "Ventana cerrada: se guarda y sale")]
)
def test_the_window_of_whatsapp_is_told_before_typing(seats: Seats, house: House, hours: int, told: str) -> None:
    case_id, _ = house.opens(channel="whatsapp", inbound=time.time() - hours * 3600)
    ana = seats("ana")

    assert told in ana.send(f"/cases/{case_id}/claim").text


def test_who_said_stop_gets_nothing(seats: Seats, house: House) -> None:
    case_id, _ = house.opens(channel="whatsapp")
    ana = seats("ana")
    ana.send(f"/cases/{case_id}/claim")
    house.does(lambda c: c.execute(update(conversation).values(stopped_at=time.time())))
    page = ana.get(f"/cases/{case_id}").text

    assert "pidió no recibir mensajes" in page
    assert 'data-mode="note"' in page
    assert 'data-mode="reply"' not in page


# --- presence, notices -----------------------------------------------------------------------------------------------------------


def test_officers_see_who_else_looks_and_writes(seats: Seats, house: House) -> None:
    case_id, _ = house.opens()
    ana, luis = seats("ana"), seats("luis")
    ana.send(f"/cases/{case_id}/claim")
    ana.send(f"/api/cases/{case_id}/presence", json={"typing": "reply"})

    assert luis.send(f"/api/cases/{case_id}/presence", json={}).json() == {"present": [{"name": "Ana", "typing": "reply"}]}
    assert "Ana escribe una respuesta" in luis.get(f"/cases/{case_id}/again", fragment=True).text
    ana.send(f"/api/cases/{case_id}/presence", json={"left": True})
    assert luis.send(f"/api/cases/{case_id}/presence", json={}).json() == {"present": []}


def test_only_who_has_the_case_seems_to_write_to_the_person(seats: Seats, served: Served, house: House) -> None:
    case_id, _ = house.opens()
    here, ana, luis = served.service.presence, seats("ana"), seats("luis")
    talk = house.sees(case_id).conversation
    ana.send(f"/cases/{case_id}/claim")
    luis.send(f"/api/cases/{case_id}/presence", json={"typing": "reply"})
    assert not here.writes_to(talk)
    ana.send(f"/api/cases/{case_id}/presence", json={"typing": "note"})
    assert not here.writes_to(talk)
    ana.send(f"/api/cases/{case_id}/presence", json={"typing": "reply"})
    assert here.writes_to(talk)


def test_a_notice_is_acknowledged_once_for_all(seats: Seats, house: House) -> None:
    case_id, _ = house.opens(level=1)

    assert seats("ana").send(f"/api/cases/{case_id}/acknowledge").status_code == 204
    with house.database.read() as c:
        assert c.execute(select(case_event.c.officer_id).where(case_event.c.kind == "acknowledged")).scalar_one() == "ana"


# --- figures and the OpenAPI page --------------------------------------------------------------------------------------------------


def test_figures_tell_findings_with_data_and_csv(seats: Seats, house: House) -> None:
    ana = seats("ana")
    for number in range(6):
        case_id, _ = house.opens(level=1 + number % 2, ago=600)
        if number < 3:
            ana.send(f"/cases/{case_id}/claim")
            ana.send(f"/cases/{case_id}/reply", text="hola")
            ana.send(f"/cases/{case_id}/resolve", outcome="informed")
    page = ana.get("/figures?days=7").text
    charts = re.findall(r"<svg.*?</svg>", page, re.DOTALL)

    assert "la mitad espera 10 min o menos" in page
    assert len(charts) == 8
    assert all(len(chart.encode()) <= 5_000 and 'role="img"' in chart and "aria-label" in chart for chart in charts)
    answer = ana.get("/figures/levels.csv?days=7")
    assert answer.content.decode("utf-8-sig").splitlines() == ["Nivel,Casos", "▲ Nivel 1,3", "● Nivel 2,3"]
    assert ana.get("/figures/nothing.csv").status_code == 404


def test_the_figures_of_nothing_are_a_page_too(seats: Seats) -> None:
    assert seats("ana").get("/figures").text.count("Todavía no hay") == 8


def test_the_json_calls_stand_in_the_openapi_page(seats: Seats) -> None:
    paths = json.loads(seats("ana").client.get("/api/openapi.json").text)["paths"]

    for path in ("/console/api/alerts", "/console/api/cases/{case_id}/draft", "/console/api/cases/{case_id}/presence"):
        assert path in paths
    assert "/console/cases/{case_id}/claim" not in paths
