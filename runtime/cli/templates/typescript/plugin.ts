// Keeps a running total of each customer's orders.

import { type Context, type Event, handler, reject } from "camshaft";

interface OrderPlaced {
  customer: string;
  cents: number;
}

function addUp(order: Event<OrderPlaced>, ctx: Context) {
  const { customer, cents } = order.data;
  if (!(cents > 0)) reject("an order needs an amount");
  const total = (ctx.state.get<number>(customer) ?? 0) + cents;
  ctx.state.set(customer, total);
  ctx.publish("total.changed", { customer, cents: total });
}

export const handle = handler({ "order.placed": addUp });
