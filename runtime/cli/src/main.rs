//! The `camshaft` command.

/// `runtime/decisions/15-memory-setting.md` says why. Programs that embed the library choose their own
/// allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    camshaft_cli::main()
}
