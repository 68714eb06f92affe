//! Prometheus' text format, read strictly, and looked at as `promtool check metrics` looks.

use std::collections::{BTreeMap, BTreeSet};

/// A sample: its name, its labels and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// A metric with its samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    pub help: String,
    pub kind: String,
    pub samples: Vec<Sample>,
}

/// The families of a scrape by name.
pub type Families = BTreeMap<String, Family>;

/// Reads a scrape: each family has its HELP, then its TYPE, then all of its samples, each series once.
pub fn read(text: &str) -> Result<Families, String> {
    let mut families = Families::new();
    let mut help: Option<(String, String)> = None;
    let mut current: Option<String> = None;
    let mut series = BTreeSet::new();
    if !text.ends_with('\n') {
        return Err("the last line has no end".to_owned());
    }
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, text) = rest.split_once(' ').ok_or(format!("no help: {line}"))?;
            help = Some((name.to_owned(), text.to_owned()));
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').ok_or(format!("no type: {line}"))?;
            let (_, help) = help
                .take()
                .filter(|(helped, _)| helped == name)
                .ok_or(format!("no help before {line}"))?;
            let family = Family {
                help,
                kind: kind.to_owned(),
                samples: Vec::new(),
            };
            if families.insert(name.to_owned(), family).is_some() {
                return Err(format!("{name} comes twice"));
            }
            current = Some(name.to_owned());
        } else {
            let sample = sample(line)?;
            let name = current.as_ref().ok_or(format!("no type before {line}"))?;
            let family = families.get_mut(name).ok_or("no family")?;
            let of_family = match sample.name.strip_prefix(name.as_str()) {
                Some("") => family.kind != "histogram",
                Some("_bucket" | "_sum" | "_count") => family.kind == "histogram",
                _ => false,
            };
            if !of_family {
                return Err(format!("{line} stands under {name}"));
            }
            if !series.insert((sample.name.clone(), sample.labels.clone())) {
                return Err(format!("twice: {line}"));
            }
            family.samples.push(sample);
        }
    }
    Ok(families)
}

fn sample(line: &str) -> Result<Sample, String> {
    let (series, value) = line.rsplit_once(' ').ok_or(format!("no value: {line}"))?;
    let value = match value {
        "+Inf" => f64::INFINITY,
        value => value.parse().map_err(|_| format!("no number: {line}"))?,
    };
    let (name, labels) = match series.split_once('{') {
        None => (series, BTreeMap::new()),
        Some((name, rest)) => {
            let rest = rest.strip_suffix('}').ok_or(format!("no end: {line}"))?;
            (name, labels(rest).ok_or(format!("labels: {line}"))?)
        }
    };
    Ok(Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

/// `name="value",name="value"`; values of ours need no escapes.
fn labels(text: &str) -> Option<BTreeMap<String, String>> {
    text.split("\",")
        .map(|pair| {
            let (name, value) = pair.split_once("=\"")?;
            let value = value.strip_suffix('"').unwrap_or(value);
            (!value.contains(['"', '\\'])).then(|| (name.to_owned(), value.to_owned()))
        })
        .collect()
}

/// What `promtool check metrics` would say of the names, and what it would not see: histograms that are not whole.
pub fn lint(families: &Families) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, family) in families {
        let mut fault = |what: &str| faults.push(format!("{name}: {what}"));
        if family.help.trim().is_empty() {
            fault("no help text");
        }
        if family.samples.is_empty() {
            fault("no samples");
        }
        if !name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        {
            fault("a name is of small letters, digits and underscores");
        }
        if (family.kind == "counter") != name.ends_with("_total") {
            fault("counters, and only they, end in _total");
        }
        let words: Vec<&str> = name.split('_').collect();
        for word in [
            "counter",
            "gauge",
            "histogram",
            "summary",
            "count",
            "sum",
            "bucket",
        ] {
            if words.contains(&word) {
                fault("the type is no part of the name");
            }
        }
        for word in [
            "ms",
            "milliseconds",
            "millis",
            "microseconds",
            "us",
            "nanoseconds",
            "ns",
            "minutes",
            "hours",
            "days",
            "kilobytes",
            "kb",
            "megabytes",
            "mb",
            "percent",
            "sec",
            "secs",
            "s",
            "celsius",
        ] {
            if words.contains(&word) {
                fault("units are base units, written out");
            }
        }
        for label in family.samples.iter().flat_map(|sample| sample.labels.keys()) {
            if words.contains(&label.as_str()) {
                fault("a label is no part of the name");
            }
            if !label.chars().all(|c| c.is_ascii_lowercase() || c == '_') || label.starts_with("__") {
                fault("a label is of small letters");
            }
        }
        if family.kind == "histogram" {
            faults.extend(incomplete(name, family));
        } else if family
            .samples
            .iter()
            .any(|sample| sample.labels.contains_key("le"))
        {
            faults.push(format!("{name}: le is for histograms"));
        }
    }
    faults
}

