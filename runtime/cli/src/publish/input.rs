//! Reads numbered lines from a file or from stdin. A line may not be longer than a request.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal, Read},
    path::{Path, PathBuf},
};

use super::{
    super::{failure::Failure, output},
    identity,
};

/// Maximum line length in bytes: the default maximum size of a request.
const MAX_LINE_BYTES: usize = 16 << 20;

/// The source of the events.
pub struct Input {
    /// The canonical path of a regular file; absent for stdin, pipes and the like.
    pub place: Option<PathBuf>,
    /// The prefix of the lines' ids: the file's name, or a random name for this run.
    pub run: String,
    /// The name in messages.
    pub name: String,
    /// Total size in bytes, if known.
    pub length: Option<u64>,
    pub lines: Lines,
}

/// One line.
pub struct Line {
    /// Line number, from 1.
    pub number: u64,
    /// Content without the line break; none if the line is too long.
    pub content: Option<Vec<u8>>,
}

/// Iterates over the remaining lines.
pub struct Lines {
    source: Box<dyn BufRead>,
    number: u64,
    position: u64,
}

impl Input {
    /// Opens `file`, or stdin.
    pub fn open(file: Option<&Path>) -> Result<Self, Failure> {
        match file.filter(|file| *file != Path::new("-")) {
            None => {
                if io::stdin().is_terminal() {
                    output::note("reading events from the terminal, one per line; press Ctrl-D to end");
                }
                Ok(Self::of("stdin".to_owned(), None, None, Box::new(BufReader::new(io::stdin()))))
            }
            Some(path) => {
                let refuse = |error: io::Error| Failure::read(path.display(), &error);
                let file = File::open(path).map_err(refuse)?;
                let metadata = file.metadata().map_err(refuse)?;
                if metadata.is_dir() {
                    return Err(refuse(io::ErrorKind::IsADirectory.into()));
                }
                let length = metadata.is_file().then_some(metadata.len());
                let name = path
                    .file_name()
                    .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
                // The path of a pipe does not identify its content.
                let place = length.map(|_| path.canonicalize()).transpose().map_err(refuse)?;
                Ok(Self::of(name, place, length, Box::new(BufReader::with_capacity(1 << 16, file))))
            }
        }
    }

    fn of(name: String, place: Option<PathBuf>, length: Option<u64>, source: Box<dyn BufRead>) -> Self {
        let run = if place.is_some() { name.clone() } else { identity::random_id() };
        Self { place, run, name, length, lines: Lines { source, number: 0, position: 0 } }
    }
}

impl Lines {
    /// The next line; none at the end.
    pub fn next_line(&mut self) -> io::Result<Option<Line>> {
        let mut content = Vec::new();
        let most = u64::try_from(MAX_LINE_BYTES).unwrap_or(u64::MAX);
        let read = self.source.by_ref().take(most).read_until(b'\n', &mut content)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.position += read as u64;
        let number = self.number;
        if content.last() != Some(&b'\n') && read == MAX_LINE_BYTES {
            self.position += self.source.skip_until(b'\n')? as u64;
            return Ok(Some(Line { number, content: None }));
        }
        while matches!(content.last(), Some(b'\n' | b'\r')) {
            content.pop();
        }
        Ok(Some(Line { number, content: Some(content) }))
    }

    /// Number of bytes read so far.
    pub fn position(&self) -> u64 {
        self.position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_and_an_endless_one_is_passed_over() {
        let text = [b"a\r\n\nb".to_vec(), vec![b'x'; MAX_LINE_BYTES + 9], b"\nc".to_vec()].concat();
        let mut lines = Input::of("text".to_owned(), None, None, Box::new(io::Cursor::new(text))).lines;
        let mut next = || lines.next_line().unwrap().map(|line| (line.number, line.content));
        assert_eq!(next(), Some((1, Some(b"a".to_vec()))));
        assert_eq!(next(), Some((2, Some(vec![]))));
        assert_eq!(next(), Some((3, None)));
        assert_eq!(next(), Some((4, Some(b"c".to_vec()))));
        assert_eq!(next(), None);
    }
}
