"""Outgoing requests and their responses, as handlers and tests use them. outgoing.py sends the requests."""

import json
from dataclasses import dataclass, field
from typing import Any, Self

from .outcome import Reject, Retry

#: Maximum number of bytes of a response body that are quoted in a reason.
MAX_QUOTED = 300


@dataclass(frozen=True)
class Request:
    """A request to send."""

    method: str
    url: str
    #: Names in lower case, and values.
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Response:
    """The response to a request."""

    status: int
    #: Names in lower case, and values. Several values of one name are joined with a comma.
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        """The body as text. Bytes that are not UTF-8 become replacement characters."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """The body, parsed as JSON."""
        return json.loads(self.body)

    def accepted(self) -> Self:
        """Returns the response if its status is 2xx. Raises `Retry` for 408, 425, 429 and 5xx, because a later request
        may succeed. If `retry-after` is a number of seconds, the retry waits at least that long. Raises `Reject` for
        every other status."""
        if 200 <= self.status < 300:
            return self
        said = self.body[:MAX_QUOTED].decode(errors="replace").strip()
        reason = f"the receiver answered {self.status}" + (f": {said}" if said else "")
        if self.status not in (408, 425, 429) and not 500 <= self.status < 600:
            raise Reject(reason)
        after = self.headers.get("retry-after", "").strip()
        raise Retry(reason, after=int(after) if after.isdecimal() else None)


def without_capability(_: Request) -> Response:
    """Replaces sending in a plugin without the capability `http`."""
    raise Reject('this plugin cannot send requests: plugin.toml does not contain `capabilities = ["http"]`')
