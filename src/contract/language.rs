//! Language tags as the contract takes them: well-formed BCP 47, as far as Unicode locale identifiers go.

use icu_locale_core::Locale;

/// The longest tag, in characters: what RFC 5646, section 4.4.1, advises to make room for.
pub(super) const LONGEST: usize = 35;

/// The tag in its canonical form, `pt-BR` for `PT-br`; `None` where it is not well-formed or too long.
pub(super) fn canonical(tag: &str) -> Option<String> {
    (tag.len() <= LONGEST)
        .then(|| Locale::try_from_str(tag).ok())
        .flatten()
        .map(|locale| locale.to_string())
}

/// The tag that somebody who wrote a POSIX locale must have meant: `es-MX` for `es_MX.UTF-8`.
pub(super) fn meant(tag: &str) -> Option<String> {
    let name = tag.split(['.', '@']).next()?.trim();
    if name.len() > LONGEST {
        return None;
    }
    canonical(&name.replace('_', "-")).filter(|canonical| canonical != tag)
}
