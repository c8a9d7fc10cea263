"""`make benchmark NAME=ranking`: milliseconds to rank dishes for one person, against transformers.

The peer scores prefix + dish for every dish, in batches, with the same weights; that its scores equal ours in
context is checked before anything is measured. bfloat16 is what trains; the service, of which a canary wants
the very scores, serves in float32.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch

from benchmarks.measuring import seconds
from benchmarks.pages import RESULTS, publish, table
from benchmarks.sample import BASE, base, canteen, more_dishes
from components.domain.preferences.strengths import RatingScale
from components.domain.ranker import encoding
from components.domain.ranker.dish_vectors import start_head
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prompts import ANSWERS, DishTokens
from components.domain.records import LIKED, Past, Question
from components.integrations import base_models, scoring

RUNS, PEER_BATCH, HISTORY = 5, 25, 10
COUNTS = 6, 100  # dishes on offer
TOLERANCE = 0.001  # logits, in float32
Tables = Mapping[str, Mapping[str, Mapping[str, float]]]  # dtype -> dishes on offer -> way -> milliseconds


def main() -> None:
    """Measures both menus and writes results/speed-ranking.json and .md."""
    setting = canteen()
    base(setting)  # made where it is not yet
    dishes = more_dishes(setting.dishes, max(COUNTS) + HISTORY)
    names = list(dishes)
    history = tuple(Past(dish, LIKED) for dish in names[:HISTORY])
    questions = [Question("p", history, tuple(names[HISTORY : HISTORY + count])) for count in COUNTS]
    tables = {}
    for dtype in (torch.float32, torch.bfloat16):
        model = base_models.load(BASE, dtype, torch.device("cpu"))
        tokens = model.dish_tokens(dishes, setting.params.prompt.dish_fields, HISTORY)
        if dtype == torch.float32:  # where rounding cannot hide a difference
            _check(model, tokens, questions)
        menus = {f"{len(question.dishes)} dishes": question for question in questions}
        rows = {name: _measure(model, tokens, question) for name, question in menus.items()}
        tables[str(dtype).removeprefix("torch.")] = rows
    publish(RESULTS / "speed-ranking.md", _page(tables), tables)


def _check(model: LanguageModel, tokens: DishTokens, questions: Sequence[Question]) -> None:
    """The peer scores what we score."""
    for question in questions:
        ours, theirs = (score(model, tokens, question) for score in (scoring.score_question, _padded_batch))
        difference = max(abs(one - other) for one, other in zip(ours, theirs, strict=True))
        if difference > TOLERANCE:
            raise SystemExit(f"the peer's scores are {difference:.4f} logits off ours: nothing was measured.")


def _measure(model: LanguageModel, tokens: DishTokens, question: Question) -> dict[str, float]:
    lines = [tokens.alone(dish) for dish in (*question.dishes, *(past.dish_id for past in question.history))]
    ranker = replace(
        model, head=start_head(encoding.hidden_states(model, lines), 16, RatingScale()), vectors={}
    )

    def cold() -> None:
        ranker.vectors.clear()
        scoring.score_question(ranker, tokens, question)

    return {
        "transformers, padded batch": _median_ms(lambda: _padded_batch(model, tokens, question)),
        "Palate, in context, packed": _median_ms(lambda: scoring.score_question(model, tokens, question)),
        "Palate, dish vectors, dishes never seen": _median_ms(cold),
        "Palate, dish vectors, dishes seen before": _median_ms(
            lambda: scoring.score_question(ranker, tokens, question)
        ),
    }


def _median_ms(run: Callable[[], object]) -> float:
    run()
    return 1000 * statistics.median(seconds(run) for _ in range(RUNS))


def _padded_batch(model: LanguageModel, tokens: DishTokens, question: Question) -> list[float]:
    yes, no = (model.encode(answer)[0] for answer in ANSWERS)
    prefix = [*tokens.header(), *(token for past in question.history for token in tokens.past(past))]
    texts = [[*prefix, *tokens.offer(dish)] for dish in question.dishes]
    scores: list[float] = []
    with torch.inference_mode():
        for start in range(0, len(texts), PEER_BATCH):
            part = [torch.tensor(text) for text in texts[start : start + PEER_BATCH]]
            ids = torch.nn.utils.rnn.pad_sequence(part, batch_first=True, padding_side="left")
            lengths = torch.tensor([len(text) for text in part])
            mask = (torch.arange(ids.shape[1])[None] >= ids.shape[1] - lengths[:, None]).long()
            output = model.network(
                input_ids=ids,
                attention_mask=mask,
                position_ids=(mask.cumsum(1) - 1).clamp(min=0),
                logits_to_keep=1,
                use_cache=False,
            )
            ends = output.logits[:, -1].float()
            scores += (ends[:, yes] - ends[:, no]).tolist()
    return scores


def _page(tables: Tables) -> str:
    lines = [
        "# Ranking speed",
        "",
        f"`make benchmark NAME=ranking`, one process, median of {RUNS} runs: milliseconds for a person with",
        f"{HISTORY} past dishes. The peer pads on the left and keeps one place's logits; its scores equal",
        "ours in context (checked in float32). The service serves in float32.",
    ]
    for dtype, menus in tables.items():
        *_, (largest, last) = menus.items()
        peer = next(iter(last.values()))
        rows = (
            [way, *(f"{menu[way]:,.1f}" for menu in menus.values()), f"{peer / last[way]:,.1f}"]
            for way in last
        )
        lines += ["", *table(" | ".join([dtype, *menus, f"times the peer, {largest}"]), rows)]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
