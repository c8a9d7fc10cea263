"""A night reads 100,000 rows of feedback on the largest answers that the door takes, in little memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from components.domain.exposures import Exposure, Shown
from components.domain.feedback import MOST_DISH_BYTES, stored_id
from components.domain.records import Dish
from components.integrations.service_store import ServiceStore
from components.integrations.service_store.answers import FEEDBACK

ANSWERS, DISHES = 500, 200  # as many dishes as one request may have
MOST_MB = 500
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
NIGHT = """
import resource
from datetime import UTC, datetime
from components.domain.preferences.limits import Limits
from components.integrations import event_sources
from components.integrations.sources.intake import take_in
from flows.night.feedback import with_feedback

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

limits = Limits(datetime(2026, 11, 2, tzinfo=UTC), (0, 5))
inbox = take_in({}, {"dishes": [], "people": [], "menus": []}, event_sources.no_events(), limits)
before = peak()
both, news = with_feedback(inbox, limits, has_people=False)
print(len(both.events), news.waiting, peak() - before)
"""


@pytest.mark.slow
def test_100_000_rows_of_feedback_on_the_largest_answers_take_less_than_500_mb(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    url = f"sqlite:///{tmp_path / 'service.db'}"
    store, rows = ServiceStore(url), []
    for answer in range(ANSWERS):
        # Half the answers show the same dishes in other words each time, the others dishes of their own.
        ids = [f"g{answer * (answer % 2)}-{number}" for number in range(DISHES)]
        text = (
            (f"{answer}" + "\u00fc" * MOST_DISH_BYTES)
            .encode()[: MOST_DISH_BYTES - 20]
            .decode(errors="ignore")
        )
        shown = [Shown(Dish(dish, dish, text), 0.1, 1.0) for dish in ids]
        store.add_exposure(Exposure(f"a{answer}", "eve", NOW, tuple(shown), "{}", "1", "x"))
        rows += [
            {"event_id": stored_id(f"{answer}-{dish}", "eve"), "sent_id": f"{answer}-{dish}",
             "person_id": "eve", "dish_id": dish, "kind": "like" if number else "choice",
             "answer_id": f"a{answer}", "occurred_at": NOW, "received_at": NOW}
            for number, dish in enumerate(ids)
        ]  # fmt: skip
    with store.engine.begin() as connection:
        connection.execute(sa.insert(FEEDBACK), rows)
    env = {**os.environ, "PALATE_STORE": url}
    done = subprocess.run([sys.executable, "-c", NIGHT], env=env, check=True, capture_output=True, text=True)
    events, waiting, megabytes = done.stdout.split()
    record_property("megabytes", megabytes)  # in a report such as --junit-xml's
    assert int(events) + int(waiting) == len(rows) == 100_000
    assert int(events) > 50_000
    assert float(megabytes) < MOST_MB
