"""A store that is lost while the service runs: removed it takes nothing, frozen it holds nobody."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from psycopg2 import extensions

from components.domain.errors import StageFailed
from components.integrations import postgresql_waits
from components.integrations.service_store import People
from serving.answers import HEADER
from serving.store import STORE
from tests.answers import feedback_in
from tests.postgresql import backends, frozen, postgresql
from tests.serving.conftest import listening, send
from tests.serving.published import ADA, BOB, LIKE, MENU, publish

BOUND_S = 10  # of a request's few waits, each of a second


@pytest.mark.parametrize("is_replaced", [False, True])
def test_nothing_is_acknowledged_that_a_removed_file_would_not_keep(
    served: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    is_replaced: bool,
) -> None:
    file = tmp_path / "service.db"
    url = f"sqlite:///{file}"
    monkeypatch.setenv(STORE, url)
    publish(url, [BOB])
    with listening() as address:
        assert send(f"{address}/feedback", **LIKE)[0] == 200
        assert httpx.delete(f"{address}/people/ada").status_code == 202
        for path in tmp_path.glob("service.db*"):
            path.unlink()
        if is_replaced:  # by a night, say, which makes a new one
            publish(url, [BOB])
        for _ in range(2):
            assert send(f"{address}/feedback", **LIKE)[0] == 503
            assert httpx.delete(f"{address}/people/bob").status_code == 503
            assert send(f"{address}/erasures", person_ids=["bob"])[0] == 503
        assert f"{file} was removed or replaced while it was in use" in caplog.text
        assert file.exists() is is_replaced  # nobody takes an empty new one for it
    if is_replaced:  # after a new start it is as good as any; this process has kept its engines
        assert People(url).queued() == []
        assert feedback_in(url) == []


def test_what_is_opened_later_is_another_store(tmp_path: Path, served: Path) -> None:
    url = f"sqlite:///{tmp_path / 'service.db'}"
    before = People(url)
    before.erase("ada")
    (tmp_path / "service.db").unlink()
    with pytest.raises(StageFailed, match="end the service, bring"):
        before.queued()
    assert People(url).queued() == []
    with pytest.raises(StageFailed, match="was removed or replaced"):
        before.erase("bob")


@pytest.fixture
def impatience() -> Iterator[Callable[[], None]]:
    """Makes this process wait a second for a PostgreSQL that is silent, where the service waits for five."""
    yield lambda: postgresql_waits.limit(1)
    extensions.set_wait_callback(None)


@pytest.mark.slow
def test_a_store_that_freezes(
    served: Path, impatience: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
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
            impatience()
            everything = backends(url)
            with frozen(everything[0].parent(), *everything):
                for name, body in requests.items():
                    since = time.monotonic()
                    status, _, headers = send(f"{address}/{name.strip()}", **body)
                    assert time.monotonic() - since < BOUND_S
                    assert (status, headers[HEADER]) == ((200, "failed") if name == "rank" else (503, None))
            after = {name: send(f"{address}/{name.strip()}", **body) for name, body in requests.items()}
    for answers in (before, after):
        assert {name: status for name, (status, *_) in answers.items()} == dict.fromkeys(requests, 200)
