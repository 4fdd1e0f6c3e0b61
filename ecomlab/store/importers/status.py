"""The payment status of each order, where its lines may tell different ones.

A cancelled line of an order that otherwise counts is rejected by itself; it takes no other
line with it.
"""

from __future__ import annotations

import numpy as np

from ecomlab.store.importers.cells import Cells
from ecomlab.store.importers.grouping import commonest, sum_by
from ecomlab.store.importers.ledger import Ledger
from ecomlab.store.importers.lines import SOLD, Lines
from ecomlab.store.importers.texts import Texts

__all__ = ["settle_status"]

# The statuses of orders that do not count as sales, and what is said of such a line.
LOST = {
    "failed": "this line failed, other lines of the order did not",
    "cancelled": "this line was cancelled, other lines of the order were not",
}


def settle_status(
    cells: Cells, lines: Lines, found: Texts, *, ledger: Ledger
) -> tuple[np.ndarray, np.ndarray]:
    """Reject failed and cancelled lines of orders that count; return each order's status.

    Parameters
    ----------
    cells, lines
        The rows.
    found
        Each row's status in the store's words.
    ledger
        Takes the rejections.

    Returns
    -------
    tuple
        The commonest status of each order's remaining goods, of its other rows where those
        tell none, and a mask of orders that still have several.
    """
    size, codes = len(lines.order.distinct), lines.order.codes
    goods = np.isin(lines.action, SOLD) & ~ledger.rejected
    lost = found.map(lambda text: text in LOST, "bool")
    # An empty cell is a status unknown, unless the export gives it once an order.
    telling = ~found.empty | _on_each_line(cells, found, codes, size)
    counting = sum_by(codes, (goods & telling & ~lost).astype(np.int64), size=size) > 0
    partly = lost & counting[codes]
    _reject_lost(cells, lines, found, partly, goods, ledger)
    of_goods, several = commonest(found, codes, size=size, where=goods & ~partly)
    of_any, _ = commonest(found, codes, size=size, where=~lines.stays_out & ~partly)
    return np.where(of_goods == "", of_any, of_goods), several


def _on_each_line(cells: Cells, found: Texts, codes: np.ndarray, size: int) -> bool:
    """Tell whether the export gives the status on each line, not on one line an order.

    Copies of a row are left aside: files that overlap repeat the only line with a status.
    """
    own = ~cells.export.repeated()
    rows = sum_by(codes, own.astype(np.int64), size=size)
    filled = sum_by(codes, (own & ~found.empty).astype(np.int64), size=size)
    long = (rows > 1) & (filled > 0)
    return bool(2 * filled[long].sum() > rows[long].sum())


def _reject_lost(
    cells: Cells, lines: Lines, found: Texts, partly: np.ndarray, goods: np.ndarray, ledger: Ledger
) -> None:
    """Reject the lines themselves, and the returns that undo them."""
    column = cells.label("payment_status")
    back = lines.rows("return")
    for status, reason in LOST.items():
        told = found.map(str, "object") == status
        ledger.reject(partly & told & ~back, column=column, reason=reason)
    product = lines.order.codes * max(len(lines.sku.distinct), 1) + lines.sku.codes
    undone = np.isin(product, product[goods & partly])
    kept = np.isin(product, product[goods & ~partly])
    ledger.reject(back & undone & (partly | ~kept), column=column,
                  reason="a return of a line that was cancelled or failed")  # fmt: skip
