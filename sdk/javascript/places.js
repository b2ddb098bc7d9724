// Maps locations in the bundle, which the engine's stack traces contain, to locations in the author's files.
//
// `camshaft build` appends the bundle's source map to the bundle. Tests run without a bundle, so their locations are
// already correct.

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Matches a location in a stack line: line and column, both counted from 1. */
const PLACE = /\bbundle\.js:(\d+):(\d+)/;

/**
 * Returns the stack lines with locations in the author's files. Lines of the SDK and of code around it are omitted.
 *
 * @param {string[]} lines
 * @param {{ sources: string[], mappings: string } | undefined} map a source map, version 3
 */
export function authorsPlaces(lines, map = globalThis.CAMSHAFT_SOURCE_MAP) {
  if (map === undefined) return lines;
  const rows = map.mappings.split(";");
  const own = map.sources.find((source) => source.endsWith("/places.js"))?.slice(0, -"places.js".length);
  const inside = (source) => own !== undefined && source.startsWith(own) && !source.slice(own.length).includes("/");
  const placed = [];
  for (const line of lines) {
    const found = PLACE.exec(line);
    const place = found === null ? undefined : original(rows, Number(found[1]) - 1, Number(found[2]) - 1);
    if (place === undefined || inside(map.sources[place.source])) continue;
    placed.push(`at ${name(line)}${map.sources[place.source]}:${place.line + 1}:${place.column + 1}`);
  }
  return placed;
}

/** The function's name in a line such as `addUp@bundle.js:3:5`, followed by a space; empty if there is none. */
function name(line) {
  const before = line.slice(0, Math.max(0, line.indexOf("@"))).replace(/[/<]+$/, "");
  return before === "" ? "" : `${before} `;
}

/** The source location of a location in the bundle, both counted from 0. Undefined if it has no source. */
function original(rows, row, column) {
  const state = { source: 0, line: 0, column: 0 };
  let found;
  for (const [number, text] of rows.slice(0, row + 1).entries()) {
    let generated = 0;
    for (const segment of text.split(",")) {
      const [columns, source, line, place] = numbers(segment);
      if (columns === undefined) continue;
      generated += columns;
      if (source !== undefined) {
        state.source += source;
        state.line += line;
        state.column += place;
      }
      if (number === row && generated <= column) found = source === undefined ? undefined : { ...state };
    }
  }
  return found;
}

/** Decodes the numbers of a segment: base 64, five bits per digit, the sign in the lowest bit. */
function numbers(segment) {
  const found = [];
  let value = 0;
  let shift = 0;
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit);
    value += (bits & 31) << shift;
    shift += 5;
    if ((bits & 32) !== 0) continue;
    found.push((value & 1) === 1 ? -(value >> 1) : value >> 1);
    value = 0;
    shift = 0;
  }
  return found;
}
