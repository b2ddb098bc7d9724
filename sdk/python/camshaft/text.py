"""Text that leaves the plugin. The contract's text is UTF-8, which has no form for half of a surrogate pair."""

import re
from typing import Any

from .outcome import Reject


def text(value: Any, what: str) -> str:
    """The text itself. What is none, or has no form in UTF-8, is rejected; `what` names it in the reason."""
    if not isinstance(value, str):
        raise Reject(f"{what} is text, not {kind(value)}")
    if value != readable(value):
        raise Reject(f"{what} holds half of a surrogate pair, which is no text: {ascii(value)}")
    return value


def optional_text(value: Any, what: str) -> str | None:
    """As `text`; what is not there stays so."""
    return None if value is None else text(value, what)


def readable(value: object) -> str:
    """Any text for people: halves of surrogate pairs become replacement characters."""
    shown = str(value)
    try:
        shown.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in shown)
    return shown


def kind(value: object) -> str:
    """What a value is, for people."""
    return "None" if value is None else f"a {type(value).__name__}"


def words(name: str) -> str:
    """A name in capitals as the words that it is made of: `ConnectionRefused` is "connection refused"."""
    return " ".join(re.findall("[A-Z]?[^A-Z]+|[A-Z]+", name)).lower()
