//! Which of the languages that there are suits a reader best.

use unic_langid::LanguageIdentifier;

/// Reads a BCP 47 tag, forgiving where it can: `_` for `-`, any case; extensions and private use
/// (`-u-…`, `-x-…`) say nothing about the catalogue and are left out, variants too.
/// `None` if no language can be read from it.
pub fn read(tag: &str) -> Option<LanguageIdentifier> {
    let mut end = 0;
    for subtag in tag.split(['-', '_']) {
        if subtag.len() == 1 {
            break;
        }
        end += subtag.len() + usize::from(end > 0);
    }
    let mut language: LanguageIdentifier = tag.get(..end)?.parse().ok()?;
    language.clear_variants();
    (!language.language.is_empty()).then_some(language)
}

/// The place of the best of `available` for `wanted`, if one is in the same language and script.
///
/// First the same region, then none, then the language's largest region, then any: a reader in
/// Portugal rather gets Brazilian Portuguese than English. The script must be the same, written out or
/// implied (`zh-TW` is `zh-Hant-TW`): who reads Traditional Chinese isn't served by the Simplified one.
pub fn best(wanted: &LanguageIdentifier, available: &[LanguageIdentifier]) -> Option<usize> {
    let script = maximized(wanted).script;
    let largest = || {
        maximized(&LanguageIdentifier::from_parts(
            wanted.language,
            script,
            None,
            &[],
        ))
        .region
    };
    available
        .iter()
        .enumerate()
        .filter(|(_, candidate)| {
            candidate.language == wanted.language && maximized(candidate).script == script
        })
        .min_by_key(|(place, candidate)| {
            let distance = match candidate.region {
                region if region == wanted.region => 0,
                None => 1,
                region if region == largest() => 2,
                Some(_) => 3,
            };
            (distance, *place)
        })
        .map(|(place, _)| place)
}

/// With the script and region that the CLDR takes for granted.
fn maximized(language: &LanguageIdentifier) -> LanguageIdentifier {
    let mut full = language.clone();
    full.maximize();
    full
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'a>(wanted: &str, available: &[&'a str]) -> Option<&'a str> {
        let languages: Vec<_> = available.iter().map(|tag| read(tag).expect("a tag")).collect();
        best(&read(wanted)?, &languages).map(|place| available[place])
    }

    #[test]
    fn a_region_finds_its_language() {
        assert_eq!(find("es-MX", &["en", "es"]), Some("es"));
        assert_eq!(find("en-GB", &["en", "en-GB"]), Some("en-GB"));
        assert_eq!(find("en-AU", &["en-GB", "en-US"]), Some("en-US"));
        assert_eq!(find("en", &["en-GB", "en-US"]), Some("en-US"));
    }

    #[test]
    fn the_same_language_of_elsewhere_is_better_than_none() {
        assert_eq!(find("pt-PT", &["en", "pt-BR"]), Some("pt-BR"));
        assert_eq!(find("pt", &["en", "pt-BR"]), Some("pt-BR"));
    }

    #[test]
    fn the_script_must_match() {
        assert_eq!(find("zh-TW", &["zh"]), None);
        assert_eq!(find("zh-Hant", &["zh", "zh-Hant"]), Some("zh-Hant"));
        assert_eq!(find("zh-HK", &["zh", "zh-Hant"]), Some("zh-Hant"));
        assert_eq!(find("zh-CN", &["zh", "zh-Hant"]), Some("zh"));
        assert_eq!(find("zh-SG", &["en", "zh-Hans"]), Some("zh-Hans"));
        assert_eq!(find("zh", &["en", "zh-Hans"]), Some("zh-Hans"));
        assert_eq!(find("zh-TW", &["en", "zh-Hans"]), None);
        assert_eq!(find("hi-Latn", &["hi"]), None);
        assert_eq!(find("sr-Latn", &["sr"]), None);
    }

    #[test]
    fn tags_are_read_with_forgiveness() {
        for tag in [
            "es-MX",
            "es_mx",
            "ES-mx",
            "es-MX-u-nu-latn",
            "es-MX-x-app",
            "es-MX-valencia",
        ] {
            assert_eq!(
                read(tag).map(|language| language.to_string()).as_deref(),
                Some("es-MX"),
                "{tag}"
            );
        }
        for tag in [
            "",
            "-",
            "und",
            "x-klingon",
            "i-default",
            "not a tag",
            "español",
            "e",
            "es--MX",
        ] {
            assert_eq!(read(tag), None, "{tag}");
        }
    }

    #[test]
    fn an_unknown_language_finds_nothing() {
        assert_eq!(find("tlh", &["en", "es"]), None);
        assert_eq!(find("und", &["en", "es"]), None);
    }
}
