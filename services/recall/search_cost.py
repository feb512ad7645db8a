"""What a search costs: by matrix product over all items, or through Annoy.

Both are sums of a few terms with constants in seconds, measured by `python -m tests.bench.recall_costs` on one thread of
one machine. What counts is how they compare, and that changes little from one processor to the next.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class SearchCosts:
    """The constants, in seconds.

    Attributes:
        read: For each number of an item's vector that a block of queries passes over, whoever asks.
        multiply: For each such number and query.
        select: For each item and query, to find the best among the scores.
        settle: For each query of a scan, to order what was found.
        node: For each node that Annoy inspects, with what it takes to fetch and order what was found.
        axis: For each number of such a node's vector.
    """

    read: float
    multiply: float
    select: float
    settle: float
    node: float
    axis: float

    def scan(self, items: int, dimension: int, queries: int) -> float:
        """Returns the seconds that scoring all items takes for a batch."""
        of_item = dimension * (self.read + queries * self.multiply) + queries * self.select
        return items * of_item + queries * self.settle

    def annoy(self, inspected: int, dimension: int, queries: int) -> float:
        """Returns the seconds that searches of a batch take which inspect that many nodes each."""
        return queries * inspected * (self.node + dimension * self.axis)


#: Of a server processor with AVX-512 at 2 to 3 GHz.
MEASURED = SearchCosts(read=7e-11, multiply=2e-11, select=5e-10, settle=6e-5, node=1e-7, axis=1.5e-10)
