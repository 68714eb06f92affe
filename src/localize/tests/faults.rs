//! What is said about catalogues that are wrong, and what a directory of catalogues can do.

use std::fs;

use serde_json::{Map, json};
use tempfile::TempDir;

use super::{object, reader};
use crate::contract::IncentiveType::{PointEarning, ReferralBonus, StreakReward};
use crate::localize::Catalogues;

const ENGLISH: &str = include_str!("../../../locales/en.ftl");

/// A directory with those files.
fn directory(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        fs::write(dir.path().join(name), text).expect("a file");
    }
    dir
}

fn load(files: &[(&str, &str)]) -> Catalogues {
    let dir = directory(files);
    Catalogues::load(Some(dir.path()), "en").unwrap_or_else(|errors| panic!("{errors}"))
}

/// The faults that are found in those files, a line each, without the directory's own name.
fn faults(files: &[(&str, &str)]) -> String {
    let dir = directory(files);
    let errors = Catalogues::load(Some(dir.path()), "en").expect_err("faults");
    errors
        .to_string()
        .replace(&format!("{}/", dir.path().display()), "")
}

/// A short notation: `{ $x -> [none] a *[other] b ;` is laid out over lines as Fluent wants it.
fn laid_out(pattern: &str) -> String {
    pattern
        .replace(" [", "\n        [")
        .replace(" *[", "\n       *[")
        .replace(" ;", "\n    }")
}

/// The faults of a Spanish file with this as the title of `point_earning`; it begins in line 4.
fn faults_of(title: &str) -> String {
    let title = laid_out(title);
    faults(&[(
        "es.ftl",
        &format!("# {{ $comment }}\n\npoint_earning =\n    .title = {title}\n    .body = b\n"),
    )])
}

#[test]
fn a_file_overrides_message_by_message() {
    let catalogues = load(&[(
        "es.ftl",
        "point_earning =\n    .title = ¡Toma!\n    .body = Toma.\n",
    )]);
    let said = |kind| {
        catalogues
            .render(reader(Some("es-AR")), kind, &Map::new(), None, None)
            .title
    };
    assert_eq!(said(PointEarning), "¡Toma!");
    assert_eq!(said(ReferralBonus), "¡Alguien se ha unido gracias a ti!");
}

#[test]
fn a_shared_message_can_be_overridden_alone() {
    let catalogues = load(&[(
        "en.ftl",
        "some-points = { NUMBER($points, useGrouping: \"false\") } coins\n",
    )]);
    let data = object(&json!({ "points_earned": 12_345 }));
    assert_eq!(
        catalogues
            .render(reader(None), PointEarning, &data, None, None)
            .title,
        "You earned 12345 coins!"
    );
}

#[test]
fn a_new_language_is_added() {
    let catalogues = load(&[("he.ftl", ENGLISH), ("README.md", "not a catalogue")]);
    assert!(catalogues.languages().any(|language| language == "he"));
    let data = object(&json!({ "referred_name": "Ana" }));
    let said = catalogues.render(reader(Some("he-IL")), ReferralBonus, &data, None, None);
    // The mark says from where the text runs, which its first letter does not.
    assert_eq!(
        said.title,
        "\u{200f}\u{2068}Ana\u{2069} has joined thanks to you!"
    );
}

#[test]
fn a_new_language_must_be_complete() {
    let said = faults(&[(
        "it.ftl",
        "point_earning =\n    .title = Punti!\n    .body = Bravo!\n",
    )]);
    assert_eq!(said.lines().count(), 5, "{said}");
    assert!(
        said.contains("it.ftl: message `streak_reward` is missing"),
        "{said}"
    );
}

#[test]
fn a_file_with_windows_line_ends_and_a_byte_order_mark_is_read() {
    let text = "\u{feff}point_earning =\r\n    .title = { $points ->\r\n        [none] Points\r\n       *[other] { $points }\r\n    }\r\n    .body = one\r\n        two\r\n";
    let catalogues = load(&[("en.ftl", text)]);
    let said = catalogues.render(reader(None), PointEarning, &Map::new(), None, None);
    assert_eq!((said.title.as_str(), said.body.as_str()), ("Points", "one\ntwo"));
}

