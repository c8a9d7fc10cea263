"""The ledger goes from one night to the next, and a damaged one is a sentence that says how to go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.files import folder_sha256, without_schema
from tests.flows.clones import clean_environment, make_clone
from tests.flows.forking import ForkServer

SCRIPT = """
from flows import environment
environment.prepare()
import sys
from components.domain.errors import PalateError
from components.domain.params_file import read_params
from flows.night import ledger
try:
    ledger.carry_over.fn(read_params(environment.REPO / "params.yaml"))
except PalateError as error:
    sys.exit(f"palate: {error}")
"""
DAY = {"day": "2026-01-05", "people": 40, "differences": {"rule": 0.1}}


def _ledger(split_sha256: str) -> str:
    entry = {"recipe": "r", "champion": "", "after": "", "looks": 1, "days": [DAY]}
    return json.dumps({"split_sha256": split_sha256, "ledgers": {"new": entry}})


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clone = make_clone(tmp_path_factory.mktemp("ledger") / "clone")
    (clone / "data" / "splits").mkdir()
    (clone / "data" / "splits" / "test").write_text("tonight")
    (clone / "reports").mkdir(exist_ok=True)
    return clone


def _carry_over(forks: ForkServer, clone: Path) -> str:
    """The content of data/ledger.json afterwards, or the sentence in which it failed."""
    done = forks.start(clone, clean_environment(), code=SCRIPT).wait()
    assert "Traceback" not in done.stderr
    return done.stderr.strip() if done.returncode else (clone / "data" / "ledger.json").read_text()


def _values(text: str) -> dict[str, Any]:
    """What a file of the state holds beside the number of its form."""
    return without_schema(json.loads(text), Path("data/ledger.json"))


def test_another_nights_ledger_goes_on_and_tonights_own_does_not(forks: ForkServer, clone: Path) -> None:
    assert _values(_carry_over(forks, clone)) == {}  # a first night
    (clone / "reports" / "ledger.json").write_text(_ledger(folder_sha256(clone / "data" / "splits")))
    assert _values(_carry_over(forks, clone)) == {}  # tonight again: no day counts twice
    (clone / "reports" / "ledger.json").write_text(_ledger("of another night"))
    assert json.loads(_carry_over(forks, clone))["ledgers"]["new"]["days"] == [DAY]
    (clone / "reports" / "ledger.json").unlink()  # a killed evaluation leaves none
    assert json.loads(_carry_over(forks, clone))["ledgers"]["new"]["days"] == [DAY]


@pytest.mark.parametrize("content", ["{", "[]", '{"ledgers": {"a": {}}}'])
@pytest.mark.parametrize("name", ["reports/ledger.json", "data/ledger.json"])
def test_a_damaged_ledger_is_one_sentence(forks: ForkServer, clone: Path, name: str, content: str) -> None:
    for path in ("reports/ledger.json", "data/ledger.json"):
        (clone / path).unlink(missing_ok=True)
    (clone / name).write_text(content)
    assert _carry_over(forks, clone).startswith(f"palate: {name} is damaged: delete it")
    (clone / name).unlink()
    assert _values(_carry_over(forks, clone)) == {}
