//! The exactly-once protocol as a model, every state of which is visited: instances that claim, publish, settle and recover,
//! with crashes between any two steps, publishers that are only slow, answers that get lost, and recoverers that meet.
//!
//! What the protocol decides is not modelled: the model calls `dispatch::protocol` itself. A mutant is the same model with
//! one rule of the protocol broken; the check must find what goes wrong.

mod steps;
mod world;

use stateright::{Checker, HasDiscoveries, Model, Property};

use steps::Step;
use world::{Status, World};

use crate::heavy::blocking_turn;

/// What can happen, and how often.
#[derive(Clone, Debug)]
struct Setting {
    instances: usize,
    rows: usize,
    /// The most rows in a claim.
    batch: usize,
    /// Faults of each kind.
    crashes: u8,
    /// Answers of the database or the broker, and requests to them, that get lost.
    lost: u8,
    /// Leases, or transactions, that end while their publisher lives.
    slow: u8,
    /// Publishes that are taken back.
    aborts: u8,
    /// Deliveries that fail and are due again.
    failed: u8,
    /// Rows that are called off.
    cancels: u8,
    mutant: Mutant,
}

/// A rule that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutant {
    /// None.
    Sound,
    /// Recovery reads the ledger without shutting the publisher out.
    NoFence,
    /// Recovery reads the ledger, then shuts the publisher out.
    FenceAfterReading,
    /// Recovery does not ask the ledger: what has lapsed goes back.
    AlwaysRelease,
    /// Recovery does not ask the ledger: what has lapsed is taken for published.
    AlwaysSettle,
    /// A publisher takes an unknown outcome for "not published".
    UnknownGoesBack,
    /// A publisher takes an unknown outcome for "published".
    UnknownSettles,
    /// The ledger's offset is committed beside the transaction, before it.
    LedgerOutsideTheTransaction,
    /// Ending a claim does not look whether somebody else has ended it.
    EndsBlindly,
    /// A publisher goes on with the next claim before it has settled the last.
    AheadBeforeSettling,
    /// A publisher that has given its name up publishes what it had claimed ahead under the new one.
    AheadUnderANewName,
    /// What comes back from a claim or a failed delivery is due again, though it was called off meanwhile.
    CancelForgotten,
}

const ONE_ROW: Setting = Setting {
    instances: 2,
    rows: 1,
    batch: 1,
    crashes: 1,
    lost: 1,
    slow: 1,
    aborts: 0,
    failed: 0,
    cancels: 0,
    mutant: Mutant::Sound,
};
const TWO_ROWS: Setting = Setting {
    rows: 2,
    crashes: 0,
    lost: 0,
    slow: 0,
    ..ONE_ROW
};

impl Setting {
    /// Whether every publisher ends its claims itself, so that nobody recovers one.
    fn leaves_no_claim(&self) -> bool {
        self.crashes == 0 && self.slow == 0
    }
}

impl Model for Setting {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self)]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        steps::possible(self, world, steps);
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut next = world.clone();
        steps::take(self, &mut next, step);
        Some(next.canonical())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no attempt is published twice", |_, world: &World| {
                world.topic.windows(2).all(|pair| pair[0] != pair[1])
            }),
            Property::always("nothing is settled that is not published", |_, world: &World| {
                world.rows.iter().enumerate().all(|(row, standing)| {
                    standing.status != Status::Sent || world.is_published((row, standing.attempts))
                })
            }),
            Property::always("a claim ends with all of its rows", |_, world: &World| {
                !world.short
            }),
            Property::always("nothing stays in doubt", |_, world: &World| !world.doubt),
            Property::always("what was called off is not claimed", |_, world: &World| {
                !world.claimed_off
            }),
            // Every step uses up a fault or brings a row on, so that each path comes to an end, and this is where it ends.
            Property::always(
                "every row is sent or called off in the end",
                |setting: &Self, world: &World| {
                    let mut steps = Vec::new();
                    setting.actions(world, &mut steps);
                    !steps.is_empty() || world.is_done()
                },
            ),
            Property::sometimes("a claim is recovered as sent", |setting: &Self, world: &World| {
                setting.leaves_no_claim() || world.is_judged(|ledger, claim| ledger == claim)
            }),
            Property::sometimes(
                "a claim is recovered as pending",
                |setting: &Self, world: &World| {
                    setting.leaves_no_claim() || world.is_judged(|ledger, claim| ledger < claim)
                },
            ),
        ]
    }
}

