//! The form of compiled code in a pipe and in a file: the code, its SHA-256, a magic number.
//!
//! The compiler makes it and the code cache keeps it, as it does with functions for the next compilation. The
//! code comes first, since it is mapped from a file's start.

use std::hash::{Hash, Hasher};

use sha2::{Digest, Sha256};
use wasmtime::Engine;

use crate::artifact::hexadecimal;

/// Last bytes of every image, persisted. The number changes with the layout.
const MAGIC: &[u8; 8] = b"camcode2";
const CHECKSUM_BYTES: usize = 32;
/// By how much an image is longer than its code.
pub const SEAL_BYTES: u64 = (CHECKSUM_BYTES + MAGIC.len()) as u64;

/// The image of `code`.
pub fn seal(mut code: Vec<u8>) -> Vec<u8> {
    let checksum = Sha256::digest(&code);
    code.extend_from_slice(&checksum);
    code.extend_from_slice(MAGIC);
    code
}

/// The code in a whole image; none if it is cut off or damaged.
pub fn code(image: &[u8]) -> Option<&[u8]> {
    let (code, checksum) = image.strip_suffix(MAGIC)?.split_last_chunk::<CHECKSUM_BYTES>()?;
    (Sha256::digest(code).as_slice() == checksum).then_some(code)
}

/// What tells code for `engine` from code for others. It is the same in every process of one build on one
/// machine.
pub fn compatibility(engine: &Engine) -> String {
    let mut hasher = Sha256Hasher(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hexadecimal(&hasher.0.finalize()[..8])
}

/// Lets `Hash` feed SHA-256, whose result is the same in every process.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        unreachable!("the digest is taken from the inner hasher")
    }
}
