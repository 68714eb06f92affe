//! What there is to say of a metric.

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, from zero at the start of the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts observations by their size.
    Histogram,
}

impl Kind {
    /// Its name in Prometheus' text format.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// The values that a label can have.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    /// Exactly these.
    Of(fn() -> Vec<&'static str>),
    /// Few, and not known before the service runs: in words.
    Named(&'static str),
}

/// A label of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Its values.
    pub values: Values,
}

/// A metric.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// Its name.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [Label],
    /// What it tells, in a sentence.
    pub help: &'static str,
}

pub(super) const fn counter(name: &'static str, labels: &'static [Label], help: &'static str) -> Measure {
    Measure {
        name,
        kind: Kind::Counter,
        labels,
        help,
    }
}

pub(super) const fn gauge(name: &'static str, labels: &'static [Label], help: &'static str) -> Measure {
    Measure {
        name,
        kind: Kind::Gauge,
        labels,
        help,
    }
}

pub(super) const fn histogram(name: &'static str, labels: &'static [Label], help: &'static str) -> Measure {
    Measure {
        name,
        kind: Kind::Histogram,
        labels,
        help,
    }
}
