"""Expected mode: what a world's people do on the mean, without drawing their luck."""

from ecomlab.simulator.expected.door import expect
from ecomlab.simulator.expected.result import Expected

__all__ = ["Expected", "expect"]
