//! Only at a terminal does the command line ask questions, show progress and use colours.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::tempdir;

use super::http::{Http, event};
use super::process::{Runtime, Said, camshaft, write};

/// Runs a command at a new terminal, connected to this program's input and output.
const AT_A_TERMINAL: &str =
    "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

/// Runs `command` at a terminal with the input `typed`. `stdout` contains everything shown there.
fn at_a_terminal(command: &Command, typed: &str) -> Said {
    let mut terminal = Command::new("python3");
    terminal.args(["-c", AT_A_TERMINAL]).arg(command.get_program()).args(command.get_args());
    terminal
        .current_dir(command.get_current_dir().unwrap())
        .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    for (name, _) in command.get_envs().filter(|(_, value)| value.is_none()) {
        terminal.env_remove(name);
    }
    let terminal = terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = terminal.spawn().unwrap();
    running.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    Said::from(running.wait_with_output().unwrap())
}

/// Replaces the environment of a test by that of a user.
fn attended(mut command: Command) -> Command {
    for name in ["CI", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    command.env("TERM", "xterm-256color");
    command
}

/// A runtime with one dead letter.
fn with_a_dead_letter(folder: &Path) -> Runtime {
    fs::create_dir(folder.join("plugins")).unwrap();
    fs::copy(camshaft_test_guests::component("rejects"), folder.join("plugins/rejects.wasm")).unwrap();
    let runtime = Runtime::start(folder, &[]);
    let mut bad = event(1, 1);
    bad["data"] = serde_json::json!({"reject": true});
    assert_eq!(Http::new(runtime.url()).publish(&[bad]).status, 200);
    runtime.until(folder, "dead-letters list", |stdout| stdout.contains("rejects"));
    runtime
}

#[test]
fn what_cannot_be_undone_is_asked_for_at_a_terminal() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let runtime = with_a_dead_letter(folder);
    let discard = "dead-letters discard --consumer rejects --all";
    let letters = || runtime.said(folder, "dead-letters list --json").stdout.matches("\"id\"").count();
    let asked = |line: &str, typed: &str| {
        at_a_terminal(&attended(runtime.camshaft(folder, line)), typed).ends_with(0).stdout
    };
    for refused in ["n\n", "\n", "perhaps\n"] {
        let shown = asked(discard, refused);
        assert!(
            shown.contains("Discard 1 dead letter for good? [y/N]") && shown.contains("nothing was changed"),
            "{shown}"
        );
        assert_eq!(letters(), 1);
    }
    assert!(asked(&discard.replace("discard", "redrive"), "n\n").contains("Redrive 1 dead letter? [y/N]"));
    let shown = asked(&format!("{discard} --yes"), "");
    assert!(!shown.contains("[y/N]") && shown.contains("discarded 1 dead letter"), "{shown}");
    assert_eq!(letters(), 0);

    fs::remove_file(folder.join("plugins/rejects.wasm")).unwrap();
    runtime.until(folder, "consumers rejects --json", |stdout| stdout.contains("\"status\":\"detached\""));
    let shown = asked("consumers remove rejects", "y\n");
    assert!(
        shown.contains("Remove consumer \"rejects\" with its state, dead letters and timers? [y/N]"),
        "{shown}"
    );
    assert!(shown.contains("is removed"), "{shown}");
}

#[test]
fn in_ci_nobody_is_asked_even_at_a_terminal() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let runtime = with_a_dead_letter(folder);
    let mut command = attended(runtime.camshaft(folder, "dead-letters discard --consumer rejects --all"));
    command.env("CI", "true");
    let shown = at_a_terminal(&command, "y\n").ends_with(2).stdout;
    assert!(!shown.contains("[y/N]") && shown.contains("Pass --yes"), "{shown}");
    runtime.said(folder, "dead-letters list").prints("rejects:");
}

#[test]
fn publishing_a_file_shows_a_bar_at_a_terminal_only() {
    let folder = tempdir().unwrap();
    let folder = folder.path();
    let runtime = Runtime::start(folder, &[]);
    let rows: String = (0..5_000).map(|row| format!("{row}\n")).collect();
    write(folder, "rows.ndjson", &rows);
    let publish = attended(runtime.camshaft(folder, "publish rows.ndjson --type row.read --batch 100"));
    let shown = at_a_terminal(&publish, "").ends_with(0).stdout;
    assert!(shown.contains('%') && shown.contains(" to go") && shown.contains(" events"), "{shown}");
    assert!(shown.contains("published 5000, duplicate 0, refused 0"), "{shown}");
    let mut unwatched = attended(runtime.camshaft(folder, "publish rows.ndjson --type row.read"));
    let said = Said::of(&mut unwatched).ends_with(0);
    assert!(!said.stderr.contains('%'), "{said:?}");
}

#[test]
fn colours_are_for_terminals() {
    let folder = tempdir().unwrap();
    let fails = || {
        let mut command = camshaft(folder.path());
        command.args(["check", "none.wasm"]);
        attended(command)
    };
    let is_coloured = |command: &Command| {
        let shown = at_a_terminal(command, "").ends_with(3).stdout;
        assert!(shown.contains("could not be read") || shown.contains("cannot read"), "{shown}");
        shown.contains("\u{1b}[")
    };
    assert!(is_coloured(&fails()));
    assert!(!is_coloured(fails().env("NO_COLOR", "1")));
    assert!(!is_coloured(fails().env("TERM", "dumb")));
    assert!(!is_coloured(fails().env("CI", "true")));
    assert!(!Said::of(&mut fails()).ends_with(3).stderr.contains("\u{1b}["), "a pipe is no terminal");
}
