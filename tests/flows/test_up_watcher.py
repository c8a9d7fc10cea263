"""The watcher of `make up`: it starts a pass where something differs, and rests where nothing does."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest

from flows.machine.watcher import FIRST_PAUSE, LONGEST_PAUSE_S, TROUBLE, Tries, tries_in
from tests.flows.clones import wait_for
from tests.flows.room import set_params
from tests.flows.running import LOOK_S, Up

PAUSE_S = FIRST_PAUSE * LOOK_S


def test_each_try_waits_twice_as_long_as_the_one_before_up_to_a_bound() -> None:
    tries, now, pauses = Tries({"champion": "1"}, PAUSE_S), 0.0, []
    assert tries.are_due(now)
    for _ in range(10):
        tries.one_more(now)
        assert not tries.are_due(tries.next_at - 1)
        pauses.append(tries.next_at - now)
        now = tries.next_at
        assert tries.are_due(now)
    assert pauses[:3] == [PAUSE_S, 2 * PAUSE_S, 4 * PAUSE_S]
    assert pauses[-1] == LONGEST_PAUSE_S


def test_a_moment_without_a_store_shortens_no_pause_and_a_change_does() -> None:
    tries, champion, moment = dict[bool, Tries](), {"champion": "1"}, {TROUBLE: "StageFailed"}
    failing = tries_in(champion, tries, PAUSE_S)
    failing.one_more(0.0)
    assert tries_in(moment, tries, PAUSE_S).are_due(0.0)
    assert tries_in(champion, tries, PAUSE_S) is failing
    assert not failing.are_due(PAUSE_S - 1)
    for situation in ({"champion": "2"}, champion):
        assert tries_in(situation, tries, PAUSE_S).are_due(0.0)


@pytest.mark.slow
def test_what_changes_is_followed_at_once_and_a_failing_pass_is_tried_less_and_less_often(up: Up) -> None:
    params = up.clone / "params.yaml"
    before = params.read_text()
    set_params(up.clone, "release", watch_s=0)
    _wait_for_rest(up)
    idle = _passes(up)
    params.write_text(before)
    set_params(up.clone, "release", engine="buildah", image="-")
    wait_for(lambda: _passes(up) > idle, 120, "a pass")
    wait_for(lambda: "release failed" in _alarms(up), 180, "its alarm")
    wait_for(lambda: _passes(up) > idle + 1, 180, "another try")
    time.sleep(PAUSE_S + LOOK_S)
    first, second, *later = _starts(up)[idle:]
    assert second - first > timedelta(seconds=PAUSE_S - LOOK_S)
    # Where this machine was slow to look, the third one may have come already.
    assert all(start - second > timedelta(seconds=2 * PAUSE_S - LOOK_S) for start in later)
    tries = _passes(up)
    params.write_text(before)
    wait_for(lambda: _passes(up) > tries, 120, "a pass")


STARTED = {"deployments": {"name": {"any_": ["release"]}}, "flow_runs": {"tags": {"all_": ["watcher"]}}}


def _passes(up: Up) -> int:
    """Passes that the watcher has started."""
    return int(up.prefect("flow_runs/count", STARTED))


def _starts(up: Up) -> list[datetime]:
    """When it started them."""
    runs = up.prefect("flow_runs/filter", STARTED | {"sort": "START_TIME_ASC", "limit": 200})
    return sorted(datetime.fromisoformat(run["created"]) for run in runs)


def _wait_for_rest(up: Up) -> None:
    """Waits until no pass was started for as long as two of them need."""
    passes, since = _passes(up), time.monotonic()
    while time.monotonic() - since < 4 * LOOK_S:
        time.sleep(2)
        if _passes(up) != passes:
            passes, since = _passes(up), time.monotonic()


def _alarms(up: Up) -> str:
    file = up.clone / ".palate" / "alarms.jsonl"
    return file.read_text() if file.exists() else ""
