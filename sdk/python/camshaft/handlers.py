"""The handlers of a plugin, and the selection of the handler for an event.

Patterns of one plugin do not overlap, so the first match is the only one.
"""

from collections.abc import Callable
from typing import TypeVar

from .context import Context
from .event import Event
from .outcome import Reject
from .running import finish, is_generator

Function = TypeVar("Function", bound=Callable[[Event, Context], object])

_handlers: list[tuple[str, Callable[[Event, Context], object]]] = []


def handler(*types: str) -> Callable[[Function], Function]:
    """Registers the function as the handler for events of these types. In a type, `*` matches one dotted segment and a
    final `**` one or more. The function stays unchanged and callable. It may be a coroutine, which is run to its end,
    but not a generator."""
    if not types or not all(isinstance(pattern, str) for pattern in types):
        raise TypeError('a handler needs at least one event type: @handler("order.placed")')
    for pattern in types:
        _check(pattern)

    def register(function: Function) -> Function:
        if is_generator(function):
            raise TypeError(f"{_name(function)} is a generator: its body would never run; make it a plain function")
        for pattern in types:
            present = next((known for known_pattern, known in _handlers if known_pattern == pattern), None)
            if present is not None and _name(present) != _name(function):
                raise ValueError(f'both {_name(present)} and {_name(function)} handle "{pattern}"')
            _handlers[:] = [(known, other) for known, other in _handlers if known != pattern]
            _handlers.append((pattern, function))
        return function

    return register


def dispatch(event: Event, ctx: Context) -> None:
    """Runs the handler whose patterns match the event."""
    for pattern, function in _handlers:
        if matches(pattern, event.type):
            finish(function(event, ctx))
            return
    raise Reject(f"the plugin has no handler for `{event.type}`")


def check_subscriptions(types: list[str]) -> None:
    """Checks that every type in plugin.toml has a function, and every function a subscription. `camshaft build` calls
    it with the types of plugin.toml."""
    patterns = [pattern for pattern, _ in _handlers]
    for wanted in types:
        if wanted not in patterns:
            raise SystemExit(f'plugin.toml subscribes to "{wanted}", but no function handles it')
    for pattern in patterns:
        if pattern not in types:
            raise SystemExit(f'a function handles "{pattern}", but plugin.toml does not subscribe to it')


def matches(pattern: str, event_type: str) -> bool:
    """Whether the pattern matches the type. Only a pattern that begins with `camshaft` matches the runtime's own
    types."""
    if pattern == event_type:
        return True
    wanted, segments = pattern.split("."), event_type.split(".")
    if wanted[0].startswith("*") and segments[0] == "camshaft":
        return False
    for place, part in enumerate(wanted):
        if place >= len(segments):
            return False
        if part == "**":
            return True
        if part not in ("*", segments[place]):
            return False
    return len(wanted) == len(segments)


def _check(pattern: str) -> None:
    parts = pattern.split(".")
    if "" in parts:
        raise ValueError(f'the event type "{pattern}" has an empty segment')
    if "**" in parts[:-1]:
        raise ValueError(f'in the event type "{pattern}", `**` must be the last segment')


def _name(function: Callable[[Event, Context], object]) -> str:
    return f"{function.__module__}.{function.__qualname__}"
