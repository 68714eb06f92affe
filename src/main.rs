//! The `inq` program.

fn main() {}
