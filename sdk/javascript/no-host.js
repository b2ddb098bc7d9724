// Outside a component there is no runtime to talk to; tests bring their own (testing.js).

/** @returns {never} */
export function host() {
  throw new Error("there is no runtime here; handle events with the TestContext of camshaft/testing");
}
