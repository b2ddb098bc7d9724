import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Rejection, Retry, accepted, handler } from "../camshaft.js";
import { TestContext } from "../testing.js";

test("what may pass is retried when the receiver says, and all else is rejected", async () => {
  const outcome = async (status, headers) => {
    try {
      return await accepted(new Response(" no \n", { status, headers }));
    } catch (error) {
      return [error.constructor, error.message, error.afterMs];
    }
  };
  assert.equal((await outcome(202)).status, 202);
  assert.deepEqual(await outcome(503), [Retry, "the receiver answered 503: no", undefined]);
  assert.deepEqual(await outcome(429, { "retry-after": "7" }), [Retry, "the receiver answered 429: no", 7000]);
  assert.deepEqual(await outcome(500, { "retry-after": "tomorrow" }), [Retry, "the receiver answered 500: no", undefined]);
  assert.deepEqual(await outcome(404, { "retry-after": "7" }), [Rejection, "the receiver answered 404: no", undefined]);
});

test("a handler that sends is tested with a fetch of the test's own", async () => {
  const handle = handler({
    "a.b": async (event, ctx) => {
      const answer = await accepted(await fetch("https://hooks.internal/", { method: "POST", body: event.bytes }));
      ctx.state.set("answer", await answer.text());
    },
  });
  const fetched = mock.method(globalThis, "fetch", async () => new Response("thanks"));
  const ctx = new TestContext();
  await ctx.handle(handle, { type: "a.b", data: 1 });
  assert.equal(ctx.state.get("answer"), "thanks");
  assert.equal(fetched.mock.calls[0].arguments[0], "https://hooks.internal/");
  fetched.mock.restore();
});
