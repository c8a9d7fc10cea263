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
SETTINGS = REPO / "tests" / "serving" / "schemathesis.toml"


@pytest.mark.slow
@pytest.mark.parametrize(
    "which",
    [
        ["--exclude-method", "DELETE", "--exclude-path", "/plan"],
        ["--include-method", "DELETE"],  # erasures, which change all other answers
        # Its people are in a list, which no dictionary reaches: most are strangers without allergies, a 400.
        ["--include-path", "/plan", "--warnings", "missing_auth,unused_openapi_auth"],
    ],
    ids=["others", "erasures", "plans"],
)
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
