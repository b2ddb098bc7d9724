import assert from "node:assert/strict";
import { test } from "node:test";
import vm from "node:vm";

import { watch } from "../work.js";

/** A global object of its own, watched, and what holds back its requests. */
function watched() {
  const context = vm.createContext();
  const run = (code) => vm.runInContext(code, context);
  const scope = run("globalThis");
  const answers = [];
  const fetch = () => new Promise((resolve, reject) => answers.push({ resolve, reject }));
  Object.assign(scope, { setTimeout, setInterval, clearTimeout, clearInterval, fetch });
  const work = watch(scope);
  work.begin();
  return { scope, work, answers, run };
}

/** Whether the work is settled once all that can go on has done so. */
async function isSettled(settled) {
  let is = false;
  settled.then(() => { is = true; }, () => { is = true; });
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return is;
}

test("without work an attempt is over when its handler returns", () => {
  const { work, run } = watched();
  assert.ok(work.isIdle);
  run("new Promise(() => {})");
  assert.ok(!work.isIdle, "a promise may have anything behind it");
  work.begin();
  assert.ok(work.isIdle);
});

test("timers are waited for, and those that they set", async () => {
  const { scope, work } = watched();
  const done = [];
  scope.setTimeout((value) => {
    done.push(value);
    scope.setTimeout(() => done.push("second"), 1);
  }, 1, "first");
  const never = scope.setTimeout(() => done.push("never"), 1);
  scope.clearTimeout(never);
  let ticks = 0;
  const interval = scope.setInterval(() => { if (++ticks === 3) scope.clearInterval(interval); }, 1);
  await work.settled();
  assert.deepEqual([done, ticks], [["first", "second"], 3]);
});

test("requests are waited for, and what follows them", async () => {
  const { scope, work, answers } = watched();
  const done = [];
  scope.fetch("https://a").then((answer) => done.push(answer)).then(() => scope.fetch("https://b"));
  const settled = work.settled();
  assert.equal(await isSettled(settled), false);
  answers[0].resolve("a");
  assert.equal(await isSettled(settled), false, "the second request is open");
  assert.deepEqual(done, ["a"]);
  answers[1].resolve("b");
  await settled;
});

test("a rejection that no code waits for fails the attempt with its reason", async () => {
  const reason = new Error("lost");
  const { scope, work, answers, run } = watched();
  scope.reason = reason;
  run("Promise.resolve().then(() => { throw reason; })");
  await assert.rejects(work.settled(), reason);

  work.begin();
  scope.fetch("https://a");
  answers[0].reject(reason);
  await assert.rejects(work.settled(), reason);

  work.begin();
  scope.setTimeout(() => { throw reason; }, 1);
  const open = scope.setTimeout(() => {}, 60_000);
  await assert.rejects(work.settled(), reason, "it does not wait for the rest");
  scope.clearTimeout(open);
});

test("a rejection that was waited for, also late, fails nothing", async () => {
  const { scope, work, run } = watched();
  run(`
    Promise.reject(1).catch(() => {});
    const late = Promise.reject(2);
    Promise.resolve().then(() => {}).then(() => late.catch(() => {}));
    new Promise((resolve) => resolve(Promise.reject(3))).then(undefined, () => {});
    Promise.all([Promise.reject(4), Promise.reject(5)]).catch(() => {});
    Promise.allSettled([Promise.reject(6)]);
  `);
  await work.settled();
  run("new Promise((resolve) => resolve(Promise.reject(7)))");
  await assert.rejects(work.settled(), (reason) => reason === 7);
});

test("promises look as they did", () => {
  const { scope, run } = watched();
  const told = run(`[
    Promise.name, (async () => {})() instanceof Promise, new Promise(() => {}) instanceof Promise,
    new (class extends Promise {})(() => {}) instanceof Promise, Promise.resolve(1).constructor === Promise,
  ]`);
  assert.deepEqual([...told], ["Promise", true, true, true, true]);
});
