"""Somebody is told, once a day, of a night that fails, is killed or does not come, and of what waits."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.domain.errors import QuotaReached
from components.domain.exposures import Feedback
from components.integrations.service_store import ServiceStore
from tests.flows import mounts
from tests.flows.clones import REPO, clean_environment, make_clone, run_night
from tests.flows.forking import ForkServer
from tests.flows.room import set_params
from tests.receiver import Receiver, receiver

RELEASE = """
from flows import environment
environment.prepare()
from components.domain.params_file import read_params
from flows import last_night
last_night.look_back(read_params(environment.REPO / "params.yaml"))
"""
READ = """
from flows import environment
environment.prepare()
import contextlib
from components.domain.errors import BadParams
from components.domain.params_file import read_params
from flows import alarms
with contextlib.suppress(BadParams), alarms.if_it_fails("night"):
    read_params(environment.REPO / "params.yaml")
"""
GOOD_NIGHT = """
from flows import environment
environment.prepare()
from components.domain.params_file import read_params
from flows.night import good_night
from flows.night.tonight import Night
from flows.registry import Registered
params = read_params(environment.REPO / "params.yaml")
night = Night(params, "key", "md5", "md5", 100, unchanged_days={days})
good_night.raise_alarms(params, night, Registered("3", True, {passed}, "2"))
"""

NIGHTS_LOOK_AT_FEEDBACK = """
from flows import environment
environment.prepare()
from components.domain.params_file import read_params
from flows.night import feedback
from flows.night.tonight import Night
feedback.rates(Night(read_params(environment.REPO / "params.yaml"), "key", "md5", "md5", 0))
"""


@pytest.fixture
def post() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return make_clone(tmp_path / "clone")


def _run(forks: ForkServer, clone: Path, code: str, **env: str) -> subprocess.CompletedProcess[str]:
    done = forks.start(clone, clean_environment() | env, code=code).wait()
    assert done.returncode == 0, done.stderr
    return done


def _alarms(clone: Path) -> list[tuple[str, str]]:
    file = clone / ".palate" / "alarms.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    return [(alarm["kind"], alarm["sentence"]) for alarm in map(json.loads, lines)]


@pytest.mark.slow
def test_a_night_that_fails_tells_its_sentence_once_also_by_cron(
    clone: Path, post: Receiver, prefect: dict[str, str], tmp_path: Path
) -> None:
    env = {**prefect, "PALATE_ALARM_ADDRESSES": f"{post.apprise}/secret-of-a-chat"}
    for _ in range(2):
        done = run_night(clone, "--data", str(tmp_path / "nowhere"), env=env)
        assert done.returncode == 1
    ((kind, sentence),) = _alarms(clone)
    assert kind == "night failed"
    assert done.stderr.strip().endswith(sentence)
    (body,) = post.bodies
    assert (body["title"], body["message"]) == ("Palate: night failed", sentence)
    assert "secret-of-a-chat" not in done.stderr


@pytest.mark.slow
def test_a_night_and_its_command_tell_a_failure_once_also_where_no_file_remembers_it(
    clone: Path, post: Receiver, prefect: dict[str, str], tmp_path: Path
) -> None:
    env = {**prefect, "PALATE_ALARM_ADDRESSES": post.apprise}
    file = clone / ".palate" / "alarms.jsonl"
    file.parent.mkdir()
    file.touch()
    with mounts.fixed(file):
        done = run_night(clone, "--data", str(tmp_path / "nowhere"), env=env)
    assert done.stderr.count("the alarm 'night failed' could not be written") == 1
    assert [body["title"] for body in post.bodies] == ["Palate: night failed"]


def test_params_that_cannot_be_read_are_an_alarm_too(clone: Path, forks: ForkServer, post: Receiver) -> None:
    (clone / "params.yaml").write_text("train: {seeed: 1}")
    _run(forks, clone, READ, PALATE_ALARM_ADDRESSES=post.apprise)
    assert [body["title"] for body in post.bodies] == ["Palate: night failed"]


def test_a_day_full_of_new_people_is_told(clone: Path, forks: ForkServer) -> None:
    (clone / ".palate").mkdir()
    store, now = ServiceStore(f"sqlite:///{clone / '.palate/service.db'}"), datetime.now(UTC)
    for number in range(4):
        feedback = Feedback(f"f{number}", f"p{number}", "peas", "like", None, "", now)
        with contextlib.suppress(QuotaReached):
            store.add_feedback(feedback, most_newcomers=3)
    _run(forks, clone, NIGHTS_LOOK_AT_FEEDBACK)
    ((kind, sentence),) = _alarms(clone)
    assert kind == "many new people"
    assert sentence.startswith(f"On {now.date()} (UTC) 3 people of whom nothing was known sent feedback")


@pytest.mark.parametrize(
    "wrong", [{"check": {"min_events": -100}}, {"alarms": {"late_h": "x"}}, {"trein": 1}]
)
def test_one_wrong_setting_keeps_no_alarm_from_the_addresses_in_params(
    clone: Path, forks: ForkServer, post: Receiver, wrong: dict[str, Any]
) -> None:
    set_params(clone, "alarms", addresses=[post.apprise])
    values = yaml.safe_load((clone / "params.yaml").read_text())
    for section, settings in wrong.items():
        values[section] = {**values.get(section, {}), **settings} if isinstance(settings, dict) else settings
    (clone / "params.yaml").write_text(yaml.safe_dump(values))
    _run(forks, clone, READ)
    assert [body["title"] for body in post.bodies] == ["Palate: night failed"]


def test_a_killed_night_and_one_that_does_not_come_are_told_by_the_release(
    clone: Path, forks: ForkServer, post: Receiver
) -> None:
    set_params(clone, "alarms", addresses=[post.apprise], late_h=30, min_free_gb=0)
    state = clone / ".palate"
    state.mkdir()
    _run(forks, clone, RELEASE)
    assert _alarms(clone) == []  # no night has run here yet
    began = {"began": "2026-11-01 02:00+01:00", "outcome": "", "pid": 2**22 + 1, "since": 0.0}
    (state / "last-night.json").write_text(json.dumps(began))
    late = datetime.now(UTC) - timedelta(hours=31)
    (state / "last-good-night").touch()
    os.utime(state / "last-good-night", (late.timestamp(), late.timestamp()))
    for _ in range(3):
        _run(forks, clone, RELEASE)
    kinds = [kind for kind, _ in _alarms(clone)]
    assert kinds == ["night killed", "night late"]
    assert len(post.bodies) == 2
    (state / "last-night.json").write_text('{"began": ')  # torn: what was lost stops no release
    _run(forks, clone, RELEASE)
    assert [kind for kind, _ in _alarms(clone)] == kinds


def _kinds_in_code() -> set[str]:
    """All kinds with which raise_alarm is called, and the two of each if_it_fails."""
    kinds = set()
    for path in (REPO / "flows").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(
                getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", "")
            )
            if not isinstance(node, ast.Call) or name not in {"raise_alarm", "if_it_fails"}:
                continue
            (first, *_) = node.args
            if isinstance(first, ast.Starred):  # what _alarm_of makes of the activities
                continue
            kind = ast.literal_eval(first)
            kinds |= {kind} if name == "raise_alarm" else {f"{kind} failed", f"{kind} stopped"}
    return kinds


def test_the_runbook_has_a_line_for_every_kind_of_alarm_and_for_no_other() -> None:
    section = (REPO / "docs" / "runbook.md").read_text().partition("| alarm | from | what to do |\n")[2]
    lines = section.partition("\n\n")[0].splitlines()[1:]
    described = [kind for line in lines for kind in line.split("|")[1].strip().split(", ")]
    assert sorted(described) == sorted(_kinds_in_code())


FAILURE = """
from flows import environment
environment.prepare()
from components.domain.errors import StageFailed
from flows import alarms
try:
    with alarms.if_it_fails("night"):
        raise StageFailed("what went wrong.")
