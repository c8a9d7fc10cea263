"""A store on a PostgreSQL that freezes: `/rank` goes on where it needs none, all else says so in time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from serving.answers import HEADER
from serving.store import STORE
from tests.postgresql import backends, frozen, postgresql
from tests.serving.conftest import listening, send
from tests.serving.published import ADA, BOB, LIKE, MENU, publish

DEADLINE_S = 25  # serve.deadline_s


@pytest.mark.slow
def test_a_store_that_freezes(served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = {
        "rank": {"person_id": "bob", "dishes": MENU, "use_stored_restrictions": False},
        "rank ": {"person_id": "bob", "dishes": MENU},
        "recommend": {"person_id": "bob"},
        "feedback": LIKE,
    }
    with postgresql("frozen") as url:
        monkeypatch.setenv(STORE, url)
        publish(url, [ADA, BOB])
        with listening() as address:
            before = {name: send(f"{address}/{name.strip()}", **body) for name, body in requests.items()}
            everything = backends(url)
            with frozen(everything[0].parent(), *everything):
                for name, body in requests.items():
                    since = time.monotonic()
                    status, _, headers = send(f"{address}/{name.strip()}", **body)
                    assert time.monotonic() - since < DEADLINE_S
                    assert (status, headers[HEADER]) == ((200, "failed") if name == "rank" else (503, None))
            after = {name: send(f"{address}/{name.strip()}", **body) for name, body in requests.items()}
    for answers in (before, after):
        assert {name: status for name, (status, *_) in answers.items()} == dict.fromkeys(requests, 200)
