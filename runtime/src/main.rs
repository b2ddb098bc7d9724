//! The `camshaft` command; everything is in [`camshaft::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    camshaft::cli::main()
}