except StageFailed as error:
    print(error)
"""


@pytest.mark.parametrize("at", ["yesterday", "2026-11-27T02:00:00", None, 5, "a folder"])
def test_no_file_of_earlier_alarms_mutes_a_new_one(
    clone: Path, forks: ForkServer, post: Receiver, at: object
) -> None:
    set_params(clone, "alarms", addresses=[post.apprise])
    file = clone / ".palate" / "alarms.jsonl"
    file.parent.mkdir()
    if at == "a folder":
        file.mkdir()
    else:
        file.write_text(json.dumps({"at": at, "kind": "night failed", "sentence": "what went wrong."}) + "\n")
    done = forks.start(clone, clean_environment(), code=FAILURE).wait()
    assert done.stdout == "what went wrong.\n", done.stderr
    assert len(post.bodies) == 1
    if file.is_file():
        assert _alarms(clone) == [("night failed", "what went wrong.")]


@pytest.mark.slow
def test_neither_a_full_disk_nor_a_clock_that_was_ahead_mutes_an_alarm(
    clone: Path, forks: ForkServer, post: Receiver
) -> None:
    set_params(clone, "alarms", addresses=[post.apprise], late_h=30, min_free_gb=0)
    state = clone / ".palate"
    with mounts.full(state):
        _run(forks, clone, "from flows import environment; environment.prepare()")
        began = {"began": "2026-11-01 02:00+01:00", "outcome": "", "pid": 2**22 + 1}
        (state / "last-night.json").write_text(json.dumps(began))
        sent = {
            "kind": "night killed",
            "sentence": "The night of 2026-11-01 02:00+01:00 was killed: run it again.",
        }
        ahead = datetime.now(UTC) + timedelta(days=3)
        (state / "alarms.jsonl").write_text(json.dumps({"at": ahead.isoformat(), **sent}) + "\n")
        (state / "last-good-night").touch()
        os.utime(state / "last-good-night", (ahead.timestamp(), ahead.timestamp()))
        with contextlib.suppress(OSError):
            (state / "rest").write_bytes(bytes(mounts.PAGES))
        done = _run(forks, clone, RELEASE)
        assert "could not be written (The disk is full" in done.stderr
        assert (state / "last-good-night").stat().st_mtime <= time.time()
    assert [body["title"] for body in post.bodies] == ["Palate: night killed"]


@pytest.mark.slow
def test_a_good_night_tells_what_waits_and_calls_the_dead_man_url(
    clone: Path, forks: ForkServer, post: Receiver
) -> None:
    set_params(clone, "alarms", addresses=[post.apprise], dead_man=f"{post.address}/alive", min_free_gb=1e9)
    _run(forks, clone, GOOD_NIGHT.format(days=0, passed=True))
    assert [kind for kind, _ in _alarms(clone)] == ["a version waits", "little disk"]
    assert post.paths == ["/alive"]
    set_params(clone, "alarms", min_free_gb=0)
    for dead_man in ("nonsense", "http://[", "http://127.0.0.1:9/", f"{post.address}/other"):
        _run(forks, clone, GOOD_NIGHT.format(days=9, passed=False), PALATE_DEAD_MAN=dead_man)
    assert [kind for kind, _ in _alarms(clone)][2:] == ["nothing new"]
    assert post.paths == ["/alive", "/other"]
    assert time.time() - (clone / ".palate/last-good-night").stat().st_mtime < 300


def test_addresses_that_are_wrong_or_out_of_order_stop_nothing_and_are_not_written_out(
    clone: Path, forks: ForkServer, post: Receiver
) -> None:
    post.answers = {"*": (500, "")}
    addresses = ["nonsense", "json://127.0.0.1:9/token", post.apprise]
    set_params(clone, "alarms", addresses=addresses, min_free_gb=1e9, late_h=0)
    (clone / ".palate").mkdir()
    done = _run(forks, clone, RELEASE)
    assert [kind for kind, _ in _alarms(clone)] == ["little disk"]
    assert len(post.bodies) == 1
    assert "token" not in done.stderr
