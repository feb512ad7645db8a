"""Rough scores as products of small integers: a quarter of the memory to read, and several products an instruction."""

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from services.recall.blocks import Blocks
from services.recall.channel import Floats
from services.recall.rough_scores import Scale, rounding
from services.recall.scratch import scratch
from services.recall.search_cost import INTEGER_COSTS
from shared.onnx_session import BindingSession, open_session

#: Items of a block: what one run scores. Its vectors and the scores of a few queries stay in the processor's cache.
BLOCK_ITEMS = 1 << 16

#: Vectors have 8 bits and queries 7: the sum of two such products fits in 16 bits, and instructions that sum up in
#: pairs, of processors without VNNI, would otherwise stop at the largest number.
_LARGEST_OF_ITEM = 127
_LARGEST_OF_QUERY = 63

#: What stands for 0 in a query, which ONNX Runtime multiplies fastest when it is unsigned.
_ZERO = 64

#: Vectors that are rounded at once, in float64.
_ROUNDED_TOGETHER = 1 << 13


class IntegerScores:
    """Rough scores by ONNX Runtime's `MatMulInteger` over vectors rounded to a common step.

    A score is off by what rounding took from the item and from the query: at most |q| |v - v'| + |q - q'| |v'|, by
    Cauchy and Schwarz, with v' and q' as they were rounded.

    Args:
        vectors: float32 [items, dimension], finite, at least one item.
        longest: The length of the longest vector.
    """

    costs = INTEGER_COSTS

    #: The scores of a block are 8 MiB then.
    queries_together = 32

    def __init__(self, vectors: Floats, longest: float) -> None:
        largest = max(float(vectors.max()), -float(vectors.min()))
        self.step = largest / _LARGEST_OF_ITEM if largest > 0.0 else 1.0
        self.longest = longest
        self.longest_rounded = 0.0
        #: The largest |v - v'|.
        self.residual = 0.0
        self.blocks = Blocks.deal(len(vectors), BLOCK_ITEMS)
        self.products = [self._product(vectors[self.blocks.slice_of(block)]) for block in range(self.blocks.count)]

    def of(self, queries: Floats) -> "_IntegerQueries":
        """Returns queries to score."""
        return _IntegerQueries(self, queries)

    def _product(self, vectors: Floats) -> "_Product":
        parts = [
            self._rounded(vectors[start : start + _ROUNDED_TOGETHER])
            for start in range(0, len(vectors), _ROUNDED_TOGETHER)
        ]
        return _Product(np.concatenate(parts))

    def _rounded(self, vectors: Floats) -> NDArray[np.int8]:
        wide = vectors.astype(np.float64)
        rounded = np.rint(wide / self.step)
        self.residual = max(self.residual, _longest(wide - rounded * self.step))
        self.longest_rounded = max(self.longest_rounded, _longest(rounded) * self.step)
        return rounded.astype(np.int8)


class _IntegerQueries:
    def __init__(self, items: IntegerScores, queries: Floats) -> None:
        self.blocks = items.blocks
        self._products = items.products
        wide = queries.astype(np.float64)
        largest = np.abs(wide).max(axis=1, initial=0.0)
        step = np.where(largest > 0.0, largest, 1.0) / _LARGEST_OF_QUERY
        rounded = np.rint(wide / step[:, None])
        self._queries = (rounded + _ZERO).astype(np.uint8)
        lost = np.linalg.norm(wide - rounded * step[:, None], axis=1)
        margin = np.linalg.norm(wide, axis=1) * items.residual + lost * items.longest_rounded
        # What float64 rounds in all this is far below what float32 rounds in the exact scores.
        self.scale = Scale(step * items.step, margin + rounding(queries, items.longest), float(np.iinfo(np.int32).min))

    def scores(self, block: int) -> NDArray[np.int32]:
        """Returns a block's scores in this thread's scratch memory."""
        return self._products[block].scores(self._queries)


class _Product:
    """The products of queries with the items of a block; ONNX Runtime arranges these once as it multiplies them best.

    Args:
        items: int8 [items, dimension].
    """

    def __init__(self, items: NDArray[np.int8]) -> None:
        self._items = len(items)
        # The file names the items' array without holding it, so that no copy but the arranged one stays in memory.
        array = TensorProto(name="items", data_type=TensorProto.INT8, dims=[items.shape[1], len(items)])
        array.data_location = TensorProto.EXTERNAL
        array.external_data.add(key="location", value="memory")
        graph = helper.make_graph(
            [helper.make_node("MatMulInteger", ["query", "items", "zero"], ["scores"])],
            "scores",
            [helper.make_tensor_value_info("query", TensorProto.UINT8, ["queries", items.shape[1]])],
            [helper.make_tensor_value_info("scores", TensorProto.INT32, ["queries", len(items)])],
            [array, numpy_helper.from_array(np.array(_ZERO, dtype=np.uint8), "zero")],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
        self._session: BindingSession = open_session(
            model.SerializeToString(), threads=1, arrays={"items": np.ascontiguousarray(items.T)}
        )

    def scores(self, queries: NDArray[np.uint8]) -> NDArray[np.int32]:
        """Returns int32 [queries, items] in this thread's scratch memory."""
        scores: NDArray[np.int32] = scratch(len(queries), self._items, np.int32)
        binding = self._session.io_binding()
        binding.bind_cpu_input("query", queries)
        binding.bind_output("scores", "cpu", 0, np.int32, scores.shape, scores.ctypes.data)
        self._session.run_with_iobinding(binding)
        return scores


def _longest(vectors: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.vecdot(vectors, vectors).max(initial=0.0)))
