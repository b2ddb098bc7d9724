"""Runs handlers under `python3 -m unittest`, without WebAssembly: an in-memory context.

Within one attempt it behaves like the runtime's context. It does not retry, order or persist anything, and it counts no
hops.

    ctx = TestContext(publishes=["order.counted"])
    ctx.handle("order.placed", {"sku": "b-7"})
    assert ctx.state["count"] == 1
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .context import Context, NewEvent
from .event import Event, encode
from .handlers import dispatch
from .http import Request, Response
from .outcome import Reject, Retry

#: Number of pairs in one page of a scan. It is small, so that tests need several pages.
PAGE = 2


@dataclass
class Timer:
    """A timer that a handler set: the time in milliseconds at which it fires, and the event that it publishes."""

    at_ms: int
    event: Event


class TestContext(Context):
    """An in-memory context. Pass it to a handler function as `ctx`, or call its `handle` with an event type."""

    __test__ = False  # Test runners must not collect this class as a test.

    def __init__(
        self,
        *,
        config: dict[str, str] | None = None,
        publishes: list[str] | None = None,
        now_ms: int = 0,
        attempt: int = 1,
        offset: int = 0,
        responses: Callable[[Request], Response] | None = None,
    ):
        """`responses` provides the response to each request. Placeholders for secrets are not replaced."""
        self._memory = _Memory(config or {}, publishes, now_ms, attempt, offset)
        self._memory.send = responses or _nobody_responds
        super().__init__(self._memory)

    def handle(self, event_type: str, data: Any = None, *, content_type: str | None = None, **attributes: Any) -> None:
        """Runs the handler for an event as the runtime would: the data is encoded and decoded, and a failed attempt
        leaves only its log lines. Raises the handler's exception.

        The attributes are those of `Event`, such as `subject`, `partitionkey` and `extensions`.
        """
        data = encode(event_type, content_type, data)
        event = Event(type=event_type, datacontenttype=content_type, bytes=data, **attributes)
        before = self._memory.snapshot()
        self._memory.cause = event
        try:
            dispatch(event, self)
        except BaseException:
            self._memory.restore(before)
            raise
        finally:
            self._memory.cause = None

    @property
    def published(self) -> list[Event]:
        """The events published so far, oldest first."""
        return list(self._memory.published)

    @property
    def timers(self) -> dict[str, Timer]:
        """The timers that are set, by name."""
        return dict(self._memory.timers)

    @property
    def logged(self) -> list[tuple[str, str, dict[str, str]]]:
        """The lines logged so far, oldest first, each with level, message and fields."""
        return list(self._memory.logged)


def _nobody_responds(_: Request) -> Response:
    raise Retry("no response is configured; pass `responses` to the test context")


class _Memory:
    """The contract's imports in memory."""

    def __init__(self, config: dict[str, str], publishes: list[str] | None, now_ms: int, attempt: int, offset: int):
        self.pairs: dict[bytes, bytes] = {}
        self.published: list[Event] = []
        self.timers: dict[str, Timer] = {}
        self.logged: list[tuple[str, str, dict[str, str]]] = []
        self.cause: Event | None = None
        self.config = config.get
        self._publishes = publishes
        self._now_ms, self._attempt, self._offset = now_ms, attempt, offset

    def snapshot(self) -> tuple[dict[bytes, bytes], list[Event], dict[str, Timer]]:
        return dict(self.pairs), list(self.published), dict(self.timers)

    def restore(self, before: tuple[dict[bytes, bytes], list[Event], dict[str, Timer]]) -> None:
        self.pairs, self.published, self.timers = before

    def state_get(self, key: bytes) -> bytes | None:
        return self.pairs.get(_checked(key))

    def state_set(self, key: bytes, value: bytes) -> None:
        self.pairs[_checked(key)] = value

    def state_delete(self, key: bytes) -> None:
        self.pairs.pop(_checked(key), None)

    def state_scan(self, prefix: bytes) -> Iterator[list[tuple[bytes, bytes]]]:
        """As in the runtime, each page shows the state at the time of its call."""
        last = None
        while True:
            keys = sorted(key for key in self.pairs if key.startswith(prefix) and (last is None or key > last))
            if not keys:
                return
            last = keys[:PAGE][-1]
            yield [(key, self.pairs[key]) for key in keys[:PAGE]]

    def publish(self, event: NewEvent) -> None:
        self.published.append(self._resolve(event, len(self.published)))

    def schedule(self, name: str, event: NewEvent, at_ms: int) -> None:
        self.timers[_timer_name(name)] = Timer(at_ms, self._resolve(event, 0))

    def cancel(self, name: str) -> None:
        self.timers.pop(_timer_name(name), None)

    def log(self, level: str, message: str, fields: list[tuple[str, str]]) -> None:
        self.logged.append((level, message, dict(fields)))

    def attempt(self) -> int:
        return self._attempt

    def offset(self) -> int:
        return self._offset

    def generation(self) -> int:
        return 1

    def consumer(self) -> str:
        return "test"

    def now_ms(self) -> int:
        return self._now_ms

    def random(self, length: int) -> bytes:
        return bytes((self._offset * 31 + place * 197 + 11) & 0xFF for place in range(length))

    def _resolve(self, event: NewEvent, number: int) -> Event:
        """The event as the log would store it, as far as one attempt can see."""
        if self._publishes is not None and event.type not in self._publishes:
            raise Reject(f"`{event.type}` is published but not declared. Add it to `publishes` in plugin.toml.")
        extensions = dict(event.extensions)
        subject, key = event.subject, event.partitionkey
        if self.cause is not None:
            extensions |= {"causationid": self.cause.id, "causationsource": self.cause.source}
            extensions |= {"correlationid": self.cause.correlation_id}
            subject = self.cause.subject if subject is None else subject
            key = self.cause.key if key is None else key
        return Event(
            type=event.type,
            id=f"1-{self._offset}-{number}",
            source="/plugins/test",
            subject=subject,
            time=event.time,
            datacontenttype=event.datacontenttype,
            dataschema=event.dataschema,
            partitionkey=key,
            extensions=extensions,
            bytes=event.data,
        )


def _checked(key: bytes) -> bytes:
    if not key:
        raise Reject("the state key is empty")
    return key


def _timer_name(name: str) -> str:
    if not name:
        raise Reject("the timer name is empty")
    return name
