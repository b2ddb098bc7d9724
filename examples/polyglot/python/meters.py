"""Keeps what each meter shows and adds up what was used. The same plugin stands beside it in other languages."""

import math

from camshaft import Reject, handler


@handler("meter.read")
def read(reading, ctx):
    meter, watt_hours = reading.data["meter"], reading.data["watt_hours"]
    if watt_hours < 0:
        raise Reject(f"meter {meter} cannot show {watt_hours}")
    high_use = float(ctx.config("high_use", math.inf))
    known = ctx.state.get(meter) or {"readings": 0, "last": watt_hours, "used": 0}
    if watt_hours < known["last"]:
        ctx.publish("meter.replaced", {"meter": meter, "last": known["last"]})
    else:
        used = watt_hours - known["last"]
        known["used"] += used
        if used > high_use:
            ctx.publish("use.high", {"meter": meter, "watt_hours": used})
    known["readings"] += 1
    known["last"] = watt_hours
    ctx.state[meter] = known


@handler("meter.removed")
def remove(removal, ctx):
    meter = removal.data["meter"]
    known = ctx.state.get(meter)
    if known is None:
        raise Reject(f"meter {meter} was never read")
    del ctx.state[meter]
    ctx.publish("meter.closed", {"meter": meter, "watt_hours": known["used"]}, subject=meter)


@handler("day.ended")
def sum_up(_, ctx):
    meters = [known for _, known in ctx.state.scan()]
    ctx.publish("day.summed", {"meters": len(meters), "watt_hours": sum(known["used"] for known in meters)})
