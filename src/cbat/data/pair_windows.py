"""All pairs of an enhancer and a promoter within a window of distances, numbered but never listed.

Promoters in the order of their places: then the partners of an enhancer are two runs, one on either side. A
running sum of the lengths of these runs gives every pair a number, and a number its pair, so that a million
pairs can be drawn from in the memory of their elements.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cbat.data.windows import Positions, spread

Bools = npt.NDArray[np.bool_]


class PairWindow:
    """Pairs at a distance of ``near`` to ``far`` bp, both included.

    Parameters
    ----------
    enhancers, promoters : int64 arrays
        Places in ascending order, bp. Elements of two chromosomes lie farther than ``far`` apart.
    near, far : int
        With ``near`` 0 an element at the very place of another is its partner, once.
    """

    def __init__(self, enhancers: Positions, promoters: Positions, near: int, far: int) -> None:
        right = max(near, 1)
        self._enhancers, self._promoters = enhancers, promoters
        # shape=(n_enhancers, 2): the run to the left and the run to the right.
        self._begin = np.stack(
            [
                np.searchsorted(promoters, enhancers - far, side="left"),
                np.searchsorted(promoters, enhancers + right, side="left"),
            ],
            axis=1,
        )
        end = np.stack(
            [
                np.searchsorted(promoters, enhancers - near, side="right"),
                np.searchsorted(promoters, enhancers + far, side="right"),
            ],
            axis=1,
        )
        self._length = np.maximum(end - self._begin, 0)
        self._first: Positions = np.concatenate([[0], np.cumsum(self._length.ravel())]).astype(np.int64)

    def __len__(self) -> int:
        return int(self._first[-1])

    def first_of(self, enhancer: int) -> int:
        """How many pairs the enhancers before this one have: the number of its first pair, if it has one."""
        return int(self._first[2 * enhancer])

    def pairs(self, numbers: Positions) -> tuple[Positions, Positions]:
        """Enhancers and promoters (positions in the arrays given) of pairs, shape=(n,) each."""
        run = np.searchsorted(self._first, numbers, side="right") - 1
        promoter = self._begin.ravel()[run] + numbers - self._first[run]
        return (run // 2).astype(np.int64), promoter.astype(np.int64)

    def numbers(self, enhancer: Positions, promoter: Positions) -> Positions:
        """Numbers of those of the pairs that lie in the window, ascending, each once."""
        side = (self._promoters[promoter] > self._enhancers[enhancer]).astype(np.int64)
        offset = promoter - self._begin[enhancer, side]
        inside = (offset >= 0) & (offset < self._length[enhancer, side])
        return np.unique((self._first[2 * enhancer + side] + offset)[inside])

    def free(self, barred: Positions, begin: int = 0, end: int | None = None) -> Positions:
        """Numbers from ``begin`` to before ``end`` that are not barred, ascending."""
        numbers = np.arange(begin, len(self) if end is None else end, dtype=np.int64)
        allowed = np.ones(len(numbers), dtype=bool)
        low, high = np.searchsorted(barred, [begin, begin + len(numbers)])
        allowed[barred[low:high] - begin] = False
        return numbers[allowed]

    def draw(self, n: int, barred: Positions, rng: np.random.Generator) -> Positions:
        """Numbers of ``n`` pairs that are not barred, or of all if there are fewer; ascending, each once.

        Parameters
        ----------
        n : int
        barred : int64 array
            Numbers that must not be drawn, ascending, each once.
        rng : numpy Generator
        """
        n_free = len(self) - len(barred)
        if n >= n_free:
            return self.free(barred)
        chosen = np.sort(rng.choice(n_free, n, replace=False, shuffle=False)).astype(np.int64)
        # Steps over the barred numbers: before the j-th of them lie barred[j] - j free ones.
        return chosen + np.searchsorted(barred - np.arange(len(barred)), chosen, side="right")


def overlapping_pairs(
    enhancers: Positions,
    promoters: Positions,
    at: tuple[Positions, Positions],
    windows: tuple[int, int],
) -> tuple[Positions, Positions]:
    """Pairs both of whose windows share a base with the windows of one of the pairs ``at``.

    Parameters
    ----------
    enhancers, promoters : int64 arrays
        Places of centres in ascending order, bp.
    at : pair of int64 arrays, shape=(n,) each
        Places of enhancers and promoters; they need not be among those above.
    windows : pair of int
        Lengths of the windows of enhancers and promoters, bp.

    Returns
    -------
    enhancer, promoter : int64 arrays
        Positions in the arrays given; a pair may come more than once.
    """
    begin, count = [], []
    for places, centres, window in zip((enhancers, promoters), at, windows, strict=True):
        low = np.searchsorted(places, centres - window, side="right")
        begin.append(low)
        count.append(np.searchsorted(places, centres + window, side="left") - low)
    n = count[0] * count[1]
    of, within = spread(n)
    one, other = np.divmod(within, np.maximum(count[1][of], 1))
    return (begin[0][of] + one).astype(np.int64), (begin[1][of] + other).astype(np.int64)