#[test]
fn an_unknown_argument_is_named_with_its_line() {
    assert_eq!(
        faults_of("{ $pionts -> [none] a *[other] b ;"),
        "es.ftl:4: message `point_earning` uses `$pionts`, which is unknown; did you mean `$points`?"
    );
    assert_eq!(
        faults_of("a\n    .body = b { $streak }"),
        "es.ftl:5: message `point_earning` uses `$streak`, which `point_earning` doesn't have, \
         only `streak_reward`\n\
         es.ftl:6: `point_earning` already has a `.body`"
    );
}

#[test]
fn an_argument_that_may_be_lacking_is_not_printed() {
    let fault = "message `point_earning` prints `$points` where an event may lack it; \
                 put it into a variant of `{ $points -> [none] … *[other] … }`";
    for (line, title) in [
        (4, "{ $points }"),
        (6, "{ $points -> [one] a *[other] { $points } ;"),
        (5, "{ $points -> [none] { $points } *[other] b ;"),
        (6, "{ $total -> [none] a *[other] { $points } ;"),
        (6, "{ $points -> [one] a *[none] { $points } ;"),
        (4, "{ NUMBER($points) }"),
        (4, "{ NUMBER($points, type: \"ordinal\") -> [one] a *[other] b ;"),
    ] {
        assert_eq!(faults_of(title), format!("es.ftl:{line}: {fault}"), "{title}");
    }
}

#[test]
fn an_argument_that_is_there_is_printed() {
    for title in [
        "{ $points -> [none] a *[other] { $points } ;",
        "{ $points -> [one] { $points } *[other] b ;",
        "{ $points -> [none] a *[other] { NUMBER($points, type: \"ordinal\") -> [one] { $points } *[other] b ; ;",
        "{ $points -> [none] a *[other] { $total -> [none] { $points } *[other] { $total } ; ;",
    ] {
        let title = laid_out(title);
        load(&[(
            "es.ftl",
            &format!("point_earning =\n    .title = {title}\n    .body = b\n"),
        )]);
    }
}

#[test]
fn a_shared_message_is_checked_where_it_is_used() {
    let said = faults(&[(
        "en.ftl",
        "some-points = { $points ->\n    [one] a\n   *[other] { $milestone }\n  }\n",
    )]);
    // A type that has it may lack it; the others and the digests don't have it.
    assert!(
        said.starts_with("en.ftl:3: message `some-points` prints `$milestone` where"),
        "{said}"
    );
    assert_eq!(
        said.matches("en.ftl:3: message `some-points` uses `$milestone`, which `")
            .count(),
        11
    );
}

#[test]
fn syntax_is_told_with_its_line() {
    let file = |title: &str, body: &str| {
        faults(&[(
            "es.ftl",
            &format!("# fine\n\npoint_earning =\n    .title = {title}\n    .body = {body}\n"),
        )])
    };
    assert_eq!(
        file("{ $points", "b"),
        "es.ftl:4: syntax: expected a token starting with \"}\""
    );
    assert_eq!(
        file("a", "{ $points"),
        "es.ftl:5: syntax: expected a token starting with \"}\""
    );
    assert_eq!(file("a", "b }"), "es.ftl:5: syntax: unbalanced closing brace");
    assert_eq!(file("a", ""), "es.ftl:5: syntax: expected a text after `body =`");
    assert!(file("a", "b\noops").starts_with("es.ftl:6: syntax: expected a token starting with \"=\""));
    let said = file(&laid_out("{ $points -> [none] a [other] b ;"), "b");
    assert_eq!(
        said,
        "es.ftl:7: syntax: the select expression must have a default variant"
    );
}

#[test]
fn a_part_that_is_missing_or_misspelt_is_told() {
    assert_eq!(
        faults(&[("es.ftl", "point_earning = x\n    .titel = a\n    .body = b\n")]),
        "es.ftl:1: message `point_earning` has a text that nobody sees; put it into its .title or .body\n\
         es.ftl:1: message `point_earning` has no `.title`\n\
         es.ftl:2: message `point_earning` has an unknown `.titel`; did you mean `.title`?"
    );
}

#[test]
fn a_message_that_nothing_uses_is_told() {
    assert_eq!(
        faults(&[("es.ftl", "\npoint_earnings =\n    .title = a\n    .body = b\n")]),
        "es.ftl:2: message `point_earnings` is never used; did you mean `point_earning`?"
    );
}

