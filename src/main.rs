//! The `inq` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    inq::cli::main()
}
