"""The best budgets there are, found by search with the truth in hand; nobody in the shop has them.

For each preset the profit of run twins was searched over multiples of the usual budgets:
each channel at several multiples for half a year, a curve through what they earn, and the
best split under the curves (docs/studies/marketing.md tells how, and how near that comes).
"""

from __future__ import annotations

__all__ = ["best_budgets"]

_FOUND: dict[str, dict[str, dict[str, float]]] = {
    "west_d2c": {
        "oracle, same total": {
            "paid_search": 0.301, "social": 1.261, "creators": 3.445, "affiliate": 1.598,
        },
        "oracle, free total": {
            "paid_search": 0.0, "social": 0.095, "creators": 0.475, "affiliate": 0.481,
        },
    },
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
