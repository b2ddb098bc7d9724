// Patterns of event types: `*` matches one dotted segment, a final `**` one or more.

/** Whether `pattern` matches `type`. Only a pattern that begins with `camshaft` matches the runtime's own types. */
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

/** Throws if the pattern cannot match any type. */
export function checkPattern(pattern) {
  const parts = pattern.split(".");
  if (parts.includes("")) throw new TypeError(`the event type "${pattern}" has an empty segment`);
  if (parts.slice(0, -1).includes("**")) {
    throw new TypeError(`in the event type "${pattern}", \`**\` must be the last segment`);
  }
}
