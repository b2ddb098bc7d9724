"""The plugin's own durable state: values by key, stored as MessagePack so that every language can read them."""

from collections.abc import Iterator
from typing import Any

from . import messagepack
from .outcome import Reject
from .text import kind, readable, text

Key = str | bytes


class State:
    """The state, a dictionary whose keys are text or bytes. This attempt sees its own writes at once. They become
    durable together with the event's completion."""

    def __init__(self, host: Any):
        self._host = host

    def get(self, key: Key, default: Any = None) -> Any:
        """Returns the value of the key, or `default` if it has none."""
        value = self._host.state_get(_bytes(key))
        return default if value is None else _decode(key, value)

    def __getitem__(self, key: Key) -> Any:
        value = self._host.state_get(_bytes(key))
        if value is None:
            raise KeyError(key)
        return _decode(key, value)

    def __contains__(self, key: Key) -> bool:
        return self._host.state_get(_bytes(key)) is not None

    def __setitem__(self, key: Key, value: Any) -> None:
        try:
            data = messagepack.encode(value)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise Reject(f"state value of `{_text(key)}` cannot be encoded: {error}") from None
        self._host.state_set(_bytes(key), data)

    def __delitem__(self, key: Key) -> None:
        """Deletes the value of the key. Unlike in a dictionary, a key without a value is not an error: to detect it,
        the state would have to be read."""
        self._host.state_delete(_bytes(key))

    def scan(self, prefix: Key = "") -> Iterator[tuple[Key, Any]]:
        """Iterates over all keys that begin with the prefix, in ascending order, with their values. A key that is
        not UTF-8 is returned as bytes.

        A scan depends on all keys with the prefix, up to the last one that was fetched; keys are fetched in pages. If
        a parallel attempt sets or deletes one of them, this attempt may run again. Use `get` if you know the keys."""
        for page in self._host.state_scan(_bytes(prefix)):
            for key, value in page:
                name = _name(key)
                yield name, _decode(name, value)


def _bytes(key: Key) -> bytes:
    if isinstance(key, str):
        return text(key, "the state key").encode()
    if isinstance(key, bytes):
        return key
    raise Reject(f"a state key must be text or bytes, not {kind(key)}")


def _name(key: bytes) -> Key:
    try:
        return key.decode()
    except UnicodeDecodeError:
        return key


def _decode(key: Key, value: bytes) -> Any:
    try:
        return messagepack.decode(value)
    except (ValueError, RecursionError) as error:
        raise Reject(f"state value of `{_text(key)}` cannot be decoded as MessagePack: {error}") from None


def _text(key: Key) -> str:
    return readable(key) if isinstance(key, str) else key.decode(errors="replace")
