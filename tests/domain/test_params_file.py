"""Whatever is wrong with params.yaml, the message names the file and exactly the keys that are."""

from __future__ import annotations

import copy
import random
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest

from components.domain.errors import BadParams
from components.domain.params_file import GONE, read_params, read_yaml, validate
from tests.conftest import REPO
from tests.tables import whole_table

VALUES = read_yaml(REPO / "params.yaml")
KEYS = [(section, key) for section, entries in VALUES.items() for key in entries if key != "candidates"]


def _problems(values: dict[str, Any]) -> dict[str, str]:
    """What validation says of each key."""
    with pytest.raises(BadParams) as caught:
        validate(values, "here.yaml")
    count, _, text = str(caught.value).removeprefix("here.yaml is wrong in ").partition(" places: ")
    problems = dict(problem.split(": ", 1) for problem in text.split("; "))
    assert len(problems) == int(count)
    return problems


@pytest.mark.parametrize("seed", range(15))
def test_exactly_the_missing_and_the_unknown_keys_are_named(seed: int) -> None:
    values, draw = copy.deepcopy(VALUES), random.Random(seed)
    missing = draw.sample(KEYS, draw.randrange(1, 6))
    for section, key in missing:
        del values[section][key]
    values[missing[0][0]]["порт"] = "豆腐"
    problems = _problems(values)
    assert problems.pop(f"{missing[0][0]}.порт") == "unknown key, remove it (got '豆腐')"
    assert problems == {f"{section}.{key}": "Field required" for section, key in missing}


@pytest.mark.parametrize("gone", GONE)
def test_a_key_that_is_gone_says_what_to_do_and_a_wrong_candidate_its_name(gone: str) -> None:
    values, key = copy.deepcopy(VALUES), gone.replace("*", "factors" if ".factors." in gone else "vectors")
    *sections, name = key.split(".")
    reduce(getitem, sections, values)[name] = 7
    values["train"]["candidates"]["Has Spaces"] = VALUES["train"]["candidates"]["factors"]
    problems = _problems(values)
    assert problems[key] == f"unknown key, {GONE[gone]} (got 7)"
    assert set(problems) == {key, "train.candidates.Has Spaces"}


OF_WRONG_TAGS = (b"a: 2026-13-01", b"a: 0x_", b"a: !!int x", b"a: !!bool x", b"a: !!timestamp x", b"[" * 2000)
NO_YAML = (None, b"a: \xfc", b"a: *b\n", b"a: !x 1\n", b"a: \0", *OF_WRONG_TAGS)  # None: no file at all
NO_JSON = {
    b"a: {b: 2026-01-01}": "has a.b, which YAML reads as date (datetime.date(2026, 1, 1)): put it in quotes",
    b"a: {2026-01-01: b}": "has the key a.2026-01-01, which YAML reads as date: put it in quotes",
    b"a: [!!binary aGk=]": "has a[0], which YAML reads as bytes (b'hi'): put it in quotes",
    b"a: &x {b: *x}": "holds an anchor in itself at a.b: write the value out",
    b"a: &x [*x]": "holds an anchor in itself at a[0]: write the value out",
    b"a: {}\nb: 1\na: {}": "cannot be read as YAML: 'a' stands in lines 1 and 3: take one out",
    b"a: {b: 1, b: 2}": "cannot be read as YAML: 'b' stands in lines 1 and 1: take one out",
    b"a:\n  b: 1\n  b: 2": "cannot be read as YAML: 'b' stands in lines 2 and 3: take one out",
}
NO_MAPPING = {b"": "NoneType", b"# nothing": "NoneType", "борщ".encode(): "str", b"7": "int"}


@whole_table("content", [*NO_YAML, *NO_MAPPING])
def test_a_file_without_a_mapping_is_named_in_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "params.yaml"
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
    reason = f"holds {NO_MAPPING[content]}: " if content in NO_MAPPING else "cannot be read as YAML: "
    with pytest.raises(BadParams) as caught:
        read_params(path)
    assert str(caught.value).startswith(f"{path} {reason}")
    assert "\n" not in str(caught.value)


@whole_table("content reason", NO_JSON.items())
def test_what_json_does_not_have_and_a_key_twice_are_named(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(BadParams) as caught:
        read_yaml(path)
    assert str(caught.value) == f"{path} {reason}"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("postgresql://reader:s3cret@host:port/x", "'postgresql://reader:***@host:port/x' cannot be read"),
        ("s3://[::1/x", "'s3://[::1/x' cannot be read"),
        ("~nobody-of-this-name/x", "'~nobody-of-this-name/x' names no user of this machine"),
        ("a\0b", "'a\\x00b' holds a control character"),
    ],
)
def test_an_address_that_cannot_be_read_is_named_without_its_password(address: str, reason: str) -> None:
    values = copy.deepcopy(VALUES)
    values["collect"]["inbox"] = address
    problems = _problems(values)
    assert list(problems) == ["collect.inbox"]
    assert reason in problems["collect.inbox"]
