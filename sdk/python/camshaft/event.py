"""The event that a handler receives, and the encoding and decoding of its data."""

import codecs
import dataclasses
import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from . import messagepack
from .outcome import Reject
from .xxh3 import xxh3_64


@dataclass(frozen=True)
class Event:
    """A CloudEvents 1.0 event. It never changes."""

    #: What happened, such as `order.placed`.
    type: str
    #: Unique within `source`.
    id: str = "1"
    #: The event's producer; `/plugins/<name>` if a plugin published it.
    source: str = "/test"
    #: The thing that the event is about.
    subject: str | None = None
    #: When it happened, as an RFC 3339 timestamp.
    time: str | None = None
    #: The media type of the data. If absent, JSON.
    datacontenttype: str | None = None
    #: The URI of a schema for the data.
    dataschema: str | None = None
    #: The ordering key that the producer set; see `key`.
    partitionkey: str | None = None
    #: All other attributes by name, such as `traceparent`.
    extensions: dict[str, str] = field(default_factory=dict)
    #: The data, undecoded.
    bytes: bytes = b""

    @cached_property
    def data(self) -> Any:
        """The data, decoded according to its media type. Data that is neither JSON nor MessagePack is rejected; read it
        from `bytes`."""
        return decode(self.type, self.datacontenttype, self.bytes)

    @property
    def key(self) -> str | None:
        """The ordering key: `partitionkey`, else `subject`, else none."""
        return self.partitionkey if self.partitionkey is not None else self.subject

    @property
    def correlation_id(self) -> str:
        """The correlation id, shared by all events that follow from one first event: its own `correlationid`, else
        `<source hash>-<id>`."""
        given = self.extensions.get("correlationid")
        return f"{xxh3_64(self.source.encode()):016x}-{self.id}" if given is None else given


def decode(event_type: str, media_type: str | None, data: bytes) -> Any:
    """Decodes the data of an event. Rejects data that cannot be decoded. A byte order mark before JSON is skipped."""
    encoding = _encoding(media_type)
    if encoding is None:
        raise Reject(
            f"data of `{event_type}`: `{media_type}` is neither JSON nor MessagePack; read `event.bytes`"
        )
    # An event without data is decoded as null.
    if not data:
        return None
    try:
        return messagepack.decode(data) if encoding == "MessagePack" else _json(data)
    except (ValueError, RecursionError) as error:
        raise Reject(f"data of `{event_type}` cannot be decoded as {encoding}: {error}") from None


def encode(event_type: str, media_type: str | None, data: Any) -> bytes:
    """Encodes the data as the given media type. Bytes are used unchanged, and dataclasses are encoded as maps."""
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    encoding = _encoding(media_type)
    if encoding is None:
        raise Reject(f"data of `{event_type}`: `{media_type}` is neither JSON nor MessagePack; publish bytes")
    try:
        if encoding == "MessagePack":
            return messagepack.encode(data)
        text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain)
        return messagepack.utf8(text)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise Reject(f"data of `{event_type}` cannot be encoded: {error}") from None


def _json(data: bytes) -> Any:
    text = data.removeprefix(codecs.BOM_UTF8).decode()
    return json.loads(text, parse_float=_float, parse_constant=_no_constant)


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"the number {text} is too large")
    return number


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a JSON number")


def _encoding(media_type: str | None) -> str | None:
    if media_type is None:
        return "JSON"
    essence = media_type.partition(";")[0].strip().lower()
    if essence in ("application/json", "text/json") or essence.endswith("+json"):
        return "JSON"
    known = ("application/msgpack", "application/x-msgpack", "application/vnd.msgpack")
    return "MessagePack" if essence in known or essence.endswith("+msgpack") else None


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"type {type(value).__name__} is not supported")
