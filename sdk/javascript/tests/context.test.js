import assert from "node:assert/strict";
import { test } from "node:test";

import { Rejection, handler } from "../camshaft.js";
import { TestContext } from "../testing.js";

test("state is a map of values, and a scan goes through its keys in order", () => {
  const ctx = new TestContext();
  for (const key of ["p/c", "p/a", "q", "p/b"]) ctx.state.set(key, { key });
  ctx.state.set(new Uint8Array([0xff]), 1);
  ctx.state.delete("p/b");
  ctx.state.delete("never there");
  assert.deepEqual([...ctx.state.scan("p/")], [["p/a", { key: "p/a" }], ["p/c", { key: "p/c" }]]);
  assert.deepEqual([...ctx.state.scan()].map(([key]) => key), ["p/a", "p/c", "q", new Uint8Array([0xff])]);
  assert.equal(ctx.state.get("p/b"), undefined);
  ctx.state.set("nothing", null);
  assert.equal(ctx.state.get("nothing"), null);
});

test("what no attempt can mend is a rejection that says what it is about", () => {
  const ctx = new TestContext({ publishes: ["a.b"] });
  const reason = (run) => {
    try {
      run();
    } catch (error) {
      assert.ok(error instanceof Rejection, error);
      return error.message;
    }
    return assert.fail("nothing was thrown");
  };
  assert.match(reason(() => ctx.publish("a.c", 1)), /^`a\.c` is published but not declared/);
  assert.match(reason(() => ctx.state.set("", 1)), /^state key `` is empty or longer than/);
  assert.match(reason(() => ctx.state.set("k", () => 1)), /^state value of `k` cannot be encoded: a function is not supported/);
  assert.match(reason(() => ctx.state.get(7)), /^a state key must be text or bytes, not a number$/);
  assert.match(reason(() => ctx.publish("a.b", 1, { contentType: "text/csv" })), /publish a Uint8Array/);
  assert.match(reason(() => ctx.cancel("")), /^the timer name is empty/);
});

test("what would be changed or merged on its way out is a rejection", () => {
  const ctx = new TestContext();
  const refused = (run, expected) => assert.throws(run, (error) => {
    assert.ok(error instanceof Rejection, error);
    assert.match(error.message, expected);
    return true;
  });
  const written = [new Set([1]), new ArrayBuffer(2), /x/, new Number(1), new Int16Array(1), new Error("no"), Promise.resolve()];
  for (const value of written) {
    refused(() => ctx.state.set("k", { value }), /^state value of `k` cannot be encoded: a \w+ is not supported$/);
    refused(() => ctx.publish("a.b", { value }), /^data of `a\.b` cannot be encoded: a \w+ is not supported$/);
  }
  for (const value of [Number.NaN, Infinity, () => 1, new Map()]) refused(() => ctx.publish("a.b", [value]), /cannot be encoded/);
  class Order { sku = "b-7"; }
  ctx.state.set("k", new Order());
  assert.deepEqual(ctx.state.get("k"), { sku: "b-7" });

  const halves = /unpaired surrogate/;
  for (const half of ["\ud800", "\udc01", "a very long text, longer than thirty-two characters: \ud801"]) {
    refused(() => ctx.state.set(half, 1), halves);
    refused(() => ctx.state.get(half), halves);
    refused(() => ctx.state.set("k", [half]), halves);
    refused(() => ctx.state.set("k", { [half]: 1 }), halves);
    refused(() => ctx.publish("a.b", { [half]: 1 }), halves);
    refused(() => ctx.publish("a.b", 1, { key: half }), /^`key` contains an unpaired surrogate/);
    refused(() => ctx.publish("a.b", 1, { subject: half }), /^`subject` contains an unpaired surrogate/);
    refused(() => ctx.schedule(half, 1, "a.b"), /^the timer name contains an unpaired surrogate/);
  }
  refused(() => ctx.publish("a.b", 1, { subject: 7 }), /^`subject` must be text, not a number$/);
  refused(() => ctx.publish(undefined, 1), /^the event type must be text, not undefined$/);
  refused(() => ctx.random(2 ** 32 + 1), /random bytes were requested; one call returns 0 to 65536$/);
  ctx.info("half \ud800", { "\ud801": "\udc00" });
  assert.deepEqual(ctx.logged, [{ level: "info", message: "half \ufffd", fields: { "\ufffd": "\ufffd" } }]);
});

