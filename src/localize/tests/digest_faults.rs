//! What is said about digests that are wrong.

use crate::localize::Catalogues;

/// The faults of a Spanish file with that text.
fn faults(text: &str) -> String {
    let errors = Catalogues::of_texts(&[("es", text)], "es").expect_err("faults");
    errors.to_string()
}

/// The faults of a digest of `point_earning` with that title, which begins in line 2.
fn faults_of(title: &str) -> String {
    let title = title
        .replace(" [", "\n        [")
        .replace(" *[", "\n       *[")
        .replace(" ;", "\n    }");
    faults(&format!(
        "point_earning-digest =\n    .title = {title}\n    .body = b\n"
    ))
}

#[test]
fn a_digest_has_both_parts() {
    assert_eq!(
        faults("point_earning-digest = x\n    .title = a\n"),
        "es.ftl:1: message `point_earning-digest` has a text that nobody sees; put it into its .title or .body\n\
         es.ftl:1: message `point_earning-digest` has no `.body`"
    );
}

#[test]
fn a_digest_says_only_what_it_has() {
    for (title, fault) in [
        (
            "{ $total -> [none] a *[other] b ;",
            "es.ftl:2: message `point_earning-digest` uses `$total`, which `point_earning-digest` doesn't have, only \
             `point_earning`",
        ),
        (
            "{ $cuont }",
            "es.ftl:2: message `point_earning-digest` uses `$cuont`, which is unknown; did you mean `$count`?",
        ),
        (
            "{ $points }",
            "es.ftl:2: message `point_earning-digest` prints `$points` where a digest may lack it; \
             put it into a variant of `{ $points -> [none] … *[other] … }`",
        ),
        (
            "{ some-points }",
            "built-in es.ftl:10: message `some-points` prints `$points` where a digest may lack it; \
             put it into a variant of `{ $points -> [none] … *[other] … }`",
        ),
        (
            "{ $count -> [none] a *[other] { $count } ;",
            "es.ftl:3: message `point_earning-digest` has a variant [none], which no number like `$count` is; \
             did you mean `one`?",
        ),
    ] {
        let said = faults_of(title);
        assert!(said.lines().any(|line| line == fault), "{title}: {said}");
    }
    let said = faults("point_earning =\n    .title = { $count }\n    .body = b\n");
    assert_eq!(
        said,
        "es.ftl:2: message `point_earning` uses `$count`, which `point_earning` doesn't have, only \
         `achievement_reward-digest`, `point_earning-digest`, `challenge_completion-digest`, \
         `bonus_opportunity-digest`, `streak_reward-digest`, `referral_bonus-digest`"
    );
}

#[test]
fn a_digest_is_rehearsed() {
    let said = faults_of("{ $count -> [one] { \"\" } *[other] b ;");
    assert!(
        said.starts_with("es.ftl:1: message `point_earning-digest`, its .title, says nothing with "),
        "{said}"
    );
    let said = faults_of("{ $points -> [none] a *[other] { $points }\u{2068} ;");
    assert!(
        said.contains("opens and closes isolates or embeddings unequally with only `$points`"),
        "{said}"
    );
}

#[test]
fn a_digest_has_one_wording() {
    let parts = "\n    .title = a\n    .body = b\n";
    for name in ["b", "main", "-"] {
        assert_eq!(
            faults(&format!("point_earning-digest--{name} ={parts}")),
            format!(
                "es.ftl:1: message `point_earning-digest--{name}` is another wording of a digest; \
                 `point_earning-digest` has one only"
            )
        );
    }
    // Also where another message takes a part of it over.
    let said = faults(&format!(
        "point_earning-digest =\n    .title = {{ point_earning-digest--b.title }}\n    .body = b\n\
         point_earning-digest--b ={parts}"
    ));
    assert!(
        said.starts_with("es.ftl:4: ") && said.lines().count() == 1,
        "{said}"
    );
}

#[test]
fn a_digest_that_is_misspelt_is_told() {
    for id in [
        "point_earning-digests",
        "point_earning_digest",
        "points_earning-digest",
    ] {
        assert_eq!(
            faults(&format!("{id} =\n    .title = a\n    .body = b\n")),
            format!("es.ftl:1: message `{id}` is never used; did you mean `point_earning-digest`?")
        );
    }
}
