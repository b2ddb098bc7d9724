// Keeps what each meter shows and adds up what was used. The same plugin stands beside it in other languages.

import { handler, reject } from "camshaft";

function read(reading, ctx) {
  const { meter, watt_hours } = reading.data;
  if (watt_hours < 0) reject(`meter ${meter} cannot show ${watt_hours}`);
  const highUse = Number(ctx.config("high_use") ?? Infinity);
  const known = ctx.state.get(meter) ?? { readings: 0, last: watt_hours, used: 0 };
  if (watt_hours < known.last) {
    ctx.publish("meter.replaced", { meter, last: known.last });
  } else {
    const used = watt_hours - known.last;
    known.used += used;
    if (used > highUse) ctx.publish("use.high", { meter, watt_hours: used });
  }
  known.readings += 1;
  known.last = watt_hours;
  ctx.state.set(meter, known);
}

function remove(removal, ctx) {
  const { meter } = removal.data;
  const known = ctx.state.get(meter) ?? reject(`meter ${meter} was never read`);
  ctx.state.delete(meter);
  ctx.publish("meter.closed", { meter, watt_hours: known.used }, { subject: meter });
}

function sum(_, ctx) {
  const summed = { meters: 0, watt_hours: 0 };
  for (const [, known] of ctx.state.scan()) {
    summed.meters += 1;
    summed.watt_hours += known.used;
  }
  ctx.publish("day.summed", summed);
}

export const handle = handler({ "meter.read": read, "meter.removed": remove, "day.ended": sum });
