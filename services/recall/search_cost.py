"""What a search costs: by matrix product over all items, or through Annoy.

Both are sums of a few terms with constants in seconds, measured by `python -m tests.bench.recall_costs` on one thread of
one machine. What counts is how they compare, which changes less from one processor to the next than either does.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class SearchCosts:
    """The constants, in seconds.

    Attributes:
        read: For each number of an item's vector that a block of queries passes over, whoever asks.
        multiply: For each such number and query.
        select: For each item and query, to find the best among the scores.
        settle: For each query, to order what was found, whichever way.
        node: For each node that Annoy inspects. The length of its vector makes no difference that could be measured:
            getting it from memory is what takes the time.
    """

    read: float
    multiply: float
    select: float
    settle: float
    node: float

    def scan(self, items: int, dimension: int, queries: int) -> float:
        """Returns the seconds that scoring all items takes for a batch."""
        of_item = dimension * (self.read + queries * self.multiply) + queries * self.select
        return items * of_item + queries * self.settle

    def annoy(self, inspected: int, queries: int) -> float:
        """Returns the seconds that searches of a batch take which inspect that many nodes each."""
        return queries * (inspected * self.node + self.settle)


#: Of a server processor with AVX-512 at 2 to 3 GHz, where all items are scored as small integers...
INTEGER_COSTS = SearchCosts(read=3.2e-11, multiply=5e-12, select=4.5e-10, settle=1e-4, node=9e-8)

#: ...and where they are scored as float32.
FLOAT_COSTS = replace(INTEGER_COSTS, read=1.0e-10, multiply=1.5e-11, select=8e-10)
