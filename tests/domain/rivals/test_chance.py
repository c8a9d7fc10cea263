"""On random data every rule stands at one half; benchmarks/results/chance.md has more seeds."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.shapes import RANDOM
from tests.domain.rivals.chance import measure

pytestmark = pytest.mark.slow
SEEDS = 6
WITHIN = ("ratings", "dishes rated again", "a standing card")
SHAPES = [
    *((name, "time") for name in RANDOM),
    *((name, by) for by in ("within_person", "dish") for name in WITHIN),
    ("ratings", "source"),
]


@pytest.mark.parametrize(("shape", "by"), SHAPES)
def test_random_data_are_ordered_right_half_the_time(shape: str, by: str) -> None:
    accuracies: dict[str, list[float]] = {}
    for seed in range(SEEDS):
        for rule, accuracy in measure(RANDOM[shape](seed + 100), by, seed):
            accuracies.setdefault(rule, []).append(accuracy)
    for rule, values in accuracies.items():
        error = max(np.std(values) / SEEDS**0.5, 0.01)
        assert abs(np.mean(values) - 0.5) < 4 * error, (rule, values)
