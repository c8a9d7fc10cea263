"""The clone's keys: made once, completed where an older version made them, and their owner's alone."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

from components.files import read_state
from flows import environment, keys
from tests.conftest import REPO


def test_keys_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    state = tmp_path / "state"
    first = keys.keys(state)
    assert first["prefect"].startswith("palate:")
    assert keys.keys(state) == first
    assert stat.S_IMODE((state / keys.FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_an_older_file_gets_what_it_lacks_and_keeps_the_rest(tmp_path: Path) -> None:
    older = {"people": "p", "webhook": "of before 0.3.0"}
    (tmp_path / keys.FILE).write_text(json.dumps(older))
    completed = keys.keys(tmp_path)
    assert completed.items() > older.items()
    assert read_state(tmp_path / keys.FILE) == completed == keys.keys(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secrets.json", "secrets.lock"]


def test_the_state_folder_is_its_owners_alone_also_where_it_was_open(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        (tmp_path / "old").mkdir(mode=0o755)
        for name in ("old", "new"):
            environment.private_folder(tmp_path / name)
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o700
    finally:
        os.umask(before)


def test_processes_that_start_at_once_get_the_same_keys(tmp_path: Path) -> None:
    code = "import sys, pathlib, flows.keys as k; print(k.keys(pathlib.Path(sys.argv[1]))['prefect'])"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], cwd=REPO, stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    assert len({process.communicate(timeout=120)[0] for process in started}) == 1
