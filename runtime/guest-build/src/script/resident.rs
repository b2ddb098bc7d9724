//! A tool's process that stays running for the next build, so that its engines and their memory stay warm. It
//! ends when the [`Resident`] is dropped, when a request fails, and when the process that started it ends.
//!
//! It reads requests from stdin, one line of JSON each. The output of the process and its children is one
//! text; a line with the request's `end` and `done` or `failed` ends the answer.

use std::{
    io::{self, BufRead, BufReader, PipeReader, Write},
    process::{Child, Command},
    sync::{Mutex, PoisonError},
};

use serde::Serialize;

/// Maximum number of bytes of a tool's output to keep.
const MAX_SAID: usize = 1 << 20;

/// Why a request failed.
#[derive(Debug)]
pub enum Failed {
    /// The process could not be started, or communication failed.
    Io(io::Error),
    /// The process reported the failure; this is its output.
    Said(String),
}

/// The process, once it has been started.
#[derive(Debug, Default)]
pub struct Resident(Mutex<Option<Process>>);

#[derive(Debug)]
struct Process {
    child: Child,
    said: BufReader<PipeReader>,
}

#[derive(Serialize)]
struct Request<'r, T> {
    /// Starts the line that ends the answer; no other line starts with it.
    end: &'r str,
    #[serde(flatten)]
    work: &'r T,
}

impl Resident {
    /// Sends `work` to the process, and starts it with `command` if it is not running. The process must not
    /// print the text `end` otherwise.
    pub fn run(&self, command: &mut Command, work: &impl Serialize, end: &str) -> Result<(), Failed> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let request = Request { end, work };
        if let Some(mut process) = place.take() {
            match process.run(&request) {
                // The process ended after its previous request.
                Err(Failed::Said(said)) if said.is_empty() => {}
                other => {
                    // Reuse the process only after a success.
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
        // The command still holds the write end of the pipe, so the reader would never see its end.
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        Ok(Self { child: child?, said: BufReader::new(said) })
    }

    fn run<T: Serialize>(&mut self, request: &Request<'_, T>) -> Result<(), Failed> {
        let mut line = serde_json::to_vec(request).map_err(|error| Failed::Io(error.into()))?;
        line.push(b'\n');
        if let Some(input) = &mut self.child.stdin {
            // If the process has ended, its output contains the reason.
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
        // The process has ended already, or its work is no longer needed.
        let _: io::Result<()> = self.child.kill();
        let _: io::Result<std::process::ExitStatus> = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records each start, and acts on the text of the request.
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
        assert_eq!(starts(), 2, "a new process starts after a failure");
        let Err(Failed::Said(said)) = run("neither") else { panic!("it ends") };
        assert!(said.ends_with("the end of it\n"), "{said}");
        run("good").unwrap();
        run("quits").unwrap();
        run("good").unwrap();
        assert_eq!(starts(), 4, "a process that ended is started again");
        let Err(Failed::Io(_)) = Resident::default().run(&mut Command::new("/no/such/tool"), &(), "END")
        else {
            panic!("it cannot be started");
        };
    }
}
