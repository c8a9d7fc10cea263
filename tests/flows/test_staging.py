"""What the folder of a Bento says: the bases that it needs from BentoML's store, the range of ratings."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.domain.params import ScaleParams
from components.domain.params_file import read_params
from components.files import write_json
from flows.release.bento import facts_of
from flows.release.staging import bases_in
from tests.conftest import REPO

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


def test_feedback_has_the_range_of_its_source_where_it_has_one() -> None:
    params = read_params(REPO / "params.yaml")
    scale = ScaleParams(value_range=(1, 7), like_at=6, dislike_at=2)
    ranges = []
    for source in ("survey", "service"):
        collect = params.collect.model_copy(update={"scales": {source: scale}})
        params = params.model_copy(update={"collect": collect})
        facts = facts_of(params, "1", {"gate": "pass"}, "palate:v1-abc", promoted=True)
        ranges.append((facts["value_range"], facts["feedback_range"]))
    assert ranges == [((0, 100), (0, 100)), ((0, 100), (1, 7))]
