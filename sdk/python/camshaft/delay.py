"""Times and delays in the form of the contract: whole milliseconds in 64 bits."""

import math
from datetime import datetime
from typing import Any

from .outcome import Reject
from .text import kind

#: The latest time in milliseconds: the maximum of JavaScript's Date, so that every language can read it.
LATEST_MS = 8_640_000_000_000_000


def time_ms(at: Any, what: str) -> int:
    """Converts a time to milliseconds since 1970, rounded up. An earlier time becomes 1970. Rejects a value that is not
    a time."""
    value = at.timestamp() * 1000 if isinstance(at, datetime) else at
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value > LATEST_MS:
        found = str(at) if is_number else kind(at)
        raise Reject(f"{what} must be a datetime or milliseconds since 1970, up to {LATEST_MS}, not {found}")
    return max(0, round(value) if isinstance(at, datetime) else math.ceil(value))


def delay_ms(after: Any, what: str) -> int | None:
    """Converts a delay in seconds to milliseconds, rounded up and limited to the permitted range. None stays None.
    Rejects a value that is not a number."""
    if after is None:
        return None
    is_number = isinstance(after, (int, float)) and not isinstance(after, bool)
    if not is_number or (isinstance(after, float) and math.isnan(after)):
        raise Reject(f"{what} must be a number of seconds, not {after if is_number else kind(after)}")
    # The same limit as in JavaScript, whose numbers are exact up to 2^53.
    limit_s = (1 << 53) // 1000
    return max(0, -int(-min(after, limit_s) * 1000 // 1)) if after > 0 else 0
