//! What a user of the `inq` binary sees.

mod settings;
