"""`make benchmark NAME=in-context`: fine-tune, or put it in the prompt?

Quality and price of both on the canteen.

The untuned model gets a person's past dishes in the prompt, all of them or the few that retrieval finds, and
either scores each dish on offer or writes its answer. The tuned ones are trained here, on the same data.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from benchmarks.sample import REPO, base, canteen_split
from components.domain.params import Params
from components.domain.preferences.strengths import known_opinions, rating_spread
from components.domain.preferences.training_plan import whole_people
from components.domain.ranker import encoding
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.packing import pack
from components.domain.ranker.prompts import DishTokens, dish_text
from components.domain.records import Comparison, Dish
from components.domain.rivals.retrieval import Bm25, cosine, with_most_similar_history
from components.domain.verdict.metrics import intervals, per_person
from components.integrations import adapters, finetuning, scoring
from components.stages.contenders import subset

CASES, WRITTEN, CATALOGUE, SEED = 200, 60, 6, 11  # an answer that is written takes seconds
RETRIEVED = 2  # past dishes: three quarters of the cases know three to five
IN_CONTEXT: dict[str, Any] = {
    "vectors": None,
    "comparisons": 2000,
    "epochs": 1,
}  # what minutes on 2 cores allow
MOST_NEW_TOKENS = 16
RESULT = REPO / "benchmarks" / "results" / "in-context.json"
History = Callable[[Sequence[Comparison]], list[Comparison]]


@dataclass(frozen=True)
class Answered:
    """What one way of asking gave: (dishes,) scores by case, and medians over requests."""

    scores: dict[str, np.ndarray[Any, np.dtype[np.float64]]]
    tokens: float
    milliseconds: float
    on_menu: float = 1.0


def main() -> None:
    """Asks in every way and writes results/in-context.json and .md."""
    params, dishes, split = canteen_split()
    torch.set_num_threads(params.train.threads)
    cases = subset(split.test, CASES, SEED)
    rows = _untuned(params, dishes, cases)
    print("untuned rows are done", flush=True)
    rows |= _tuned(params, dishes, list(split.train), cases)
    told: dict[str, dict[str, Any]] = {}
    for name, row in rows.items():
        asked = [case for case in cases if case.key in row.scores]
        measured = intervals(per_person(row.scores, asked), 2000, 0.95, SEED)
        told[name] = {metric: vars(measured[metric]) for metric in ("pair_accuracy", "top1")} | {
            "tokens": row.tokens,
            "milliseconds": row.milliseconds,
            "on_menu": row.on_menu,
            "cases": len(asked),
        }
    RESULT.write_text(json.dumps(told, indent=1) + "\n")
    page = _page(told, len({case.person_id for case in cases}))
    RESULT.with_suffix(".md").write_text(page)
    print(page)


def _untuned(params: Params, dishes: dict[str, Dish], cases: list[Comparison]) -> dict[str, Answered]:
    model = base(params)
    tokens = model.dish_tokens(dishes, params.prompt.dish_fields)
    states = encoding.hidden_states(model, [tokens.alone(dish) for dish in dishes])
    nearest = cosine(dict(zip(dishes, states.double().cpu().numpy(), strict=True)))
    by_words, by_meaning = (
        with_most_similar_history(cases, alike, RETRIEVED) for alike in (Bm25(dishes).score, nearest)
    )
    asked = {
        "all past dishes": cases,
        f"{RETRIEVED} by BM25": by_words,
        f"{RETRIEVED} by embeddings": by_meaning,
    }
    rows = {f"untuned, scores, {name}": _scored(model, tokens, each) for name, each in asked.items()}
    write = Writer(model, params, dishes)
    for name, each in asked.items():
        rows[f"untuned, writes, {name}"] = write.answers(each, [list(case.dishes) for case in each])
    for name, alike, each in (("BM25", Bm25(dishes).score, by_words), ("embeddings", nearest, by_meaning)):
        found = [_catalogue(alike, list(dishes), case) for case in each]
        rows[f"untuned, writes, and {CATALOGUE} of the catalogue by {name}"] = write.answers(each, found)
    return rows


def _catalogue(nearest: Callable[[str, str], float], dishes: list[str], case: Comparison) -> list[str]:
    """Of the catalogue, without what the person had, the dishes most like that: it does not know the menu."""
    had = [past.dish_id for past in case.history]
    others = [dish for dish in dishes if dish not in set(had)]
    return sorted(others, key=lambda dish: -max((nearest(dish, each) for each in had), default=0.0))[
        :CATALOGUE
    ]


def _tuned(
    params: Params, dishes: dict[str, Dish], train: list[Comparison], cases: list[Comparison]
) -> dict[str, Answered]:
    vectors = params.train.candidates["vectors"]
    rows = {}
    short = with_most_similar_history(cases, Bm25(dishes).score, RETRIEVED)
    for kind, settings in (("in context", vectors.model_copy(update=IN_CONTEXT)), ("dish vectors", vectors)):
        model = base(params)
        tokens = model.dish_tokens(dishes, params.prompt.dish_fields)
        adapters.attach(model.network, settings, params.train.seed)
        some = whole_people(train, settings.comparisons, params.train.seed)
        if settings.vectors:
            spread = rating_spread(known_opinions(some))
            finetuning.fit_vectors(
                model, tokens, some, settings, settings.vectors, settings.epochs, spread, lambda _step: None
            )
        else:
            packed = pack(some, tokens, params.train.row_tokens)
            finetuning.fit_answers(
                model, packed, settings, settings.epochs, params.train.rows_per_step, lambda _step: None
            )
        for name, asked in (("all past dishes", cases), (f"{RETRIEVED} by BM25", short)):
            rows[f"tuned, {kind}, {name}"] = _scored(model, tokens, asked)
    return rows


def _scored(model: LanguageModel, tokens: DishTokens, cases: Sequence[Comparison]) -> Answered:
    """One request a case. Dish vectors are remembered, so a menu of dishes seen before costs no token."""
    scores, seconds = {}, []
    for case in cases if model.head else ():
        scoring.score_menu(model, tokens, case)
    for case in cases:
        started = time.perf_counter()
        scores[case.key] = np.array(scoring.score_menu(model, tokens, case))
        seconds.append(time.perf_counter() - started)
    read = [0 if model.head else sum(row.real for row in pack([case], tokens, 1)) for case in cases]
    return Answered(scores, statistics.median(read), 1000 * statistics.median(seconds))


class Writer:
    """The untuned model as a chat: it names a dish, which may be one that nobody offers."""

    def __init__(self, model: LanguageModel, params: Params, dishes: dict[str, Dish]) -> None:
        self.model = model
        self.names = {key: dish_text(dish, params.prompt.dish_fields) for key, dish in dishes.items()}
        self.short = {key: dish.name.lower() for key, dish in dishes.items()}

    def answers(self, cases: Sequence[Comparison], shown: Sequence[list[str]]) -> Answered:
        """Each case's answer as scores: 1 for the dish on offer that was written, 0 for all others."""
        scores, read, seconds, hits = {}, [], [], 0
        for case, catalogue in zip(cases[:WRITTEN], shown[:WRITTEN], strict=True):
            started = time.perf_counter()
            text, tokens = self._write(case, catalogue)
            seconds.append(time.perf_counter() - started)
            read.append(tokens)
            named = max(
                case.dishes, key=lambda dish: len(self.short[dish]) if self.short[dish] in text else 0
            )
            on_menu = self.short[named] in text
            hits += on_menu
            # What is not on the menu is a miss, not a tie of all that are.
            said = [float(dish == named) if on_menu else -float(dish == case.chosen) for dish in case.dishes]
            scores[case.key] = np.array(said)
        return Answered(scores, statistics.median(read), 1000 * statistics.median(seconds), hits / len(read))

    def _write(self, case: Comparison, catalogue: Sequence[str]) -> tuple[str, int]:
        had = "\n".join(f"- {self.names[past.dish_id]}" for past in case.history)
        offered = "\n".join(f"- {self.names[dish]}" for dish in catalogue)
        question = (
            f"A person chose these meals before:\n{had}\n\nToday's menu:\n{offered}\n\n"
            "Which dish of the menu will this person choose? Answer with the name of one dish only."
        )
        tokenizer = self.model.tokenizer
        ids = tokenizer.apply_chat_template(
            [{"role": "user", "content": question}],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        ).to(self.model.device)
        with torch.inference_mode():
            written = self.model.network.generate(
                **ids, max_new_tokens=MOST_NEW_TOKENS, do_sample=False, pad_token_id=tokenizer.eos_token_id
            )
        start = ids["input_ids"].shape[1]
        return tokenizer.decode(written[0][start:], skip_special_tokens=True).lower(), start


