"""What the benchmark on tuning compares, and the made-up tastes that a property of names tells."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import tuning
from benchmarks.named_tastes import NAMED, OTHERWISE
from benchmarks.new_dishes import folds
from benchmarks.pooled import measured
from benchmarks.sample import REPO, Known, opinions_of
from components.domain.params_file import read_params
from components.domain.preferences.arrays import Bools
from components.domain.records import LIKED


def test_the_head_alone_and_lora_differ_in_the_method_alone() -> None:
    params = read_params(REPO / "params.yaml")
    ways = tuning.ways(params)
    assert ways == {
        tuning.HEAD: ways[tuning.TUNED].model_copy(update={"method": "none"}),
        tuning.TUNED: params.train.candidates["vectors"],
    }


def test_a_set_without_an_adapter_gets_the_projects_with_its_own_head() -> None:
    params = opinions_of("tastes")[0]
    tuned = tuning.ways(params)[tuning.TUNED]
    default = read_params(REPO / "params.yaml").train.candidates["vectors"]
    assert tuned == default.model_copy(update={"vectors": params.train.candidates["head"].vectors})


@pytest.mark.parametrize("name", NAMED)
def test_half_of_the_people_like_what_has_the_property_and_others_what_has_it_not(name: str) -> None:
    known = NAMED[name]()
    log = known[2]
    has = _property(name, known)
    odd = np.array([int(person[1:]) % 2 for person in log.people], bool)
    expected = has[log.dish] ^ odd[log.person]
    contradicts = expected != (log.verdict == LIKED)
    assert contradicts.mean() == pytest.approx(OTHERWISE, abs=0.02)
    assert has.mean() == pytest.approx(0.5, abs=0.1)
    setting = next(folds(*known))
    sign = np.where(odd, -1.0, 1.0)[setting.test.person[setting.test.owner]]
    scores = {"knows": sign * has[setting.test.offered]}
    assert measured(setting.test, scores, setting.counts).interval("knows").mean > 1 - 2 * OTHERWISE


def _property(name: str, known: Known) -> Bools:
    _, dishes, log = known
    if name == "spelling":
        return np.array([len(dishes[dish].name) <= 6 for dish in log.dishes])
    names = [dishes[dish].name.split(" with ") for dish in log.dishes]
    order = list(dict.fromkeys(food for food in [names[0][0], *(second for _, second in names)]))
    return np.array([(order.index(one) - order.index(other)) % 2 == 0 for one, other in names])
