"""`make benchmark NAME=tuning SET=…`: what tuning adds to a frozen base, and what language adds at all.

A head of dish vectors with LoRA, the same head alone, and text factors learn from the training period of a
set, each as a night has it, and are scored on what is held out. Text factors and the head are repeated on a
base of the same shape with random weights and, where it is installed, on the second base of the tests.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.bases import MISSING, SECOND, make_random_base, second_gguf
from benchmarks.named_tastes import NAMED
from benchmarks.new_dishes import FACTORS, folds
from benchmarks.pages import RESULTS, in_words, publish, table
from benchmarks.pooled import Measured, measured, minus, pooled
from benchmarks.sample import BASE, REPO, opinions_of, setting_by
from components.domain.params import Params
from components.domain.params_file import read_params
from components.domain.preferences.arrays import Floats
from components.domain.preferences.folds import unit_of
from components.domain.ranker.closed_form import give_text_factors
from components.domain.ranker.language_model import LanguageModel
from components.domain.training_params import CandidateParams
from components.integrations import adapters, base_models, scoring
from components.stages.contenders import Setting
from components.stages.model_contenders import trained
from components.stages.split import divide

_WHAT = "learnt from the training period, scored on what is held out."
SETS = ("canteen", "italian-recipes", "food-world-cup", "new-dishes", "tastes", *NAMED)
FITTED, HEAD, TUNED = "text factors", "head alone", "LoRA and head"
RANDOM, KEPT = "random weights", REPO / ".palate" / "benchmarks" / "bases"
Row = tuple[str, Callable[[], Floats]]  # its name, and what computes the scores of the dishes on offer


def main() -> None:
    """Measures every row on a set and writes results/tuning-SET.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tuning", description=__doc__)
    parser.add_argument("set", nargs="?", default="canteen", choices=SETS)
    parser.add_argument(
        "--folds", type=int, default=5, help="of the dishes, where a set hides them; at most 5"
    )
    options = parser.parse_args()
    bases = _bases()
    parts = [_measured(each, bases) for each in _settings(options.set, options.folds)]
    command = " ".join([options.set, *([f"--folds {options.folds}"] if options.folds < 5 else [])])
    publish(RESULTS / f"tuning-{options.set}.md", _page(options.set, command, pooled(parts)))


def _settings(name: str, count: int) -> Iterator[Setting]:
    params, dishes, log = NAMED[name]() if name in NAMED else opinions_of(name)
    if name in NAMED or params.split.by == "dish":
        return itertools.islice(folds(params, dishes, log), count)
    return iter([setting_by(params, dishes, divide(params.split, log))])


def _bases() -> dict[str, Path]:
    """Writes the bases that are missing, each with the ending of its rows' names."""
    base_models.materialise(read_params(REPO / "params.yaml").base.model, BASE)
    bases = {"": BASE, f", {RANDOM}": KEPT / "random"}
    if not (KEPT / "random" / base_models.MARKER).exists():
        make_random_base(KEPT / "random")
    if gguf := second_gguf(KEPT / "gguf"):
        base_models.materialise(str(gguf), KEPT / "second")
        return bases | {f", {SECOND}": KEPT / "second"}
    print(f"Its rows are left out: {MISSING}")
    return bases


def _measured(setting: Setting, bases: dict[str, Path]) -> Measured:
    scores = {}
    for row, compute in _rows(setting, bases):
        scores[row] = compute()
        print(row, measured(setting.test, scores, setting.counts).interval(row), flush=True)
    return measured(setting.test, scores, setting.counts)


def _rows(setting: Setting, bases: dict[str, Path]) -> Iterator[Row]:
    for ending, base in bases.items():
        yield f"{FITTED}{ending}", partial(_closed_form, setting, base)
        for way, candidate in ways(setting.params).items():
            if way == HEAD or base == BASE:
                yield f"{way}{ending}", partial(_trained, setting, candidate, base)


def ways(params: Params) -> dict[str, CandidateParams]:
    """Lists how a head is trained, alone and with LoRA: as the set's candidate says, or else the project's.

    Where the set has a head alone, the project's adapter gets it.
    """
    default = read_params(REPO / "params.yaml").train.candidates["vectors"]
    own = next((each for each in params.train.candidates.values() if each.vectors), default)
    tuned = own if own.method == "lora" else default.model_copy(update={"vectors": own.vectors})
    return {HEAD: tuned.model_copy(update={"method": "none"}), TUNED: tuned}


def _closed_form(setting: Setting, base: Path) -> Floats:
    model, params = base_models.load_on_best_device(base), setting.params
    tokens, unit = model.dish_tokens(setting.dishes, params.prompt.dish_fields), unit_of(params.split)
    fitted = give_text_factors(model, tokens, setting.train, setting.may_know, FACTORS, unit)
    return fitted.scores(setting.test)


def _trained(setting: Setting, candidate: CandidateParams, base: Path) -> Floats:
    params = setting.params
    model = trained(setting, candidate, partial(_fresh, candidate, base, params.train.seed))
    tokens = model.dish_tokens(setting.dishes, params.prompt.dish_fields)
    return scoring.score(model, tokens, setting.test)


def _fresh(candidate: CandidateParams, base: Path, seed: int) -> LanguageModel:
    model = base_models.load_on_best_device(base)
    adapters.attach(model.network, candidate, seed)
    return model


def _page(name: str, command: str, result: Measured) -> str:
    size = result.estimate(result.accuracies[TUNED])
    cells = (
        [row, in_words(result.interval(row)), *(minus(result, own, row) for own in (TUNED, HEAD, FITTED))]
        for row in result.accuracies
    )
    lines = [
        f"# What tuning adds: {name}",
        "",
        f"`python -m benchmarks.tuning {command}`: {_WHAT}",
        f"{size.comparisons:,} comparisons of {size.people:,} people; intervals count people and",
        f"{result.unit}.",
        "",
        *table(f"row | pair accuracy | {TUNED} minus it | {HEAD} minus it | {FITTED} minus it", cells),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
