"""`make benchmark NAME=ranking`: milliseconds to rank dishes for one person, against transformers.

The peer scores prefix + dish for every dish, in batches, with the same weights; that its scores equal ours in
context is checked before anything is measured. bfloat16 is what trains; the service, of which a canary wants
the very scores, serves in float32.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import torch

from benchmarks.sample import REPO, canteen
from components.domain.ranker import encoding
from components.domain.ranker.dish_vectors import start_head
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prompts import ANSWERS, DishTokens
from components.domain.records import LIKED, Comparison, Dish, Past
from components.integrations import base_models, scoring

RUNS, PEER_BATCH, HISTORY = 5, 25, 10
TOLERANCE = 0.001  # logits, in float32
BASE = REPO / "models" / "base"
RESULT = REPO / "benchmarks" / "results" / "speed-ranking.json"


def main() -> None:
    """Measures 6 and 100 dishes and writes results/speed-ranking.json and .md."""
    params, known, train = canteen()
    torch.set_num_threads(params.train.threads)
    dishes = dict(known)
    while len(dishes) < 100 + HISTORY:  # the canteen has 66: the rest are two dishes' names in one
        one, other = list(known.values())[len(dishes) % 66], list(known.values())[len(dishes) * 7 % 66]
        dishes[f"x{len(dishes)}"] = Dish(f"x{len(dishes)}", f"{one.name} with {other.name}", one.description)
    base_models.materialise(params.base.model, BASE)
    names = list(dishes)
    past = tuple(Past(dish, LIKED) for dish in names[:HISTORY])
    table: dict[str, dict[str, dict[str, float]]] = {}
    for dtype in (torch.float32, torch.bfloat16):
        model = base_models.load(BASE, dtype, torch.device("cpu"))
        tokens = model.dish_tokens(dishes, params.prompt.dish_fields)
        rows = table.setdefault(str(dtype).removeprefix("torch."), {})
        for count in (6, 100):
            offered = tuple(names[HISTORY : HISTORY + count])
            asked = replace(train[0], history=past, dishes=offered, chosen=offered[0])
            if dtype == torch.float32:  # where rounding cannot hide a difference
                _check(model, tokens, asked)
            rows[f"{count} dishes"] = _measure(model, tokens, asked)
    RESULT.write_text(json.dumps(table, indent=1) + "\n")
    page = _page(table)
    RESULT.with_suffix(".md").write_text(page)
    print(page)


def _check(model: LanguageModel, tokens: DishTokens, asked: Comparison) -> None:
    """The peer scores what we score."""
    model.head = None
    ours, theirs = scoring.score_menu(model, tokens, asked), _padded_batch(model, tokens, asked)
    apart = max(abs(one - other) for one, other in zip(ours, theirs, strict=True))
    if apart > TOLERANCE:
        raise SystemExit(f"the peer's scores are {apart:.4f} logits off ours: nothing was measured.")


def _measure(model: LanguageModel, tokens: DishTokens, asked: Comparison) -> dict[str, float]:
    model.head = None
    seconds = {
        "transformers, padded batch": _median(lambda: _padded_batch(model, tokens, asked)),
        "Palate, in context, packed": _median(lambda: scoring.score_menu(model, tokens, asked)),
    }
    lines = [tokens.alone(dish) for dish in (*asked.dishes, *(past.dish_id for past in asked.history))]
    model.head = start_head(encoding.hidden_states(model, lines), 16, 1.0)

    def cold() -> None:
        model.vectors.clear()
        scoring.score_menu(model, tokens, asked)

    seconds["Palate, dish vectors, dishes never seen"] = _median(cold)
    warm = _median(lambda: scoring.score_menu(model, tokens, asked))
    seconds["Palate, dish vectors, dishes seen before"] = warm
    return {name: 1000 * value for name, value in seconds.items()}


def _padded_batch(model: LanguageModel, tokens: DishTokens, asked: Comparison) -> list[float]:
    yes, no = (model.encode(answer)[0] for answer in ANSWERS)
    prefix = [*tokens.header(), *(each for past in asked.history for each in tokens.past(past))]
    texts = [[*prefix, *tokens.offer(dish)] for dish in asked.dishes]
    scores: list[float] = []
    with torch.inference_mode():
        for start in range(0, len(texts), PEER_BATCH):
            part = [torch.tensor(text) for text in texts[start : start + PEER_BATCH]]
            ids = torch.nn.utils.rnn.pad_sequence(part, batch_first=True, padding_side="left")
            lengths = torch.tensor([len(text) for text in part])
            mask = (torch.arange(ids.shape[1])[None] >= ids.shape[1] - lengths[:, None]).long()
            given = model.network(
                input_ids=ids,
                attention_mask=mask,
                position_ids=(mask.cumsum(1) - 1).clamp(min=0),
                logits_to_keep=1,
                use_cache=False,
            )
            ends = given.logits[:, -1].float()
            scores += (ends[:, yes] - ends[:, no]).tolist()
    return scores


def _median(run: Callable[[], object]) -> float:
    run()
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def _page(tables: dict[str, dict[str, dict[str, float]]]) -> str:
    lines = [
        "# Ranking speed",
        "",
        f"`make benchmark NAME=ranking`, one process, median of {RUNS} runs: milliseconds for a person with",
        f"{HISTORY} past dishes. The peer pads on the left and keeps one place's logits; its scores equal",
        "ours in context (checked in float32). The service serves in float32.",
    ]
    for dtype, table in tables.items():
        lines += [
            "",
            f"| {dtype} | {' | '.join(table)} | times the peer, {list(table)[-1]} |",
            "|---|" + "---|" * (len(table) + 1),
        ]
        peer = next(iter(list(table.values())[-1].values()))
        for name in next(iter(table.values())):
            values = [row[name] for row in table.values()]
            shown = " | ".join(f"{value:,.1f}" for value in values)
            lines.append(f"| {name} | {shown} | {peer / values[-1]:,.1f} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
