"""The component side: the contract's export, and its imports as a host.

Only `camshaft build` imports this module, because the bindings exist only in a component.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import wit_world
from componentize_py_types import Err
from wit_world.imports import config, context, logging, publisher, state

try:
    from wit_world.imports import types
except ImportError:
    # The plugin has the capability `http`, and `wasi:http` also has an interface named `types`.
    from wit_world.imports import camshaft_plugin_types as types

    from .outgoing import send
else:
    from .http import without_capability as send

from .context import Context, NewEvent
from .event import Event
from .handlers import dispatch
from .outcome import Reject, Retry, describe, explain
from .text import readable

#: Number of keys and values that a scan fetches per call.
PAGE = 256


class WitWorld(wit_world.WitWorld):
    """The contract's export, which the runtime calls."""

    def handle(self, event: types.Event) -> None:
        host = Imports()
        if "random" in sys.modules:
            # Without a new seed the generator keeps its state between events, and instances would differ.
            sys.modules["random"].seed(host.random(16))
        try:
            dispatch(_from_contract(event), Context(host))
        except Reject as error:
            raise Err(types.Failure_Reject(readable(explain(error)))) from None
        except Retry as error:
            raise Err(types.Failure_Retry(types.Retry(error.after_ms, readable(error)))) from None
        except Exception as error:
            raise Err(types.Failure_Retry(types.Retry(None, readable(describe(error))))) from None


class Imports:
    """The contract's imports. An error that no later attempt can avoid becomes a reject. The runtime rejects such an
    event in any case."""

    def state_get(self, key: bytes) -> bytes | None:
        return _refusing(lambda: state.get(key), key)

    def state_set(self, key: bytes, value: bytes) -> None:
        _refusing(lambda: state.set(key, value), key)

    def state_delete(self, key: bytes) -> None:
        _refusing(lambda: state.delete(key), key)

    def state_scan(self, prefix: bytes) -> Iterator[list[tuple[bytes, bytes]]]:
        with _refusing(lambda: state.scan(prefix), prefix) as cursor:
            while page := _refusing(lambda: cursor.next_page(PAGE), prefix):
                yield page

    def publish(self, event: NewEvent) -> None:
        _refusing(lambda: publisher.publish(_to_contract(event)))

    def schedule(self, name: str, event: NewEvent, at_ms: int) -> None:
        _refusing(lambda: publisher.schedule(name, _to_contract(event), at_ms))

    def cancel(self, name: str) -> None:
        _refusing(lambda: publisher.cancel(name))

    def log(self, level: str, message: str, fields: list[tuple[str, str]]) -> None:
        logging.log(logging.Level[level.upper()], message, fields)

    send = staticmethod(send)
    config = staticmethod(config.get)
    attempt = staticmethod(context.attempt)
    offset = staticmethod(context.offset)
    generation = staticmethod(context.generation)
    consumer = staticmethod(context.consumer)
    now_ms = staticmethod(context.now_ms)
    random = staticmethod(context.random)


def _refusing(call: Callable[[], Any], key: bytes = b"") -> Any:
    try:
        return call()
    except Err as error:
        raise _sentence(error.value, key.decode(errors="replace")) from None


def _sentence(refusal: Any, key: str) -> Exception:
    match refusal:
        case state.Error_InvalidKey(limit):
            return Reject(f"state key `{key}` is empty or longer than {limit} bytes")
        case state.Error_ValueTooLarge(limit):
            return Reject(f"state value of `{key}` is larger than {limit} bytes")
        case state.Error_AttemptTooLarge(limit) | publisher.Error_AttemptTooLarge(limit):
            return Reject(f"the effects of this attempt together exceed {limit} bytes")
        case publisher.Error_UndeclaredType(event_type):
            return Reject(f"`{event_type}` is published but not declared. Add it to `publishes` in plugin.toml.")
        case publisher.Error_InvalidEvent(reason):
            return Reject(reason)
        case publisher.Error_EventTooLarge(limit):
            return Reject(f"the event is larger than {limit} bytes")
        case publisher.Error_TooManyTimers(limit):
            return Reject(f"the plugin already has {limit} timers, the maximum")
        case publisher.Error_InvalidTimerName(limit):
            return Reject(f"the timer name is empty or longer than {limit} bytes")
        case _:
            return Retry(str(getattr(refusal, "value", refusal)))


def _from_contract(event: types.Event) -> Event:
    return Event(
        type=event.event_type,
        id=event.id,
        source=event.source,
        subject=event.subject,
        time=event.time,
        datacontenttype=event.datacontenttype,
        dataschema=event.dataschema,
        partitionkey=event.partitionkey,
        extensions=dict(event.extensions),
        bytes=event.data,
    )


def _to_contract(event: NewEvent) -> publisher.NewEvent:
    return publisher.NewEvent(
        event_type=event.type,
        subject=event.subject,
        time=event.time,
        datacontenttype=event.datacontenttype,
        dataschema=event.dataschema,
        partitionkey=event.partitionkey,
        extensions=list(event.extensions.items()),
        data=event.data,
    )
