// Type declarations of testing.js.

import { Context, Event, Handle } from "./camshaft.js";

/** An event for a handler under test. */
export interface TestEvent {
  type: string;
  data?: unknown;
  id?: string;
  source?: string;
  subject?: string;
  key?: string;
  time?: string;
  contentType?: string;
  extensions?: Record<string, string>;
}

/** An in-memory context. Pass it to a handler function as `ctx`, or call its `handle` with the plugin's export. */
export class TestContext extends Context {
  constructor(options?: {
    config?: Record<string, string>;
    publishes?: string[];
    now?: Date | number;
    attempt?: number;
    offset?: number;
  });
  /** Runs the plugin's export as the runtime would. A failed attempt leaves only its log lines. */
  handle(handle: Handle, event: TestEvent): Promise<void> | undefined;
  /** The events published so far, oldest first. */
  readonly published: Event[];
  /** The timers that are set, by name. */
  readonly timers: Record<string, { atMs: number; event: Event }>;
  /** The lines logged so far, oldest first. */
  readonly logged: { level: string; message: string; fields: Record<string, string> }[];
}
