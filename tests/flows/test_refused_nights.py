"""After a night whose data were refused, mended rows come in and the next night is not held up."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from components.domain.feedback import stored_id
from components.integrations.service_store import ServiceStore
from components.integrations.service_store.answers import FEEDBACK
from tests.accepted import stored_events
from tests.flows.clones import clean_environment, make_clone
from tests.flows.forking import ForkServer
from tests.flows.room import set_params

pytestmark = pytest.mark.slow
# A night as far as its checks, without Prefect and trainings.
NIGHT = """
from flows import environment
environment.prepare()
import json, sys
from components.domain.errors import DataRejected
from components.integrations import data_versions
from components.stages.check import check
from flows.environment import REPO
from flows.night import data, settings
params = settings.adopt({inbox!r})
data.look_at_repository()
collection = data.collect.fn(params)
night = data.version.fn(params, collection)
counts, passed = collection.counts["events"], True
try:
    check(params)
    data.record_as_accepted(night)
    data_versions.commit_night(REPO, [name for name in data.COMMITTED if (REPO / name).exists()], "Night: 1")
except DataRejected as error:
    passed = False
    print(error, file=sys.stderr)
print(json.dumps([counts.rows_in, counts.accepted, counts.quarantined, collection.events, passed]))
"""


class Nights:
    """Nights of one clone on one inbox."""

    def __init__(self, forks: ForkServer, folder: Path) -> None:
        self.forks, self.clone, self.inbox = forks, make_clone(folder / "clone"), folder / "inbox"
        self.sentence = ""
        self.inbox.mkdir()
        (self.clone / ".venv").symlink_to(Path(sys.executable).parents[1])
        dishes = "".join(f"d{number},Soup number {number}\n" for number in range(9))
        (self.inbox / "dishes.csv").write_text(f"dish_id,name\n{dishes}")

    def run(self, address: str = "") -> list[object]:
        """Rows of events in, accepted and quarantined, events in all, and whether the checks passed."""
        code = NIGHT.format(inbox=address or str(self.inbox))
        done = self.forks.start(self.clone, clean_environment(), code=code).wait()
        assert done.returncode == 0, done.stderr
        self.sentence = done.stderr
        return list(json.loads(done.stdout.splitlines()[-1]))

    def set(self, text: str) -> None:
        (self.inbox / "params.yaml").write_text(text)

    def go_back(self) -> None:
        """What the sentence of the failed checks advises."""
        command = self.sentence.rpartition("go back: `")[2].partition("`")[0]
        subprocess.run(command, shell=True, cwd=self.clone, env=clean_environment(), check=True)  # noqa: S602


@pytest.fixture
def nights(forks: ForkServer, tmp_path: Path) -> Nights:
    return Nights(forks, tmp_path)


def _rows(people: range, values: str = "345", day: int = 1, dish: str = "d{}") -> str:
    return "".join(
        f"p{person},{dish.format(person % 9)},rating,{values[person % len(values)]},2026-10-{day:02}\n"
        for person in people
    )


HEADER = "person_id,dish_id,kind,value,occurred_at\n"


def test_bad_rows_that_were_taken_out_of_the_inbox_hold_up_no_night(nights: Nights) -> None:
    nights.set("check: {min_events: 50}")
    (nights.inbox / "events-1.csv").write_text(HEADER + _rows(range(100)))
    bad = nights.inbox / "events-2.csv"
    bad.write_text(HEADER + _rows(range(40), dish="nosuch{}"))
    assert nights.run() == [140, 100, 40, 100, False]
    assert "quarantined_share" in nights.sentence
    bad.unlink()
    assert nights.run() == [100, 0, 0, 100, True]
    bad.write_text(HEADER + _rows(range(200, 240), dish="nosuch{}") + _rows(range(200, 220)))
    assert nights.run() == [160, 20, 40, 120, False]
    bad.write_text(HEADER + _rows(range(200, 220)))
    assert nights.run() == [120, 0, 0, 120, True]


def _say(store: ServiceStore, dishes: list[str]) -> None:
    """Stores likes in one transaction, as many requests would leave them."""
    now = datetime.now(UTC)
    about = {"person_id": "eve", "kind": "like", "answer_id": "", "occurred_at": now, "received_at": now}
    ids = [{"event_id": stored_id(f"s{n}", "eve"), "sent_id": f"s{n}"} for n in range(len(dishes))]
    with store.engine.begin() as connection:
        rows = [about | names | {"dish_id": dish} for names, dish in zip(ids, dishes, strict=True)]
        connection.execute(sa.insert(FEEDBACK), rows)


def test_no_feedback_stops_a_night_or_moves_what_the_next_one_is_compared_with(nights: Nights) -> None:
    nights.set("check: {min_events: 50}")
    events, store = nights.inbox / "events.csv", nights.clone / ".palate" / "service.db"
    events.write_text(HEADER + _rows(range(100)))
    assert nights.run() == [100, 100, 0, 100, True]
    # 1,500 likes of a dish that nobody knows, and 30 times the events of the night before.
    _say(ServiceStore(f"sqlite:///{store}"), ["nope"] * 1500 + ["d1"] * 3000)
    assert nights.run() == [100, 0, 0, 100, True]
    assert len(stored_events(nights.clone / "data/events")) == 3100
    assert "1,500 rows of feedback" in (nights.clone / ".palate" / "alarms.jsonl").read_text()
    events.write_text(HEADER + _rows(range(120)))
    assert nights.run() == [120, 20, 0, 120, True]
    events.write_text(HEADER + _rows(range(4000)))
    assert nights.run()[-2:] == [4000, False]  # 33 times the inbox's events, though with feedback only 1.3
    assert "night.events" in nights.sentence


def test_the_advice_of_a_first_night_and_of_a_later_one_leads_to_good_data(nights: Nights) -> None:
    nights.set("check: {min_events: 50}")
    events = nights.inbox / "events.csv"
    for first, last in ((0, 100), (100, 130)):
        good = HEADER + _rows(range(last))
        bad = _rows(range(900, 900 + last), dish="nosuch{}") + _rows(range(first, last), day=3)
        events.write_text(good + bad)
        assert nights.run()[-1] is False
        nights.go_back()
        events.write_text(good)
        assert nights.run()[-2:] == [last, True]


def test_after_going_back_to_older_data_volumes_are_compared_with_those(nights: Nights) -> None:
    nights.set("check: {min_events: 50}")
    events = nights.inbox / "events.csv"
    for rows in (range(60), range(100)):
        events.write_text(HEADER + _rows(rows))
        assert nights.run()[-1] is True
    back = "git restore --source=nights~1 data/events.dvc && .venv/bin/dvc checkout data/events.dvc"
    nights.sentence = f"go back: `{back}`"
    nights.go_back()
    events.write_text(HEADER + _rows(range(60)) + _rows(range(500, 510)))
    assert nights.run()[-2:] == [70, True]


@pytest.mark.parametrize("mended", ["params", "rows", "query"])
def test_a_watermark_leaves_out_no_row_that_is_good_now(nights: Nights, mended: str) -> None:
    database = nights.inbox / "meals.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE dishes (dish_id, name)")
        connection.executemany("INSERT INTO dishes VALUES (?, ?)", [(f"d{n}", f"Soup {n}") for n in range(9)])
        connection.execute("CREATE TABLE events (person_id, dish_id, kind, value, occurred_at, inserted_at)")
        connection.execute("CREATE TABLE survey (person_id, dish_id, kind, value, occurred_at, inserted_at)")
        for table, people in (("events", range(200)), ("survey", range(300, 350))):
            values = (line.split(",") for line in _rows(people, "12345678").splitlines())
            rows = [(*row, f"2026-10-{1 + number % 20:02}") for number, row in enumerate(values)]
            connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?)", rows)  # noqa: S608
    inbox, collect = f"sqlite:///{database}", {"watermarks": {"events": "inserted_at"}}
    set_params(nights.clone, "collect", **collect)
    value_range = [1, 8] if mended == "query" else [1, 5]
    set_params(nights.clone, "check", min_events=50, value_range=value_range)
    assert nights.run(inbox)[-1] is (mended == "query")
    if mended == "rows":
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("UPDATE events SET value = 5 WHERE CAST(value AS INTEGER) > 5")
    if mended == "params":
        set_params(nights.clone, "check", value_range=[1, 8])
    if mended == "query":
        both = "SELECT * FROM events UNION ALL SELECT * FROM survey"
        set_params(nights.clone, "collect", tables={"events": both})
    expected = 250 if mended == "query" else 200
    assert nights.run(inbox)[-2:] == [expected, True]
    assert int(str(nights.run(inbox)[0])) < expected / 2  # the watermark holds again
