//! Time zones as the contract takes them: the names of the IANA database, links included.

use chrono_tz::{TZ_VARIANTS, Tz};

/// What a zone must be, for the details of rejections.
pub(super) const RULE: &str = "an IANA time zone name, like Europe/Madrid";

/// The name, if there is a zone of exactly that name.
pub(super) fn known(name: &str) -> Option<String> {
    name.parse::<Tz>().ok().map(|zone| zone.name().to_owned())
}

/// The zone whose name differs only in case, or in blanks for underscores.
pub(crate) fn meant(name: &str) -> Option<String> {
    let same = |zone: &str| {
        zone.len() == name.len()
            && zone
                .bytes()
                .zip(name.bytes())
                .all(|(a, b)| a.eq_ignore_ascii_case(&b) || (a == b'_' && b == b' '))
    };
    TZ_VARIANTS
        .iter()
        .map(|zone| zone.name())
        .find(|zone| same(zone))
        .map(str::to_owned)
}
