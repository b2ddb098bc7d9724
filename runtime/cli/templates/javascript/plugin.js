// Keeps a running total of each customer's orders.

import { handler, reject } from "camshaft";

function addUp(order, ctx) {
  const { customer, cents } = order.data;
  if (!(cents > 0)) reject("an order needs an amount");
  const total = (ctx.state.get(customer) ?? 0) + cents;
  ctx.state.set(customer, total);
  ctx.publish("total.changed", { customer, cents: total });
}

export const handle = handler({ "order.placed": addUp });
