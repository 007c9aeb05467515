"""Plans: stages, groups and the integer tables that the kernels read, made from boxes and arrows.

See `rnnbench.kernels.tables` for the meaning of every column.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnnbench.kernels import tables as k
from rnnbench.kernels.addresses import addresses
from rnnbench.kernels.recurrence import ELEMENTS_OF_A_BOX, ELEMENTS_OF_AN_ARROW
from rnnbench.kernels.vectors import EXPLICIT, SEGMENT_COLUMNS, padded
from rnnbench.network.description import ACTIVATIONS, Arrow, Box
from rnnbench.network.graph import INPUT_NAME, components, inner_arrows
from rnnbench.network.parameters import Layout, slots

#: Bytes; every region begins with one.
CACHE_LINE = 64
#: Half of a 1 MiB second-level cache: values and gradients of a block of steps should fit.
BLOCK_BYTES = 512 * 1024


@dataclass(frozen=True)
class Stage:
    """A component of the graph in order of computation; `direction` +1 up in time, -1 down, 0 either."""

    boxes: tuple[str, ...]
    recurrent: bool
    direction: int
    scored_only: bool = False


def loop_kind(switch: int, steps: int) -> str:
    """Return the loop of the plan for targets that are fed back before step `switch` of `steps`."""
    return "closed" if switch == 0 else "open" if switch == steps else "mixed"


def is_feedback(arrow: Arrow, output: str) -> bool:
    """Whether the arrow reads the fed buffer: lagged and out of the output box."""
    return arrow.source == output and arrow.lag != 0


def stages_of(boxes: Sequence[Box], arrows: Sequence[Arrow], output: str) -> list[Stage]:
    """Return the stages in topological order; inside a stage boxes follow its arrows of lag 0."""
    names = [box.name for box in boxes]
    found = []
    for component in components(names, arrows):
        inner = inner_arrows(component, arrows)
        if not inner:
            scored_only = component == [output] and not any(a.source == output for a in arrows)
            found.append(Stage(tuple(component), False, 0, scored_only))
            continue
        present = [a for a in inner if a.lag == 0]
        ordered = [name for single in components(component, present) for name in single]
        found.append(Stage(tuple(ordered), True, 1 if max(a.lag for a in inner) > 0 else -1))
    return found


def groups_of(stages: Sequence[Stage], arrows: Sequence[Arrow]) -> list[tuple[int, int, int]]:
    """Return (first stage, last stage + 1, direction): consecutive stages that can share blocks of time.

    A stage joins the group of its predecessor unless it runs, or reads the group's boxes, the other way in
    time.
    """
    groups: list[tuple[int, int, int]] = []
    for number, stage in enumerate(stages):
        if groups:
            first, _, direction = groups[-1]
            members = {name for member in stages[first:number] for name in member.boxes}
            lags = [a.lag for a in arrows if a.source in members and a.target in stage.boxes]
            signs = {direction, stage.direction, *(1 if lag > 0 else -1 for lag in lags if lag)} - {0}
            if len(signs) < 2:
                groups[-1] = (first, number + 1, signs.pop() if signs else 0)
                continue
        groups.append((number, number + 1, stage.direction))
    return groups


class Plan:
    """The tables of a network for one way of closing the loop.

    Parameters
    ----------
    boxes, arrows, layout, n_in, output
        The network.
    loop : str
        "closed": feedback arrows read the output. "open": all targets are known; feedback arrows read them
        and close no cycle. "mixed": some are known; the cycles are those of the closed loop, through `fed`.
    gates : str
        "declared", or "open": no gate cuts.
    """

    def __init__(
        self,
        boxes: Sequence[Box],
        arrows: Sequence[Arrow],
        layout: Layout,
        n_in: int,
        output: str,
        loop: str,
        gates: str = "declared",
    ) -> None:
        self._output, self._loop, self._n_in = output, loop, n_in
        self.key = (loop, gates)
        feedback = [a for a in arrows if is_feedback(a, output)] if loop != "closed" else []
        inside = [a for a in arrows if a not in feedback] if loop == "open" else list(arrows)
        self.stages = stages_of(boxes, inside, output)
        self.groups = groups_of(self.stages, inside)
        self._group_of = {
            name: number
            for number, (first, last, _) in enumerate(self.groups)
            for stage in self.stages[first:last]
            for name in stage.boxes
        }
        self.rows = {box.name: row for row, box in enumerate(boxes)}
        self.fed = len(boxes) if feedback else -1
        self._inner = [a for s in self.stages for a in inner_arrows(s.boxes, inside)]
        ordered = self._sorted_arrows(boxes, arrows)
        self._arrow_table = self._arrows(ordered, layout, feedback, gates)
        self._box_table = self._boxes(boxes, arrows, ordered, layout)
        self._scales = np.array([*(0.0 if a.learned else float(a.weight) for a in ordered), 1.0])
        self._tables: dict[np.dtype, k.Tables] = {}
        self.bytes_per_row = 2 * int(self._box_table[:, k.SIZE].sum())
        ends = [sum(box.name in (a.source, a.target) for a in arrows) for box in boxes]
        self.outer_segments = SEGMENT_COLUMNS * max([1, *ends])
        inner = ELEMENTS_OF_A_BOX * len(self._box_table) + ELEMENTS_OF_AN_ARROW * len(ordered)
        self.segments = self.outer_segments + inner
        self.input_slots = slots(INPUT_NAME, arrows)[0]

    def _sorted_arrows(self, boxes: Sequence[Box], arrows: Sequence[Arrow]) -> list[Arrow]:
        return [
            arrow
            for box in boxes
            for inner in (False, True)
            for arrow in arrows
            if arrow.target == box.name and (arrow in self._inner) is inner
        ]

    def _arrows(
        self, ordered: Sequence[Arrow], layout: Layout, feedback: Sequence[Arrow], gates: str
    ) -> NDArray[np.int64]:
        table = np.zeros((len(ordered), k.ARROW_COLUMNS), np.int64)
        for row, arrow in enumerate(ordered):
            source = k.INPUT if arrow.source == INPUT_NAME else self.rows[arrow.source]
            cut = arrow.cut_every if gates == "declared" else 0
            if arrow in feedback:
                source = self.fed
                # Targets are constants: only values before the first step can be reached.
                cut = -1 - cut if self._loop == "open" else cut
            table[row] = source, self.rows[arrow.target], arrow.lag, cut, layout.start(arrow.name), -1, -1, 0
        return table

    def _boxes(
        self, boxes: Sequence[Box], arrows: Sequence[Arrow], ordered: Sequence[Arrow], layout: Layout
    ) -> NDArray[np.int64]:
        squares = [box for box in boxes if box.activation == "square"]
        table = np.full((len(boxes) + (self.fed >= 0) + len(squares), k.BOX_COLUMNS), -1, np.int64)
        for row, box in enumerate(boxes):
            entry = table[row]
            entry[k.SIZE], entry[k.ACTIVATION] = box.size, ACTIVATIONS.index(box.activation)
            entry[k.COMBINE], entry[k.BIAS_AT] = k.SUM, layout.start(f"{box.name}.bias")
            entry[[k.INITIAL_SLOTS, k.FINAL_SLOTS]] = slots(box.name, arrows)
            entry[k.INITIAL_AT] = layout.start(f"{box.name}.initial")
            entry[k.FINAL_AT] = layout.start(f"{box.name}.final")
            into = [i for i, a in enumerate(ordered) if a.target == box.name]
            first, n_inner = into[0] if into else 0, sum(ordered[i] in self._inner for i in into)
            middle, last = first + len(into) - n_inner, first + len(into)
            readers = {self._group_of[a.target] for a in ordered if a.source == box.name}
            entry[k.READ_ELSEWHERE] = bool(readers - {self._group_of[box.name]})
            entry[[k.OUTER_FROM, k.OUTER_TO, k.INNER_FROM, k.INNER_TO]] = first, middle, middle, last
        if self.fed >= 0:
            output = self.rows[self._output]
            table[self.fed] = table[output]
            table[self.fed, k.READ_ELSEWHERE] = 1
            if self._loop == "mixed":
                table[output, k.FEEDS] = self.fed
        for number, box in enumerate(squares):
            row = len(boxes) + (self.fed >= 0) + number
            table[row, [k.SIZE, k.INITIAL_SLOTS, k.FINAL_SLOTS]] = box.size, 0, 0
            table[self.rows[box.name], k.KEEPS] = row
        return table

    def tables(self, dtype: DTypeLike) -> k.Tables:
        """Return the tables for a type of parameters, which decides how rows are padded."""
        dtype = np.dtype(dtype)
        if dtype not in self._tables:
            boxes, arrows, packed_size, transposed_size = self._packed(dtype.itemsize)
            order = np.array([self.rows[name] for stage in self.stages for name in stage.boxes], np.int64)
            stages = np.zeros((len(self.stages), k.STAGE_COLUMNS), np.int64)
            start = 0
            for row, stage in enumerate(self.stages):
                stop = start + len(stage.boxes)
                stages[row] = stage.recurrent, start, stop, stage.direction, stage.scored_only
                start = stop
            self._tables[dtype] = k.Tables(
                boxes,
                arrows,
                self._scales.astype(dtype),
                self._leaving(boxes),
                order,
                stages,
                np.array(self.groups, np.int64),
                self.rows[self._output],
                self.fed,
                packed_size,
                transposed_size,
                self.outer_segments,
                padded(1, dtype.itemsize),
                addresses(dtype),
            )
        return self._tables[dtype]

    def _leaving(self, boxes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the inner arrows sorted by source, and write each box's range into its row."""
        inner = [e for box in boxes for e in range(box[k.INNER_FROM], box[k.INNER_TO])]
        inner = [e for e in dict.fromkeys(inner) if e >= 0]
        found: list[int] = []
        for row, box in enumerate(boxes):
            box[k.LEAVING_FROM] = len(found)
            found += [e for e in inner if self._arrow_table[e, k.SOURCE] == row]
            box[k.LEAVING_TO] = len(found)
        return np.array(found, np.int64)

    def _packed(self, itemsize: int) -> tuple[NDArray[np.int64], NDArray[np.int64], int, int]:
        """Return box and arrow tables with widths and packed offsets, and the sizes of the packed copies."""
        boxes, arrows = self._box_table.copy(), self._arrow_table.copy()
        boxes[:, k.WIDTH] = boxes[:, k.SIZE]
        boxes[:, k.PACKED_WIDTH] = [padded(int(size), itemsize) for size in boxes[:, k.SIZE]]
        packed_at = transposed_at = 0
        for arrow in arrows:
            source = arrow[k.SOURCE]
            size = self._n_in if source == k.INPUT else boxes[source, k.SIZE]
            width = padded(size, itemsize)
            arrow[[k.PACKED_AT, k.TRANSPOSED_AT]] = -1
            if arrow[k.WEIGHT_AT] >= 0:
                arrow[[k.PACKED_AT, k.TRANSPOSED_AT]] = packed_at, transposed_at
                few = 2 * boxes[arrow[k.TARGET], k.SIZE] <= padded(1, itemsize) and source != k.INPUT
                arrow[k.THIN] = few and boxes[arrow[k.TARGET], k.SIZE] < size
                packed_at += size * boxes[arrow[k.TARGET], k.PACKED_WIDTH]
                transposed_at += boxes[arrow[k.TARGET], k.SIZE] * width
        for box in boxes:
            box[k.PACKED_BIAS_AT] = packed_at
            packed_at += box[k.PACKED_WIDTH]
        self._mark_few(boxes, arrows, padded(1, itemsize))
        return boxes, arrows, int(packed_at), int(transposed_at)

    def _mark_few(self, boxes: NDArray[np.int64], arrows: NDArray[np.int64], lanes: int) -> None:
        """Mark boxes of at most half a vector of units that are summed over, or passed back from, many."""
        for row, box in enumerate(boxes):
            box[[k.FEW_IN, k.FEW_OUT]] = 0
            if EXPLICIT and 2 * box[k.SIZE] <= lanes:
                learned = arrows[arrows[:, k.WEIGHT_AT] >= 0]
                into, out = learned[learned[:, k.TARGET] == row], learned[learned[:, k.SOURCE] == row]
                sizes = [self._n_in if s == k.INPUT else boxes[s, k.SIZE] for s in into[:, k.SOURCE]]
                box[k.FEW_IN] = max(sizes, default=0) >= lanes
                box[k.FEW_OUT] = max(boxes[out[:, k.TARGET], k.SIZE], default=0) >= lanes

    def regions(self, steps: int, sequences: int, dtype: DTypeLike) -> tuple[NDArray[np.int64], int]:
        """Return the offset of each box's region and the size of the whole buffer, in elements."""
        table = self.tables(dtype).boxes
        rows = table[:, k.INITIAL_SLOTS] + steps + table[:, k.FINAL_SLOTS]
        line = CACHE_LINE // np.dtype(dtype).itemsize
        ends = np.cumsum(-(-rows * sequences * table[:, k.WIDTH] // line) * line)
        return np.concatenate([[0], ends[:-1]]).astype(np.int64), int(ends[-1])

    def block(self, steps: int, sequences: int, dtype: DTypeLike) -> int:
        """Return how many steps a group runs at a time."""
        per_step = self.bytes_per_row * sequences * np.dtype(dtype).itemsize
        return max(1, min(steps, BLOCK_BYTES // per_step))