def _page(told: dict[str, dict[str, Any]], people: int) -> str:
    lines = [
        "# Fine-tune, or put it in the prompt?",
        "",
        f"`make benchmark NAME=in-context`, canteen, {CASES} test cases of {people} people, 95 % interval",
        "over people; tokens that the model reads and milliseconds for one request of six dishes, medians,",
        "one process. A written answer counts for the dish that it names and is a miss where",
        "that is not on the",
        "menu; it orders no pairs. The model tuned in context has seen",
        f"{IN_CONTEXT['comparisons']:,} comparisons once; dish vectors know every dish of the menu, which is",
        "when they cost no token.",
        "",
        "| | cases | pair accuracy | top-1 | prompt tokens | ms | answers on the menu |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in told.items():
        pair = "" if ", writes," in name else _interval(row["pair_accuracy"])
        lines.append(
            f"| {name} | {row['cases']} | {pair} | {_interval(row['top1'])} | {row['tokens']:.0f} "
            f"| {row['milliseconds']:,.1f} | {row['on_menu']:.0%} |"
        )
    return "\n".join([*lines, ""])


def _interval(row: dict[str, float]) -> str:
    return f"{row['mean']:.3f} ({row['low']:.3f} to {row['high']:.3f})"


if __name__ == "__main__":
    main()
