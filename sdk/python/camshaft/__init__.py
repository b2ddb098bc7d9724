"""The SDK that a plugin in Python imports: one decorator on a plain function.

    from camshaft import Reject, handler

    @handler("order.placed")
    def reserve_stock(event, ctx):
        left = ctx.state.get(event.data["sku"])
        if left is None:
            raise Reject("unknown article")
        ctx.state[event.data["sku"]] = left - 1
        ctx.publish("stock.reserved", {"order": event.data["id"]})

The function may be a coroutine. Its return value is ignored. An exception means a retry, unless it is a `Reject`.
"""

from .context import Context
from .event import Event
from .handlers import handler
from .http import Request, Response
from .outcome import Reject, Retry
from .state import State

__all__ = ["Context", "Event", "Reject", "Request", "Response", "Retry", "State", "handler"]