/// Every state of each setting.
fn visit(settings: &[(&str, Setting)]) {
    let _turn = blocking_turn();
    let mut total = 0;
    for (what, setting) in settings {
        let explored = setting.clone().checker().threads(2).spawn_bfs().join();
        println!(
            "{what}: {} states, {} steps deep, all of them visited",
            explored.unique_state_count(),
            explored.max_depth()
        );
        explored.assert_properties();
        assert!(explored.is_done());
        total += explored.unique_state_count();
    }
    println!("model check: {total} states in all, every property holds");
}

mod thorough {
    #[test]
    fn the_protocol_holds_in_every_state() {
        super::the_protocol_holds_in_every_state();
    }
}

fn the_protocol_holds_in_every_state() {
    let settings = [
        ("one crash, one lost answer, one slow publisher", ONE_ROW),
        (
            "two crashes",
            Setting {
                crashes: 2,
                lost: 0,
                ..ONE_ROW
            },
        ),
        (
            "two lost answers",
            Setting {
                lost: 2,
                crashes: 0,
                ..ONE_ROW
            },
        ),
        (
            "two slow publishers",
            Setting {
                slow: 2,
                crashes: 0,
                lost: 0,
                ..ONE_ROW
            },
        ),
        (
            "three instances, a crash and a slow publisher",
            Setting {
                instances: 3,
                lost: 0,
                ..ONE_ROW
            },
        ),
        (
            "an abort and a delivery that fails",
            Setting {
                aborts: 1,
                failed: 1,
                slow: 0,
                ..ONE_ROW
            },
        ),
        (
            "two claims, a crash and a lost answer",
            Setting {
                crashes: 1,
                lost: 1,
                ..TWO_ROWS
            },
        ),
        ("two claims, a slow publisher", Setting { slow: 1, ..TWO_ROWS }),
        (
            "a claim of two rows, a crash and a slow publisher",
            Setting {
                batch: 2,
                crashes: 1,
                slow: 1,
                ..TWO_ROWS
            },
        ),
    ];
    visit(&settings);
}

#[test]
fn the_protocol_holds_where_rows_are_called_off() {
    visit(&[
        (
            "a cancel, a crash, a lost answer and a slow publisher",
            Setting {
                cancels: 1,
                ..ONE_ROW
            },
        ),
        (
            "a cancel, an abort and a delivery that fails",
            Setting {
                cancels: 1,
                aborts: 1,
                failed: 1,
                crashes: 0,
                slow: 0,
                ..ONE_ROW
            },
        ),
        (
            "two claims, a cancel and a crash",
            Setting {
                cancels: 1,
                crashes: 1,
                ..TWO_ROWS
            },
        ),
    ]);
}

#[test]
fn every_mutant_is_caught() {
    let _turn = blocking_turn();
    let mutants = [
        Mutant::NoFence,
        Mutant::FenceAfterReading,
        Mutant::AlwaysRelease,
        Mutant::AlwaysSettle,
        Mutant::UnknownGoesBack,
        Mutant::UnknownSettles,
        Mutant::LedgerOutsideTheTransaction,
        Mutant::EndsBlindly,
        Mutant::AheadBeforeSettling,
        Mutant::AheadUnderANewName,
        Mutant::CancelForgotten,
    ];
    for mutant in mutants {
        let setting = match mutant {
            // One is claimed ahead while the other is published.
            Mutant::AheadBeforeSettling | Mutant::AheadUnderANewName => Setting {
                mutant,
                lost: 1,
                ..TWO_ROWS
            },
            Mutant::CancelForgotten => Setting {
                mutant,
                cancels: 1,
                ..ONE_ROW
            },
            _ => Setting {
                mutant,
                failed: 1,
                ..ONE_ROW
            },
        };
        let explored = setting
            .checker()
            .threads(2)
            .finish_when(HasDiscoveries::AnyFailures)
            .spawn_bfs()
            .join();
        let broken: Vec<_> = explored
            .discoveries()
            .into_iter()
            .filter(|(name, _)| !name.starts_with("a claim is recovered"))
            .collect();
        for (name, path) in &broken {
            println!(
                "{mutant:?} breaks \"{name}\" by {:?}",
                path.clone().into_actions()
            );
        }
        assert!(!broken.is_empty(), "{mutant:?} is not caught");
    }
}
