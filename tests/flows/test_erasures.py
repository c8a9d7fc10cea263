"""Who was erased over HTTP leaves with the next night that can; none in between brings them back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from components.domain.exposures import Feedback
from components.integrations.service_store import Catalogue, People, ServiceStore
from flows.steps.lock import one_at_a_time
from tests.accepted import stored_events
from tests.flows.clones import Done, copy_of, run_night


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
    assert "2 of 2 queued erasures failed and stay queued for the next night: A release is" in failed.stdout
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
