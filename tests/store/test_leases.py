from __future__ import annotations

from bot.store import leases
from bot.store.database import Database


def hold(database: Database, holder: str, now: float, seconds: float = 10.0) -> int | None:
    with database.write() as c:
        return leases.hold(c, "poll:telegram", holder, now, seconds)


def test_one_holds_it_until_it_runs_out(database: Database) -> None:
    assert hold(database, "a", 0.0) == 1
    assert hold(database, "b", 9.0) is None
    assert hold(database, "a", 9.0) == 1  # longer, under the same number
    assert hold(database, "b", 18.0) is None
    assert hold(database, "b", 19.0) == 2


def test_a_lost_lease_cannot_be_renewed(database: Database) -> None:
    hold(database, "a", 0.0)
    hold(database, "b", 11.0)

    with database.write() as c:
        assert not leases.renew(c, "poll:telegram", "a", 1, 11.0, 10.0)
        assert leases.renew(c, "poll:telegram", "b", 2, 11.0, 10.0)
        assert leases.is_held(c, "poll:telegram", "b", 20.0)
        assert not leases.is_held(c, "poll:telegram", "b", 21.0)
        assert not leases.is_held(c, "poll:telegram", "a", 12.0)


def test_what_is_let_go_is_free_at_once_and_its_number_rises(database: Database) -> None:
    hold(database, "a", 0.0)
    with database.write() as c:
        leases.release(c, "poll:telegram", "b")  # not its own
        assert leases.hold(c, "poll:telegram", "b", 1.0, 10.0) is None
        leases.release(c, "poll:telegram", "a")

    assert hold(database, "b", 1.0) == 2


def test_what_a_dead_process_of_our_place_held_is_free(database: Database) -> None:
    hold(database, "node:web:1", 0.0)
    with database.write() as c:
        leases.release_dead(c, "other:web:", "other:web:2")
    assert hold(database, "node:web:2", 1.0) is None
    with database.write() as c:
        leases.release_dead(c, "node:web:", "node:web:2")
    assert hold(database, "node:web:2", 1.0) == 2
