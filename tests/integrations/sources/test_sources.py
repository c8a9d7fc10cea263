"""Which source an inbox names, and what may be set for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.domain.errors import BadParams
from components.domain.params_file import read_params
from components.integrations.sources import source_of
from components.integrations.sources.database import Database
from components.integrations.sources.folder import Folder
from tests.conftest import REPO
from tests.tables import whole_table

COLLECT = read_params(REPO / "params.yaml").collect


def _source(root: Path, **changes: Any) -> object:
    return source_of(COLLECT.model_copy(update=changes), root)


def test_a_path_is_a_folder_here_and_a_url_what_its_scheme_says(tmp_path: Path) -> None:
    assert _source(tmp_path, inbox="in/box") == Folder(str(tmp_path / "in" / "box"))
    assert _source(tmp_path, inbox="/in/box") == Folder("/in/box")
    assert _source(tmp_path, inbox="s3://bucket/meals") == Folder("s3://bucket/meals")
    url = "postgresql+psycopg2://reader@db/meals"
    source = _source(tmp_path, inbox=url, tables={"events": "taste.events"})
    assert isinstance(source, Database)
    assert (source.url, source.tables["events"]) == (url, "taste.events")


@whole_table("changes part", [
    ({"columns": {"event": {}}}, "the table 'event': it may name dishes, people, menus, events"),
    ({"columns": {"events": {"user": "person_id"}}}, "'user', which events do not have"),
    ({"inbox": "sqlite:///a.db", "tables": {"meals": "x"}}, "collect.tables names the table 'meals'"),
    ({"inbox": "sqlite:///a.db", "watermarks": {"meals": "x"}}, "collect.watermarks names the table 'meals'"),
    ({"inbox": "in/box", "watermarks": {"events": "x"}}, "are of a database, and collect.inbox is 'in/box'"),
    ({"inbox": "s3://b/x", "watermarks": {"events": "x"}}, "are of a database"),
    ({"inbox": "postgresql://a:hunter2@db/x"}, r"postgresql://a:\*\*\*@db/x' holds a password"),
    ({"inbox": "s3://key:hunter2@bucket"}, r"s3://key:\*\*\*@bucket' holds a password"),
])  # fmt: skip
def test_what_cannot_be_meant_is_one_sentence_without_the_password(
    tmp_path: Path, changes: dict[str, Any], part: str
) -> None:
    with pytest.raises(BadParams, match=part) as caught:
        _source(tmp_path, **changes)
    assert "hunter2" not in str(caught.value)
