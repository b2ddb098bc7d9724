//! Writes one hostile plugin of each kind into a folder: `bomb-NAME.wasm`. The torture drops them beside an
//! honest plugin.
//!
//! A program of its own, so that `cargo xtask` is built without the compiler of WebAssembly text.

use std::path::PathBuf;
use std::{env, fs, io};

use camshaft_test_guests::bombs;

fn main() -> io::Result<()> {
    let usage =
        || io::Error::new(io::ErrorKind::InvalidInput, "name the folder that the files are written to");
    let folder = env::args_os().nth(1).map(PathBuf::from).ok_or_else(usage)?;
    for bomb in bombs::corpus() {
        fs::write(folder.join(format!("bomb-{}.wasm", bomb.name)), bomb.bytes)?;
    }
    Ok(())
}
