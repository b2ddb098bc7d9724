import assert from "node:assert/strict";
import { test } from "node:test";

import { authorsPlaces } from "../places.js";

// Line 2 of the bundle is line 1 of the SDK; from column 5 on, line 3 is line 11 of the author's file, column 3.
const map = { sources: ["vendor/places.js", "vendor/camshaft.js", "plugin.ts"], mappings: ";ACAA;ICUE" };

test("places of the bundle become the author's, and the SDK's own are left out", () => {
  const lines = ["addUp@bundle.js:3:9", "handle@bundle.js:2:1", "@bundle.js:3:5", "x/<@bundle.js:1:1", "native"];
  assert.deepEqual(authorsPlaces(lines, map), ["at addUp plugin.ts:11:3", "at plugin.ts:11:3"]);
});

test("without a map places stay as they are", () => {
  assert.deepEqual(authorsPlaces(["at addUp (/p/plugin.js:3:9)"]), ["at addUp (/p/plugin.js:3:9)"]);
});
