import assert from "node:assert/strict";
import { test } from "node:test";

import { Rejection, Retry, handler, reject, retry } from "../camshaft.js";
import { TestContext } from "../testing.js";

const failing = (run) => handler({ "a.b": run });
const thrown = (run) => {
  try {
    run();
  } catch (error) {
    return error;
  }
  return assert.fail("nothing was thrown");
};

test("the function of the event's type runs, with data decoded by its media type", () => {
  const handle = handler({
    "order.placed": (event, ctx) => ctx.state.set("placed", event.data),
    "order.*": (event, ctx) => ctx.state.set("other", [event.type, event.key, event.correlationId]),
    "stock.**": (event, ctx) => ctx.state.set("bytes", event.bytes),
  });
  const ctx = new TestContext();
  ctx.handle(handle, { type: "order.placed", data: { sku: "b-7" } });
  ctx.handle(handle, { type: "order.paid", subject: "o-1", extensions: { correlationid: "c" } });
  ctx.handle(handle, { type: "stock.a.b", contentType: "image/png", data: new Uint8Array([1]) });
  assert.deepEqual(ctx.state.get("placed"), { sku: "b-7" });
  assert.deepEqual(ctx.state.get("other"), ["order.paid", "o-1", "c"]);
  assert.deepEqual(ctx.state.get("bytes"), new Uint8Array([1]));
  ctx.handle(handle, { type: "order.placed", contentType: "application/msgpack", data: { sku: "c-1" } });
  assert.deepEqual(ctx.state.get("placed"), { sku: "c-1" });
});

test("an event that nobody handles, and data that is none, are rejected", () => {
  const handle = failing((event) => event.data);
  const reason = (event) => {
    const error = thrown(() => new TestContext().handle(handle, event));
    assert.ok(error instanceof Rejection, error);
    return error.message;
  };
  assert.equal(reason({ type: "c" }), "the plugin has no handler for `c`");
  const broken = new TextEncoder().encode("{");
  assert.match(reason({ type: "a.b", data: broken }), /^data of `a\.b` is no JSON: /);
  assert.match(reason({ type: "a.b", contentType: "application/msgpack", data: broken.slice(0, 0).constructor.of(0xc1) }), /is no MessagePack/);
  assert.match(reason({ type: "a.b", contentType: "text/csv", data: broken }), /`text\/csv` is neither JSON nor MessagePack/);
});

test("patterns stand for whole segments, and the runtime's own types need to be named", () => {
  const runs = (pattern, type) => {
    try {
      new TestContext().handle(handler({ [pattern]: () => {} }), { type });
      return true;
    } catch {
      return false;
    }
  };
  for (const [pattern, type, expected] of [
    ["order.placed", "order.placed.eu", false],
    ["order.*", "order.placed", true],
    ["order.*", "order", false],
    ["order.*", "order.placed.eu", false],
    ["order.**", "order.placed.eu", true],
    ["order.**", "order", false],
    ["**", "order", true],
    ["**", "camshaft.plugin.activated", false],
    ["*.placed", "order.placed", true],
    ["camshaft.**", "camshaft.plugin.activated", true],
  ]) assert.equal(runs(pattern, type), expected, `${pattern} and ${type}`);
  assert.throws(() => handler({ "a..b": () => {} }), /empty segment/);
  assert.throws(() => handler({ "a.**.b": () => {} }), /only stand at the end/);
  assert.throws(() => handler({ a: "b" }), /not a function/);
});

test("a failed attempt leaves nothing but its log lines", () => {
  const handle = failing((event, ctx) => {
    ctx.state.set("k", 2);
    ctx.publish("x.y", 1);
    ctx.schedule("t", 5, "x.y", 1);
    ctx.info("tried", { at: 1 });
    reject("no");
  });
  const ctx = new TestContext();
  ctx.state.set("k", 1);
  assert.throws(() => ctx.handle(handle, { type: "a.b" }), Rejection);
  assert.equal(ctx.state.get("k"), 1);
  assert.deepEqual([ctx.published, ctx.timers], [[], {}]);
  assert.deepEqual(ctx.logged, [{ level: "info", message: "tried", fields: { at: "1" } }]);
});

test("retry asks for a delay; whatever else is thrown is retried, with all causes named", () => {
  const outcome = (run) => thrown(() => new TestContext().handle(failing(run), { type: "a.b" }));
  const later = outcome(() => retry("not yet", { afterMs: 1.5 }));
  assert.ok(later instanceof Retry);
  assert.deepEqual([later.message, later.afterMs], ["not yet", 2]);
  const broken = outcome(() => { throw new Error("outer", { cause: new Error("inner") }); });
  assert.ok(broken instanceof Retry);
  assert.match(broken.message, /^Error: outer: inner\nat /);
  assert.equal(outcome(() => { throw "text"; }).message, "the handler threw text");
});

test("a promise is waited for", async () => {
  const handle = failing(async (event, ctx) => {
    await null;
    ctx.state.set("k", 1);
    if (event.data === "bad") reject("no");
  });
  const ctx = new TestContext();
  await assert.rejects(ctx.handle(handle, { type: "a.b", data: "bad" }), Rejection);
  assert.equal(ctx.state.get("k"), undefined);
  await ctx.handle(handle, { type: "a.b" });
  assert.equal(ctx.state.get("k"), 1);
});

test("subscriptions and functions have to agree while a plugin is built", () => {
  const built = (types) => {
    globalThis.CAMSHAFT_SUBSCRIPTIONS = types;
    try {
      return handler({ a: () => {} });
    } finally {
      delete globalThis.CAMSHAFT_SUBSCRIPTIONS;
    }
  };
  built(["a"]);
  assert.throws(() => built(["a", "b"]), /plugin.toml subscribes to "b", but no function handles it/);
  assert.throws(() => built([]), /a function handles "a", but plugin.toml does not subscribe to it/);
});

test("without a runtime, the export says how to test", () => {
  assert.throws(() => handler({})({ eventType: "a", extensions: [], data: new Uint8Array() }), /TestContext/);
});
