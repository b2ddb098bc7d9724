// The types of camshaft.js, for plugins in TypeScript and for editors.

/** A CloudEvents 1.0 event. It never changes. */
export class Event<Data = any> {
  /** Unique within `source`. */
  readonly id: string;
  /** Who published it; `/plugins/<name>` if a plugin did. */
  readonly source: string;
  /** What happened, such as `order.placed`. */
  readonly type: string;
  /** The thing that it is about. */
  readonly subject: string | undefined;
  /** When it happened, as an RFC 3339 timestamp. */
  readonly time: string | undefined;
  /** The media type of the data; absent means JSON. */
  readonly datacontenttype: string | undefined;
  /** The URI of a schema of the data. */
  readonly dataschema: string | undefined;
  /** The ordering key as it was given; see `key`. */
  readonly partitionkey: string | undefined;
  /** All other attributes by name, such as `traceparent`. */
  readonly extensions: Record<string, string>;
  /** The data, undecoded. */
  readonly bytes: Uint8Array;
  /**
   * The data, decoded by its media type. Whole numbers beyond 2^53 are `bigint`. What is no JSON or MessagePack is
   * rejected. Its type is what the handler says; nothing checks the values.
   */
  readonly data: Data;
  /** The ordering key: `partitionkey`, else `subject`, else undefined. */
  readonly key: string | undefined;
  /** The id that all events of one story share. */
  readonly correlationId: string;
}

/** How an event is published, beside its type and data. */
export interface PublishOptions {
  /** The cause's subject unless given. */
  subject?: string;
  /** The ordering key; the cause's unless given. */
  key?: string;
  /** An RFC 3339 timestamp. */
  time?: string;
  /** `application/json` unless given. */
  contentType?: string;
  /** The URI of a schema of the data. */
  schema?: string;
  extensions?: Record<string, string | number | boolean>;
}

/** The plugin's own durable state. Writes are seen at once by this attempt, and durable with the event's completion. */
export interface State {
  /** The value of `key`; undefined if it has none. */
  get<Value = any>(key: string | Uint8Array): Value | undefined;
  /** Gives `key` a value: what JSON can hold, and `Uint8Array`, `Map` and `bigint`. */
  set(key: string | Uint8Array, value: unknown): void;
  /** Takes the value of `key` away, if it has one. */
  delete(key: string | Uint8Array): void;
  /** All keys that begin with `prefix`, ascending, with their values. A key that is no UTF-8 comes as bytes. */
  scan<Value = any>(prefix?: string | Uint8Array): Generator<[string | Uint8Array, Value], void>;
}

/**
 * The running attempt. All that is done through it takes effect if the handler returns, exactly once, and not at all if
 * it throws. Only log lines stay.
 */
export class Context {
  protected constructor(host: unknown);
  readonly state: State;
  /** Publishes an event of a type that plugin.toml lists in `publishes`. */
  publish(type: string, data?: unknown, options?: PublishOptions): void;
  /** Sets the timer `name`: the event is published at `at`, a time or milliseconds since 1970, or soon after. */
  schedule(name: string, at: Date | number | bigint, type: string, data?: unknown, options?: PublishOptions): void;
  /** Removes the timer `name`; one that is not set is no error. */
  cancel(name: string): void;
  /** The configuration's value for `key`, the operator's or else plugin.toml's. */
  config(key: string): string | undefined;
  /** These write a line to the plugin's log, as `console.log` does. */
  debug(message: unknown, fields?: Record<string, unknown>): void;
  info(message: unknown, fields?: Record<string, unknown>): void;
  warn(message: unknown, fields?: Record<string, unknown>): void;
  error(message: unknown, fields?: Record<string, unknown>): void;
  /** The attempt's time. It stands still while the handler runs. */
  readonly now: Date;
  /** The same in milliseconds since 1970-01-01T00:00:00Z. */
  readonly nowMs: number;
  /** Up to 65,536 random bytes, the same ones at every attempt at this event. Unfit for secrets. */
  random(length: number): Uint8Array;
  /** Which attempt this is at this event, counted from 1. */
  readonly attempt: number;
  /** The event's place in the log. */
  readonly offset: number;
  /** The consumer's generation; each reset starts the next one. */
  readonly generation: number;
  /** The name of the consumer that the plugin runs as. */
  readonly consumer: string;
}

/** A function for events of a type. What it returns is ignored; a promise is waited for. */
export type Handler<Data = any> = (event: Event<Data>, ctx: Context) => void | Promise<void>;

/** The plugin's export. The runtime calls it, and `TestContext` does. */
export type Handle = (record: unknown, host?: unknown) => Promise<void> | undefined;

/** The plugin's export, of functions by event type: `export const handle = handler({ "order.placed": … })`. */
export function handler(functions: Record<string, Handler>): Handle;

/** Thrown by `reject`: the event can never be handled and becomes a dead letter now. */
export class Rejection extends Error {}

/** Thrown by `retry`: the event shall be handled again. */
export class Retry extends Error {
  constructor(reason: string, options?: { afterMs?: number | bigint });
  readonly afterMs: number | undefined;
}

/** Never again: the event becomes a dead letter with this reason. It fits behind `??`. */
export function reject(reason: string): never;

/** Not now: the event is handled again after the plugin's backoff, or after `afterMs` milliseconds or later. */
export function retry(reason: string, options?: { afterMs?: number | bigint }): never;

/** The answer itself if its status is 2xx; else a retry for 408, 425, 429 and 5xx, and a reject for the rest. */
export function accepted(response: Response): Promise<Response>;
