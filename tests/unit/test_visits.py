"""Sessions whose tab has gone are closed after a while, and only those."""

from __future__ import annotations

from explorer.visits import KEPT, Visits


def test_a_session_is_closed_once_its_tab_has_been_gone_for_long_and_not_if_it_came_back():
    visits, closed = Visits(), []

    def look(now: float, *absent: str) -> bool:
        return visits.look(set(absent) - set(closed), closed.append, now)

    assert not look(0, "a", "b")
    assert not look(KEPT, "a", "b", "c")
    assert not look(KEPT, "a", "c")  # b has come back
    assert look(KEPT + 1, "a", "b", "c") and closed == ["a"]
    assert not look(2 * KEPT, "b", "c")
    assert look(3 * KEPT, "b", "c") and sorted(closed) == ["a", "b", "c"]
    assert not look(9 * KEPT)
    assert not visits.since, "it remembers nothing of who is gone"
