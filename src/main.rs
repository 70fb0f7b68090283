//! The `ehcp` program: parse the command line, run the command, end with its exit code.

use std::process::ExitCode;

/// A request makes hundreds of small values and drops them again; the system's allocator spent a quarter
/// of its time on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ehcp_timeline::cli::run()
}
