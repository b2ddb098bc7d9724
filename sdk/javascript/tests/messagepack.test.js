import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { decode, encode } from "../messagepack.js";

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const bytes = (text) => Uint8Array.from(Buffer.from(text, "hex"));

test("values are the same bytes in every language", () => {
  const vectors = JSON.parse(readFileSync(new URL("../../messagepack.json", import.meta.url)));
  for (const vector of vectors) {
    assert.equal(hex(encode(vector.value)), vector.hex);
    assert.deepEqual(decode(bytes(vector.hex)), vector.value);
  }
});

test("long text, lists and maps come back", () => {
  for (const length of [300, 70_000]) {
    const keys = Array.from({ length }, (_, place) => `k${place}`);
    for (const value of ["x".repeat(length), keys, Object.fromEntries(keys.map((key) => [key, 1])), new Uint8Array(length)]) {
      assert.deepEqual(decode(encode(value)), value);
    }
  }
});

test("what JSON has no form for keeps its own", () => {
  const value = new Map([[1, new Uint8Array([1, 2])], ["big", 2n ** 63n], ["low", -(2n ** 60n)]]);
  assert.deepEqual(decode(encode(value)), value);
  assert.equal(hex(encode(7n)), "07");
  assert.equal(hex(encode({ at: new Date(0), absent: undefined })), hex(encode({ at: "1970-01-01T00:00:00.000Z" })));
  assert.deepEqual(decode(bytes("ca3fc00000")), 1.5);
});

test("a value whose own form is encoded meanwhile does not mix with another", () => {
  const nested = { before: 1, inner: { toJSON: () => hex(encode({ deep: "x".repeat(2000) })).length }, after: [2] };
  assert.deepEqual(decode(encode(nested)), { before: 1, inner: 4018, after: [2] });
  assert.throws(() => encode({ a: 1, b: { toJSON: () => { throw new Error("no"); } } }), /no/);
  assert.equal(hex(encode([1])), "9101");
});

test("a key named __proto__ is only a key", () => {
  const value = decode(encode(JSON.parse('{"__proto__":{"admin":true}}')));
  assert.equal(value.admin, undefined);
  assert.deepEqual(Object.keys(value), ["__proto__"]);
});

test("what is no data is refused", () => {
  const circle = {};
  circle.self = circle;
  for (const value of [() => 1, Symbol("x"), 2n ** 64n, circle]) assert.throws(() => encode(value));
});

test("damaged bytes are refused, whatever they are", () => {
  for (const text of ["", "c1", "93", "d9ff61", "a2ff", "0000", "df7fffffff", "dd7fffffff", "c7010203"]) {
    assert.throws(() => decode(bytes(text)), `${text} was accepted`);
  }
  assert.throws(() => decode(new Uint8Array(1000).fill(0x91)), /nested deeper/);
});
