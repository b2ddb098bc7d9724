"""Validates text that leaves the plugin. The contract's text is UTF-8, which cannot represent an unpaired surrogate."""

import re
from typing import Any

from .outcome import Reject


def text(value: Any, what: str) -> str:
    """Returns the text. Rejects a value that is not text, or that UTF-8 cannot represent. `what` is its name in the
    reason."""
    if not isinstance(value, str):
        raise Reject(f"{what} must be text, not {kind(value)}")
    if value != readable(value):
        raise Reject(f"{what} contains an unpaired surrogate: {ascii(value)}")
    return value


def optional_text(value: Any, what: str) -> str | None:
    """As `text`, but returns None for an absent value."""
    return None if value is None else text(value, what)


def readable(value: object) -> str:
    """Converts a value to text for people. Unpaired surrogates become replacement characters."""
    shown = str(value)
    try:
        shown.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in shown)
    return shown


def kind(value: object) -> str:
    """The type of a value, for people."""
    return "None" if value is None else type(value).__name__


def words(name: str) -> str:
    """Splits a name in camel case into words: `ConnectionRefused` becomes "connection refused"."""
    return " ".join(re.findall("[A-Z]?[^A-Z]+|[A-Z]+", name)).lower()
