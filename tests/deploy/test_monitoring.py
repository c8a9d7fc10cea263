"""The alerts come where they should and the dashboard can be read; promtool says so where it is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import REPO, needs
from tests.tables import whole_table

MONITORING = REPO / "deploy" / "components" / "monitoring"


def rules() -> list[dict[str, Any]]:
    """The alerts of the manifest."""
    manifest = yaml.safe_load((MONITORING / "prometheus-rule.yaml").read_text())
    return [rule for group in manifest["spec"]["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    """Grafana's description of the dashboard."""
    return dict(json.loads((MONITORING / "dashboard.json").read_text()))


def expressions() -> list[str]:
    """All queries of alerts and dashboard, as Prometheus reads them."""
    targets = [target for panel in dashboard()["panels"] for target in panel["targets"]]
    return [
        *(rule["expr"] for rule in rules()),
        *(target["expr"].replace("$__rate_interval", "5m") for target in targets),
    ]


def _promtool(*words: str, folder: Path) -> str:
    needs("promtool")
    done = subprocess.run(["promtool", *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_each_alert_comes_where_it_should_and_none_where_all_is_well(tmp_path: Path) -> None:
    manifest = yaml.safe_load((MONITORING / "prometheus-rule.yaml").read_text())
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(manifest["spec"]))
    shutil.copy(REPO / "tests" / "deploy" / "alerts.yaml", tmp_path)
    assert f"{len(rules())} rules found" in _promtool("check", "rules", "rules.yaml", folder=tmp_path)
    _promtool("test", "rules", "alerts.yaml", folder=tmp_path)
    tests = yaml.safe_load((tmp_path / "alerts.yaml").read_text())["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    expected = {case["alertname"] for case in cases if "exp_alerts" in case}
    assert expected == {rule["alert"] for rule in rules()}


def test_prometheus_reads_every_query(tmp_path: Path) -> None:
    queries = [{"record": f"query:{number}", "expr": expr} for number, expr in enumerate(expressions())]
    group = {"groups": [{"name": "queries", "rules": queries}]}
    (tmp_path / "queries.yaml").write_text(yaml.safe_dump(group))
    assert f"{len(queries)} rules found" in _promtool("check", "rules", "queries.yaml", folder=tmp_path)


def test_the_runbook_has_a_line_for_every_alert() -> None:
    runbook = (REPO / "docs" / "runbook.md").read_text()
    assert [rule["alert"] for rule in rules() if f"| `{rule['alert']}` |" not in runbook] == []


def test_no_panel_covers_another_and_each_has_a_query() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["targets"] for panel in panels)
    fields = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(fields)) == len(fields)
    assert max(x for x, _ in fields) < 24


@whole_table("rule", rules())
def test_an_alert_says_how_grave_it_is(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"info", "warning", "critical"}
    assert rule["annotations"]["summary"]
