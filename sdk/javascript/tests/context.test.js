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
  assert.match(reason(() => ctx.state.set("k", () => 1)), /^state value of `k` cannot be written: a function is no data/);
  assert.match(reason(() => ctx.state.get(7)), /^a state key is text or bytes, not number/);
  assert.match(reason(() => ctx.publish("a.b", 1n)), /^data of `a\.b` cannot be written/);
  assert.match(reason(() => ctx.publish("a.b", 1, { contentType: "text/csv" })), /publish a Uint8Array/);
  assert.match(reason(() => ctx.cancel("")), /^the timer's name is empty/);
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
  assert.deepEqual([first.datacontenttype, first.correlationId], ["application/json", "e-1"]);
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

test("the attempt's facts are told", () => {
  const ctx = new TestContext({ config: { low: "5" }, now: 1000, attempt: 3, offset: 7 });
  assert.deepEqual([ctx.config("low"), ctx.config("high"), ctx.attempt, ctx.offset], ["5", undefined, 3, 7]);
  assert.deepEqual([ctx.now, ctx.consumer, ctx.generation], [new Date(1000), "test", 1]);
  assert.deepEqual(ctx.random(4), new TestContext({ offset: 7 }).random(4));
});
