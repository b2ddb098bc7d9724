// The host outside a component, where no runtime exists. Tests pass their own host (testing.js).

/** @returns {never} */
export function host() {
  throw new Error("no runtime exists outside a component; use TestContext from camshaft/testing");
}
