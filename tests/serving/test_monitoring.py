"""Alerts and dashboard name no metric and no label that the real service does not export."""

from __future__ import annotations

import re

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.deploy.test_monitoring import expressions
from tests.serving.conftest import send
from tests.serving.test_service import ASK

WORDS = {
    "absent", "and", "by", "histogram_quantile", "increase", "max", "min", "or", "rate", "sum", "time",
}  # fmt: skip
OF_PROMETHEUS = {"job", "pod"}  # labels that it adds to what it collects
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def _names_in(expression: str) -> set[str]:
    """Names of metrics: what is no word of PromQL's, no label, no duration and no text."""
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\bby \([^)]*\)", "", expression)
    return set(_NAME.findall(bare)) - WORDS


def _labels_in(expression: str) -> set[str]:
    matchers = " ".join(re.findall(r"\{([^}]*)\}", expression))
    groups = " ".join(re.findall(r"\bby \(([^)]*)\)", expression))
    return set(_NAME.findall(re.sub(r'"[^"]*"', "", f"{matchers} {groups}")))


def test_every_metric_and_label_of_alerts_and_dashboard_is_exported(address: str) -> None:
    assert send(f"{address}/rank", **ASK)[0] == 200
    page = httpx.get(f"{address}/metrics").text
    labels = dict[str, set[str]]()
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            labels.setdefault(sample.name, set(OF_PROMETHEUS)).update(sample.labels)
    later = {
        "palate_model_registered_timestamp_seconds": {"model_version"} | OF_PROMETHEUS
    }  # once registered
    labels = later | labels
    for expression in expressions():
        names = _names_in(expression)
        assert names
        assert names <= labels.keys(), expression
        assert _labels_in(expression) <= set.union(*(labels[name] for name in names)), expression
