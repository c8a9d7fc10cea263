"""A file of the state that is empty or garbage is one sentence that names it, before anything begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.files import DamagedFile, read_json
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
    path = clone / ".palate" / name
    before = path.read_bytes() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    done = run_flows(clone, "status")
    assert done.returncode == 1
    assert done.stderr.startswith(f"palate: {path} is damaged")
    assert len(done.stderr.splitlines()) == 1
    assert path.read_bytes() == content  # nothing was taken from it
    path.unlink()
    if before is not None:
        path.write_bytes(before)


@pytest.mark.parametrize("content", [b"", b"{", GARBAGE, b"\xff\xfe{}"])
def test_what_is_no_json_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "released.json"
    path.write_bytes(content)
    with pytest.raises(DamagedFile, match=r"released\.json is damaged .*: bring it back from a back-up"):
        read_json(path)
