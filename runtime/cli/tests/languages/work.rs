//! Work that a handler starts ends with its attempt, in plugins with and without the capability to send
//! requests.

use std::fs;
use std::path::Path;

use tempfile::tempdir;

use crate::{process::write, said};

const MANIFEST: &str = "manifest = 1\nname = \"NAME\"\nversion = \"0.1.0\"\n# capabilities\n\
                        [[subscriptions]]\nhandler = \"work\"\ntypes = [\"work.asked\"]\n";

const JAVASCRIPT: &str = r#"
import { handler, reject } from "camshaft";

const helper = async (ctx, fails) => {
  await null;
  if (fails) throw new Error("lost");
  await new Promise((resolve) => setTimeout(resolve, 20));
  ctx.state.set("helped", 1);
};

const ways = {
  timer: (ctx) => { setTimeout(() => setTimeout(() => ctx.state.set("timed", 1), 30), 20); },
  helper: (ctx) => { helper(ctx); },
  "async helper": async (ctx) => { helper(ctx); },
  "lost rejection": (ctx) => { helper(ctx, true); },
  "lost timer": () => { setTimeout(() => { throw new Error("in a timer"); }, 5); },
  "lost reject": () => { Promise.resolve().then(() => reject("never")); },
  "caught rejection": async (ctx) => { await helper(ctx, true).catch(() => ctx.state.set("caught", 1)); },
  printed: () => { console.log("printed"); },
  iterator: () => [1].values(),
};

export const handle = handler({ "work.asked": (event, ctx) => ways[event.data](ctx) });
"#;

/// Cases and their expected results.
const JAVASCRIPT_CASES: [(&str, &str); 9] = [
    ("timer", "then.state = { timed = 1 }"),
    ("helper", "then.state = { helped = 1 }"),
    ("async helper", "then.state = { helped = 1 }"),
    (
        "lost rejection",
        "then = { outcome = 'retry', reason = \"Error: lost\\nat helper plugin.js:6:20\", state = {} }",
    ),
    ("lost timer", "then = { outcome = 'retry', reason = 'Error: in a timer' }"),
    ("lost reject", "then = { outcome = 'reject', reason = 'never' }"),
    ("caught rejection", "then.state = { caught = 1 }"),
    ("printed", "then.log = ['printed']"),
    ("iterator", "then = { outcome = 'reject', reason = 'which is never iterated' }"),
];

const PYTHON: &str = r#"
import asyncio

from camshaft import Reject, Retry, handler


async def later(ctx, name, seconds):
    await asyncio.sleep(seconds)
    ctx.state[name] = seconds


async def fails():
    raise ValueError("lost")


@handler("work.asked")
async def work(event, ctx):
    match event.data:
        case "awaited":
            ctx.state["gathered"] = await asyncio.gather(asyncio.sleep(60, "a"), asyncio.sleep(0, "b"))
        case "started":
            asyncio.create_task(later(ctx, "task", 3600))
        case "lost":
            asyncio.create_task(fails())
        case "raised":
            await fails()
        case "halves":
            ctx.info("half \ud800", field="\udc00")
            raise Reject("no \ud800")
        case "delay":
            raise Retry("busy", after="60")
        case "printed":
            print("printed")
"#;

const PYTHON_CASES: [(&str, &str); 7] = [
    ("awaited", "then.state = { gathered = ['a', 'b'] }"),
    ("started", "then.state = { task = 3600 }"),
    ("lost", "then = { outcome = 'retry', reason = 'ValueError: lost' }"),
    ("raised", "then = { outcome = 'retry', reason = 'ValueError: lost' }"),
    ("halves", "then = { outcome = 'reject', reason = \"no \\ufffd\", log = [\"half \\ufffd\"] }"),
    ("printed", "then.log = ['printed']"),
    ("delay", "then = { outcome = 'reject', reason = \"a number of seconds, not str\\nat work (\" }"),
];

