//! What the database, the broker and the instances hold.

use std::collections::{BTreeMap, BTreeSet};

use super::Setting;

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    // The database.
    pub rows: Vec<Row>,
    pub claims: BTreeMap<i64, Claim>,
    pub next_claim: i64,
    // The broker.
    /// What a `read_committed` consumer sees: rows with their attempts, sorted.
    pub topic: Vec<(usize, u8)>,
    /// By `transactional.id`.
    pub names: Vec<Name>,
    // The instances.
    pub instances: Vec<Instance>,
    /// Faults that may yet happen.
    pub left: Faults,
    // What was seen on the way.
    pub short: bool,
    pub doubt: bool,
    /// Something was claimed that had been called off before.
    pub claimed_off: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    pub status: Status,
    pub attempts: u8,
    /// A cancel came.
    pub called_off: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    Pending,
    Processing(i64),
    Sent,
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The `transactional.id` it was made under.
    pub name: usize,
    pub rows: Vec<usize>,
    /// Its lease has ended.
    pub lapsed: bool,
}

/// What the broker knows of a `transactional.id`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Name {
    /// The producer that may use it; older ones are fenced.
    pub epoch: u8,
    pub open: Option<Transaction>,
    /// Its commit is decided and under way.
    pub committing: Option<Transaction>,
    /// The committed offset: 0 is how a ledger begins.
    pub ledger: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Transaction {
    pub requests: Vec<(usize, u8)>,
    pub ledger: Option<i64>,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instance {
    pub publisher: Publisher,
    pub ahead: Ahead,
    pub recovery: Recovery,
}

/// The claim that a publisher makes while it publishes the one before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ahead {
    Nothing,
    Claimed {
        claim: i64,
        requests: Vec<(usize, u8)>,
    },
    /// It was asked for, and the answer never came.
    Unheard,
}

/// A producer's view of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Producer {
    pub name: usize,
    pub epoch: u8,
}

/// A claim in a publisher's hands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Work {
    pub producer: Producer,
    pub claim: i64,
    pub requests: Vec<(usize, u8)>,
}

/// Where a publisher stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Publisher {
    /// It has no producer.
    Closed,
    /// It may claim.
    Open(Producer),
    Claimed(Work),
    Sent(Work),
    LedgerWritten(Work),
    /// Commit was called.
    Committing(Work),
    /// It knows what became of its claim, and owes the database the end of it.
    OwesSettle(Work),
    OwesRelease(Work),
    /// It recovers what was claimed under the name that it has given up.
    Recovers(Producer, Recovery),
}

/// Where a recovery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recovery {
    Idle,
    Found(i64),
    Fenced(i64),
    /// With what the ledger holds.
    Read(i64, i64),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Faults {
    pub crashes: u8,
    pub lost: u8,
    pub slow: u8,
    pub aborts: u8,
    pub failed: u8,
    pub cancels: u8,
}

impl Publisher {
    /// The claim that it publishes, or has yet to end.
    pub fn work(&self) -> Option<&Work> {
        match self {
            Self::Claimed(work)
            | Self::Sent(work)
            | Self::LedgerWritten(work)
            | Self::Committing(work)
            | Self::OwesSettle(work)
            | Self::OwesRelease(work) => Some(work),
            Self::Closed | Self::Open(_) | Self::Recovers(..) => None,
        }
    }
}

impl World {
    pub fn new(setting: &Setting) -> Self {
        Self {
            rows: vec![
                Row {
                    status: Status::Pending,
                    attempts: 0,
                    called_off: false,
                };
                setting.rows
            ],
            claims: BTreeMap::new(),
            next_claim: 1,
            topic: Vec::new(),
            names: Vec::new(),
            instances: vec![
                Instance {
                    publisher: Publisher::Closed,
                    ahead: Ahead::Nothing,
                    recovery: Recovery::Idle,
                };
                setting.instances
            ],
            left: Faults {
                crashes: setting.crashes,
                lost: setting.lost,
                slow: setting.slow,
                aborts: setting.aborts,
                failed: setting.failed,
                cancels: setting.cancels,
            },
            short: false,
            doubt: false,
            claimed_off: false,
        }
    }

    pub fn is_done(&self) -> bool {
        let is_over = |row: &Row| matches!(row.status, Status::Sent | Status::Cancelled);
        self.claims.is_empty() && self.rows.iter().all(is_over)
    }

    /// In the topic, or in a transaction whose commit the broker has decided: it answers before it has told all partitions.
    pub fn is_published(&self, request: (usize, u8)) -> bool {
        let committing = self.names.iter().filter_map(|name| name.committing.as_ref());
        self.topic.contains(&request)
            || committing
                .flat_map(|open| &open.requests)
                .any(|sent| *sent == request)
    }

    /// Whether somebody is about to end an open claim whose ledger compares so.
    pub fn is_judged(&self, compares: impl Fn(i64, i64) -> bool) -> bool {
        self.instances.iter().any(|instance| match instance.recovery {
            Recovery::Read(claim, ledger) => self.claims.contains_key(&claim) && compares(ledger, claim),
            Recovery::Idle | Recovery::Found(_) | Recovery::Fenced(_) => false,
        })
    }

