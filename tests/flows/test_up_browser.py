"""`make up` as a person uses it: an alias clicked in MLflow's pages becomes the answer of the new service."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from components.integrations.model_registry.checksums import ungrouped
from tests.conftest import needs
from tests.flows.clones import http_status, status_of, wait_for
from tests.flows.container import CHROMIUM
from tests.flows.running import Up

pytestmark = pytest.mark.slow


@contextmanager
def _asking(url: str) -> Iterator[list[int]]:
    """Asks an address all the time, each time by a new connection; 0 where nothing answers."""
    statuses: list[int] = []
    end = threading.Event()

    def ask() -> None:
        while not end.wait(0.2):
            statuses.append(http_status(url))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield statuses
    finally:
        end.set()
        asking.join()


def test_an_alias_clicked_in_mlflow_is_answered_by_the_new_service(up: Up) -> None:
    needs("chromium")
    from playwright.sync_api import sync_playwright

    wait_for(lambda: up.canary().get("model_version") == "1", 120, "the champion's service")
    uri, before = up.address("mlflow"), mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    client = MlflowClient(uri)
    first = client.get_model_version("palate", "1")
    source = f"models:/{first.source.rpartition('/')[2]}"
    second = mlflow.register_model(source, "palate", tags={**first.tags, "released": ""}).version
    client.update_model_version("palate", second, first.description)
    mlflow.set_tracking_uri(before)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        page = browser.new_page(viewport={"width": 1400, "height": 1100})
        outside: list[str] = []
        page.on("request", lambda sent: outside.append(sent.url) if "127.0.0.1" not in sent.url else None)
        page.goto(f"{uri}/#/models/palate/versions/{second}")
        page.get_by_text("content-history").first.wait_for(timeout=60_000)  # the gate table, on the version
        assert page.get_by_text("Gate: PASS").count()
        page.locator('button[title="Add aliases"], button[title="Edit aliases"]').first.click()
        page.get_by_role("dialog").get_by_role("combobox").click()
        page.keyboard.type("champion")
        page.keyboard.press("Enter")
        pictures = Path(os.environ.get("PALATE_PICTURES", up.clone))
        page.screenshot(path=pictures / "promotion.png")
        with _asking(f"{up.address('service')}/readyz") as statuses:
            page.get_by_role("button", name="Save aliases").click()
            wait_for(lambda: up.canary().get("model_version") == str(second), 300, "the new service")
        browser.close()
    assert set(statuses) == {200}  # a release is no outage
    assert len(statuses) > 20
    assert [url for url in outside if url.startswith("http")] == []
    answer = up.canary()
    assert answer["passed"]
    assert answer["adapter_sha256"] == ungrouped(first.tags)["adapter_sha256"]
    status = status_of(up.clone)
    assert f"version {second} at {up.address('service')}: its canary passed" in status
    assert "Night: " in status
    step = status.partition("next step\n")[2]  # after whichever night the clone had last
    assert f"version {second} is the champion" in step or f"version {second} stays the champion" in step