#[test]
fn a_wording_is_whole_and_well_named() {
    let file = |id: &str, rest: &str| faults(&[("es.ftl", &format!("{id} =\n    .title = a\n{rest}"))]);
    assert_eq!(
        file("point_earning--b", ""),
        "es.ftl:1: message `point_earning--b` has no `.body`"
    );
    assert_eq!(
        file("point_earnin--b", "    .body = b\n"),
        "es.ftl:1: message `point_earnin--b` is never used; did you mean `point_earning--b`?"
    );
    for name in ["B", "", "a--b", "main", "a_b"] {
        assert_eq!(
            file(&format!("point_earning--{name}"), "    .body = b\n"),
            format!(
                "es.ftl:1: message `point_earning--{name}` names a wording `{name}`; a name has letters a-z, digits and \
                 single hyphens, at most 32, and is not `main`"
            )
        );
    }
    assert_eq!(
        file("point_earning--b", "    .body = { $streak }\n"),
        "es.ftl:3: message `point_earning--b` uses `$streak`, which `point_earning` doesn't have, only `streak_reward`"
    );
    assert_eq!(
        file("point_earning--b", "    .body = { point_earning--b.body }\n"),
        "es.ftl:3: message `point_earning--b` refers to `point_earning--b`, which leads back here"
    );
}

#[test]
fn a_text_closes_the_isolates_that_it_opens() {
    let said = faults_of("a\u{2068}b");
    assert!(
        said.starts_with(
            "es.ftl:3: message `point_earning`, its .title, opens and closes isolates or embeddings unequally with "
        ),
        "{said}"
    );
}

#[test]
fn what_is_referred_to_must_be_there() {
    for (title, expected) in [
        (
            "{ some-point }",
            "refers to the message `some-point`, which is unknown; did you mean `some-points`?",
        ),
        (
            "{ streak_reward }",
            "refers to the message `streak_reward`, which has no text of its own",
        ),
        (
            "{ streak_reward.name }",
            "refers to the message `streak_reward`, which has no `.name`",
        ),
        ("{ -brand }", "refers to the term `-brand`, which is unknown"),
        (
            "{ point_earning.title }",
            "refers to `point_earning`, which leads back here",
        ),
        (
            "{ DATETIME($points) }",
            "calls `DATETIME`, which is unknown; there are `NUMBER` and `PLURAL`",
        ),
    ] {
        assert_eq!(
            faults_of(title),
            format!("es.ftl:4: message `point_earning` {expected}"),
            "{title}"
        );
    }
}

#[test]
fn terms_are_fixed_words() {
    let title = |title: &str, term: &str| {
        faults(&[(
            "es.ftl",
            &format!("{term}\npoint_earning =\n    .title = {title}\n    .body = b\n"),
        )])
    };
    assert_eq!(
        title("{ -brand(case: \"x\") }", "-brand = Acme"),
        "es.ftl:3: message `point_earning` passes arguments to `-brand`; terms take none"
    );
    assert_eq!(
        title("{ -brand }", "-brand = { $points }"),
        "es.ftl:1: term `-brand` uses `$points`; terms are fixed words, use a message for this"
    );
    assert_eq!(
        title("{ -a }", "-a = { -a }"),
        "es.ftl:1: term `-a` refers to `-a`, which leads back here"
    );
    load(&[(
        "es.ftl",
        "-brand = Acme\npoint_earning =\n    .title = { -brand }\n    .body = b\n",
    )]);
}

#[test]
fn numbers_are_asked_for_what_they_can_do() {
    let in_variant = |inner: &str| faults_of(&format!("{{ $points -> [none] a *[other] {inner} ;"));
    assert!(in_variant("{ NUMBER($points, useGroping: \"false\") }").contains("an unknown `useGroping`"));
    assert!(in_variant("{ NUMBER($points, minimumFractionDigits: 40) }").contains("0 to 6"));
    assert!(in_variant("{ 0.123456789012345678901234567890 }").contains("too many digits"));
    assert!(in_variant("{ NUMBER(\"x\") }").contains("something else than one argument"));
    assert!(
        in_variant("{ PLURAL($points, type: \"ordinal\") }")
            .contains("`PLURAL` with `type`; it has no options")
    );
    assert!(
        in_variant("{ PLURAL($points) -> [fwe] a *[other] b ;")
            .contains("has a variant [fwe], which is no plural category; did you mean `few`?")
    );
    assert_eq!(
        faults_of("{ $points -> [nnoe] a *[other] b ;"),
        "es.ftl:5: message `point_earning` has a variant [nnoe], which no number like `$points` is; \
         did you mean `none`?"
    );
    assert!(faults_of("{ $next_badge -> [none] a *[other] { NUMBER($next_badge) } ;").contains("a text"));
}

