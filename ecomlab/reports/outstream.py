"""What a kernel prints, up to a limit.

More would fill this machine's memory before any client could say stop. Past the limit the
kernel sends what it has and ends with an exit code of its own.
"""

from __future__ import annotations

import os
import time
from typing import ClassVar

from ipykernel.iostream import OutStream

__all__ = ["FLOODED", "OUTPUT_CHARACTERS", "CappedStream"]

OUTPUT_CHARACTERS = 20_000_000
FLOODED = 86  # exit code
_SECONDS_TO_SEND = 1.0  # the last output is sent by a thread that ends with the process


class CappedStream(OutStream):
    """Standard output or error of a kernel; the two share the limit."""

    written: ClassVar[int] = 0

    def write(self, string: str) -> int | None:
        """Take text in, unless there was too much."""
        CappedStream.written += len(string)
        if CappedStream.written > OUTPUT_CHARACTERS:
            self.flush()
            time.sleep(_SECONDS_TO_SEND)
            os._exit(FLOODED)  # an exception could be caught by the cell that prints
        written: int | None = super().write(string)
        return written
