"""The client that is generated from the OpenAPI document: typed, and README's example works with it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from serving.store import STORE
from tests.conftest import REPO, needs
from tests.serving.conftest import listening
from tests.serving.published import ADA, publish

HOME = REPO / ".palate" / "client"


@pytest.mark.slow
def test_the_client_is_typed_and_readmes_example_works_with_it(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs(str(HOME / "bin" / "openapi-python-client"))
    subprocess.run(["make", "--silent", "client"], cwd=REPO, check=True)
    url = f"sqlite:///{tmp_path / 'service.db'}"
    publish(url, [{**ADA, "person_id": "c01466"}])
    monkeypatch.setenv(STORE, url)
    (example,) = re.findall(r"```python\n(.*?)```", (REPO / "README.md").read_text(), re.DOTALL)
    file, path = tmp_path / "example.py", str(HOME / "palate-client")
    environment = os.environ | {"PYTHONPATH": path, "MYPYPATH": path}
    with listening() as address:
        file.write_text(example.replace("http://localhost:3000", address))
        for options in (["-m", "mypy", "--strict", "--config-file="], []):
            command = [sys.executable, *options, file]
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "['Peas with carrots']\n"  # the cake is disliked
