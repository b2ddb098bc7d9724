"""Requests to the outside and their answers, as handlers and tests see them; outgoing.py sends them."""

import json
from dataclasses import dataclass, field
from typing import Any, Self

from .outcome import Reject, Retry

#: Longest reason that is quoted of an answer's body, in bytes.
MAX_QUOTED = 300


@dataclass(frozen=True)
class Request:
    """A request as it is sent."""

    method: str
    url: str
    #: Names in lower case, and values.
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Response:
    """What came back."""

    status: int
    #: Names in lower case, and values; those of one name are joined with a comma.
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        """The body; what is no UTF-8 in it stands as replacement characters."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)

    def accepted(self) -> Self:
        """The answer itself if its status is 2xx. A retry for what may go better later: 408, 425, 429 and 5xx, not
        before `retry-after` if that is a number of seconds. A reject for every other status."""
        if 200 <= self.status < 300:
            return self
        said = self.body[:MAX_QUOTED].decode(errors="replace").strip()
        reason = f"the receiver answered {self.status}" + (f": {said}" if said else "")
        if self.status not in (408, 425, 429) and not 500 <= self.status < 600:
            raise Reject(reason)
        after = self.headers.get("retry-after", "").strip()
        raise Retry(reason, after=int(after) if after.isdecimal() else None)


def without_capability(_: Request) -> Response:
    """Stands for sending in a plugin that did not ask for it."""
    raise Reject('this plugin cannot send requests: plugin.toml does not say `capabilities = ["http"]`')
