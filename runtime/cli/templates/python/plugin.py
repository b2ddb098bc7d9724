"""Keeps a running total of each customer's orders."""

from camshaft import Reject, handler


@handler("order.placed")
def add_up(order, ctx):
    customer, cents = order.data["customer"], order.data["cents"]
    if cents <= 0:
        raise Reject("an order needs an amount")
    total = ctx.state.get(customer, 0) + cents
    ctx.state[customer] = total
    ctx.publish("total.changed", {"customer": customer, "cents": total})
