"""/app in a real browser, on the real service: every path of the page, by what it shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from components.domain.catalogue import Thresholds
from components.domain.records import LIKED, Past
from components.integrations.service_store import Catalogue
from tests.conftest import needs
from tests.flows.container import CHROMIUM
from tests.serving.conftest import listening, set_limits, with_token
from tests.serving.household import DISHES, amounts_of, dish_row
from tests.serving.published import ADA, BOB, lines
from tests.serving.test_person_ranking import with_factors
from tests.serving.test_trial import before

__all__ = ["before", "with_factors"]  # fixtures
HOSTILE = [
    "<img src=x onerror=document.title='owned'>",
    "\u0634\u0648\u0631\u0628\u0629",
    "x" * 200,
    "\U0001f35d",
]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_the_page_is_files_of_this_host_and_needs_no_token(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    with_token(served, tmp_path, monkeypatch)
    with listening() as address, httpx.Client(base_url=address) as client:
        assert client.get("/").headers["location"] == "app"
        page = client.get("/app")
        files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert sorted(files) == ["app/app.js", "app/style.css"]
        for path in ["app", *files]:
            answer = client.get(f"/{path}")
            assert answer.status_code == 200
            assert "default-src 'none'; script-src 'self'" in answer.headers["content-security-policy"]
            assert not re.search("https?://|innerHTML|eval|style=", answer.text)
        assert client.post("/app").status_code == 405
        assert client.get("/app/__init__.py").status_code == 401  # no file of the page
        assert client.post("/recommend", json={"person_id": "ada"}).status_code == 401
    set_limits(served, page=False)
    with listening() as address, httpx.Client(base_url=address) as client:
        assert client.get("/").headers["location"] == "docs.json"
        assert client.get("/app").status_code == 404


@pytest.fixture
def browser() -> Iterator[Any]:
    needs("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield browser
        browser.close()


class _Page:
    """A page of a browser, with all that it asked for and all errors of its scripts."""

    def __init__(self, browser: Any, address: str, **how: Any) -> None:
        self.page, self.address = browser.new_page(**how), address
        self.sent: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda sent: self.sent.append(sent.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(f"{address}/app")

    def press(self, name: str, nth: int = 0) -> None:
        """Presses a button, and waits until the page has said what came of it."""
        self.page.get_by_role("button", name=name).nth(nth).click()
        self.page.locator("#notice:not(:text-is('One moment …'))").wait_for(state="attached")

    def text(self, place: str) -> str:
        return str(self.page.locator(f"#{place}").inner_text())

    def names(self) -> list[str]:
        return [str(name) for name in self.page.locator("#list h3").all_inner_texts()]

    def check(self) -> None:
        """Holds the page to WCAG 2.2 AA, and to this host alone."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page, options={"runOnly": RULES}).response["violations"]
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert [url for url in self.sent if not url.startswith(self.address)] == []
        assert self.errors == []
        assert self.page.title() == "Palate"


def _publish(url: str) -> None:
    names = [
        dish_row(f"odd-{number}", name, "rice, peas", "main", amounts_of(500, 20))
        for number, name in enumerate(HOSTILE)
    ]
    histories = [("ada", lines(Past("cod", LIKED))), ("bob", [])]
    rows = [(dish, 0.5, True) for dish in [*DISHES, *names]]
    Catalogue(url).publish("v1", Thresholds(4, 2), rows, [ADA, BOB], histories)


@pytest.mark.slow
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_known_person_sees_dishes_says_what_they_like_and_plans_a_week(
    with_factors: str, url: str, browser: Any
) -> None:
    _publish(url)
    set_to = {"width": 320, "height": 700}
    page = _Page(browser, with_factors, viewport=set_to, color_scheme="dark")
    page.page.get_by_label("Id", exact=True).fill("ada")
    page.press("Show dishes")
    page.press("Show dishes")  # one request reads few new dishes
    assert set(HOSTILE) <= set(page.names())
    page.page.get_by_label("Id", exact=True).fill("bob")
    page.press("Show dishes")
    assert "Almond cake" not in page.names()  # bob may eat no nuts
    page.page.get_by_text("Left out: ").click()
    page.page.get_by_label("Search").fill("cake")
    assert page.text("left-out").startswith("cake: ")
    first = page.names()[0]
    page.press(f"Not again: {first}")
    assert first not in page.names()
    page.press("Ate it", 1)
    person = httpx.get(f"{with_factors}/people/bob").json()
    assert [said["kind"] for said in person["feedback"]] == ["dislike", "choice"]
    page.press("Add a bound")
    page.page.get_by_label("Amount").fill("5000")
    page.page.get_by_label("Days", exact=True).fill("2")
    page.press("Plan")
    before = page.page.locator("#planned td label").all_inner_texts()
    page.press("Replace: ", 1)
    after = page.page.locator("#planned td label").all_inner_texts()
    assert (after[0], after[1] == before[1]) == (before[0], False)
    kept = page.page.locator("#planned td label").first
    name = kept.inner_text().strip()
    kept.click()
    page.press("Skip: dinner of day 2")
    assert page.page.locator("#planned td label").all_inner_texts() == [f" {name}"]
    assert page.page.locator("#planned .bar").count() == 1  # of the day with a meal
    stored = len(httpx.get(f"{with_factors}/people/bob").json()["answers"])
    with page.page.expect_download() as download:
        page.press("Calendar file")
    assert len(httpx.get(f"{with_factors}/people/bob").json()["answers"]) == stored
    assert name in Path(download.value.path()).read_text(encoding="utf-8").replace("\r\n ", "")
    page.page.get_by_text("What to buy").click()
    assert "servings" in page.text("planned")
    page.press("Show what answers")
    assert "Version 7" in page.text("versions")
    page.check()
    page.page.get_by_label("Amount").fill("1")
    page.press("Plan")
    assert "contradict" in page.text("planned")


