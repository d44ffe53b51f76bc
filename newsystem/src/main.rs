//! The one binary: one process per subcommand. See `newsystem --help`.

/// A fifth of a list's processor time went to the system's allocator (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    newsystem::main()
}
