//! Catalogues that are bombs.

use std::fmt::Write;

use inq::contract::IncentiveType;
use inq::localize::{BODY_BYTES, Catalogues, Reader};
use serde_json::Map;

use super::properties;

/// The faults of a text over the built-in English catalogue.
fn faults(text: &str) -> String {
    match Catalogues::of_texts(&[("en", text)], "en") {
        Ok(_) => String::new(),
        Err(faults) => faults.to_string(),
    }
}

/// The built-in catalogues, cut and doubled, and each damaged at many places.
#[test]
fn damaged_catalogues_are_refused_or_speak() {
    for text in [
        include_str!("../../../locales/en.ftl"),
        include_str!("../../../locales/ja.ftl"),
    ] {
        properties::catalogue::check(text.as_bytes());
        for place in (0..text.len()).step_by(701) {
            properties::catalogue::check(&text.as_bytes()[..place]);
            let mut bytes = text.as_bytes().to_vec();
            bytes[place] = b"{}\"[*\xff"[place % 6];
            properties::catalogue::check(&bytes);
        }
    }
}

#[test]
fn terms_that_double_each_other_say_little() {
    let mut text = String::from("point_earning =\n    .title = { -a0 }\n    .body = b\n-a40 = ha\n");
    for level in 0..40 {
        let next = level + 1;
        writeln!(text, "-a{level} = {{ -a{next} }}{{ -a{next} }}").expect("written");
    }
    assert!(faults(&text).contains("Too many placeables"), "{}", faults(&text));
}

#[test]
fn what_repeats_a_long_text_stays_within_a_body() {
    let mut text = format!(
        "long = {}\npoint_earning =\n    .title = t\n    .body = ",
        "x".repeat(60_000)
    );
    text.push_str(&"{ long }".repeat(50));
    assert!(
        faults(&text).contains("is longer than 65535 bytes"),
        "{}",
        faults(&text)
    );
}

#[test]
fn circles_are_found() {
    for text in [
        "-a = { -a }",
        "-a = { -b }\n-b = { -a }",
        "point_earning =\n    .title = { a }\n    .body = b\na = { b }\nb = { a }",
        "point_earning =\n    .title = { point_earning.body }\n    .body = { point_earning.title }",
    ] {
        assert!(
            faults(text).contains("leads back here"),
            "{text}: {}",
            faults(text)
        );
    }
}

/// Nesting of every kind costs stack: in the parser, in the checks, and in the thread that renders.
#[test]
fn what_is_nested_deeply_is_refused() {
    let deep = 8_000;
    for (open, close) in [
        ("{ ", " }"),
        ("{ \"}\" ->\n    *[a] ", "\n    }"),
        ("{ \"(\" ->\n    *[a] ", "\n    }"),
        ("{ NUMBER(", ") }"),
        ("{ -a(b: ", ") }"),
        ("{\nNUMBER(1) ->\n    *[a] ) ", "\n    }"),
    ] {
        for closed in [0, deep] {
            let value = format!("{}x{}", open.repeat(deep), close.repeat(closed));
            for text in [
                format!("point_earning =\n    .title = {value}\n    .body = b\n"),
                format!("-a = {value}\n"),
                format!("x\n.y = {value}\n"),
            ] {
                let faults = faults(&text);
                assert!(
                    faults.contains("are open here"),
                    "{open}: {}",
                    &faults[..faults.len().min(300)]
                );
            }
        }
    }
    let calls = format!("-a = {{ {}\n", "A(".repeat(deep));
    assert!(faults(&calls).contains("are open here"), "{}", faults(&calls));
}

#[test]
fn what_refers_on_and_on_is_refused() {
    for (sign, nested, said) in [
        ("", 0, "levels deep"),
        ("-", 0, "levels deep"),
        ("", 90, "one pair is enough"),
        ("-", 90, "one pair is enough"),
    ] {
        let (open, close) = ("{ ".repeat(nested), " }".repeat(nested));
        let levels = if nested == 0 { 9000 } else { 600 };
        let mut text =
            format!("point_earning =\n    .title = {{ {sign}a0 }}\n    .body = b\n{sign}a{levels} = end\n");
        for level in 0..levels {
            let next = level + 1;
            writeln!(text, "{sign}a{level} = {open}{{ {sign}a{next} }}{close}").expect("written");
        }
        let faults = faults(&text);
        assert!(
            faults.contains(said),
            "{sign} {nested}: {}",
            &faults[..faults.len().min(300)]
        );
    }
}

/// What is like a name is looked for only where the name is of a length that a person writes.
#[test]
fn long_names_cost_no_memory() {
    let long = |letter: &str| letter.repeat(60_000);
    let text = format!(
        "point_earning =\n    .title = {{ {} }}\n    .body = {{ -{} }}\n{} = x\n-{} = x\n",
        long("a"),
        long("b"),
        long("c"),
        long("d")
    );
    let said = faults(&text);
    assert!(
        said.contains("refers to the term") && said.len() < 10_000,
        "{} bytes",
        said.len()
    );
}

#[test]
fn a_catalogue_with_thousands_of_faults_tells_the_first() {
    for line in [
        "    .title = b\n",
        "    .b{} = c\n",
        "a{}\n.b = {\n",
        "-a{} = { b{} }\n",
        "a{} = { b }\n",
        "-a{} = { -b{} }\n",
    ] {
        let text: String = (0..3000)
            .map(|number| line.replace("{}", &number.to_string()))
            .collect();
        let text = format!("point_earning =\n{text}");
        let count = faults(&text).lines().count();
        assert!((1..=1000).contains(&count), "{line}: {count}");
    }
}

#[test]
fn a_catalogue_of_no_reasonable_length_is_refused() {
    assert!(faults(&" ".repeat(10_000_000)).contains("at most"));
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("en.ftl"), vec![b'\n'; 10_000_000]).expect("written");
    let said = Catalogues::load(Some(folder.path()), "en")
        .expect_err("refused")
        .to_string();
    assert!(said.contains("en.ftl") && said.contains("at most"), "{said}");
}

/// Up to the limits everything goes, on a thread with the stack of a worker of ours.
#[test]
fn what_is_nested_as_far_as_allowed_is_said() {
    let said = std::thread::Builder::new()
        .stack_size(2 * 1024 * 1024)
        .spawn(|| {
            let mut text =
                String::from("point_earning =\n    .title = { a0 }\n    .body = { a0 }\na95 = end\n");
            for level in 0..95 {
                let next = level + 1;
                writeln!(text, "a{level} = {{ a{next} }}").expect("written");
            }
            let catalogues = Catalogues::of_texts(&[("en", &text)], "en").expect("good");
            let reader = Reader {
                user_id: 42,
                language: None,
            };
            catalogues
                .render(reader, IncentiveType::PointEarning, &Map::new(), None, None)
                .body
        })
        .expect("a thread")
        .join()
        .expect("no overflow");
    assert_eq!(said, "end");
    assert!(said.len() <= BODY_BYTES);
}
