"""The event that a handler is given, and its data in and out of bytes."""

import codecs
import dataclasses
import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from . import messagepack
from .outcome import Reject


@dataclass(frozen=True)
class Event:
    """A CloudEvents 1.0 event. It never changes."""

    #: What happened, such as `order.placed`.
    type: str
    #: Unique within `source`.
    id: str = "1"
    #: Who published it; `/plugins/<name>` if a plugin did.
    source: str = "/test"
    #: The thing that it is about.
    subject: str | None = None
    #: When it happened, as an RFC 3339 timestamp.
    time: str | None = None
    #: The media type of the data; absent means JSON.
    datacontenttype: str | None = None
    #: The URI of a schema of the data.
    dataschema: str | None = None
    #: The ordering key as it was given; see `key`.
    partitionkey: str | None = None
    #: All other attributes by name, such as `traceparent`.
    extensions: dict[str, str] = field(default_factory=dict)
    #: The data, undecoded.
    bytes: bytes = b""

    @cached_property
    def data(self) -> Any:
        """The data, decoded by its media type. What is no JSON or MessagePack is rejected; `bytes` takes all."""
        return decode(self.type, self.datacontenttype, self.bytes)

    @property
    def key(self) -> str | None:
        """The ordering key: `partitionkey`, else `subject`, else none."""
        return self.partitionkey if self.partitionkey is not None else self.subject

    @property
    def correlation_id(self) -> str:
        """The id that all events of one story share."""
        return self.extensions.get("correlationid", self.id)


def decode(event_type: str, media_type: str | None, data: bytes) -> Any:
    """The data of an event; what cannot be read is rejected. A byte order mark before JSON is skipped."""
    encoding = _encoding(media_type)
    if encoding is None:
        raise Reject(
            f"data of `{event_type}`: `{media_type}` is neither JSON nor MessagePack; read `event.bytes`"
        )
    # An event without data reads like one whose data is null.
    if not data:
        return None
    try:
        return messagepack.decode(data) if encoding == "MessagePack" else _json(data)
    except (ValueError, RecursionError) as error:
        raise Reject(f"data of `{event_type}` is no {encoding}: {error}") from None


def encode(event_type: str, media_type: str | None, data: Any) -> bytes:
    """The bytes of the data as the given media type. Bytes are taken as they are, dataclasses as maps."""
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
        raise Reject(f"data of `{event_type}` cannot be written: {error}") from None


def _json(data: bytes) -> Any:
    text = data.removeprefix(codecs.BOM_UTF8).decode()
    return json.loads(text, parse_float=_float, parse_constant=_no_constant)


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"the number {text} is too large")
    return number


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


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
    raise TypeError(f"a {type(value).__name__} is no data")
