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
  assert.match(reason({ type: "a.b", data: broken }), /^data of `a\.b` cannot be decoded as JSON: /);
  assert.match(reason({ type: "a.b", contentType: "application/msgpack", data: broken.slice(0, 0).constructor.of(0xc1) }), /cannot be decoded as MessagePack/);
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
  assert.throws(() => handler({ "a.**.b": () => {} }), /must be the last segment/);
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

test("a delay is clamped to what the contract holds, and one that is no number is a rejection", () => {
  const outcome = (afterMs) => thrown(() => new TestContext().handle(failing(() => retry("busy", { afterMs })), { type: "a.b" }));
  for (const [afterMs, expected] of [[-1, 0], [Infinity, 2 ** 53 - 1], [2 ** 64, 2 ** 53 - 1], [5n, 5], [undefined, undefined]]) {
    const later = outcome(afterMs);
    assert.ok(later instanceof Retry, later);
    assert.equal(later.afterMs, expected);
  }
  for (const [afterMs, found] of [[Number.NaN, "NaN"], ["60", "a string"], [new Date(0), "a Date"]]) {
    const never = outcome(afterMs);
    assert.ok(never instanceof Rejection, never);
    assert.equal(never.message, `\`afterMs\` of a retry must be a number of milliseconds, not ${found}`);
  }
  assert.equal(outcome.call(undefined, null).afterMs, undefined);
  assert.equal(thrown(() => new TestContext().handle(failing(() => reject("no \ud800")), { type: "a.b" })).message, "no \ufffd");
});

test("whole numbers beyond 2^53 are exact, in and out", () => {
  const handle = failing((event, ctx) => {
    ctx.state.set("data", event.data);
    ctx.publish("c.d", event.data);
  });
  const text = '{"id":9007199254740993,"low":-9223372036854775808,"t":"9007199254740993 \\" 1","f":1.5,"e":9007199254740993.0,"s":1e3,"big":[18446744073709551615]}';
  const ctx = new TestContext();
  ctx.handle(handle, { type: "a.b", data: new TextEncoder().encode(text) });
  const data = { id: 9007199254740993n, low: -(2n ** 63n), t: '9007199254740993 " 1', f: 1.5, e: 9007199254740992, s: 1000, big: [2n ** 64n - 1n] };
  assert.deepEqual(ctx.state.get("data"), data);
  assert.equal(new TextDecoder().decode(ctx.published[0].bytes), text.replace("9007199254740993.0", "9007199254740992").replace("1e3", "1000"));
  const marked = { "bigint:": ["bigint:1", "bigbigint:1", 2n ** 60n] };
  ctx.publish("c.d", marked);
  assert.deepEqual(ctx.published[1].data, marked);
  const reason = thrown(() => new TestContext().handle(handle, { type: "a.b", data: new TextEncoder().encode("[1e400]") }));
  assert.equal(reason.message, "data of `a.b` cannot be decoded as JSON: the number 1e400 is too large");
});

test("a byte order mark before JSON is skipped", () => {
  const ctx = new TestContext();
  const handle = failing((event) => ctx.state.set("data", event.data));
  new TestContext().handle(handle, { type: "a.b", data: new TextEncoder().encode('\ufeff{"a":"\ufeff"}') });
  assert.deepEqual(ctx.state.get("data"), { a: "\ufeff" });
});

test("generators are refused, as handlers and as what one returns", async () => {
  for (const run of [function* () {}, async function* () {}]) {
    assert.throws(() => failing(run), /the handler of "a.b" is a generator: its body would never run/);
  }
  function* steps() {}
  const error = thrown(() => new TestContext().handle(failing(() => steps()), { type: "a.b" }));
  assert.ok(error instanceof Rejection, error);
  assert.match(error.message, /^the handler returned a Generator, which is never iterated/);
  await assert.rejects(new TestContext().handle(failing(async () => [1].values()), { type: "a.b" }), Rejection);
  new TestContext().handle(failing(() => [1]), { type: "a.b" });
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
