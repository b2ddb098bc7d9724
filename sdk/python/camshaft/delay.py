"""Times and delays that cross the contract: whole milliseconds in 64 bits. A number outside of them has no form."""

import math
from datetime import datetime
from typing import Any

from .outcome import Reject
from .text import kind

#: Latest time, in milliseconds: what a Date of JavaScript can hold, so that all languages read it.
LATEST_MS = 8_640_000_000_000_000


def time_ms(at: Any, what: str) -> int:
    """A time in milliseconds since 1970, rounded up; one before that is 1970. What is no time is rejected."""
    value = at.timestamp() * 1000 if isinstance(at, datetime) else at
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value > LATEST_MS:
        found = str(at) if is_number else kind(at)
        raise Reject(f"{what} is a datetime or milliseconds since 1970, up to {LATEST_MS}, not {found}")
    return max(0, round(value) if isinstance(at, datetime) else math.ceil(value))


def delay_ms(after: Any, what: str) -> int | None:
    """A delay of so many seconds in milliseconds, rounded up and clamped; none stays none. What is no number is
    rejected."""
    if after is None:
        return None
    is_number = isinstance(after, (int, float)) and not isinstance(after, bool)
    if not is_number or (isinstance(after, float) and math.isnan(after)):
        raise Reject(f"{what} is a number of seconds, not {after if is_number else kind(after)}")
    # As in JavaScript, whose numbers are exact up to there.
    limit_s = (1 << 53) // 1000
    return max(0, -int(-min(after, limit_s) * 1000 // 1)) if after > 0 else 0
