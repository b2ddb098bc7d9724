// Type declarations of camshaft.js, for plugins in TypeScript and for editors.

/** A CloudEvents 1.0 event. It never changes. */
export class Event<Data = any> {
  /** Unique within `source`. */
  readonly id: string;
  /** The event's producer; `/plugins/<name>` if a plugin published it. */
  readonly source: string;
  /** What happened, such as `order.placed`. */
  readonly type: string;
  /** The thing that the event is about. */
  readonly subject: string | undefined;
  /** When it happened, as an RFC 3339 timestamp. */
  readonly time: string | undefined;
  /** The media type of the data. If absent, JSON. */
  readonly datacontenttype: string | undefined;
  /** The URI of a schema for the data. */
  readonly dataschema: string | undefined;
  /** The ordering key that the producer set; see `key`. */
  readonly partitionkey: string | undefined;
  /** All other attributes by name, such as `traceparent`. */
  readonly extensions: Record<string, string>;
  /** The data, undecoded. */
  readonly bytes: Uint8Array;
  /**
   * The data, decoded according to its media type. Whole numbers beyond 2^53 are `bigint`. Data that is neither JSON
   * nor MessagePack is rejected. The handler declares the type; the values are not checked against it.
   */
  readonly data: Data;
  /** The ordering key: `partitionkey`, else `subject`, else undefined. */
  readonly key: string | undefined;
  /**
   * The correlation id, shared by all events that follow from one first event: its own `correlationid`, else
   * `<source hash>-<id>`.
   */
  readonly correlationId: string;
}

/** The attributes of a published event, besides its type and data. */
export interface PublishOptions {
  /** The subject. The default is the cause's subject. */
  subject?: string;
  /** The ordering key. The default is the cause's key. */
  key?: string;
  /** When it happened, as an RFC 3339 timestamp. The default is the time of the attempt or, for a timer, its time. */
  time?: string;
  /** The media type of the data. The default is `application/json`. */
  contentType?: string;
  /** The URI of a schema for the data. */
  schema?: string;
  extensions?: Record<string, string | number | boolean>;
}

/**
 * The plugin's own durable state. This attempt sees its own writes at once. They become durable together with the
 * event's completion.
 */
export interface State {
  /** Returns the value of `key`, or undefined if it has none. */
  get<Value = any>(key: string | Uint8Array): Value | undefined;
  /** Sets the value of `key`: any JSON value, and also `Uint8Array`, `Map` and `bigint`. */
  set(key: string | Uint8Array, value: unknown): void;
  /** Deletes the value of `key`, if it has one. */
  delete(key: string | Uint8Array): void;
  /** Iterates over all keys that begin with `prefix`, in ascending order. A key that is not UTF-8 is a `Uint8Array`. */
  scan<Value = any>(prefix?: string | Uint8Array): Generator<[string | Uint8Array, Value], void>;
}

/**
 * The running attempt. If the handler returns, all effects through this context are applied exactly once. If it throws,
 * none is applied; only log lines remain.
 */
export class Context {
  protected constructor(host: unknown);
  readonly state: State;
  /** Publishes an event of a type that plugin.toml lists in `publishes`. */
  publish(type: string, data?: unknown, options?: PublishOptions): void;
  /** Sets the timer `name`: the event is published at `at` (a `Date` or milliseconds since 1970), or soon after. */
  schedule(name: string, at: Date | number | bigint, type: string, data?: unknown, options?: PublishOptions): void;
  /** Removes the timer `name`. It is not an error if no such timer is set. */
  cancel(name: string): void;
  /** Returns the configuration value of `key`: the operator's, else plugin.toml's. */
  config(key: string): string | undefined;
  /** These methods write a line to the plugin's log, as `console.log` does. */
  debug(message: unknown, fields?: Record<string, unknown>): void;
  info(message: unknown, fields?: Record<string, unknown>): void;
  warn(message: unknown, fields?: Record<string, unknown>): void;
  error(message: unknown, fields?: Record<string, unknown>): void;
  /** The attempt's time. It does not change while the handler runs. */
  readonly now: Date;
  /** The attempt's time in milliseconds since 1970-01-01T00:00:00Z. */
  readonly nowMs: number;
  /** Returns up to 65,536 random bytes, the same in every attempt at this event. Do not use them for secrets. */
  random(length: number): Uint8Array;
  /** The number of this attempt at the event, counted from 1. */
  readonly attempt: number;
  /** The event's offset in the log. */
  readonly offset: number;
  /** The consumer's generation. Each reset starts the next one. */
  readonly generation: number;
  /** The name of the plugin's consumer. */
  readonly consumer: string;
}

/** A handler function. Its return value is ignored; a returned promise is awaited. */
export type Handler<Data = any> = (event: Event<Data>, ctx: Context) => void | Promise<void>;

/** The plugin's export. The runtime and `TestContext` call it. */
export type Handle = (record: unknown, host?: unknown) => Promise<void> | undefined;

/** Creates the plugin's export from functions by event type: `export const handle = handler({ "order.placed": … })`. */
export function handler(functions: Record<string, Handler>): Handle;

/** Thrown by `reject`: no attempt can succeed, and the event becomes a dead letter now. */
export class Rejection extends Error {}

/** Thrown by `retry`: the event is handled again later. */
export class Retry extends Error {
  constructor(reason: string, options?: { afterMs?: number | bigint });
  readonly afterMs: number | undefined;
}

/** Rejects the event: it becomes a dead letter with this reason. A call can follow `??`. */
export function reject(reason: string): never;

/** Retries the event: it is handled again after the plugin's backoff, or after at least `afterMs` milliseconds. */
export function retry(reason: string, options?: { afterMs?: number | bigint }): never;

/** Returns the response if its status is 2xx. Retries for 408, 425, 429 and 5xx. Rejects for every other status. */
export function accepted(response: Response): Promise<Response>;
