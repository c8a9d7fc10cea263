"""Schemathesis asks the served service what its OpenAPI document allows, and what it does not allow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from components.integrations.service_store import People
from serving.store import STORE
from tests.conftest import REPO
from tests.serving.conftest import SERVE, listening, set_limits, with_token
from tests.serving.published import ADA, BOB, publish

SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
SLOW, WEEKLY = pytest.mark.slow, pytest.mark.weekly
SETTINGS = REPO / "tests" / "serving" / "schemathesis.toml"


@pytest.mark.parametrize(
    "which",
    [
        pytest.param(["--exclude-method", "DELETE", "--exclude-path", "/plan"], id="others", marks=SLOW),
        # Erasures change all other answers.
        pytest.param(["--include-method", "DELETE"], id="erasures", marks=WEEKLY),
        # Its people are in a list, which no dictionary reaches: most are strangers without allergies, a 400.
        pytest.param(
            ["--include-path", "/plan", "--warnings", "missing_auth,unused_openapi_auth"],
            id="plans", marks=WEEKLY,
        ),
    ],
)  # fmt: skip
def test_the_service_answers_as_its_document_says(
    which: list[str], served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, token = f"sqlite:///{tmp_path / 'service.db'}", with_token(served, tmp_path, monkeypatch)
    monkeypatch.setenv(STORE, url)
    publish(url, [ADA, BOB])
    People(url).erase("carol")
    set_limits(served, max_dishes=SERVE["max_dishes"], max_history=SERVE["max_history"])
    environment = os.environ | {"PALATE_TOKEN": token, "PYTHONPATH": str(REPO)}
    with listening() as address:
        document = httpx.get(f"{address}/docs.json", headers={"Authorization": f"Bearer {token}"})
        (tmp_path / "docs.json").write_bytes(document.content)
        command = [SCHEMATHESIS, "--config-file", SETTINGS, "run", "docs.json", "--url", address]
        command += [*which, "--no-color"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
