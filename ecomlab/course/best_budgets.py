"""The best budgets there are, found by search with the truth in hand; nobody in the shop has them.

``benchmarks/find_budgets.py`` writes the table: multiples of the usual media budgets for a
half-year that earn most, the year after counted as well (docs/studies/budgets.md).
"""

from __future__ import annotations

__all__ = ["best_budgets"]

_FOUND: dict[str, dict[str, dict[str, float]]] = {
    # found
    "west_d2c": {
        "oracle, same total": {
            "paid_search": 0.25, "social": 1.3, "creators": 3.15, "affiliate": 1.55,
        },
        "oracle, free total": {
            "paid_search": 0.0, "social": 0.25, "creators": 0.8, "affiliate": 0.6,
        },
    },
    # end of found
}  # fmt: skip


def best_budgets(scenario: str) -> dict[str, dict[str, float]]:
    """Return plan -> channel -> multiple of the usual budget; nothing where no search was made.

    Parameters
    ----------
    scenario
        Name of the preset.

    Examples
    --------
    >>> best_budgets("west_d2c")["oracle, free total"]["paid_search"]
    0.0
    """
    return {name: dict(plan) for name, plan in _FOUND.get(scenario, {}).items()}
