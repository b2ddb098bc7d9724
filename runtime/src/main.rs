//! The `camshaft` command.

fn main() -> std::process::ExitCode {
    camshaft::cli::main()
}
