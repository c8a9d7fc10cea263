"""A token that cannot be read locks the service, and the log says which file and what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from serving.middleware import login

NOBODY = 65534


def test_each_way_to_lack_a_token_has_its_own_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torn, missing = tmp_path / "torn", tmp_path / "missing"
    torn.write_bytes(b"\xff\xfe\x00")
    cases = {"": "names no file", str(missing): "names no file", str(tmp_path): "names no file",
             str(torn): f"cannot read the token in '{torn}'"}  # fmt: skip
    for path, words in cases.items():
        monkeypatch.setenv(login.TOKEN_FILE, path)
        assert words in str(login.why_locked("always"))
        assert login.token() == ""


def test_a_token_of_another_user_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "token"
    path.write_text("open sesame")
    path.chmod(0o000)
    monkeypatch.setenv(login.TOKEN_FILE, str(path))
    user = os.geteuid()
    if user == 0:  # who may read everything
        os.seteuid(NOBODY)
    try:
        sentence = str(login.why_locked("always"))
        assert login.token() == ""
    finally:
        os.seteuid(user)
    assert f"cannot read the token in '{path}'" in sentence
    assert "fsGroup" in sentence
    assert "sesame" not in sentence
