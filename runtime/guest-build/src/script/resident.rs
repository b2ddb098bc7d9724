//! A tool's process that stays for the next build, so that what it has made warm is not made again: the engines in which
//! it runs, and their memory. It ends with the [`Resident`], with whatever fails in it, and with the process that started it.
//!
//! It reads a request a line from stdin, as JSON. All that it and its children print is one text; a line of the request's
//! `end` and `done` or `failed` ends the answer.

use std::{
    io::{self, BufRead, BufReader, PipeReader, Write},
    process::{Child, Command},
    sync::{Mutex, PoisonError},
};

use serde::Serialize;

/// Most of what a tool prints that is kept, in bytes.
const MAX_SAID: usize = 1 << 20;

/// Why there is nothing.
#[derive(Debug)]
pub enum Failed {
    /// It could not be started, or spoken to.
    Io(io::Error),
    /// It said so.
    Said(String),
}

/// The process, once it was needed.
#[derive(Debug, Default)]
pub struct Resident(Mutex<Option<Process>>);

#[derive(Debug)]
struct Process {
    child: Child,
    said: BufReader<PipeReader>,
}

#[derive(Serialize)]
struct Request<'r, T> {
    /// Begins the line that ends the answer; nothing else begins a line so.
    end: &'r str,
    #[serde(flatten)]
    work: &'r T,
}

impl Resident {
    /// Has the process do `work`, which `command` starts if it does not run. `end` is a text that is in nothing it prints.
    pub fn run(&self, command: &mut Command, work: &impl Serialize, end: &str) -> Result<(), Failed> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let request = Request { end, work };
        if let Some(mut process) = place.take() {
            match process.run(&request) {
                // It has ended since it did its work.
                Err(Failed::Said(said)) if said.is_empty() => {}
                other => {
                    // Only one that did its work is used again.
                    *place = other.is_ok().then_some(process);
                    return other;
                }
            }
        }
        let mut process = Process::start(command).map_err(Failed::Io)?;
        process.run(&request)?;
        *place = Some(process);
        Ok(())
    }
}

impl Process {
    fn start(command: &mut Command) -> io::Result<Self> {
        let (said, printed) = io::pipe()?;
        command.stdin(std::process::Stdio::piped()).stdout(printed.try_clone()?).stderr(printed);
        let child = command.spawn();
        // The command holds an end of the pipe, which would never be at its end.
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        Ok(Self { child: child?, said: BufReader::new(said) })
    }

    fn run<T: Serialize>(&mut self, request: &Request<'_, T>) -> Result<(), Failed> {
        let mut line = serde_json::to_vec(request).map_err(|error| Failed::Io(error.into()))?;
        line.push(b'\n');
        if let Some(input) = &mut self.child.stdin {
            // One that has ended says why.
            let _: io::Result<()> = input.write_all(&line).and_then(|()| input.flush());
        }
        let mut said = Vec::new();
        loop {
            let begin = said.len();
            if self.said.read_until(b'\n', &mut said).map_err(Failed::Io)? == 0 {
                return Err(Failed::Said(String::from_utf8_lossy(&said).into_owned()));
            }
            let line = String::from_utf8_lossy(said.get(begin..).unwrap_or_default());
            match line.trim_end().strip_prefix(request.end).map(str::trim) {
                Some("done") => return Ok(()),
                Some("failed") => {
                    said.truncate(begin);
                    return Err(Failed::Said(String::from_utf8_lossy(&said).into_owned()));
                }
                _ if said.len() > MAX_SAID => said.truncate(MAX_SAID),
                _ => {}
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended by itself, or does nothing that counts.
        let _: io::Result<()> = self.child.kill();
        let _: io::Result<std::process::ExitStatus> = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says its number and does what the request says.
    const TOOL: &str = r#"
        echo started >> starts
        while read -r line; do
            case "$line" in *quits*) echo "END done"; exit ;; esac
            echo "working on $line"
            case "$line" in
                *good*) echo "END done" ;;
                *bad*) echo "a reason" >&2; echo "END failed" ;;
                *) echo "the end of it"; exit 1 ;;
            esac
        done
    "#;

    #[test]
    fn one_process_does_all_work_until_something_fails() {
        let folder = tempfile::tempdir().unwrap();
        let resident = Resident::default();
        let run = |work: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", TOOL]).current_dir(folder.path());
            resident.run(&mut command, &serde_json::json!({ "work": work }), "END")
        };
        let starts = || std::fs::read_to_string(folder.path().join("starts")).unwrap().lines().count();
        run("good").unwrap();
        run("good, too").unwrap();
        assert_eq!(starts(), 1);
        let Err(Failed::Said(said)) = run("bad") else { panic!("it fails") };
        assert!(said.ends_with("a reason\n") && said.contains("\"end\":\"END\""), "{said}");
        run("good").unwrap();
        assert_eq!(starts(), 2, "after a failure it is another one");
        let Err(Failed::Said(said)) = run("neither") else { panic!("it ends") };
        assert!(said.ends_with("the end of it\n"), "{said}");
        run("good").unwrap();
        run("quits").unwrap();
        run("good").unwrap();
        assert_eq!(starts(), 4, "one that is gone is started again");
        let Err(Failed::Io(_)) = Resident::default().run(&mut Command::new("/no/such/tool"), &(), "END")
        else {
            panic!("it cannot be started");
        };
    }
}
