"""/metrics of the real service: what was answered by which model, and never to whom or at which path."""

from __future__ import annotations

import random
import re
import shutil
import string
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import needs
from tests.deploy.test_monitoring import expressions
from tests.serving.conftest import send
from tests.serving.published import ADA, BOB, MENU, publish
from tests.serving.test_service import ASK

WORDS = {
    "absent", "and", "by", "histogram_quantile", "increase", "max", "min", "or", "rate", "sum", "time",
}  # fmt: skip
OF_PROMETHEUS = {"job", "pod"}  # labels that it adds to what it collects
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def store(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'service.db'}"
    publish(url, [BOB, ADA])
    return url


def _page(address: str) -> str:
    answer = httpx.get(f"{address}/metrics", timeout=120)
    assert answer.status_code == 200
    return answer.text


def _series(address: str) -> Series:
    families = text_string_to_metric_families(_page(address))
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def _grown(address: str, path: str, **body: Any) -> dict[str, float]:
    """By how much the series of an endpoint, all of which begin at zero, grow with one request to it."""
    before = _series(address)
    status, _, _ = send(f"{address}{path}", **body)
    assert status == 200
    after = _series(address)
    label = ("endpoint", path.strip("/"))
    assert {key for key in after if label in key[1]} == {key for key in before if label in key[1]}
    return {
        name: value - before[name, labels]
        for (name, labels), value in after.items()
        if label in labels and value != before[name, labels] and not name.endswith("_bucket")
    }


def test_both_endpoints_count_scores_margins_histories_and_dishes(knowing: str) -> None:
    past = [{"dish": {"dish_id": "h", "name": "Halloumi"}, "verdict": "liked"}] * 3
    _, ranked, _ = send(f"{knowing}/rank", **{"person_id": "x", "dishes": MENU, "history": past})
    best, second = sorted((dish["score"] for dish in ranked["scores"]), reverse=True)
    grown = _grown(knowing, "/rank", person_id="x", dishes=MENU, history=past)
    assert grown == pytest.approx(
        {
            "palate_best_score_count": 1,
            "palate_score_margin_count": 1,
            "palate_score_margin_sum": best - second,
            "palate_history_length_count": 1,
            "palate_history_length_sum": 3,
            "palate_dishes_total": 2,
            "palate_unknown_dishes_total": 2,
        },
        abs=1e-4,
    )
    _, answer, _ = send(f"{knowing}/recommend", person_id="ada")
    scores = [dish["score"] for dish in answer["dishes"]]
    grown = _grown(knowing, "/recommend", person_id="ada")
    assert grown["palate_history_length_sum"] == 2
    assert grown["palate_dishes_total"] == answer["considered"] == len(scores) == 1  # cake is disliked
    assert grown["palate_best_score_count"] == 1
    assert "palate_score_margin_count" not in grown  # one dish has no second
    page = _page(knowing)
    assert 'palate_model_info{data_version="abc.dir",model_version="7",preview="true"} 1.0' in page
    assert "palate_published_timestamp_seconds " in page
    assert "process_resident_memory_bytes " in page


def test_a_cold_start_is_counted_and_its_popularity_is_no_score(knowing: str) -> None:
    grown = _grown(knowing, "/recommend", person_id="nobody", allergies=[])
    assert grown == {
        "palate_cold_starts_total": 1,
        "palate_history_length_count": 1,
        "palate_dishes_total": 2,
    }
    grown = _grown(knowing, "/rank", person_id="nobody", dishes=MENU)
    assert grown["palate_cold_starts_total"] == 1
    assert grown["palate_best_score_count"] == 1  # a model that ranks a menu scores it for a stranger, too


def test_paths_that_are_not_there_add_no_line(address: str) -> None:
    draw = random.Random(5)
    httpx.get(f"{address}/one/that/is/not/there", timeout=120)
    httpx.get(f"{address}/people/one", timeout=120)
    lines = [len(_page(address).splitlines()) for _ in range(2)][-1]  # a look is a request, too
    with httpx.Client(base_url=address, timeout=120) as client:
        for number in range(200):
            name = "a" + "".join(draw.choices(string.ascii_letters + string.digits + "/éß%20", k=20))
            status = client.get(("/people/" if number % 2 else "/") + name).status_code
            assert status in {400, 404, 503}
    page = _page(address)
    assert len(page.splitlines()) <= lines + 2  # another status of the same two
    assert 'palate_http_requests_total{path="other",status="404"} 101.0' in page


def test_no_line_names_a_person_a_dish_or_what_else_a_caller_sends(knowing: str) -> None:
    dishes = [{"dish_id": "secret-dish", "name": "Secret stew"}, *MENU]
    for number in range(5):
        body = {"person_id": f"secret-{number}", "dishes": dishes}
        assert send(f"{knowing}/rank", **body)[0] == 200
        httpx.request("SECRET", f"{knowing}/secret-{number}", headers={"User-Agent": "secret"}, timeout=120)
    page = _page(knowing)
    assert "secret" not in page.lower()
    families = text_string_to_metric_families(page)
    labels = {name for family in families for sample in family.samples for name in sample.labels}
    assert labels <= {"endpoint", "path", "status", "model_version", "data_version", "preview", "le"}


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
    page = _page(address)
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


@pytest.mark.slow
def test_promtool_has_no_complaint(knowing: str) -> None:
    needs("promtool")
    send(f"{knowing}/recommend", person_id="ada")
    done = subprocess.run(
        [shutil.which("promtool") or "", "check", "metrics"],
        input=_page(knowing), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_process_that_bentoml_starts_counts_too(process: tuple[subprocess.Popen[bytes], int]) -> None:
    address = f"http://127.0.0.1:{process[1]}"
    for _ in range(2):
        assert send(f"{address}/rank", **{"person_id": "ada", "dishes": MENU})[0] == 200
    page = _page(address)
    assert 'palate_best_score_count{endpoint="rank",model_version="7"} 2.0' in page
    assert 'palate_http_requests_total{path="/rank",status="200"} 2.0' in page
    assert "bentoml" not in page
