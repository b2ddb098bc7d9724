// The work that a handler starts: timers, requests, bodies that are read, promises. An attempt ends when all of it
// is done, so that its effects are its own.
//
// Only a component watches its work (host.js). The event loop of the engine stops once the handler's promise is
// settled, and would go on with the rest while the next event is handled. `camshaft build` compiles `async`
// functions to generators, so that all promises of a plugin are made by the constructor that is put in place here.

/** Methods of requests and answers that read a body. */
const READERS = ["arrayBuffer", "blob", "bytes", "formData", "json", "text"];

/**
 * Puts functions that are watched in the place of `scope`'s timers, `fetch` and `Promise`.
 *
 * @param {typeof globalThis} scope what the plugin's code sees as its global object
 */
export function watch(scope) {
  const work = new Work(scope);
  work.watchPromises(scope);
  work.watchTimers(scope);
  work.watchRequests(scope);
  return work;
}

/** The work of one attempt after another. */
class Work {
  /** Whether the attempt has made anything that may end after its handler. */
  #isUsed = false;
  #timers = new Set();
  #requests = 0;
  /** Promises that were rejected and that no code waits for, with their reasons. */
  #failures = new Map();
  #wake;
  /** Whether the promise that is being made is one of this class, which need not be waited for. */
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

  /** An attempt begins. An instance whose attempt left something open is not used again. */
  begin() {
    this.#isUsed = false;
    this.#failures.clear();
  }

  /** Whether a handler that has returned is done. */
  get isIdle() {
    return !this.#isUsed && !this.#isOpen;
  }

  /**
   * Settles when no work is open any more. It is rejected with what a timer's function threw, or with the reason of
   * a rejected promise that no code waits for.
   */
  async settled() {
    for (;;) {
      if (this.#isOpen && this.#failures.size === 0) {
        await this.#own((resolve) => { this.#wake = resolve; });
      }
      // Whatever can go on has done so when this ends: the engine runs all reactions of promises before a timer.
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
      // The engine would look for one that has run by a number that may be another's by now.
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

  /** A promise of the plugin's for one of the engine, which counts as open until it is settled. */
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

  /** Follows a promise without waiting for it in the plugin's name. */
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

  /** Lets `settled` look again. */
  #isChanged() {
    if (this.#isOpen && this.#failures.size === 0) return;
    this.#wake?.();
    this.#wake = undefined;
  }
}
