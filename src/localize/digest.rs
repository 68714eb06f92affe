//! Stand-in.
use super::{Catalogues, Reader, Rendered};
use crate::contract::IncentiveType;
use serde_json::{Map, Value};
impl Catalogues {
    /// Stand-in.
    #[must_use]
    pub fn has_digest(&self, _language: &str, _kind: IncentiveType) -> bool {
        true
    }
    /// Stand-in.
    #[must_use]
    pub fn digest(
        &self,
        reader: Reader<'_>,
        kind: IncentiveType,
        data: &Map<String, Value>,
    ) -> Option<Rendered> {
        Some(self.render(reader, kind, data, None, None))
    }
}
