"""The handler's access to the runtime: state, events, timers, configuration, log lines, time, random numbers.

All calls go through a host: the contract's imports in a component (component.py), an in-memory host in a test
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

#: The maximum number of random bytes per call, fixed by the contract.
MAX_RANDOM_BYTES = 65_536


@dataclass
class NewEvent:
    """An event to be published, in the form that a host accepts."""

    type: str
    data: bytes
    subject: str | None = None
    time: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    partitionkey: str | None = None
    extensions: dict[str, str] = field(default_factory=dict)


class Context:
    """The running attempt. If the handler returns, all effects through this context are applied exactly once. If it
    raises an exception, none is applied; only log lines remain."""

    def __init__(self, host: Any):
        self._host = host
        #: The plugin's durable state.
        self.state = State(host)

    def publish(self, event_type: str, data: Any = None, **attributes: Any) -> None:
        """Publishes an event. It inherits the cause's subject and ordering key, unless the attributes set others.

        `data` is encoded as JSON, or as MessagePack if `content_type` is a MessagePack type. The attributes are
        `subject`, `key`, `time`, `content_type`, `schema` and `extensions`. plugin.toml must list the type in
        `publishes`.
        """
        self._host.publish(_new_event(event_type, data, **attributes))

    def schedule(self, name: str, at: datetime | int, event_type: str, data: Any = None, **attributes: Any) -> None:
        """Sets the timer `name`: the event is published at `at`, or soon after. An existing timer of that name is
        replaced. The event of a timer set less than a second ahead counts as a hop; a later one starts at hop 0.

        `at` is a time, or milliseconds since 1970-01-01T00:00:00Z. The other arguments are those of `publish`.
        """
        timer = text(name, "the timer name")
        at_ms = time_ms(at, f"the time of the timer `{timer}`")
        self._host.schedule(timer, _new_event(event_type, data, **attributes), at_ms)

    def cancel(self, name: str) -> None:
        """Removes the timer `name`. It is not an error if no such timer is set."""
        self._host.cancel(text(name, "the timer name"))

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes | str = b"",
    ) -> Response:
        """Sends a request and waits for the complete response. Returns the response for every status; call `accepted()`
        on it to accept only 2xx.

        plugin.toml must contain `capabilities = ["http"]`, and the operator must permit the target. The runtime
        replaces `{{secret:name}}` in a header with the secret of that name. A request that was sent is not undone if the
        handler raises an exception, and it may be sent again.
        """
        body = text(body, "the request body").encode() if isinstance(body, str) else bytes(body)
        headers = {
            text(name, "a header name").lower(): text(value, f"the header `{name}`")
            for name, value in (headers or {}).items()
        }
        method, url = text(method, "the request method"), text(url, "the request URL")
        return self._host.send(Request(method, url, headers, body))

    def config(self, key: str, default: str | None = None) -> str | None:
        """Returns the configuration value of `key`: the operator's, else plugin.toml's, else `default`."""
        value = self._host.config(text(key, "a configuration key"))
        return default if value is None else value

    def debug(self, message: object, **fields: object) -> None:
        """Writes a line to the plugin's log, as do `info`, `warn`, `error` and `print`."""
        self._log("debug", message, fields)

    def info(self, message: object, **fields: object) -> None:
        """Writes a line about a change worth knowing later."""
        self._log("info", message, fields)

    def warn(self, message: object, **fields: object) -> None:
        """Writes a line about an unexpected condition that the plugin handled."""
        self._log("warn", message, fields)

    def error(self, message: object, **fields: object) -> None:
        """Writes a line about something that is broken."""
        self._log("error", message, fields)

    def _log(self, level: str, message: object, fields: dict[str, object]) -> None:
        pairs = [(readable(name), readable(value)) for name, value in fields.items()]
        self._host.log(level, readable(message), pairs)

    @property
    def now(self) -> datetime:
        """The attempt's time. It does not change while the handler runs. `time.time()` returns the same time."""
        return datetime.fromtimestamp(self.now_ms / 1000, timezone.utc)

    @property
    def now_ms(self) -> int:
        """The attempt's time in milliseconds since 1970-01-01T00:00:00Z."""
        return self._host.now_ms()

    def random(self, length: int) -> bytes:
        """Returns random bytes, the same in every attempt at this event. Do not use them for secrets."""
        if not isinstance(length, int) or not 0 <= length <= MAX_RANDOM_BYTES:
            raise Reject(f"{length!r} random bytes were requested; one call returns 0 to {MAX_RANDOM_BYTES}")
        return self._host.random(length)

    @property
    def attempt(self) -> int:
        """The number of this attempt at the event, counted from 1."""
        return self._host.attempt()

    @property
    def offset(self) -> int:
        """The event's offset in the log."""
        return self._host.offset()

    @property
    def generation(self) -> int:
        """The consumer's generation. Each reset starts the next one."""
        return self._host.generation()

    @property
    def consumer(self) -> str:
        """The name of the plugin's consumer."""
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
    event_type = text(event_type, "the event type")
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
            text(name, "an extension name"): text(str(value), f"the extension `{name}`")
            for name, value in (extensions or {}).items()
        },
    )
