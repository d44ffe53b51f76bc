//! The one binary: one process per subcommand. See `newsystem --help`.

fn main() -> std::process::ExitCode {
    newsystem::main()
}
