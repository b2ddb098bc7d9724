// Tracks the work that a handler starts: timers, requests, body reads, promises. An attempt ends when all of this work
// is done, so that the effects of the work belong to the attempt.
//
// Only a component tracks its work (host.js). The engine's event loop stops when the handler's promise is settled, and
// would continue with unfinished work while the next event is handled. `camshaft build` compiles `async` functions to
// generators, so that all promises of a plugin are created by the constructor that this module installs.

/** The methods of requests and responses that read a body. */
const READERS = ["arrayBuffer", "blob", "bytes", "formData", "json", "text"];

/**
 * Replaces the timers, `fetch` and `Promise` of `scope` with tracked versions.
 *
 * @param {typeof globalThis} scope the global object of the plugin's code
 */
export function watch(scope) {
  const work = new Work(scope);
  work.watchPromises(scope);
  work.watchTimers(scope);
  work.watchRequests(scope);
  return work;
}

/** The work of one attempt at a time. */
class Work {
  /** Whether the attempt has started anything that may end after its handler. */
  #isUsed = false;
  #timers = new Set();
  #requests = 0;
  /** Unhandled rejected promises, and timers whose function threw, with their reasons. */
  #failures = new Map();
  #wake;
  /** Whether the promise being created belongs to this class and is not tracked. */
  #isOwn = false;
  #scope;
  #Promise;
  #then;
  #setTimeout;

  constructor(scope) {
    this.#scope = scope;
    this.#Promise = scope.Promise;
    this.#then = scope.Promise.prototype.then;
    this.#setTimeout = scope.setTimeout;
  }

  /** Starts an attempt. Nothing is open then: the runtime drops an instance whose attempt left work open. */
  begin() {
    this.#isUsed = false;
    this.#failures.clear();
  }

  /** Whether no work remains after the handler has returned. */
  get isIdle() {
    return !this.#isUsed && !this.#isOpen;
  }

  /**
   * Settles when no work is open. Rejects with the exception of a timer's function, or with the reason of an unhandled
   * promise rejection.
   */
  async settled() {
    for (;;) {
      if (this.#isOpen && this.#failures.size === 0) {
        await this.#own((resolve) => { this.#wake = resolve; });
      }
      // The engine runs all promise reactions before a timer, so all work that can proceed has done so after this wait.
      await this.#own((resolve) => this.#setTimeout.call(undefined, resolve, 0));
      for (const [, reason] of this.#failures) throw reason;
      if (!this.#isOpen) return;
    }
  }

  watchPromises(scope) {
    const work = this;
    const handled = new WeakSet();
    function Watched(executor) {
      const promise = Reflect.construct(work.#Promise, [executor], new.target);
      if (work.#isOwn) return promise;
      work.#isUsed = true;
      work.#react(promise, undefined, (reason) => {
        if (!handled.has(promise)) work.#fail(promise, reason);
      });
      return promise;
    }
    Object.setPrototypeOf(Watched, work.#Promise);
    Object.defineProperty(Watched, "name", { value: "Promise" });
    Watched.prototype = work.#Promise.prototype;
    Watched.prototype.constructor = Watched;
    Watched.prototype.then = function then(onFulfilled, onRejected) {
      handled.add(this);
      work.#failures.delete(this);
      return work.#then.call(this, onFulfilled, onRejected);
    };
    scope.Promise = Watched;
  }

  watchTimers(scope) {
    const { setInterval, clearTimeout, clearInterval } = scope;
    const timers = this.#timers;
    const start = (set, isOver) => (run, delay, ...values) => {
      const timer = set.call(undefined, () => {
        if (isOver) this.#forget(timer);
        try {
          run(...values);
        } catch (error) {
          this.#fail(timer, error);
        }
      }, delay);
      timers.add(timer);
      return timer;
    };
    const stop = (clear) => (timer) => {
      // The engine identifies timers by number, and the number of a timer that has run may already be reused.
      if (!timers.has(timer)) return;
      clear.call(undefined, timer);
      this.#forget(timer);
    };
    scope.setTimeout = start(this.#setTimeout, true);
    scope.setInterval = start(setInterval, false);
    scope.clearTimeout = stop(clearTimeout);
    scope.clearInterval = stop(clearInterval);
  }

  watchRequests(scope) {
    const { fetch } = scope;
    if (typeof fetch === "function") scope.fetch = (...request) => this.#open(fetch.apply(undefined, request));
    for (const kind of [scope.Request, scope.Response]) this.#watchMethods(kind, READERS);
    this.#watchMethods(scope.ReadableStream, ["pipeTo"]);
    this.#watchMethods(scope.ReadableStreamDefaultReader, ["read"]);
  }

  #watchMethods(kind, names) {
    const work = this;
    for (const name of names) {
      const method = kind?.prototype[name];
      if (typeof method !== "function") continue;
      kind.prototype[name] = function watched(...values) {
        return work.#open(method.apply(this, values));
      };
    }
  }

  /** Wraps a promise of the engine in a promise of the plugin, and counts it as open until it is settled. */
  #open(promise) {
    this.#isUsed = true;
    this.#requests += 1;
    const ended = (settle) => (value) => {
      this.#requests -= 1;
      this.#isChanged();
      settle(value);
    };
    return new this.#scope.Promise((resolve, reject) => this.#react(promise, ended(resolve), ended(reject)));
  }

  /** Observes a promise without marking it as handled by the plugin. */
  #react(promise, onFulfilled, onRejected) {
    this.#making(() => this.#then.call(promise, onFulfilled, onRejected));
  }

  #own(executor) {
    return this.#making(() => new this.#Promise(executor));
  }

  #making(make) {
    const before = this.#isOwn;
    this.#isOwn = true;
    try {
      return make();
    } finally {
      this.#isOwn = before;
    }
  }

  #fail(what, reason) {
    this.#failures.set(what, reason);
    this.#isChanged();
  }

  #forget(timer) {
    if (this.#timers.delete(timer)) this.#isChanged();
  }

  get #isOpen() {
    return this.#requests > 0 || this.#timers.size > 0;
  }

  /** Wakes `settled` after a change. */
  #isChanged() {
    if (this.#isOpen && this.#failures.size === 0) return;
    this.#wake?.();
    this.#wake = undefined;
  }
}
