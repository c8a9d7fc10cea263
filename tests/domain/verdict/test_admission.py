"""What keeps a version from being served, and what takes one back."""

from __future__ import annotations

from dataclasses import replace

from components.domain.verdict.admission import (
    ALL_ARTIFACTS,
    CHAMPION_SEEN,
    LINEAGE,
    MODEL_REMOVED,
    OVERRIDE,
    RELEASE_BY,
    RULE_LINEAGE,
    STEPPED_BACK,
    Measured,
    decision,
    why_gone,
    why_refused,
)
from tests.tables import whole_table

TAGS = dict.fromkeys(LINEAGE, "x") | {
    ALL_ARTIFACTS: "f" * 64,
    "gate": "pass",
    "gate_sha256": "g" * 64,
    "adapter_sha256": "a" * 64,
    "base_sha256": "b" * 64,
}
MEASURED = Measured("g" * 64, "pass", "a" * 64, "b" * 64, "f" * 64, lineage=TAGS)


RULE_TAGS = dict.fromkeys(RULE_LINEAGE, "x") | {
    ALL_ARTIFACTS: "f" * 64,
    "kind": "rule",
    "gate": "pass",
    "gate_sha256": "g" * 64,
    "rule_sha256": "a" * 64,
}
MEASURED_RULE = replace(MEASURED, base_sha256="", lineage=RULE_TAGS)


def test_a_whole_version_with_a_passing_gate_may_be_served() -> None:
    assert why_refused(TAGS, MEASURED) is None
    assert why_refused(RULE_TAGS, MEASURED_RULE) is None


@whole_table("name", RULE_LINEAGE[1:])
def test_no_tag_of_a_rules_lineage_may_be_missing(name: str) -> None:
    assert f"the tag {name} is missing" in why_refused({**RULE_TAGS, name: ""}, MEASURED_RULE)


def test_a_rule_cannot_pass_as_an_adapter_nor_an_adapter_as_a_rule() -> None:
    assert "the tag adapter_sha256 is missing" in why_refused({**RULE_TAGS, "kind": ""}, MEASURED_RULE)
    assert "the tag rule_sha256 is missing" in why_refused({**TAGS, "kind": "rule"}, MEASURED)
    posing = {**TAGS, "kind": "rule", "rule_sha256": "a" * 64}
    assert "its lineage.json says of kind nothing" in why_refused(posing, MEASURED)
    assert "its rule has checksum cccc" in why_refused(
        RULE_TAGS, replace(MEASURED_RULE, model_sha256="c" * 64)
    )


@whole_table("name", LINEAGE)
def test_no_tag_of_the_lineage_may_be_missing(name: str) -> None:
    assert f"the tag {name} is missing" in why_refused({**TAGS, name: ""}, MEASURED)


@whole_table(
    "change why",
    [
        ({"gate_sha256": None}, "no gate report"),
        ({"gate_sha256": "h" * 64}, "its gate report has checksum hhhh"),
        ({"missing": ("canary.json",)}, "its artifact canary.json is missing"),
        ({"model_sha256": "c" * 64}, "its adapter has checksum cccc"),
        ({"base_sha256": "d" * 64}, "base.model"),
        ({"lineage": TAGS | {"data_md5": "y"}}, "its lineage.json says of data_md5 y, its tag says x"),
        ({"lineage": {}}, "its lineage.json says of candidate nothing, its tag says x"),
        ({"artifacts_sha256": "e" * 64}, "its artifacts have checksum eeee"),
        ({"gate": "fail"}, OVERRIDE),
    ],
)
def test_what_was_measured_must_be_what_the_tags_say(change: dict[str, str], why: str) -> None:
    assert why in why_refused(TAGS, replace(MEASURED, **change))


def test_a_version_of_which_only_a_row_is_left_says_since_when() -> None:
    assert why_gone(TAGS) is None
    removed = {**TAGS, MODEL_REMOVED: "2026-11-27 by retention.nights"}
    assert "its model was removed (2026-11-27 by retention.nights)" in why_gone(removed)


def test_a_version_without_a_checksum_over_all_its_artifacts_is_refused_and_told_how_to_get_one() -> None:
    why = str(why_refused({**TAGS, ALL_ARTIFACTS: ""}, MEASURED))
    assert "before 0.3.0" in why
    assert why.endswith("set the tag to " + "f" * 64)


def test_a_persons_reason_stands_for_the_gate_and_for_nothing_else() -> None:
    excused = TAGS | {"gate": "fail", OVERRIDE: "the chef asked for it", RELEASE_BY: "Ada"}
    lineage = TAGS | {"gate": "fail"}
    assert why_refused(excused, replace(MEASURED, gate="fail", lineage=lineage)) is None
    unnamed = why_refused({**excused, RELEASE_BY: " "}, replace(MEASURED, gate="fail", lineage=lineage))
    assert "set the tag release_by to who decided" in str(unnamed)
    assert why_refused(TAGS | {OVERRIDE: "  "}, replace(MEASURED, gate="fail"))
    assert why_refused(excused, replace(MEASURED, model_sha256="c"))
    assert "taken back" in why_refused(TAGS | {STEPPED_BACK: "its canary failed"}, MEASURED)


def test_a_release_says_who_decided_when_and_why_as_far_as_that_is_known() -> None:
    assert decision(TAGS) == "decided by nobody who said so"
    decided = {RELEASE_BY: "Ada", CHAMPION_SEEN: "2026-01-02T03:04:05+00:00"}
    assert decision(TAGS | decided) == "decided by Ada, champion since 2026-01-02T03:04:05+00:00"
    excused = TAGS | decided | {"gate": "fail", OVERRIDE: "the chef asked for it"}
    assert decision(excused).endswith("although its gate did not pass: the chef asked for it")
