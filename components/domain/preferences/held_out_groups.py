"""Groups of a person's opinions. The model is asked about a group, with the other opinions as history.

Shapes: L lines of the log, N opinions that are asked about, Q comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from components.domain.preferences.arrays import Ints, changes, ranges
from components.domain.preferences.comparison_tables import joined, pair_table, unique_keys
from components.domain.preferences.opinion_log import NO_MENU, OpinionLog
from components.domain.preferences.stated_pairs import groups, pairs_that_differ
from components.domain.preferences.tables import Comparisons


@dataclass(frozen=True)
class Groups:
    """Opinions in groups; each group holds opinions of one person.

    Attributes:
        line: (N,) lines of the log, ascending within a group.
        group: (N,) number of each line's group, ascending with the person.
        sizes: Number of opinions in each group.
    """

    line: Ints
    group: Ints
    sizes: Ints

    @property
    def ends(self) -> Ints:
        """Position in `line` behind each group's last opinion."""
        return np.cumsum(self.sizes)


def deal(log: OpinionLog, lines: Ints, fewest: int, seed: int) -> Groups:
    """Deals each person's opinions at random into groups.

    Where a person's opinions come from several sources, a group holds opinions of one source only.

    Args:
        lines: (N,) lines that are dealt, ascending.
        fewest: Least number of groups of a person whose opinions come from one source.
    """
    dealt: list[list[int]] = []
    for part in np.split(lines, np.flatnonzero(changes(log.person[lines]))[1:]) if len(lines) else ():
        sources, name = log.source[part], f"{seed}/{log.people[log.person[part[0]]]}"
        several = np.unique(sources)
        for source in several:
            of_source = part[sources == source].tolist()
            dealt += map(sorted, groups(of_source, fewest if len(several) == 1 else 1, name))
    sizes = np.array([len(group) for group in dealt], np.int64)
    line = np.array([line for group in dealt for line in group], np.int64)
    return Groups(line, np.repeat(np.arange(len(sizes)), sizes), sizes)


def compare_within(
    log: OpinionLog, dealt: Groups, choices: tuple[Comparisons, Ints]
) -> tuple[Comparisons, Ints]:
    """Compares each choice of a group with its menu, and each two stated opinions of a group that differ.

    Args:
        dealt: The groups that are asked about.
        choices: Comparisons of choices, and the line of each.

    Returns:
        Comparisons without histories in the order of the groups, and (Q,) the group of each.
    """
    group_of = np.full(len(log), -1)
    group_of[dealt.line] = dealt.group
    of_menus, line_of = choices
    among = np.flatnonzero(group_of[line_of] >= 0)
    stated = dealt.line[log.menu[dealt.line] == NO_MENU]
    line, other = pairs_that_differ(log, stated, group_of[stated])
    last = dealt.line[dealt.ends - 1]
    table = joined(of_menus.take(among), pair_table(log, line, other, last[group_of[line]]))
    group = np.concatenate([group_of[line_of[among]], group_of[line]])
    order = np.argsort(group, kind="stable")
    return table.take(order), group[order]


@dataclass(frozen=True)
class Histories:
    """The opinions that histories may hold.

    Attributes:
        log: The opinions that may be history, of all people.
        number: (L,) line in `log` of each line of the whole log; meaningless for lines that are not in `log`.
    """

    log: OpinionLog
    number: Ints

    def of_all(self, table: Comparisons, fewest: int) -> Comparisons:
        """Sets each history to all lines known of the person; drops people with fewer than `fewest` lines."""
        bounds = self.log.bounds()
        table = replace(table, log=self.log, start=bounds[table.person], stop=bounds[table.person + 1])
        table = table.take(np.flatnonzero(table.stop - table.start >= fewest))
        return replace(table, key=unique_keys(table.key))

    def of_the_rest(self, table: Comparisons, group: Ints, dealt: Groups) -> Comparisons:
        """Sets each history to the lines known of the person outside the group; drops empty histories.

        Args:
            group: (Q,) number of each comparison's group.
        """
        hidden = self.number[dealt.line[ranges((dealt.ends - dealt.sizes)[group], dealt.sizes[group])]]
        table = self.of_all(replace(table, hidden=hidden, hidden_sizes=dealt.sizes[group]), 1)
        return table.take(np.flatnonzero(table.stop - table.start > table.hidden_sizes))
