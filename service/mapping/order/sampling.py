"""Orders by their likelihood: the chance of each pair to be neighbours, and the order with most of them.

A Markov chain (Metropolis et al., J. Chem. Phys. 21 (1953) 1087) passes through orders as often as they are
likely. What is turned or moved are blocks: single sections, or ribbons whose sections stay together.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int_]

_CHAINS = 8
"""Chains side by side. Chosen by hand."""
_WARM, _STEPS = 200, 800
"""Steps of each chain to find the best order, and to count neighbours; and `_PER_BLOCK` more for each block.
Chosen by hand."""
_PER_BLOCK = 40
_HOTTEST = 6.0
"""Temperature at which the hottest chain begins its search. Chosen by hand."""
_EVERY = 5
"""Steps between two that are counted, at least."""
_MOST_COUNTED = 300
"""Steps that are counted. Chosen by hand: with 8 chains 2400 orders."""
_SHUFFLED = 5
"""Most blocks that are shuffled at once. Chosen by hand."""
_SHORT = 4
"""Blocks of which a short part has fewer. Chosen by hand."""


@dataclass(frozen=True, slots=True)
class Block:
    """Sections that stay together, in order; `turnable` if the last may come first."""

    sections: tuple[int, ...]
    turnable: bool = False


@dataclass(frozen=True, slots=True)
class Orders:
    """Common properties of the likely orders.

    Attributes
    ----------
    best : tuple of (int, bool)
        Numbers of the blocks in the order with most neighbours right, and True where one is turned.
    sections : tuple of int
        The sections of that order.
    chance : (N, N) array
        Of each pair of sections, to be neighbours; symmetric, 0 to 1.
    turned : (blocks,) array
        Chance of each block to be turned.
    """

    best: tuple[tuple[int, bool], ...]
    sections: tuple[int, ...]
    chance: Floats
    turned: Floats


def sample_orders(gains: Floats, blocks: Sequence[Block], start: Sequence[int], seed: int = 0) -> Orders:
    """Return the order with most neighbours right, and the chance of each pair to be neighbours.

    Parameters
    ----------
    gains : (distances, N, N) array
        Log-likelihood gained by two sections that are 1, 2, ... apart.
    blocks : sequence of Block
        All sections, each once.
    start : sequence of int
        Numbers of the blocks in an order from which the search begins.
    seed : int
    """
    rng = np.random.default_rng(seed)
    chains = _Chains(gains, blocks, start, rng)
    warm, steps = (one + _PER_BLOCK * len(blocks) for one in (_WARM, _STEPS))
    hot = _HOTTEST * np.arange(_CHAINS) / _CHAINS
    for step in range(warm):
        chains.step(1 + hot * (1 - step / warm))
    chains.restart()
    count = len(chains.best_sections())
    pairs, turned = np.zeros((count, count)), np.zeros(len(blocks))
    orders = [(chains.best, chains.best_sections())]
    every = max(_EVERY, steps // _MOST_COUNTED)
    for step in range(steps):
        chains.step(np.ones(_CHAINS))
        if step % every == 0:
            for sections, state in zip(chains.sections, chains.states, strict=True):
                pairs[sections[:-1], sections[1:]] += 1
                turned[state[0]] += state[1]
                orders.append((state, sections.copy()))
    counted = len(orders) - 1
    chance = (pairs + pairs.T) / counted
    best, sections = max(orders, key=lambda one: float(chance[one[1][:-1], one[1][1:]].sum()))
    return Orders(
        tuple((int(n), bool(flag)) for n, flag in best.T),
        tuple(sections.tolist()),
        chance,
        turned / counted,
    )


def likelihood(gains: Floats, sections: Ints) -> Floats:
    """Return the log-likelihood of orders (orders, N) of sections, up to what all have in common."""
    total = np.zeros(len(sections))
    for apart in range(1, min(len(gains), sections.shape[1] - 1) + 1):
        total += gains[apart - 1][sections[:, :-apart], sections[:, apart:]].sum(axis=1)
    return total


class _Chains:
    """Several orders that change step by step; a state (2, blocks) has the blocks and which are turned."""

    def __init__(
        self, gains: Floats, blocks: Sequence[Block], start: Sequence[int], rng: np.random.Generator
    ) -> None:
        self._gains, self._rng = gains, rng
        # Of single numbers Python's generator is ten times faster.
        self._draw = random.Random(int(rng.integers(2**32)))
        self._parts = [
            (np.array(one.sections, dtype=np.int_), np.array(one.sections[::-1], dtype=np.int_))
            for one in blocks
        ]
        self._single = np.array([one.sections[0] for one in blocks], dtype=np.int_)
        self._alone = all(len(one.sections) == 1 for one in blocks)
        self._turnable = np.array([one.turnable and len(one.sections) > 1 for one in blocks], dtype=np.bool_)
        state = np.array([start, np.zeros(len(blocks), dtype=np.int_)], dtype=np.int_)
        self.states = [state.copy() for _ in range(_CHAINS)]
        self.sections = np.array([self._sections_of(one) for one in self.states])
        self._now = likelihood(gains, self.sections)
        self.best, self._most = state, float(self._now[0])

    def best_sections(self) -> Ints:
        """Return the sections of the most likely order so far."""
        return self._sections_of(self.best)

    def restart(self) -> None:
        """Begin all chains at the most likely order so far."""
        self.states = [self.best.copy() for _ in range(_CHAINS)]
        self.sections = np.array([self._sections_of(one) for one in self.states])
        self._now[:] = self._most

    def step(self, temperatures: Floats) -> None:
        """Change every chain once, or leave it, by Metropolis' rule."""
        new = [self._changed(one) for one in self.states]
        sections = np.array([self._sections_of(one) for one in new])
        found = likelihood(self._gains, sections)
        taken = np.log1p(-self._rng.random(_CHAINS)) < (found - self._now) / temperatures
        for n in np.flatnonzero(taken):
            self.states[n] = new[n]
        self.sections[taken], self._now[taken] = sections[taken], found[taken]
        most = int(self._now.argmax())
        if self._now[most] > self._most:
            self.best, self._most = self.states[most].copy(), float(self._now[most])

    def _sections_of(self, state: Ints) -> Ints:
        if self._alone:
            return np.asarray(self._single[state[0]], dtype=np.int_)
        return np.concatenate([self._parts[n][turned] for n, turned in state.T])

    def _changed(self, state: Ints) -> Ints:
        """Return a state in which some blocks are shuffled, turned, reversed or elsewhere.

        Each change is as likely as the one back.
        """
        draw, count = self._draw, state.shape[1]
        if count < 2:
            return self._maybe_turned(state.copy(), 0, count)
        kind = draw.random()
        if kind < 0.35:
            size = draw.randint(2, min(_SHUFFLED, count))
            at = draw.randint(0, count - size)
            changed = state.copy()
            changed[:, at : at + size] = changed[:, draw.sample(range(at, at + size), size)]
            return self._maybe_turned(changed, at, at + size)
        first, last = sorted((draw.randint(0, count), draw.randint(0, count)))
        if kind < 0.6:
            changed = state.copy()
            changed[:, first:last] = self._reversed(changed[:, first:last])
            return changed
        if kind < 0.8:
            last = min(first + draw.randint(1, _SHORT - 1), count)
        part, before, after = state[:, first:last], state[:, :first], state[:, last:]
        if draw.random() < 0.5:
            part = self._reversed(part)
        at = draw.randint(0, count - last + first)
        if at <= first:
            return np.concatenate([before[:, :at], part, before[:, at:], after], axis=1)
        at -= first
        return np.concatenate([before, after[:, :at], part, after[:, at:]], axis=1)

    def _reversed(self, part: Ints) -> Ints:
        back = part[:, ::-1].copy()
        back[1] ^= self._turnable[back[0]]
        return back

    def _maybe_turned(self, state: Ints, first: int, last: int) -> Ints:
        """Turn each turnable block of a part with even chances."""
        if not self._alone:
            part = state[:, first:last]
            part[1] ^= self._turnable[part[0]] & self._rng.integers(0, 2, part.shape[1])
        return state
