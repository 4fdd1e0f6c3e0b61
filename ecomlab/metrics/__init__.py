"""One definition a metric, on any engine: big tables in, small pandas frames out."""

from ecomlab.metrics.breakdown import DIMENSIONS, summarize_by
from ecomlab.metrics.bridge import bridge_revenue
from ecomlab.metrics.buyers import count_buyers
from ecomlab.metrics.daily import daily_kpis
from ecomlab.metrics.definitions import KPIS, Kpi

__all__ = [
    "DIMENSIONS",
    "KPIS",
    "Kpi",
    "bridge_revenue",
    "count_buyers",
    "daily_kpis",
    "summarize_by",
]