test("a key keeps its byte order mark", () => {
  const ctx = new TestContext();
  ctx.state.set("\ufeffa", "\ufeffb");
  ctx.state.set("a", 1);
  assert.deepEqual([...ctx.state.scan()], [["a", 1], ["\ufeffa", "\ufeffb"]]);
});

test("published events inherit from their cause unless they say otherwise", () => {
  const handle = handler({
    "a.b": (event, ctx) => {
      ctx.publish("c.d", { n: 1 });
      ctx.publish("c.d", new Uint8Array([7]), {
        subject: "s", key: "k", time: "2026-01-31T12:00:00Z", contentType: "image/png", schema: "/s", extensions: { tenant: 5 },
      });
    },
  });
  const ctx = new TestContext();
  ctx.handle(handle, { type: "a.b", id: "e-1", subject: "thing" });
  const [first, second] = ctx.published;
  assert.deepEqual([first.type, first.data, first.subject, first.key], ["c.d", { n: 1 }, "thing", "thing"]);
  assert.deepEqual([first.datacontenttype, first.correlationId], ["application/json", "40891c0cd6f012b5-e-1"]);
  assert.deepEqual([second.subject, second.key, second.bytes], ["s", "k", new Uint8Array([7])]);
  assert.equal(second.extensions.tenant, "5");
});

test("timers are set by time, and cancelled", () => {
  const ctx = new TestContext({ now: new Date(1000) });
  ctx.schedule("tea", new Date(ctx.nowMs + 3000), "tea.ready", "now");
  ctx.schedule("late", -5, "tea.ready");
  assert.deepEqual([ctx.timers.tea.atMs, ctx.timers.tea.event.data, ctx.timers.late.atMs], [4000, "now", 0]);
  ctx.cancel("tea");
  ctx.cancel("never set");
  assert.deepEqual(Object.keys(ctx.timers), ["late"]);
});

test("a time that is none, or that 64 bits do not hold, is a rejection", () => {
  const ctx = new TestContext();
  for (const at of [Number.NaN, Infinity, -Infinity, 2 ** 64, 2n ** 64n, 8.64e15 + 2, new Date("no"), "2026", undefined, null]) {
    assert.throws(() => ctx.schedule("t", at, "a.b"), (error) => {
      assert.ok(error instanceof Rejection, error);
      assert.match(error.message, /^the time of the timer `t` must be a Date or milliseconds since 1970, up to 8640000000000000, not /);
      return true;
    });
  }
  assert.deepEqual(ctx.timers, {});
  ctx.schedule("t", 8.64e15, "a.b");
  ctx.schedule("u", 1.5, "a.b");
  ctx.schedule("v", 7n, "a.b");
  assert.deepEqual([ctx.timers.t.atMs, ctx.timers.u.atMs, ctx.timers.v.atMs], [8.64e15, 2, 7]);
});

test("the attempt's facts are told", () => {
  const ctx = new TestContext({ config: { low: "5" }, now: 1000, attempt: 3, offset: 7 });
  assert.deepEqual([ctx.config("low"), ctx.config("high"), ctx.attempt, ctx.offset], ["5", undefined, 3, 7]);
  assert.deepEqual([ctx.now, ctx.consumer, ctx.generation], [new Date(1000), "test", 1]);
  assert.deepEqual(ctx.random(4), new TestContext({ offset: 7 }).random(4));
});
