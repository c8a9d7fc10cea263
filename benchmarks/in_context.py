"""`make benchmark NAME=in-context`: fine-tune, or put it in the prompt?

Quality and price of both on the canteen.

The untuned model gets a person's past dishes in the prompt, all of them or the few that retrieval finds, and
either scores each dish on offer or writes its answer. The tuned ones are trained here, on the same data.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from benchmarks.bootstrap import intervals
from benchmarks.measuring import BOOTSTRAP, metrics_of
from benchmarks.pages import RESULTS, in_words, publish, table
from benchmarks.sample import base, canteen
from components.domain.preferences.arrays import Floats
from components.domain.preferences.tables import Comparisons
from components.domain.preferences.training_plan import from_scratch
from components.domain.ranker.encoding import hidden_states
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.packing import pack
from components.domain.ranker.prompts import DishTokens, dish_text
from components.domain.records import Comparison
from components.domain.rivals.retrieval import Similarity, cosine, with_most_similar_history
from components.integrations import adapters, finetuning, scoring
from components.stages import model_contenders
from components.stages.contenders import Setting

WRITTEN, CATALOGUE = 60, 6  # comparisons answered in writing, which takes seconds; dishes shown of all
RETRIEVED = 2  # past dishes: three quarters of the people have three to five
IN_CONTEXT: dict[str, Any] = {"vectors": None, "comparisons": 2000, "epochs": 1}  # minutes on 2 cores
MOST_NEW_TOKENS = 16


@dataclass(frozen=True)
class Answers:
    """What one way of asking gave.

    Attributes:
        scores: (O,) scores of the first comparisons.
        comparisons: Number of these.
        tokens: Median of what the model reads for one.
        milliseconds: Median for one.
        on_menu: Share of answers that name a dish on offer.
    """

    scores: Floats
    comparisons: int
    tokens: float
    milliseconds: float
    on_menu: float = 1.0


def main() -> None:
    """Asks in every way and writes results/in-context.json and .md."""
    setting = canteen()
    few = setting.test.take(setting.subset)
    answers = _untuned(setting, few)
    print("the untuned ones are done", flush=True)
    answers |= _tuned(setting, few)
    results = {name: _measured(answer, few) for name, answer in answers.items()}
    publish(RESULTS / "in-context.md", _page(results, few), results)


def _measured(answers: Answers, few: Comparisons) -> dict[str, Any]:
    people = metrics_of(answers.scores, few.take(range(answers.comparisons)))
    measured = intervals(people, BOOTSTRAP)
    price = {name: value for name, value in vars(answers).items() if name != "scores"}
    return {metric: measured[metric] for metric in ("pair_accuracy", "top1")} | price


def _untuned(setting: Setting, few: Comparisons) -> dict[str, Answers]:
    model, tokens = base(setting)
    similarities = {
        "BM25": setting.by_words,
        "embeddings": cosine(model_contenders.dish_embeddings(setting, model, partial(hidden_states, model))),
    }
    retrieved = {
        name: with_most_similar_history(few, similarity, RETRIEVED)
        for name, similarity in similarities.items()
    }
    ways = {"all past dishes": few, **{f"{RETRIEVED} by {name}": each for name, each in retrieved.items()}}
    answers = {f"untuned, scores, {name}": _scored(model, tokens, each) for name, each in ways.items()}
    writer = Writer(model, setting)
    for name, comparisons in ways.items():
        menus = (comparison.dishes for comparison in comparisons)
        answers[f"untuned, writes, {name}"] = writer.answers(comparisons, menus)
    for name, similarity in similarities.items():
        shown = _catalogues(similarity, retrieved[name])
        way = f"untuned, writes, and {CATALOGUE} of the catalogue by {name}"
        answers[way] = writer.answers(retrieved[name], shown)
    return answers


def _catalogues(similarity: Similarity, comparisons: Comparisons) -> Iterable[list[str]]:
    """Of the catalogue, without what the person had, the dishes most like that: it does not know the menu."""
    log = comparisons.log
    for number in range(len(comparisons)):
        past = log.dish[comparisons.take([number]).lines.line]
        others = np.setdiff1d(np.arange(len(log.dishes)), past)
        pairs = similarity(np.repeat(others, len(past)), np.tile(past, len(others)))
        likeness = pairs.reshape(len(others), len(past)).max(1, initial=-np.inf).round(9)  # ties stay ties
        yield [log.dishes[dish] for dish in others[np.argsort(-likeness, kind="stable")[:CATALOGUE]]]


def _tuned(setting: Setting, few: Comparisons) -> dict[str, Answers]:
    settings, vectors = setting.params.train, setting.params.train.candidates["vectors"]
    short = with_most_similar_history(few, setting.by_words, RETRIEVED)
    answers = {}
    for kind, candidate in (("in context", vectors.model_copy(update=IN_CONTEXT)), ("dish vectors", vectors)):
        model, tokens = base(setting)
        adapters.attach(model.network, candidate, settings.seed)
        plan = from_scratch(setting.train, candidate, settings.seed)
        finetuning.fit(model, tokens, plan, setting.ratings, candidate, settings, lambda _step: None)
        for name, comparisons in (("all past dishes", few), (f"{RETRIEVED} by BM25", short)):
            answers[f"tuned, {kind}, {name}"] = _scored(model, tokens, comparisons)
    return answers


def _scored(model: LanguageModel, tokens: DishTokens, comparisons: Comparisons) -> Answers:
    """One request a comparison. Vectors are remembered, so a menu of dishes read before costs no token."""
    questions, scores, seconds = list(comparisons), list[float](), []
    for question in questions if model.head else ():
        scoring.score_question(model, tokens, question)
    for question in questions:
        started = time.perf_counter()
        scores += scoring.score_question(model, tokens, question)
        seconds.append(time.perf_counter() - started)
    alone = () if model.head else (pack(comparisons.take([n]), tokens, 1) for n in range(len(questions)))
    read = [sum(packed.size for packed in sequences) for sequences in alone] or [0]
    middle = 1000 * statistics.median(seconds)
    return Answers(np.array(scores), len(questions), statistics.median(read), middle)


class Writer:
    """The untuned model as a chat: it names a dish, which may be one that is not on the menu."""

    def __init__(self, model: LanguageModel, setting: Setting) -> None:
        self.model, fields = model, setting.params.prompt.dish_fields
        self.texts = {dish_id: dish_text(dish, fields) for dish_id, dish in setting.dishes.items()}
        self.names = {dish_id: dish.name.lower() for dish_id, dish in setting.dishes.items()}

    def answers(self, comparisons: Comparisons, menus: Iterable[Sequence[str]]) -> Answers:
        """The answers as scores: 1 for the dish on offer that was written, 0 for all others.

        Args:
            comparisons: Of which the first are answered.
            menus: The dishes shown for each of them.
        """
        first = comparisons.take(range(min(WRITTEN, len(comparisons))))
        scores, read, seconds, hits = list[float](), [], [], 0
        for comparison, menu in zip(first, menus, strict=False):
            started = time.perf_counter()
            text, tokens = self._write(comparison, menu)
            seconds.append(time.perf_counter() - started)
            read.append(tokens)
            written = [dish for dish in comparison.dishes if self.names[dish] in text]
            named = max(written, key=lambda dish: len(self.names[dish]), default=None)
            hits += named is not None
            # What is not on the menu is a miss, not a tie of all that are.
            right = named or comparison.chosen
            scores += [(1.0 if named else -1.0) * (dish == right) for dish in comparison.dishes]
        middle = 1000 * statistics.median(seconds)
        return Answers(np.array(scores), len(first), statistics.median(read), middle, hits / len(first))

    def _write(self, comparison: Comparison, menu: Sequence[str]) -> tuple[str, int]:
        had = "\n".join(f"- {self.texts[past.dish_id]}" for past in comparison.history)
        offered = "\n".join(f"- {self.texts[dish]}" for dish in menu)
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


def _page(results: Mapping[str, Mapping[str, Any]], few: Comparisons) -> str:
    lines = [
        "# Fine-tune, or put it in the prompt?",
        "",
        f"`make benchmark NAME=in-context`, canteen, {len(few)} test comparisons of",
        f"{len(np.unique(few.person))} people, 95 % interval over people; tokens that the model reads and",
        "milliseconds for one request of six dishes, medians, one process. A written answer counts for the",
        "dish that it names and is a miss where that is not on the menu; it orders no pairs. The model tuned",
        f"in context has read {IN_CONTEXT['comparisons']:,} comparisons once; dish vectors know every dish",
        "of the menu, which is when they cost no token.",
        "",
        *table(
            " | comparisons | pair accuracy | top-1 | prompt tokens | ms | answers on the menu",
            (_cells(name, result) for name, result in results.items()),
        ),
    ]
    return "\n".join([*lines, ""])


def _cells(name: str, result: Mapping[str, Any]) -> list[str]:
    pair = "" if ", writes," in name else in_words(result["pair_accuracy"])
    price = f"{result['tokens']:.0f}", f"{result['milliseconds']:,.1f}", f"{result['on_menu']:.0%}"
    return [name, str(result["comparisons"]), pair, in_words(result["top1"]), *price]


if __name__ == "__main__":
    main()