@pytest.mark.slow
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_somebody_new_is_ranked_after_one_answer_and_stored_only_where_they_say_so(
    with_factors: str, url: str, browser: Any
) -> None:
    _publish(url)
    page = _Page(browser, with_factors)
    page.page.get_by_label("Somebody new").check()
    page.press("Show dishes")
    assert "nobody is served without" in page.text("refusal")
    page.page.get_by_label("Allergies", exact=True).fill("nuts")
    page.press("Show dishes")
    assert "popularity" in page.text("how")
    asked = page.text("asked")
    page.page.keyboard.press("Tab")
    page.press("Yes")
    assert page.text("asked") != asked
    assert "The best of" in page.text("how")
    page.press("I cannot tell")
    page.press("Plan")
    assert page.page.locator("#planned td label").count() == 7
    page.check()
    with httpx.Client(base_url=with_factors) as client:
        tried = next(url for url in page.sent if url.endswith("/questions"))
        assert tried
        assert "palate_exposures_failed_total 0.0" in client.get("/metrics").text
        page.page.get_by_label("Your new id").fill("ada")
        page.press("Keep me")
        assert page.text("refusal") == "Somebody has the id “ada”: choose another one."
        assert client.get("/people/ada").json()["feedback"] == []
        assert client.get("/people/zoë").status_code == 404
        page.page.get_by_label("Your new id").fill("zoë")
        page.press("Keep me")
        assert "How well Palate knows" in page.text("ranking")
        (said,) = client.get("/people/zoë").json()["feedback"]
    assert said["kind"] == "like"
    page.check()


@pytest.mark.slow
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_service_that_refuses_or_stops_loses_nothing_that_was_entered(
    served: Path, before: Path, url: str, browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = with_token(served, tmp_path, monkeypatch)
    monkeypatch.setenv("PALATE_STORE", url)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example")
    _publish(url)
    with listening() as address:
        page = _Page(browser, address)
        page.page.get_by_label("Id", exact=True).fill("ada")
        page.page.get_by_role("button", name="Show dishes").click()
        page.page.get_by_label("Token", exact=True).fill("wrong")
        page.page.get_by_role("button", name="Go on").click()
        page.page.get_by_label("Token", exact=True).fill(token)
        page.press("Go on")
        page.page.locator("#list li").first.wait_for()
        page.press("Show what answers")
        link = page.page.get_by_role("link", name="The version in MLflow").first
        assert link.get_attribute("href") == "https://mlflow.example/#/models/palate/versions/7"
        page.press("Both versions for this person")
        page.press("Both versions for this person")  # one request reads few new dishes
        heads = page.page.locator("#compared th[scope=col]").all_inner_texts()
        assert heads == ["Place", "Version 7", "Version 6"]
        rows = page.page.locator("#compared td").all_inner_texts()
        assert rows[::2] == rows[1::2] != []  # the same model under two numbers
        headers = {"Authorization": f"Bearer {token}"}
        assert len(httpx.get(f"{address}/people/ada", headers=headers).json()["answers"]) == 1
        page.check()
        page.page.get_by_label("Id", exact=True).fill("carol")
        page.press("Show dishes")
        assert "carol" in page.text("refusal")
        assert page.names()  # of before
    page.press("Show dishes")
    assert page.text("refusal") == "The service does not answer. What you entered is kept: try again."
    assert page.page.get_by_label("Id", exact=True).input_value() == "carol"
    assert page.errors == []


@pytest.mark.slow
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_catalogue_of_ten_thousand_dishes_can_be_searched_and_planned(
    with_factors: str, url: str, browser: Any
) -> None:
    dishes = [
        dish_row(f"dish-{number}", f"Dish {number}", food, "main", amounts_of(500, 20))
        for number, food in enumerate(["rice, peas", "beef, beans"] * 5_000)
    ]
    rows = [(dish, 0.5, True) for dish in dishes]
    Catalogue(url).publish("v1", Thresholds(4, 2), rows, [BOB], [("bob", lines(Past("dish-0", LIKED)))])
    page = _Page(browser, with_factors)
    page.page.get_by_label("Id", exact=True).fill("bob")
    page.press("Show dishes")
    assert page.text("left-out-count") == "Left out: 1,000"  # of 5,000, the first
    page.page.get_by_text("Left out: ").click()
    assert page.page.locator("#left-out li").count() == 200
    page.page.get_by_label("Search").fill("dish-1999:")
    assert page.text("left-out").startswith("dish-1999: ")
    page.press("Plan")
    assert page.page.locator("#planned td label").count() == 7
    assert page.errors == []
