"""Running contracts from a CSV file: bytes → cells → rows that can be contracts, with every problem by its line.

Nothing here touches the database; ``services.imports`` compares with it and writes.
"""

from .reading import BadFile, Cells, LineProblem, read_cells
from .rows import COLUMNS, REQUIRED_COLUMNS, ContractRow, Known, PlanFacts, clean_rows

__all__ = [
    "COLUMNS",
    "REQUIRED_COLUMNS",
    "BadFile",
    "Cells",
    "ContractRow",
    "Known",
    "LineProblem",
    "PlanFacts",
    "clean_rows",
    "read_cells",
]
