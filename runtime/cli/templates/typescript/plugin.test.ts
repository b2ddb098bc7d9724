import assert from "node:assert/strict";
import { test } from "node:test";

import { Rejection } from "camshaft";
import { TestContext } from "camshaft/testing";

import { handle } from "./plugin.ts";

const order = (cents: number) => ({ type: "order.placed", data: { customer: "ada", cents } });

test("orders add up", () => {
  const ctx = new TestContext();
  ctx.handle(handle, order(1500));
  ctx.handle(handle, order(250));
  assert.equal(ctx.state.get("ada"), 1750);
  assert.deepEqual(ctx.published[1]?.data, { customer: "ada", cents: 1750 });
});

test("an order without an amount is rejected", () => {
  assert.throws(() => new TestContext().handle(handle, order(0)), Rejection);
});
