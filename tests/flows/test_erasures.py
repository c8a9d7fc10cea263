"""Who was erased over HTTP leaves with the next night that can; none in between brings them back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from components.domain.exposures import Feedback
from components.integrations.service_store import Catalogue, People, ServiceStore
from flows.lock import one_at_a_time
from tests.accepted import stored_events
from tests.flows.clones import Done, clean_environment, copy_of, make_clone, run_night
from tests.flows.forking import ForkServer


@pytest.mark.slow
def test_queued_people_leave_with_the_next_night_that_can_take_them_out(
    night: Done, prefect: dict[str, str], tmp_path: Path
) -> None:
    clone = copy_of(night.clone, tmp_path / "clone")
    events = stored_events(clone / "data/events")
    guest, other = sorted({row["person_id"] for row in events})[:2]
    url = f"sqlite:///{clone / '.palate/service.db'}"
    people = People(url)
    assert people.read(guest)["history"]
    people.erase(guest)
    people.erase("never came")

    news = Feedback("f1", other, events[0]["dish_id"], "like", None, "", datetime.now(UTC))
    ServiceStore(url).add_feedback(news)  # so that there is something to publish
    with one_at_a_time(clone / ".palate", "release"):
        failed = run_night(clone, env=prefect)
    assert failed.returncode == 0, failed.stderr
    assert "All 2 queued erasures failed and stay queued for the next night: A release is" in failed.stdout
    assert guest not in failed.stdout + failed.stderr
    assert people.queued() == [guest, "never came"]
    assert Catalogue(url).version() != Catalogue(f"sqlite:///{night.clone / '.palate/service.db'}").version()
    assert not any(people.read(guest).values())  # although this night published them, too

    done = run_night(clone, env=prefect)
    assert done.returncode == 0, done.stderr
    assert "2 queued erasures done" in done.stdout
    assert people.queued() == []
    assert not any(people.read(guest).values())
    events = stored_events(clone / "data/events")
    assert events
    assert guest not in {row["person_id"] for row in events}
    assert len(json.loads((clone / "data/forgotten.json").read_text())["people"]) == 2
    assert list((clone / ".palate/receipts").iterdir())
    for path in (clone / ".palate").glob("service.db*"):
        assert guest.encode() not in path.read_bytes()


# Erasures between a collection and the night after it, without training; what is derived is marked.
BATCHES = """
import subprocess
from flows import environment
environment.prepare()
from flows.environment import REPO
from flows.night.forget import _erase
from flows.night import data, settings
from components.integrations import data_versions, event_sources
from components.integrations.service_store import People
import os
params = settings.adopt({inbox!r})
data.look_at_repository()
data.collect.fn(params)
data_versions.add(REPO, *data.DATA)
tip = data_versions.commit_night(REPO, data.COMMITTED, "Night")
people = People(os.environ["PALATE_STORE"])
for names in (INVENTED, [*INVENTED[:2], "ada", "cleo"], ["ada", *INVENTED]):
    (REPO / "dvc.lock").write_text("")
    people.erase(*names)
    print(_erase.fn(params))
    count = ["git", "rev-list", "--count", tip + "..nights"]
    commits = subprocess.run(count, cwd=REPO, check=True, capture_output=True, text=True).stdout.strip()
    left = sorted(event_sources.people_of(event_sources.event_files(REPO / "data/events")))
    print(commits, (REPO / "dvc.lock").exists(), left, people.queued())
"""


def test_a_batch_is_one_commit_and_who_is_in_no_data_makes_nothing_anew(
    forks: ForkServer, tmp_path: Path
) -> None:
    clone, inbox = make_clone(tmp_path / "clone"), tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "dishes.csv").write_text("dish_id,name\nd1,Halloumi\n")
    rows = "".join(f"{person},d1,like,2026-10-03\n" for person in ("ada", "bob", "cleo"))
    (inbox / "events.csv").write_text(f"person_id,dish_id,kind,occurred_at\n{rows}")
    invented = [f"invented {number}" for number in range(60)]
    code = BATCHES.format(inbox=str(inbox)).replace("INVENTED", repr(invented))
    done = forks.start(clone, clean_environment(), code=code).wait()
    assert done.returncode == 0, done.stderr
    sentences, facts = done.stdout.splitlines()[0::2], done.stdout.splitlines()[1::2]
    assert [sentence.split()[0] for sentence in sentences] == ["60", "4", "61"]
    assert facts == [
        "0 True ['ada', 'bob', 'cleo'] []",
        "1 False ['bob'] []",
        "1 True ['bob'] []",  # ada was erased before
    ]
    assert len(json.loads((clone / "data/forgotten.json").read_text())["people"]) == 62
    assert len(list((clone / ".palate/receipts").iterdir())) <= 3
