//! The `camshaft` command.

/// See ARCHITECTURE, "The memory setting holds". Programs that embed the library choose for themselves.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    camshaft_cli::main()
}
