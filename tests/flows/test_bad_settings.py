"""Whatever stands in a params.yaml or in DATA, a night and the doctor say it in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.flows.clones import clean_environment, make_clone
from tests.flows.forking import ForkServer

OWN = "params.yaml"
# Looks at each content of an inbox's or the clone's own params.yaml as a night does, and as the doctor.
LOOKS = """
from flows import environment
environment.prepare()
import json
from pathlib import Path
from components.domain.errors import PalateError
from flows.night.settings import adopt, settings_for
own, sentences = Path("params.yaml").read_bytes(), []
for file, content in {contents!r}:
    path = Path({inbox!r}, "params.yaml") if file == "inbox" else Path("params.yaml")
    path.write_bytes(content)
    for look in (settings_for, adopt):
        try:
            look({inbox!r})
        except PalateError as error:
            sentences.append(str(error))
        assert path.read_bytes() == content, content
    path.unlink()
    Path("params.yaml").write_bytes(own)
print(json.dumps(sentences))
"""
ADOPTING = """
from flows import environment
environment.prepare()
from components.domain.errors import PalateError
from flows.night.settings import adopt
for inbox in {inboxes!r}:
    try:
        print(adopt(inbox).collect.columns)
    except PalateError as error:
        print(error)
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return make_clone(tmp_path / "clone")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def test_a_value_of_another_kind_is_one_sentence(clone: Path, inbox: Path, forks: ForkServer) -> None:
    whole = (clone / OWN).read_bytes()
    cases = {
        ("inbox", b"collect:"): "collect is None, and must be a mapping",
        ("inbox", b"collect: []"): "collect is [], and must be a mapping",
        ("inbox", b"collect: 5"): "collect is 5, and must be a mapping",
        ("inbox", b"up:"): "up is None, and must be a mapping",
        ("inbox", b"train: {candidates: 5}"): "candidates is 5, and must be a mapping",
        ("inbox", b"collect: {columns: {events: {occurred_at: 2026-01-01}}}"): "which YAML reads as date",
        ("inbox", b"up: {state: elsewhere}"): "comes too late",
        (OWN, whole[: whole.index(b"\nup:")]): "up: Field required",
        (OWN, whole + b"\nup: {}\n"): "'up' stands in lines",
        (OWN, whole + b"# \xfc\n"): "cannot be read as YAML: 'utf-8' codec",
        (OWN, whole.replace(b"  inbox", b"\tinbox")): "cannot be read as YAML: while scanning",
        (OWN, whole.replace(b"state: .palate", b"state: ~nobody-of-this-name/x")): "names no user",
    }
    code = LOOKS.format(contents=list(cases), inbox=str(inbox))
    done = forks.start(clone, clean_environment(), code=code).wait()
    assert done.returncode == 0, done.stderr
    sentences = json.loads(done.stdout)
    assert len(sentences) == 2 * len(cases)
    for sentence, reason in zip(sentences, [each for each in cases.values() for _ in range(2)], strict=True):
        assert reason in sentence
        assert OWN in sentence
        assert len(sentence.splitlines()) == 1


def test_texts_that_yaml_would_read_as_something_else_arrive_as_texts(
    clone: Path, inbox: Path, forks: ForkServer
) -> None:
    columns = {"events": {"kind": "no", "value": "12:30", "person_id": "on", "dish_id": "# a\nb"}}
    (inbox / OWN).write_text(yaml.safe_dump({"collect": {"columns": columns}}, sort_keys=False))
    inboxes = [str(inbox), "", "~nobody-of-this-name/x", "s3://[::1/x", "postgresql://u:s3cret@h:port/x"]
    done = forks.start(clone, clean_environment(), code=ADOPTING.format(inboxes=inboxes)).wait()
    assert done.returncode == 0, done.stderr
    adopted, later, *sentences = done.stdout.splitlines()
    assert adopted == later == str(columns)
    assert [sentence[:21] for sentence in sentences] == ["DATA is no inbox: the"] * 3
    assert "s3cret" not in done.stdout
    assert "# Every number that can be tuned." in (clone / OWN).read_text()
