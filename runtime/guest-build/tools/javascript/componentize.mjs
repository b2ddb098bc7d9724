// Makes components of bundles: componentize-js, with its first step done once for all plugins.
//
// That step puts the contract's bindings into the engine of 10 MB. It takes half of the time, and comes to the same for all
// plugins that use the same parts of WASI. Its result is kept, and believed only whole.
//
// node componentize.mjs PACKAGES KEPT; each line on stdin is a request, {end, bundle, wit, component, disable}.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [packages, kept] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(join(packages, "@bytecodealliance/componentize-js", file)));
const { componentize } = await load("src/componentize.js");
const { splicer } = await load("lib/spidermonkey-embedding-splicer.js");

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest("hex");

function read(folder) {
  try {
    const { digest, ...bindings } = JSON.parse(readFileSync(join(folder, "bindings.json"), "utf8"));
    const wasm = readFileSync(join(folder, "engine.wasm"));
    return sha256(wasm) === digest ? { ...bindings, wasm } : undefined;
  } catch {
    // It is not there, or not whole: it is made anew.
    return undefined;
  }
}

function write(folder, { wasm, ...bindings }) {
  const draft = `${folder}.${process.pid}`;
  try {
    mkdirSync(draft, { recursive: true });
    writeFileSync(join(draft, "engine.wasm"), wasm);
    writeFileSync(join(draft, "bindings.json"), JSON.stringify({ ...bindings, digest: sha256(wasm) }));
    rmSync(folder, { recursive: true, force: true });
    renameSync(draft, folder);
  } catch {
    // Another build was faster, or there is no room: the next build makes it again.
    rmSync(draft, { recursive: true, force: true });
  }
}

const splice = splicer.spliceBindings;
splicer.spliceBindings = (engine, features, world, wit, ...rest) => {
  const contract = readdirSync(wit).sort().flatMap((file) => [file, readFileSync(join(wit, file))]);
  const folder = join(kept, sha256(engine, features.join(), ...contract));
  const found = read(folder);
  if (found) return found;
  const spliced = splice(engine, features, world, wit, ...rest);
  write(folder, spliced);
  return spliced;
};

for await (const line of createInterface({ input: process.stdin })) {
  const { end, bundle, wit, component, disable } = JSON.parse(line);
  try {
    const options = { sourcePath: bundle, witPath: wit, worldName: "handler", disableFeatures: disable };
    writeFileSync(component, (await componentize(options)).component);
    console.log(`${end} done`);
  } catch (error) {
    console.error(error);
    console.log(`${end} failed`);
    // What failed may have left the engine of the tools in pieces.
    process.exit(1);
  }
}
