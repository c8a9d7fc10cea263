"""A file of the state that is empty, garbage or of a newer Palate is one sentence that names it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.files import SCHEMA, DamagedFile, NewerFile, read_json, read_state, write_state
from tests.flows.clones import make_clone, run_flows

GARBAGE = bytes(range(128, 256)) * 20


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clone(tmp_path_factory.mktemp("state") / "clone")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("mlflow.db", GARBAGE),
        ("prefect/prefect.db", GARBAGE),
        ("service.db", GARBAGE),
        ("secrets.json", b""),
        ("secrets.json", GARBAGE),
        ("released.json", b'{"version": '),
    ],
)
def test_a_damaged_file_is_named_in_one_sentence(clone: Path, name: str, content: bytes) -> None:
    _is_a_sentence(clone, name, content, "is damaged")


@pytest.mark.parametrize("name", ["secrets.json", "released.json"])
def test_what_a_newer_palate_wrote_is_a_sentence(clone: Path, name: str) -> None:
    content = json.dumps({"schema": SCHEMA + 1, "version": {"of": "another form"}}).encode()
    _is_a_sentence(clone, name, content, "was written by a newer Palate (schema 2, this one knows 1): update")


def _is_a_sentence(clone: Path, name: str, content: bytes, words: str) -> None:
    path = clone / ".palate" / name
    before = path.read_bytes() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    done = run_flows(clone, "status")
    assert done.returncode == 1
    assert done.stderr.startswith(f"palate: {path} {words}")
    assert len(done.stderr.splitlines()) == 1
    assert path.read_bytes() == content  # nothing was taken from it
    path.unlink()
    if before is not None:
        path.write_bytes(before)


def test_a_file_names_its_schema_and_one_from_before_there_were_any_is_read(tmp_path: Path) -> None:
    path = tmp_path / "released.json"
    write_state(path, {"version": "3"})
    assert json.loads(path.read_text()) == {"schema": SCHEMA, "version": "3"}
    assert read_state(path) == {"version": "3"}
    path.write_text('{"version": "3"}')
    assert read_state(path) == {"version": "3"}
    path.write_text(json.dumps({"schema": SCHEMA + 1, "version": "3"}))
    with pytest.raises(NewerFile, match="was written by a newer Palate"):
        read_state(path)


@pytest.mark.parametrize("content", [b"", b"{", GARBAGE, b"\xff\xfe{}"])
def test_what_is_no_json_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "released.json"
    path.write_bytes(content)
    with pytest.raises(DamagedFile, match=r"released\.json is damaged .*: bring it back from a back-up"):
        read_json(path)
