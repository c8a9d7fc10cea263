"""What the service logs of requests that it refuses holds nothing of what was sent."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from serving.store import STORE
from tests.serving.conftest import listening, sign
from tests.serving.published import BOB, MENU, publish

pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)

PERSON, ALLERGY = "anna.smith@example.org", "peanuts"
ANNA = {"person_id": PERSON, "allergies": [ALLERGY]}
LIKE = {"person_id": PERSON, "dish_id": "peas", "kind": "like"}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/rank", json.dumps(ANNA), 400),
        ("/rank", json.dumps(ANNA)[:-1], 400),
        ("/rank", json.dumps(ANNA | {"person_id": f"{PERSON}\x01", "dishes": MENU}), 400),
        ("/recommend", json.dumps(ANNA | {"dishes": [PERSON]}), 400),
        ("/feedback", json.dumps(LIKE | {"kind": f"of {PERSON}"}), 400),
    ],
)
def test_a_refusal_is_a_line_without_what_was_sent(
    storing: str, url: str, path: str, body: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    publish(url, [BOB | {"person_id": PERSON}])
    with caplog.at_level("INFO"):
        answer = httpx.post(storing + path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert f"Exception on {path} [POST]: refused with {status}" in caplog.text
    assert [record.levelname for record in caplog.records if record.levelno > logging.INFO] == []
    for word in (PERSON, ALLERGY, "Traceback"):
        assert word not in caplog.text


def test_what_the_service_cannot_do_is_a_line_and_what_nobody_expected_keeps_its_traceback(
    storing: str, served: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.delenv(STORE)
        assert httpx.post(f"{storing}/feedback", json=LIKE).status_code == 503
    assert "Exception on /feedback [POST]: refused with 503" in caplog.text
    assert "Traceback" not in caplog.text
    sign(served, feedback_range="not a range")
    with listening() as damaged:
        assert (
            httpx.post(f"{damaged}/feedback", json=LIKE | {"kind": "rating", "value": 3}).status_code == 500
        )
    assert "Traceback" in caplog.text
    assert "ERROR" in caplog.text


def test_a_store_that_fails_is_logged_without_the_id(
    storing: str, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    publish(url, [BOB | {"person_id": PERSON}])
    assert httpx.post(f"{storing}/feedback", json=LIKE).status_code == 200
    with sa.create_engine(url).begin() as connection:
        connection.execute(sa.text("DROP TABLE feedback"))
    assert httpx.post(f"{storing}/feedback", json=LIKE).status_code == 503
    assert "no such table: feedback" in caplog.text
    assert PERSON not in caplog.text
