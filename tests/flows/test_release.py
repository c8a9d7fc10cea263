"""Release passes on a clone with a champion: what a person chose is released, or refused with the reason."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable

import pytest
from mlflow.tracking import MlflowClient

from components.files import folder_sha256
from tests.flows.clones import Done, run_night
from tests.flows.releasing import Passes, champion, changed_artifact, new_version

pytestmark = pytest.mark.slow


def test_a_pass_with_nothing_to_do_changes_nothing(
    promoted: Done, passes: Passes, client: MlflowClient
) -> None:
    state = promoted.clone / ".palate" / "released.json"
    before = state.read_bytes()
    assert passes.sentence(promoted.clone) == "version 1 is released; nothing to do"
    assert state.read_bytes() == before
    assert " as " in client.get_model_version("palate", "1").tags["released"]


def test_a_changed_adapter_is_refused_on_the_version_and_the_alias_moved_back(
    promoted: Done, passes: Passes, client: MlflowClient, second: str
) -> None:
    client.set_model_version_tag("palate", second, "adapter_sha256", "0" * 64)
    client.set_registered_model_alias("palate", "champion", second)
    sentence = passes.sentence(promoted.clone)
    assert f"version {second} may not be served: its adapter has checksum" in sentence
    assert "moved back to version 1" in sentence
    refused = client.get_model_version("palate", second)
    assert "its adapter has checksum" in refused.tags["release_refused"]
    assert "Not released: its adapter has checksum" in refused.description
    assert champion(client) == "1"


def test_a_version_that_no_night_registered_is_refused_though_it_has_neither_tag_nor_report(
    promoted: Done, passes: Passes, client: MlflowClient
) -> None:
    first = client.get_model_version("palate", "1")
    by_hand = client.create_model_version("palate", first.source, first.run_id).version
    client.set_registered_model_alias("palate", "champion", by_hand)
    assert "its lineage is incomplete: the tag candidate is missing" in passes.sentence(promoted.clone)
    assert champion(client) == "1"
    with changed_artifact(promoted.clone, "evaluation.json", lambda text: text) as report:
        report.unlink()  # a missing tag and a missing report must not count as equal checksums
        client.set_registered_model_alias("palate", "champion", by_hand)
        incomplete = f"version {by_hand} may not be served: its lineage is incomplete"
        assert incomplete in passes.sentence(promoted.clone)
    client.delete_model_version("palate", by_hand)


def test_a_version_that_no_night_registered_stands_in_no_nights_way(
    promoted: Done, prefect: dict[str, str], client: MlflowClient
) -> None:
    first = client.get_model_version("palate", "1")
    by_hand = client.create_model_version("palate", first.source, first.run_id).version
    client.set_registered_model_alias("palate", "champion", by_hand)
    night = run_night(promoted.clone, env=prefect)  # whose last step is a pass
    assert night.returncode == 0, night.stderr
    assert "its lineage is incomplete: the tag candidate is missing" in night.stdout
    assert champion(client) == "1"
    client.delete_model_version("palate", by_hand)


def test_rollback_needs_no_base_below_models_since_bentomls_store_has_it(
    promoted: Done, passes: Passes, built: str, client: MlflowClient
) -> None:
    client.set_registered_model_alias("palate", "champion", built)
    assert passes.sentence(promoted.clone).startswith(f"version {built} was released")
    tags = client.get_model_version("palate", built).tags
    released = {name: tags[name] for name in ("released", "rendered") if name in tags}
    marker = promoted.clone / "models" / "base" / "palate.json"
    before = marker.read_text()
    marker.unlink()  # it is linked to that of other clones
    marker.write_text(json.dumps({**json.loads(before), "sha256": "0" * 64}))  # as base.model was changed
    try:
        client.set_registered_model_alias("palate", "champion", "1")
        assert passes.sentence(promoted.clone).startswith("version 1 was released as palate:v1-")
        for name in released:  # a version that never was needs its base here
            client.delete_model_version_tag("palate", built, name)
        client.set_registered_model_alias("palate", "champion", built)
        assert "the base model here has checksum 000000000000" in passes.sentence(promoted.clone)
    finally:
        marker.write_text(before)
        for name, moment in released.items():
            client.set_model_version_tag("palate", built, name, moment)


def test_promotion_releases_and_rollback_builds_nothing(
    promoted: Done, passes: Passes, built: str, client: MlflowClient
) -> None:
    client.set_registered_model_alias("palate", "champion", built)
    assert passes.sentence(promoted.clone).startswith(f"version {built} was released as palate:v{built}-")
    store = promoted.clone / ".palate" / "bentoml" / "bentos" / "palate"
    changed = {path: path.stat().st_mtime_ns for path in store.iterdir()}
    client.set_registered_model_alias("palate", "champion", "1")
    assert passes.sentence(promoted.clone).startswith("version 1 was released as palate:v1-")
    assert {path: path.stat().st_mtime_ns for path in store.iterdir()} == changed
    assert (promoted.clone / ".palate" / "bento").read_text().startswith("palate:v1-")


def test_a_refusal_never_undoes_what_another_person_chose_meanwhile(
    promoted: Done, passes: Passes, built: str, client: MlflowClient, second: str
) -> None:
    client.set_model_version_tag("palate", second, "adapter_sha256", "0" * 64)
    client.set_registered_model_alias("palate", "champion", second)
    with sqlite3.connect(promoted.clone / ".palate" / "mlflow.db") as database:
        # In the very moment in which one version is refused another person chooses another.
        database.execute(
            "create trigger meanwhile after insert on model_version_tags when new.key = 'release_refused' "
            "begin update registered_model_aliases set version = 'B' where alias = 'champion'; end".replace(
                "'B'", built
            )
        )
    sentence = passes.sentence(promoted.clone)
    with sqlite3.connect(promoted.clone / ".palate" / "mlflow.db") as database:
        database.execute("drop trigger meanwhile")
    assert f"version {second} may not be served" in sentence
    assert "moved back" not in sentence
    assert champion(client) == built
    assert passes.sentence(promoted.clone).startswith(f"version {built} was released as palate:v{built}-")


def test_a_champion_that_was_deleted_leaves_what_is_served_alone(
    promoted: Done, passes: Passes, client: MlflowClient
) -> None:
    deleted = _without_a_champion(client)
    before = (promoted.clone / ".palate" / "bento").read_text()
    assert passes.sentence(promoted.clone).startswith("there is no champion"), deleted
    assert (promoted.clone / ".palate" / "bento").read_text() == before
    client.set_registered_model_alias("palate", "champion", "1")
    assert passes.sentence(promoted.clone) == "version 1 is released; nothing to do"


def test_a_night_without_a_champion_serves_no_preview_in_place_of_what_is_served(
    promoted: Done, prefect: dict[str, str], client: MlflowClient
) -> None:
    _without_a_champion(client)
    before = (promoted.clone / ".palate" / "bento").read_text()
    night = run_night(promoted.clone, env=prefect)
    assert night.returncode == 0, night.stderr
    assert "there is no champion" in night.stdout
    assert (promoted.clone / ".palate" / "bento").read_text() == before


def _without_a_champion(client: MlflowClient) -> str:
    deleted = new_version(client)
    client.set_registered_model_alias("palate", "champion", deleted)
    client.delete_model_version("palate", deleted)
    return deleted


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("evaluation.json", lambda text: text[:-200], "its gate report has checksum"),
        ("canary.json", lambda text: re.sub(r"-?\d+\.\d{5,}", "0.25", text), "its artifacts have checksum"),
        (
            "adapter/adapter_config.json",
            lambda text: text.replace('"lora_alpha": ', '"lora_alpha": 1'),
            "its artifacts have checksum",
        ),
    ],
)  # fmt: skip
def test_damaged_artifacts_are_refused_on_the_version_and_never_served(
    promoted: Done,
    passes: Passes,
    client: MlflowClient,
    second: str,
    name: str,
    change: Callable[[str], str],
    words: str,
) -> None:
    before = (promoted.clone / ".palate" / "bento").read_text()
    with changed_artifact(promoted.clone, name, change):
        client.set_registered_model_alias("palate", "champion", second)
        assert words in passes.sentence(promoted.clone)
    assert words in client.get_model_version("palate", second).tags["release_refused"]
    assert champion(client) == "1"
    assert (promoted.clone / ".palate" / "bento").read_text() == before


def test_a_failed_gate_is_served_for_a_persons_reason_which_is_recorded(
    promoted: Done, passes: Passes, client: MlflowClient, second: str
) -> None:
    fail = lambda text: text.replace('"decision": "pass"', '"decision": "fail"')  # noqa: E731
    as_it_is = lambda text: text  # noqa: E731
    with (
        changed_artifact(promoted.clone, "evaluation.json", fail) as report,
        changed_artifact(promoted.clone, "lineage.json", as_it_is) as lineage,
    ):
        client.set_model_version_tag("palate", second, "gate", "fail")
        sha256 = hashlib.sha256(report.read_bytes()).hexdigest()
        client.set_model_version_tag("palate", second, "gate_sha256", sha256)
        client.set_registered_model_alias("palate", "champion", second)
        assert "its lineage.json says of gate pass, its tag says fail" in passes.sentence(promoted.clone)
        failed = {**json.loads(lineage.read_text()), "gate": "fail", "gate_sha256": sha256}
        lineage.write_text(json.dumps(failed))
        client.set_model_version_tag(
            "palate", second, "artifacts_sha256", folder_sha256(report.parent.parent)
        )
        client.set_registered_model_alias("palate", "champion", second)
        assert "its gate report says fail" in passes.sentence(promoted.clone)
        assert champion(client) == "1"
        client.set_model_version_tag("palate", second, "release_override", "the chef asked for it")
        client.set_registered_model_alias("palate", "champion", second)
        assert "set the tag release_by" in passes.sentence(promoted.clone)
        client.set_model_version_tag("palate", second, "release_by", "Ada")
        client.set_registered_model_alias("palate", "champion", second)
        assert passes.sentence(promoted.clone).startswith(f"version {second} was released")
    version = client.get_model_version("palate", second)
    assert "Released, decided by Ada, champion since 2" in version.description
    assert "although its gate did not pass: the chef asked for it" in version.description
    assert version.tags["champion_seen_at"].startswith("2")
    assert "release_refused" not in version.tags