/// Builds the plugin `name` and runs the cases against it.
fn check(language: &str, name: &str, file: &str, code: &str, manifest: &str, cases: &[(&str, &str)]) {
    let folder = tempdir().unwrap();
    said(folder.path(), &format!("new {name} --lang {language}")).ends_with(0);
    let folder = folder.path().join(name);
    write(&folder, file, code);
    write(&folder, "plugin.toml", &manifest.replace("NAME", name));
    let case = |(name, then): &(&str, &str)| {
        format!(
            "[[case]]\nname = '{name}'\nwhen = {{ type = 'work.asked', subject = 'ada', data = '{name}' }}\n{then}\n"
        )
    };
    write(&folder, "tests/totals.toml", &cases.iter().map(case).collect::<String>());
    said(&folder, "test").ends_with(0).prints(&format!("{} passed, 0 failed", cases.len()));
}

#[test]
fn javascript_without_await_is_done_within_its_attempt() {
    check("javascript", "work-javascript", "plugin.js", JAVASCRIPT, MANIFEST, &JAVASCRIPT_CASES);
}

#[test]
fn javascript_that_sends_is_done_within_its_attempt() {
    let sends = |state: &str| {
        format!("given.responses = [{{ status = 200, body = '7' }}, {{ status = 200, body = '8' }}]\n{state}")
    };
    let code = JAVASCRIPT.replace(
        "  iterator:",
        r#"  request: (ctx) => {
    fetch("http://a.internal/").then((answer) => answer.json()).then((answer) => ctx.state.set("answer", answer));
  },
  requests: async (ctx) => {
    fetch("http://a.internal/").then(() => fetch("http://a.internal/")).then(async (answer) => {
      ctx.state.set("second", await answer.text());
    });
  },
  "lost request": () => { fetch("http://a.internal/"); },
  iterator:"#,
    );
    let (request, requests) = (sends("then.state = { answer = 7 }"), sends("then.state = { second = '8' }"));
    let more = [
        ("request", request.as_str()),
        ("requests", requests.as_str()),
        // A request without a prepared response is denied.
        ("lost request", "then = { outcome = 'retry' }"),
    ];
    // The added code comes after the lines that the expected errors name.
    let cases: Vec<_> = JAVASCRIPT_CASES.into_iter().chain(more).collect();
    let manifest = MANIFEST.replace("# capabilities", "capabilities = ['http']");
    check("javascript", "work-sink", "plugin.js", &code, &manifest, &cases);
}

#[test]
fn python_coroutines_are_run_to_their_end() {
    check("python", "work-python", "plugin.py", PYTHON, MANIFEST, &PYTHON_CASES);
}

/// A plugin without the SDK: no SDK waits for its open work.
#[test]
fn work_that_is_left_open_does_not_go_on_with_the_next_event() {
    use crate::process::Runtime;

    const OPEN: &str = r#"
import * as state from "camshaft:plugin/state@0.1.0";

const utf8 = new TextEncoder();

export function handle(event) {
  setTimeout(() => state.set(utf8.encode(`late-${event.id}`), Uint8Array.of(1)), 0);
  state.set(utf8.encode(`done-${event.id}`), Uint8Array.of(1));
}
"#;
    let folder = tempdir().unwrap();
    said(folder.path(), "new left-open --lang javascript").ends_with(0);
    let folder = folder.path().join("left-open");
    write(&folder, "plugin.js", OPEN);
    write(&folder, "plugin.toml", &MANIFEST.replace("NAME", "left-open"));
    said(&folder, "build").ends_with(0);
    fs::create_dir(folder.join("plugins")).unwrap();
    install(&folder, "left-open.wasm");
    let runtime = Runtime::start(&folder, &["--plugins", "plugins"]);
    runtime.until(&folder, "plugins --json", |plugins| plugins.contains("\"active\""));
    for id in 0..3 {
        let event =
            format!(r#"{{"specversion":"1.0","id":"{id}","source":"/t","type":"work.asked","subject":"s"}}"#);
        write(&folder, "event.ndjson", &event);
        runtime.said(&folder, "publish event.ndjson").ends_with(0);
        runtime.until(&folder, &format!("state get left-open done-{id}"), |value| value == "1\n");
    }
    let listed = runtime.said(&folder, "state list left-open --json").ends_with(0).stdout;
    assert!(!listed.contains("late-"), "{listed}");
    assert!(runtime.stop().0.success());
}

/// Moves a complete file into the watched folder.
fn install(folder: &Path, file: &str) {
    fs::rename(folder.join(file), folder.join("plugins").join(file)).unwrap();
}
