//! Which stages there are.

/// Which stages run in this process.
#[allow(clippy::struct_excessive_bools)] // each stage runs or does not, whatever the others do
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stages {
    /// What readers say of themselves becomes rows, where `topics.preferences` is set.
    pub preferences: bool,
    /// Events become rows.
    pub ingest: bool,
    /// Rows become delivery requests.
    pub dispatch: bool,
    /// Results change rows.
    pub feedback: bool,
    /// Claims that were left behind are recovered, rows that were kept long enough removed, and broadcasts brought on.
    pub maintain: bool,
    /// Health, metrics and the API.
    pub http: bool,
}

impl Stages {
    /// Every stage.
    pub const ALL: Self = Self {
        preferences: true,
        ingest: true,
        dispatch: true,
        feedback: true,
        maintain: true,
        http: true,
    };
}
