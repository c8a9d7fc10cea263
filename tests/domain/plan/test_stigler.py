"""Stigler's diet problem, by the rows that a plan's bounds become, with amounts in place of dishes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog

from components.domain.plan.model import NO_WISH, model_of
from tests.domain.plan.weeks import dinner, limit, week


def test_stiglers_diet_of_1945_costs_39_dollars_and_66_cents_a_year() -> None:
    lines = (Path(__file__).parent / "stigler.tsv").read_text(encoding="utf-8").splitlines()
    names, *rows = [line.split("\t") for line in lines if line[0] != "#"]
    a_dollar = np.array([row[1:] for row in rows], float)
    assert a_dollar.shape == (77, 9)
    a_day = 3, 70, 0.8, 12, 5, 1.8, 2.7, 18, 75
    wishes = tuple(
        limit(name, 0, bought.tolist(), least, is_least=True)
        for name, bought, least in zip(names[1:], a_dollar.T, a_day, strict=True)
    )
    model = model_of(week([[0.0] * 77], [dinner(0, [0], range(77))], limits=wishes))
    needs = model.wish != NO_WISH  # without the rows of plates, amounts are dollars
    spent = linprog(np.ones(77), model.matrix.toarray()[needs], model.most[needs])
    assert 365 * spent.fun == pytest.approx(39.66, abs=0.005)
    assert {rows[food][0] for food in np.flatnonzero(spent.x > 1e-6)} == {
        "Wheat Flour (Enriched)", "Liver (Beef)", "Cabbage", "Spinach", "Navy Beans, Dried",
    }  # fmt: skip
