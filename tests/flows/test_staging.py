"""Which bases the folder of a Bento needs from BentoML's store."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.files import write_json
from flows.steps.staging import bases_in

ONE, OTHER = ({"base": f"palate-base:{letter}", "base_sha256": letter} for letter in "ab")
OLDER = {"base_sha256": "c"}  # its Bento holds the merged model


@pytest.mark.parametrize(
    ("new", "before", "needed"),
    [
        (ONE, None, {"a"}),
        (ONE, ONE, {"a"}),
        (ONE, OTHER, {"a", "b"}),
        (OLDER, None, set()),
        (None, None, set()),
    ],
)
def test_both_versions_of_a_trial_name_theirs_and_an_older_bento_names_none(
    tmp_path: Path, new: dict[str, str] | None, before: dict[str, str] | None, needed: set[str]
) -> None:
    for folder, facts in ((tmp_path, new), (tmp_path / "before", before)):
        if facts:
            write_json(folder / "served.json", facts)
    assert bases_in(tmp_path) == needed


def test_a_torn_file_names_none(tmp_path: Path) -> None:
    (tmp_path / "served.json").write_text('{"base": "palate-base:')
    write_json(tmp_path / "before" / "served.json", ONE)
    assert bases_in(tmp_path) == {"a"}
