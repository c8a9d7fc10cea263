"""Packing: many people's menus in few forward passes, each dish seeing only what it would see alone.

A *block* is one person's header and history, followed by every dish of every comparison that shares that
history as a prefix. A *row* is one or more blocks up to a token budget. The mask lets a history token see the
history before it, and a dish's token see the history up to its own comparison and its own line, nothing else.
Positions continue from the history, so a packed score equals the score of that dish alone (tested).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from components.domain.ranker.prompts import DishTokens
from components.domain.records import Comparison, Past

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LENGTH_STEP = 64  # rows are padded to a multiple of this: each new tensor shape costs a kernel build
OPEN_ROWS = 16  # rows that are still filled: more pack tighter and mix people of the order given further


@dataclass
class Block:
    """One person's shared history and the dishes asked about after it.

    Attributes:
        tokens: Token ids, history first.
        positions: Position of each token as if its line stood alone behind its history.
        prefix: Number of header and history tokens.
        sees: For each token, how many prefix tokens it may attend to (history tokens: those up to itself).
        line: For each token the start of its own dish line; 0 for history tokens.
        answers: (comparison, dish index within it, token index) for each dish asked about.
    """

    tokens: list[int]
    positions: list[int]
    prefix: int
    sees: list[int]
    line: list[int]
    answers: list[tuple[Comparison, int, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Packed:
    """One packed sequence, ready for a tensor.

    Attributes:
        tokens: (length,) token ids, zero-padded.
        positions: (length,) position ids.
        mask: (length, length) True where the row's token may attend to the column's.
        answer_at: (dishes,) token index at which each dish is read.
        real: Number of tokens that are not padding.
    """

    tokens: Ints
    positions: Ints
    mask: Bools
    answer_at: Ints
    real: int


@dataclass(frozen=True)
class Row(Packed):
    """A packed sequence of comparisons.

    Attributes:
        comparison_of: (dishes,) index into `comparisons` for each dish.
        comparisons: The comparisons answered in this row, each whole.
    """

    comparison_of: Ints
    comparisons: tuple[Comparison, ...]


def pack(comparisons: Iterable[Comparison], tokens: DishTokens, row_tokens: int) -> list[Row]:
    """Packs comparisons into rows of at most `row_tokens` tokens (a longer comparison gets a row alone).

    Args:
        comparisons: Those of one person whose histories extend each other share a prefix. People keep roughly
            the order in which they come.
        tokens: The prompt's lines as token ids.
        row_tokens: Token budget of a row.

    Returns:
        Rows whose `comparisons` together are the given ones, each once.
    """
    rows: list[list[Block]] = []
    open_rows: dict[int, int] = {}  # row -> tokens still free
    for block in _blocks(comparisons, tokens, row_tokens):
        need = len(block.tokens)
        fitting = [row for row, free in open_rows.items() if free >= need]
        if fitting:
            row = min(fitting, key=lambda each: open_rows[each])
        else:
            row = len(rows)
            rows.append([])
            open_rows[row] = row_tokens
            if len(open_rows) > OPEN_ROWS:
                del open_rows[min(open_rows, key=lambda each: open_rows[each])]
        rows[row].append(block)
        if row in open_rows:
            open_rows[row] -= need
    return [_row(blocks) for blocks in rows]


def _blocks(comparisons: Iterable[Comparison], tokens: DishTokens, budget: int) -> Iterator[Block]:
    by_person: dict[str, list[Comparison]] = {}
    for comparison in comparisons:
        by_person.setdefault(comparison.person_id, []).append(comparison)
    for own in by_person.values():
        group: list[Comparison] = []
        for comparison in sorted(own, key=lambda each: (each.at, len(each.history), each.key)):
            if group and not _fits(group, comparison, tokens, budget):
                yield _block(group, tokens)
                group = []
            group.append(comparison)
        yield _block(group, tokens)


def _fits(group: list[Comparison], comparison: Comparison, tokens: DishTokens, budget: int) -> bool:
    last = group[-1].history
    if comparison.history[: len(last)] != last:
        return False
    asked = {(len(each.history), dish) for each in (*group, comparison) for dish in each.dishes}
    offers = sum(len(tokens.offer(dish)) for _, dish in asked)
    return len(tokens.header()) + _history_length(comparison.history, tokens) + offers <= budget


def _history_length(history: Sequence[Past], tokens: DishTokens) -> int:
    return sum(len(tokens.past(past)) for past in history)


def _block(group: list[Comparison], tokens: DishTokens) -> Block:
    ids = list(tokens.header())
    ends = [len(ids)]  # ends[n] is the number of prefix tokens once n history lines are read
    for past in group[-1].history:
        ids.extend(tokens.past(past))
        ends.append(len(ids))
    prefix = len(ids)
    block = Block(ids, list(range(prefix)), prefix, list(range(1, prefix + 1)), [0] * prefix)
    answers: dict[tuple[int, str], int] = {}  # a dish asked about twice after one history is read once
    for comparison in group:
        seen = ends[len(comparison.history)]
        for index, dish in enumerate(comparison.dishes):
            if (seen, dish) in answers:
                block.answers.append((comparison, index, answers[seen, dish]))
                continue
            line = tokens.offer(dish)
            start = len(block.tokens)
            block.tokens.extend(line)
            block.positions.extend(range(seen, seen + len(line)))
            block.sees.extend([seen] * len(line))
            block.line.extend([start] * len(line))
            answers[seen, dish] = len(block.tokens) - 1
            block.answers.append((comparison, index, answers[seen, dish]))
    return block


def _row(blocks: list[Block]) -> Row:
    real = sum(len(block.tokens) for block in blocks)
    length = -(-real // LENGTH_STEP) * LENGTH_STEP
    tokens = np.zeros(length, np.int64)
    positions = np.zeros(length, np.int64)
    mask = np.eye(length, dtype=np.bool_)  # padding attends to itself, so that no softmax is over nothing
    answer_at: list[int] = []
    comparison_of: list[int] = []
    order: dict[str, int] = {}
    comparisons: list[Comparison] = []
    start = 0
    for block in blocks:
        stop = start + len(block.tokens)
        tokens[start:stop] = block.tokens
        positions[start:stop] = block.positions
        mask[start:stop, start:stop] = block_mask(block)
        for comparison, _, token in block.answers:
            if comparison.key not in order:
                order[comparison.key] = len(comparisons)
                comparisons.append(comparison)
            answer_at.append(start + token)
            comparison_of.append(order[comparison.key])
        start = stop
    return Row(
        tokens, positions, mask, np.array(answer_at), real, np.array(comparison_of), tuple(comparisons)
    )


def block_mask(block: Block) -> Bools:
    """(tokens, tokens) True where a token may attend.

    Its share of the prefix, and its own line up to itself.
    """
    index = np.arange(len(block.tokens))
    sees, line = np.array(block.sees), np.array(block.line)
    in_prefix = index[None, :] < np.minimum(sees, block.prefix)[:, None]
    in_line = (index[None, :] >= line[:, None]) & (index[None, :] <= index[:, None]) & (line[:, None] > 0)
    return np.asarray(in_prefix | in_line)
