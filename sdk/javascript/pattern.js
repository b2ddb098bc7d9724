// Patterns over event types: `*` is one dotted segment, a final `**` one or more.

/** Whether `type` is one of those that `pattern` stands for. Types of the runtime need to be named. */
export function matches(pattern, type) {
  if (pattern === type) return true;
  const wanted = pattern.split(".");
  const segments = type.split(".");
  if (wanted[0].startsWith("*") && segments[0] === "camshaft") return false;
  for (const [place, part] of wanted.entries()) {
    if (place >= segments.length) return false;
    if (part === "**") return true;
    if (part !== "*" && part !== segments[place]) return false;
  }
  return wanted.length === segments.length;
}

/** Throws if nothing could ever match. */
export function checkPattern(pattern) {
  const parts = pattern.split(".");
  if (parts.includes("")) throw new TypeError(`the event type "${pattern}" has an empty segment`);
  if (parts.slice(0, -1).includes("**")) {
    throw new TypeError(`in the event type "${pattern}", \`**\` may only stand at the end`);
  }
}
