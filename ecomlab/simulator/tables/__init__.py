"""From the log of a run to the observed tables of a store."""

from ecomlab.simulator.tables.record import Record, lay_out_tables, take_record

__all__ = ["Record", "lay_out_tables", "take_record"]