#[test]
fn a_title_is_written_in_one_line_without_controls() {
    assert!(
        faults_of("one\n        two").starts_with("es.ftl:4: message `point_earning` goes over more than")
    );
    assert!(
        faults_of("a{ \"\\u0007\" }")
            .contains("es.ftl:4: message `point_earning` contains the control character U+0007")
    );
}

#[test]
fn what_only_rendering_shows_is_told() {
    let said = faults_of("{ $points -> [none] { \"\" } *[other] b ;");
    let first = said.lines().next().expect("a fault");
    assert!(
        first.starts_with("es.ftl:3: message `point_earning`, its .title, says nothing with "),
        "{said}"
    );
    assert!(faults_of(&"a".repeat(256)).contains("is longer than 255 characters"));
}

#[test]
fn what_is_said_twice_is_told() {
    let said = faults(&[("es.ftl", "-x = a\nsome-points = a\nsome-points = b\nx = { -x }\n")]);
    assert!(
        said.contains("es.ftl:3: `some-points` is already defined in this file"),
        "{said}"
    );
    assert!(
        said.contains("es.ftl:4: `x` is already defined in this file"),
        "{said}"
    );
}

#[test]
fn a_file_is_named_by_its_language() {
    assert_eq!(
        faults(&[("pt-br.ftl", "")]),
        "pt-br.ftl: this catalogue must be named pt-BR.ftl"
    );
    assert_eq!(
        faults(&[("ES.ftl", "")]),
        "ES.ftl: this catalogue must be named es.ftl"
    );
    assert_eq!(
        faults(&[("es.FTL", "")]),
        "es.FTL: this catalogue must be named es.ftl"
    );
    assert_eq!(
        faults(&[("spanish words.ftl", "")]),
        "spanish words.ftl: `spanish words` is no language tag; a catalogue is named like es.ftl or pt-BR.ftl"
    );
}

#[test]
fn all_faults_of_all_files_are_told() {
    let said = faults(&[
        (
            "es.ftl",
            "point_earning =\n    .title = { $a }\n    .body = { $b }\n",
        ),
        ("fr.ftl", "oops\n"),
        ("xx-yy-zz.ftl", ""),
    ]);
    for start in ["es.ftl:2:", "es.ftl:3:", "fr.ftl:1:", "xx-yy-zz.ftl:"] {
        assert!(
            said.lines().any(|line| line.starts_with(start)),
            "{start} in\n{said}"
        );
    }
}

#[test]
fn a_file_or_directory_that_cannot_be_read_is_told() {
    let dir = directory(&[]);
    fs::write(dir.path().join("es.ftl"), b"# ok\n# \xff\n").expect("a file");
    let said = Catalogues::load(Some(dir.path()), "en")
        .expect_err("not UTF-8")
        .to_string();
    assert!(
        said.ends_with("es.ftl:2: this line is not UTF-8; save the file as UTF-8"),
        "{said}"
    );
    let nowhere = dir.path().join("nowhere");
    let said = Catalogues::load(Some(&nowhere), "en")
        .expect_err("no directory")
        .to_string();
    assert!(
        said.contains("nowhere: the directory of catalogues can't be read: "),
        "{said}"
    );
}

#[test]
fn braces_without_end_do_not_exhaust_the_stack() {
    let said = faults_of(&"{".repeat(100_000));
    assert_eq!(
        said,
        "es.ftl:4: more than 100 braces or parentheses are open here"
    );
}

#[test]
fn the_fallback_language_must_be_there() {
    for fallback in ["it", "", "en-GB", "?"] {
        let said = Catalogues::load(None, fallback)
            .expect_err("no such language")
            .to_string();
        let expected =
            "there is no catalogue for `FALLBACK`; there are ar, de, en, es, fr, hi, ja, pt-BR, ru, zh-Hans";
        assert_eq!(
            said,
            format!(
                "localization.fallback: {}",
                expected.replace("FALLBACK", fallback)
            )
        );
    }
    let catalogues = Catalogues::load(None, "pt-br").expect("any case will do");
    assert_eq!(
        catalogues
            .render(reader(None), StreakReward, &Map::new(), None, None)
            .language,
        "pt-BR"
    );
}
