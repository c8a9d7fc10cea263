"""A file of the state that is empty, garbage or of a newer Palate is one sentence that names it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from components.files import SCHEMA, DamagedFile, NewerFile, read_json, read_state, write_state
from flows.machine.databases import damage_of
from tests.flows.clones import clean_environment, make_clone, run_flows
from tests.flows.forking import ForkServer

GARBAGE = bytes(range(128, 256)) * 20
FORMS = {
    "[]": "it holds '[]'",
    "5": "it holds '5'",
    "null": "it holds 'None'",
    '{"schema": "x"}': "its schema is 'x'",
    '{"schema": true}': "its schema is 'True'",
}
OF_A_NIGHT = (
    '"previous_events": null, "rows_seen": 1, "rows_quarantined": 0, "data_md5": "d", "quarantine_md5": "q"'
)
# By file of the clone: who reads it, and what else it must not hold, with what is said of it.
READERS: dict[str, tuple[str, dict[str, str]]] = {
    ".palate/secrets.json": ("flows.keys:keys", {'{"people": 5}': "people: Input should be a valid string"}),
    ".palate/up.json": ("flows.environment:_addresses_of_up", {'{"pid": []}': "pid"}),
    ".palate/released.json": (
        "flows.release.delivery:current",
        {
            "{}": "version: Field required",
            '{"version": "1", "bento": "b", "image": "", "previous": "", "at": "2026-11-25T00:00:00"}': (
                "at: Value error, the time '2026-11-25T00:00:00' has no offset from UTC"
            ),
        },
    ),
    ".palate/looks-at-the-service.json": ("flows.release.delivery:error_rate", {'{"rates": [1]}': "rates"}),
    ".palate/pushed-images.json": ("flows.release.delivery:_pushed", {'{"b": null}': "b: "}),
    ".palate/champion.json": ("flows.release.reconciliation:_note_since_when", {'{"version": 5}': "version"}),
    ".palate/bentos.json": ("flows.release.bento:_sums", {'{"b": []}': "b: "}),
    ".palate/bases.json": ("flows.release.stored_bases:_sums", {'{"b": []}': "b: "}),
    "data/night.json": (
        "flows.night.tonight:facts_of_last_night",
        {
            "{}": "collected_at: Field required",
            f'{{"collected_at": "2026-11-25T00:00:00", {OF_A_NIGHT}}}': "collected_at: Value error, the time",
            f'{{"collected_at": "yesterday", {OF_A_NIGHT}}}': "collected_at: Value error, Invalid isoformat",
        },
    ),
    "data/forgotten.json": ("flows.night.data:read_forgotten", {"{}": "key_check: Field required"}),
    "data/accepted.jsonl": (
        "flows.night.accepted_data:read",
        {"{}": "data_md5: Field required", '{"data_md5": "d", "events": "many"}': "events: "},
    ),
}
ARGUMENTS = {
    "keys": "environment.STATE,",
    "error_rate": "'1',",
    "_note_since_when": "None, 'palate', '1'",
}
# Writes each content of cases.json into its file, lets their reader read it, and prints what that says.
READING = """
import importlib, json, pathlib
from flows import environment
environment.prepare()
sentences = {}
for file, module, name, arguments, contents in json.loads(pathlib.Path("cases.json").read_text()):
    reader, path = getattr(importlib.import_module(module), name), environment.REPO / file
    before = path.read_bytes() if path.exists() else None
    for content in contents:
        path.write_text(content)
        try:
            reader(*eval(f"({arguments})"))
        except OSError as error:
            sentences.setdefault(file, []).append(str(error))
    path.unlink() if before is None else path.write_bytes(before)
print(json.dumps(sentences))
"""
RECORDS = """
import json, pathlib
from flows import last_night
for content in json.loads(pathlib.Path("cases.json").read_text()):
    pathlib.Path(".palate/last-night.json").write_text(content)
    print(last_night.sentence(), last_night.killed())
"""


def _database() -> bytes:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE runs (name TEXT)")
        database.executemany("INSERT INTO runs VALUES (?)", [(str(number) * 500,) for number in range(99)])
        return database.serialize()


TORN = _database()[:100] + GARBAGE


@pytest.fixture(scope="module")
def clone(forks: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clone(tmp_path_factory.mktemp("state") / "clone")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("mlflow.db", GARBAGE),
        ("prefect/prefect.db", TORN),
        ("service.db", TORN),
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


def test_what_no_palate_writes_is_a_sentence(clone: Path, forks: ForkServer) -> None:
    cases, expected = [], {}
    for file, (function, others) in READERS.items():
        module, _, name = function.partition(":")
        expected[file] = {**FORMS, **others}
        cases.append([file, module, name, ARGUMENTS.get(name, ""), list(expected[file])])
    (clone / "cases.json").write_text(json.dumps(cases))
    done = forks.start(clone, clean_environment(), code=READING).wait()
    assert done.returncode == 0, done.stderr
    sentences = json.loads(done.stdout)
    for file, contents in expected.items():
        for sentence, reason in zip(sentences[file], contents.values(), strict=True):
            assert sentence.startswith(f"{clone / file} is damaged ({reason}")
            assert "remove" in sentence  # what to do
            assert len(sentence.splitlines()) == 1


def test_a_record_of_the_last_night_that_is_none_stops_nobody(clone: Path, forks: ForkServer) -> None:
    (clone / ".palate").mkdir(exist_ok=True)
    contents = [*FORMS, "{}", '{"outcome": ""}', '{"began": [], "outcome": ""}']
    (clone / "cases.json").write_text(json.dumps(contents))
    done = forks.start(clone, clean_environment(), code=RECORDS).wait()
    assert done.stdout == "None None\n" * len(contents), done.stderr


def test_a_night_on_a_damaged_database_ends_at_once_with_an_alarm(clone: Path) -> None:
    path = clone / ".palate" / "prefect" / "prefect.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(TORN)
    done = run_flows(clone, "nightly")
    path.unlink()
    sentence = f"{path} is damaged: SQLite says 'database disk image is malformed'. "
    assert done.stderr.startswith(f"palate: {sentence}")
    assert len(done.stderr.splitlines()) == 1
    (alarm,) = map(json.loads, (clone / ".palate" / "alarms.jsonl").read_text().splitlines())
    assert alarm["kind"] == "night failed"
    assert alarm["sentence"].startswith(sentence)


@pytest.mark.slow
def test_a_database_that_prefect_cannot_use_is_a_sentence(clone: Path) -> None:
    path = clone / ".palate" / "prefect" / "prefect.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES ('of another program')")
    done = run_flows(clone, "nightly")
    path.unlink()
    assert done.stderr.splitlines()[-1].startswith("palate: prefect did not start: see ")
    assert "Traceback" not in done.stderr


def test_a_look_at_a_database_finds_damage_anywhere_and_waits_for_nobody(tmp_path: Path) -> None:
    path, whole = tmp_path / "a ? b.db", _database()
    path.write_bytes(whole)
    assert damage_of(path) == ""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        assert damage_of(path) == ""
    for torn in (whole[:50], whole[: len(whole) // 2], whole[:8192] + GARBAGE + whole[8192 + len(GARBAGE) :]):
        path.write_bytes(torn)
        assert damage_of(path).startswith("SQLite says '")
    path.write_bytes(b"")
    assert damage_of(path) == ""


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
