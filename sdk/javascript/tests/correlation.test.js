import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Event } from "../event.js";

const event = (attributes) => new Event({ eventType: "thing.happened", extensions: [], ...attributes });

test("correlation ids are the same in every language", () => {
  const examples = JSON.parse(readFileSync(new URL("../../correlation.json", import.meta.url)));
  assert.ok(examples.length > 0);
  for (const { source, id, correlationid } of examples) {
    assert.equal(event({ source, id }).correlationId, correlationid, source);
  }
});

test("a given correlation id is kept", () => {
  assert.equal(event({ source: "/shop", id: "1", extensions: [["correlationid", "c-1"]] }).correlationId, "c-1");
});
