"""The clone's keys: made once, completed where an older version made them, and their owner's alone."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

from components.files import read_state
from flows import environment, keys
from tests.conftest import REPO
from tests.flows.clones import clean_environment, make_clone


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


def test_what_holds_peoples_rows_is_its_owners_alone_also_where_it_was_open(tmp_path: Path) -> None:
    clone = make_clone(tmp_path / "clone")
    for folder in filter(Path.is_dir, clone.iterdir()):
        folder.chmod(0o777)
    code = "from flows import environment; environment.prepare()"
    subprocess.run([sys.executable, "-c", code], cwd=clone, env=clean_environment(), check=True)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in clone.iterdir() if path.is_dir()}
    assert {name for name, mode in modes.items() if mode == 0o700} == {
        "data",
        "reports",
        ".dvc",
        ".git",
        ".palate",
    }
    assert set(modes.values()) == {0o700, 0o777}


def test_on_a_clusters_volume_the_group_goes_on_deciding(tmp_path: Path) -> None:
    tmp_path.chmod(0o2770)  # as fsGroup leaves a volume
    environment.private_folder(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o2770


def test_processes_that_start_at_once_get_the_same_keys(tmp_path: Path) -> None:
    code = "import sys, pathlib, flows.keys as k; print(k.keys(pathlib.Path(sys.argv[1]))['prefect'])"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], cwd=REPO, stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    assert len({process.communicate(timeout=120)[0] for process in started}) == 1
