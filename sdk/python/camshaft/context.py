"""What a handler can do besides computing: state, events, timers, configuration, log lines, time, chance.

All of it goes through a host: the contract's imports in a component (component.py), memory in a test
(testing.py).
"""

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from .delay import time_ms
from .event import encode
from .http import Request, Response
from .outcome import Reject
from .state import State
from .text import optional_text, readable, text

#: Most random bytes of one call; the contract says so.
MAX_RANDOM_BYTES = 65_536


@dataclass
class NewEvent:
    """An event to be published, as a host takes it."""

    type: str
    data: bytes
    subject: str | None = None
    time: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    partitionkey: str | None = None
    extensions: dict[str, str] = field(default_factory=dict)


class Context:
    """The running attempt. All that is done through it takes effect if the handler returns, exactly once, and
    not at all if it raises. Only log lines stay."""

    def __init__(self, host: Any):
        self._host = host
        #: The plugin's durable state.
        self.state = State(host)

    def publish(self, event_type: str, data: Any = None, **attributes: Any) -> None:
        """Publishes an event about the cause's subject, ordered by the cause's key, unless said otherwise.

        `data` is written as JSON, or as MessagePack if `content_type` says so. The attributes: `subject`, `key`,
        `time`, `content_type`, `schema`, `extensions`. plugin.toml has to list the type in `publishes`.
        """
        self._host.publish(_new_event(event_type, data, **attributes))

    def schedule(self, name: str, at: datetime | int, event_type: str, data: Any = None, **attributes: Any) -> None:
        """Sets the timer `name`: the event is published at `at`, or soon after. It replaces a timer of that name.

        `at` is a time, or milliseconds since 1970-01-01T00:00:00Z; the rest is as for `publish`.
        """
        timer = text(name, "a timer's name")
        at_ms = time_ms(at, f"the time of the timer `{timer}`")
        self._host.schedule(timer, _new_event(event_type, data, **attributes), at_ms)

    def cancel(self, name: str) -> None:
        """Removes the timer `name`; one that is not set is no error."""
        self._host.cancel(text(name, "a timer's name"))

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes | str = b"",
    ) -> Response:
        """Sends a request and waits for the whole answer, whatever its status; `.accepted()` of it takes 2xx only.

        plugin.toml has to ask with `capabilities = ["http"]`, and the operator says where to. `{{secret:name}}` in a
        header stands for a secret. Sending is not undone if the handler raises: it may be sent again.
        """
        body = text(body, "a request's body").encode() if isinstance(body, str) else bytes(body)
        headers = {
            text(name, "a header's name").lower(): text(value, f"the header `{name}`")
            for name, value in (headers or {}).items()
        }
        method, url = text(method, "a request's method"), text(url, "a request's URL")
        return self._host.send(Request(method, url, headers, body))

    def config(self, key: str, default: str | None = None) -> str | None:
        """The configuration's value for `key`: the operator's, else plugin.toml's, else `default`."""
        value = self._host.config(text(key, "a key of the configuration"))
        return default if value is None else value

    def debug(self, message: object, **fields: object) -> None:
        """Writes a line to the plugin's log; so do `info`, `warn`, `error`, and `print`."""
        self._log("debug", message, fields)

    def info(self, message: object, **fields: object) -> None:
        """Writes a line about a change worth knowing later."""
        self._log("info", message, fields)

    def warn(self, message: object, **fields: object) -> None:
        """Writes a line about something that was not expected and has been dealt with."""
        self._log("warn", message, fields)

    def error(self, message: object, **fields: object) -> None:
        """Writes a line about something that is broken."""
        self._log("error", message, fields)

    def _log(self, level: str, message: object, fields: dict[str, object]) -> None:
        pairs = [(readable(name), readable(value)) for name, value in fields.items()]
        self._host.log(level, readable(message), pairs)

    @property
    def now(self) -> datetime:
        """The attempt's time. It stands still while the handler runs; `time.time()` tells the same."""
        return datetime.fromtimestamp(self.now_ms / 1000, timezone.utc)

    @property
    def now_ms(self) -> int:
        """The attempt's time in milliseconds since 1970-01-01T00:00:00Z."""
        return self._host.now_ms()

    def random(self, length: int) -> bytes:
        """Random bytes, the same ones at every attempt at this event. Unfit for secrets."""
        if not isinstance(length, int) or not 0 <= length <= MAX_RANDOM_BYTES:
            raise Reject(f"{length!r} random bytes were asked for; one call gives 0 to {MAX_RANDOM_BYTES}")
        return self._host.random(length)

    @property
    def attempt(self) -> int:
        """Which attempt this is at this event, counted from 1."""
        return self._host.attempt()

    @property
    def offset(self) -> int:
        """The event's place in the log."""
        return self._host.offset()

    @property
    def generation(self) -> int:
        """The consumer's generation; each reset starts the next one."""
        return self._host.generation()

    @property
    def consumer(self) -> str:
        """The name of the consumer that the plugin runs as."""
        return self._host.consumer()


def _new_event(
    event_type: str,
    data: Any,
    *,
    subject: str | None = None,
    key: str | None = None,
    time: str | None = None,
    content_type: str = "application/json",
    schema: str | None = None,
    extensions: dict[str, str] | None = None,
) -> NewEvent:
    event_type = text(event_type, "the type of an event")
    media_type = text(content_type, "`content_type`")
    return NewEvent(
        type=event_type,
        data=encode(event_type, media_type, data),
        subject=optional_text(subject, "`subject`"),
        time=optional_text(time, "`time`"),
        datacontenttype=media_type,
        dataschema=optional_text(schema, "`schema`"),
        partitionkey=optional_text(key, "`key`"),
        extensions={
            text(name, "an extension's name"): text(str(value), f"the extension `{name}`")
            for name, value in (extensions or {}).items()
        },
    )