/// Buckets of each series: in order, growing, with `+Inf` equal to the count, and a sum.
fn incomplete(name: &str, family: &Family) -> Vec<String> {
    let mut faults = Vec::new();
    let mut series: BTreeMap<BTreeMap<String, String>, Vec<&Sample>> = BTreeMap::new();
    for sample in &family.samples {
        let mut labels = sample.labels.clone();
        labels.remove("le");
        series.entry(labels).or_default().push(sample);
    }
    for (labels, samples) in series {
        let named = |suffix: &str| {
            let full = format!("{name}{suffix}");
            samples.iter().filter(move |sample| sample.name == full)
        };
        let buckets: Vec<(f64, f64)> = named("_bucket")
            .map(|sample| {
                let le = sample.labels.get("le").map_or("", String::as_str);
                (
                    le.replace("+Inf", "inf").parse().unwrap_or(f64::NAN),
                    sample.value,
                )
            })
            .collect();
        let count: Vec<f64> = named("_count").map(|sample| sample.value).collect();
        let whole = buckets.len() > 2
            && buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1)
            && count.len() == 1
            && buckets.last() == Some(&(f64::INFINITY, count[0]))
            && named("_sum").count() == 1;
        if !whole {
            faults.push(format!("{name}{labels:?}: the histogram is not whole"));
        }
    }
    faults
}

/// The sum of a metric's samples that have these labels.
pub fn total(families: &Families, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let family = families.iter().find_map(|(family, samples)| {
        name.strip_prefix(family.as_str())
            .is_some_and(|rest| ["", "_count", "_sum"].contains(&rest))
            .then_some(samples)
    })?;
    let values: Vec<f64> = family
        .samples
        .iter()
        .filter(|sample| sample.name == name)
        .filter(|sample| {
            labels
                .iter()
                .all(|(label, value)| sample.labels.get(*label).is_some_and(|found| found == value))
        })
        .map(|sample| sample.value)
        .collect();
    (!values.is_empty()).then(|| values.iter().sum())
}

const FINE: &str = "\
# HELP inq_good_total Good.
# TYPE inq_good_total counter
inq_good_total{kind=\"a\",other=\"b\"} 1
inq_good_total{kind=\"b\",other=\"b\"} 2

# HELP inq_wait_seconds Waits.
# TYPE inq_wait_seconds histogram
inq_wait_seconds_bucket{le=\"0.1\"} 1
inq_wait_seconds_bucket{le=\"1\"} 2
inq_wait_seconds_bucket{le=\"+Inf\"} 3
inq_wait_seconds_sum 7.5
inq_wait_seconds_count 3
";

#[test]
fn what_is_fine_is_read() {
    let families = read(FINE).expect("fine");
    assert_eq!(lint(&families), Vec::<String>::new());
    assert_eq!(total(&families, "inq_good_total", &[("kind", "b")]), Some(2.0));
    assert_eq!(total(&families, "inq_wait_seconds_count", &[]), Some(3.0));
    assert_eq!(total(&families, "inq_good_total", &[("kind", "c")]), None);
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for (from, to) in [
        ("# HELP inq_good_total Good.\n", ""),
        ("# TYPE inq_good_total counter\n", ""),
        ("kind=\"b\"", "kind=\"a\""),
        ("inq_wait_seconds_sum", "inq_waits_seconds_sum"),
        (" 7.5", " many"),
    ] {
        assert!(FINE.contains(from));
        assert!(read(&FINE.replace(from, to)).is_err(), "{from:?} as {to:?}");
    }
}

#[test]
fn what_breaks_the_conventions_is_told() {
    for (from, to) in [
        ("inq_good_total", "inq_good"),
        ("inq_wait_seconds", "inq_wait_ms"),
        ("inq_wait_seconds", "inq_waitSeconds"),
        ("inq_wait_seconds", "inq_wait_histogram_seconds"),
        ("kind=", "good="),
        ("total Good.", "total  "),
        ("{le=\"1\"} 2", "{le=\"1\"} 4"),
        ("{le=\"+Inf\"} 3", "{le=\"+Inf\"} 4"),
        ("inq_wait_seconds_sum 7.5\n", ""),
    ] {
        assert!(FINE.contains(from));
        let families = read(&FINE.replace(from, to)).unwrap_or_else(|fault| panic!("{to}: {fault}"));
        assert!(!lint(&families).is_empty(), "{from:?} as {to:?}");
    }
}