    pub fn pending(&self, most: usize) -> Vec<usize> {
        let pending = |row: &usize| self.rows[*row].status == Status::Pending;
        (0..self.rows.len()).filter(pending).take(most).collect()
    }

    /// Whether a publisher is at work on a claim, or will be.
    pub fn is_in_hand(&self, claim: i64) -> bool {
        let is_of = |producer: &Producer| {
            let claim = self.claims.get(&claim);
            claim.is_some_and(|claim| claim.name == producer.name)
        };
        self.instances.iter().any(|instance| {
            let now = match &instance.publisher {
                Publisher::Closed | Publisher::Open(_) => false,
                Publisher::Recovers(producer, _) => is_of(producer),
                publisher => publisher.work().is_some_and(|work| {
                    work.claim == claim || instance.ahead == Ahead::Unheard && is_of(&work.producer)
                }),
            };
            now || matches!(instance.ahead, Ahead::Claimed { claim: next, .. } if next == claim)
        })
    }

    /// Worlds that differ only in what things are called are one: instances have no order, a name that nobody can use or ask
    /// for is forgotten, and of claims' numbers only the order counts.
    pub fn canonical(mut self) -> Self {
        self.forget_names();
        self.renumber_claims();
        self.instances.sort_unstable();
        self.rename();
        self.instances.sort_unstable();
        self
    }

    fn producers(&mut self) -> impl Iterator<Item = &mut Producer> {
        self.instances
            .iter_mut()
            .filter_map(|instance| match &mut instance.publisher {
                Publisher::Closed => None,
                Publisher::Open(producer) | Publisher::Recovers(producer, _) => Some(producer),
                Publisher::Claimed(work)
                | Publisher::Sent(work)
                | Publisher::LedgerWritten(work)
                | Publisher::Committing(work)
                | Publisher::OwesSettle(work)
                | Publisher::OwesRelease(work) => Some(&mut work.producer),
            })
    }

    fn forget_names(&mut self) {
        let mut used: Vec<bool> = self.names.iter().map(|name| name.committing.is_some()).collect();
        for claim in self.claims.values() {
            used[claim.name] = true;
        }
        for producer in self.producers() {
            used[producer.name] = true;
        }
        for (name, used) in used.into_iter().enumerate() {
            if !used {
                self.names[name] = Name::default();
            }
        }
    }

    /// In the order in which the instances and the claims use them.
    fn rename(&mut self) {
        let mut order: Vec<usize> = self.producers().map(|producer| producer.name).collect();
        order.extend(self.claims.values().map(|claim| claim.name));
        order.extend((0..self.names.len()).filter(|name| self.names[*name].committing.is_some()));
        let mut to = BTreeMap::new();
        let mut names = Vec::new();
        for name in order {
            to.entry(name).or_insert_with(|| {
                names.push(self.names[name].clone());
                names.len() - 1
            });
        }
        self.names = names;
        for producer in self.producers() {
            producer.name = to[&producer.name];
        }
        for claim in self.claims.values_mut() {
            claim.name = to[&claim.name];
        }
    }

    fn numbers(&mut self) -> Vec<&mut i64> {
        fn of(recovery: &mut Recovery) -> Vec<&mut i64> {
            match recovery {
                Recovery::Idle => vec![],
                Recovery::Found(claim) | Recovery::Fenced(claim) => vec![claim],
                Recovery::Read(claim, ledger) => vec![claim, ledger],
            }
        }
        let mut numbers = Vec::new();
        for row in &mut self.rows {
            if let Status::Processing(claim) = &mut row.status {
                numbers.push(claim);
            }
        }
        for name in &mut self.names {
            numbers.push(&mut name.ledger);
            for transaction in [&mut name.open, &mut name.committing].into_iter().flatten() {
                numbers.extend(&mut transaction.ledger);
            }
        }
        for instance in &mut self.instances {
            numbers.extend(of(&mut instance.recovery));
            if let Ahead::Claimed { claim, .. } = &mut instance.ahead {
                numbers.push(claim);
            }
            match &mut instance.publisher {
                Publisher::Closed | Publisher::Open(_) => {}
                Publisher::Recovers(_, recovery) => numbers.extend(of(recovery)),
                Publisher::Claimed(work)
                | Publisher::Sent(work)
                | Publisher::LedgerWritten(work)
                | Publisher::Committing(work)
                | Publisher::OwesSettle(work)
                | Publisher::OwesRelease(work) => numbers.push(&mut work.claim),
            }
        }
        numbers
    }

    fn renumber_claims(&mut self) {
        let mut used: BTreeSet<i64> = self.claims.keys().copied().collect();
        used.extend(self.numbers().into_iter().map(|number| *number));
        // Zero is how a ledger begins, and before every claim.
        used.insert(0);
        let to: BTreeMap<i64, i64> = used.into_iter().zip(0..).collect();
        self.claims = std::mem::take(&mut self.claims)
            .into_iter()
            .map(|(number, claim)| (to[&number], claim))
            .collect();
        for number in self.numbers() {
            *number = to[number];
        }
        self.next_claim = i64::try_from(to.len()).unwrap_or(i64::MAX);
    }
}
