//! Texts of the corpus with a few edits: what a fuzzer without coverage to guide it gets furthest with.

use std::fs;
use std::path::Path;

use bolero::{TypeGenerator, produce};

/// One change of a text. Places count around its end.
#[derive(Clone, Debug, TypeGenerator)]
enum Edit {
    Put {
        at: u16,
        byte: u8,
    },
    /// Inserts a word of the dictionary.
    Insert {
        at: u16,
        word: u8,
    },
    Remove {
        at: u16,
        #[generator(1..24)]
        length: u8,
    },
    Repeat {
        at: u16,
        #[generator(1..24)]
        length: u8,
        to: u16,
    },
    /// Goes on with another text from there.
    Join {
        at: u16,
        text: u8,
        from: u16,
    },
}

/// A text of the corpus, by number, and what happened to it.
#[derive(Clone, Debug, TypeGenerator)]
pub struct Edited {
    text: u8,
    #[generator(produce::<Vec<Edit>>().with().len(0..6_usize))]
    edits: Vec<Edit>,
}

/// The corpus of a target, in the order of the names.
pub fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/__fuzz__").join(target).join("corpus");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

impl Edited {
    /// The edited text.
    pub fn of(&self, corpus: &[Vec<u8>], dictionary: &[&str]) -> Vec<u8> {
        let mut text = corpus[usize::from(self.text) % corpus.len()].clone();
        for edit in &self.edits {
            edit.apply(&mut text, corpus, dictionary);
        }
        text
    }
}

impl Edit {
    fn apply(&self, text: &mut Vec<u8>, corpus: &[Vec<u8>], dictionary: &[&str]) {
        let end = text.len();
        let place = |at: u16| usize::from(at) % (end + 1);
        match *self {
            Self::Put { at, byte } if end > 0 => text[usize::from(at) % end] = byte,
            Self::Put { byte, .. } => text.push(byte),
            Self::Insert { at, word } => {
                let word = dictionary[usize::from(word) % dictionary.len()];
                text.splice(place(at)..place(at), word.bytes());
            }
            Self::Remove { at, length } => {
                text.drain(place(at)..end.min(place(at) + usize::from(length)));
            }
            Self::Repeat { at, length, to } => {
                let part = text[place(at)..end.min(place(at) + usize::from(length))].to_vec();
                text.splice(place(to)..place(to), part);
            }
            Self::Join { at, text: other, from } => {
                let other = &corpus[usize::from(other) % corpus.len()];
                text.truncate(place(at));
                text.extend_from_slice(&other[usize::from(from) % (other.len() + 1)..]);
            }
        }
    }
}
