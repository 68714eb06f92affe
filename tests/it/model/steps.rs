//! What can happen next, named as in the code.

use chrono::{DateTime, TimeDelta};
use inq::bus::{LedgerEntry, Reading};
use inq::dispatch::protocol::{Conclusion, Evidence, Next, Published, after_publish, conclude};

use super::world::{Ahead, Claim, Instance, Producer, Publisher, Recovery, Status, Transaction, Work, World};
use super::{Mutant, Setting};

/// One step of one party. `lost` is a step that is taken, and whose answer never comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A publisher makes a producer under a new name.
    Open(usize),
    Claim {
        instance: usize,
        lost: bool,
    },
    /// The database did not do it, and the publisher does not know.
    ClaimLost(usize),
    /// The next claim, while the last is being published.
    ClaimAhead {
        instance: usize,
        lost: bool,
    },
    /// As [`Step::ClaimLost`].
    ClaimAheadLost(usize),
    Send(usize),
    WriteLedger(usize),
    CallCommit(usize),
    /// The call does not reach the broker, and the publisher does not know.
    CommitLost(usize),
    /// The broker ends a commit that it has decided.
    FinishCommit(usize),
    CommitAnswers {
        instance: usize,
        lost: bool,
    },
    Abort {
        instance: usize,
        lost: bool,
    },
    Settle {
        instance: usize,
        lost: bool,
    },
    Release {
        instance: usize,
        lost: bool,
    },
    /// Recovery, by the publisher of the claim (`own`) or by anybody.
    Find {
        instance: usize,
        own: bool,
        claim: i64,
    },
    /// A publisher has no claim to recover.
    FindNothing(usize),
    Fence {
        instance: usize,
        own: bool,
    },
    Read {
        instance: usize,
        own: bool,
    },
    End {
        instance: usize,
        own: bool,
        lost: bool,
    },
    /// A lease ends.
    Lapse(i64),
    /// The broker ends a transaction that has taken too long.
    TimeOut(usize),
    Crash(usize),
    /// A delivery has failed, and the row is due again.
    DeliveryFails(usize),
    /// An event calls a row off.
    Cancel(usize),
}

/// Every step that can be taken.
pub fn possible(setting: &Setting, world: &World, steps: &mut Vec<Step>) {
    for (number, claim) in &world.claims {
        // The lease of a claim that nobody has in hand ends for sure.
        if !claim.lapsed && (!world.is_in_hand(*number) || world.left.slow > 0) {
            steps.push(Step::Lapse(*number));
        }
    }
    for (name, known) in world.names.iter().enumerate() {
        if known.committing.is_some() {
            steps.push(Step::FinishCommit(name));
        }
        if known.open.is_some() && world.left.slow > 0 {
            steps.push(Step::TimeOut(name));
        }
    }
    for (row, standing) in world.rows.iter().enumerate() {
        if standing.status == Status::Sent && world.left.failed > 0 {
            steps.push(Step::DeliveryFails(row));
        }
        if !standing.called_off && world.left.cancels > 0 {
            steps.push(Step::Cancel(row));
        }
    }
    for instance in 0..world.instances.len() {
        publishing(setting, world, instance, steps);
        recovering(setting, world, instance, steps);
        let idle = world.instances[instance].publisher == Publisher::Closed
            && world.instances[instance].recovery == Recovery::Idle;
        if world.left.crashes > 0 && !idle {
            steps.push(Step::Crash(instance));
        }
    }
}

/// A step whose answer comes, and the same with the answer lost.
fn with_lost(world: &World, steps: &mut Vec<Step>, step: impl Fn(bool) -> Step) {
    steps.push(step(false));
    if world.left.lost > 0 {
        steps.push(step(true));
    }
}

fn publishing(setting: &Setting, world: &World, instance: usize, steps: &mut Vec<Step>) {
    let due = !world.pending(setting.batch).is_empty();
    let Instance { publisher, ahead, .. } = &world.instances[instance];
    if due && *ahead == Ahead::Nothing && publisher.work().is_some() {
        with_lost(world, steps, |lost| Step::ClaimAhead { instance, lost });
        if world.left.lost > 0 {
            steps.push(Step::ClaimAheadLost(instance));
        }
    }
    match publisher {
        Publisher::Closed if due || *ahead != Ahead::Nothing => steps.push(Step::Open(instance)),
        Publisher::Open(_) if due => {
            with_lost(world, steps, |lost| Step::Claim { instance, lost });
            if world.left.lost > 0 {
                steps.push(Step::ClaimLost(instance));
            }
        }
        // The broker begins no transaction before the last one of that name has ended.
        Publisher::Claimed(work) if world.names[work.producer.name].committing.is_some() => {}
        Publisher::Claimed(_) => steps.push(Step::Send(instance)),
        Publisher::Sent(_) => {
            steps.push(Step::WriteLedger(instance));
            if world.left.aborts > 0 {
                with_lost(world, steps, |lost| Step::Abort { instance, lost });
            }
        }
        Publisher::LedgerWritten(_) => {
            steps.push(Step::CallCommit(instance));
            if world.left.lost > 0 {
                steps.push(Step::CommitLost(instance));
            }
        }
        Publisher::Committing(_) => with_lost(world, steps, |lost| Step::CommitAnswers { instance, lost }),
        Publisher::OwesSettle(_) => with_lost(world, steps, |lost| Step::Settle { instance, lost }),
        Publisher::OwesRelease(_) => with_lost(world, steps, |lost| Step::Release { instance, lost }),
        Publisher::Closed | Publisher::Open(_) | Publisher::Recovers(..) => {}
    }
}

fn recovering(setting: &Setting, world: &World, instance: usize, steps: &mut Vec<Step>) {
    let standing = &world.instances[instance];
    if let Publisher::Recovers(producer, recovery) = standing.publisher {
        let own = world
            .claims
            .iter()
            .find(|(_, claim)| claim.name == producer.name)
            .map(|(number, _)| *number);
        match (recovery, own) {
            (Recovery::Idle, Some(claim)) => steps.push(Step::Find {
                instance,
                own: true,
                claim,
            }),
            (Recovery::Idle, None) => steps.push(Step::FindNothing(instance)),
            _ => judging(setting, world, instance, true, recovery, steps),
        }
    }
    if standing.recovery == Recovery::Idle {
        let lapsed = world.claims.iter().filter(|(_, claim)| claim.lapsed);
        steps.extend(lapsed.map(|(claim, _)| Step::Find {
            instance,
            own: false,
            claim: *claim,
        }));
    } else {
        judging(setting, world, instance, false, standing.recovery, steps);
    }
}

fn judging(
    setting: &Setting,
    world: &World,
    instance: usize,
    own: bool,
    recovery: Recovery,
    steps: &mut Vec<Step>,
) {
    let read_first = setting.mutant == Mutant::FenceAfterReading;
    match recovery {
        Recovery::Idle => {}
        Recovery::Found(_) if read_first => steps.push(Step::Read { instance, own }),
        // The broker answers once the transaction of the older producer has ended.
        Recovery::Found(claim) => {
            let waits = name_of(world, claim).is_some_and(|name| world.names[name].committing.is_some());
            if setting.mutant == Mutant::NoFence || !waits {
                steps.push(Step::Fence { instance, own });
            }
        }
        Recovery::Fenced(_) => steps.push(Step::Read { instance, own }),
        Recovery::Read(..) => with_lost(world, steps, |lost| Step::End { instance, own, lost }),
    }
}

/// The name of a claim that is still open.
fn name_of(world: &World, claim: i64) -> Option<usize> {
    world.claims.get(&claim).map(|claim| claim.name)
}

/// Takes one step.
pub fn take(setting: &Setting, world: &mut World, step: Step) {
    match step {
        Step::Open(instance) => {
            world.names.push(super::world::Name::default());
            let producer = Producer {
                name: world.names.len() - 1,
                epoch: 0,
            };
            go_on(world, instance, producer);
        }
        Step::Claim { instance, lost } => {
            let Publisher::Open(producer) = world.instances[instance].publisher else {
                return;
            };
            let ahead = claim(setting, world, producer, lost);
            world.instances[instance].ahead = ahead;
            go_on(world, instance, producer);
        }
        Step::ClaimLost(instance) => {
            world.left.lost -= 1;
            if let Publisher::Open(producer) = world.instances[instance].publisher {
                world.instances[instance].ahead = Ahead::Unheard;
                go_on(world, instance, producer);
            }
        }
        Step::ClaimAhead { instance, lost } => {
            if let Some(work) = work(world, instance) {
                world.instances[instance].ahead = claim(setting, world, work.producer, lost);
            }
        }
        Step::ClaimAheadLost(instance) => {
            world.left.lost -= 1;
            world.instances[instance].ahead = Ahead::Unheard;
        }
        Step::Send(instance) => produce(setting, world, instance, |work, transaction| {
            transaction.requests.clone_from(&work.requests);
            Publisher::Sent(work)
        }),
        Step::WriteLedger(instance) => {
            let beside = setting.mutant == Mutant::LedgerOutsideTheTransaction;
            if beside && let Publisher::Sent(work) = &world.instances[instance].publisher {
                world.names[work.producer.name].ledger = work.claim;
            }
            produce(setting, world, instance, move |work, transaction| {
                transaction.ledger = (!beside).then_some(work.claim);
                Publisher::LedgerWritten(work)
            });
        }
        Step::CallCommit(instance) => call_commit(setting, world, instance),
        Step::CommitLost(instance) => {
            world.left.lost -= 1;
            unknown(setting, world, instance);
        }
        Step::FinishCommit(name) => finish_commit(world, name),
        Step::CommitAnswers { instance, lost } => {
            if lost {
                world.left.lost -= 1;
                unknown(setting, world, instance);
            } else {
                follow(setting, world, instance, after_publish(Published::Yes));
            }
        }
        Step::Abort { instance, lost } => abort(setting, world, instance, lost),
        Step::Settle { instance, lost } => pay(setting, world, instance, Status::Sent, lost),
        Step::Release { instance, lost } => pay(setting, world, instance, Status::Pending, lost),
        Step::Find { instance, own, claim } => put(world, instance, own, Recovery::Found(claim)),
        Step::FindNothing(instance) => world.instances[instance].publisher = Publisher::Closed,
        Step::Fence { instance, own } => fence(setting, world, instance, own),
        Step::Read { instance, own } => read(setting, world, instance, own),
        Step::End { instance, own, lost } => end_recovery(setting, world, instance, own, lost),
        Step::Lapse(number) => {
            if world.is_in_hand(number) {
                world.left.slow -= 1;
            }
            if let Some(claim) = world.claims.get_mut(&number) {
                claim.lapsed = true;
            }
        }
        Step::TimeOut(name) => {
            world.left.slow -= 1;
            world.names[name].epoch += 1;
            world.names[name].open = None;
        }
        Step::Crash(instance) => {
            world.left.crashes -= 1;
            world.instances[instance] = Instance {
                publisher: Publisher::Closed,
                ahead: Ahead::Nothing,
                recovery: Recovery::Idle,
            };
        }
        Step::DeliveryFails(row) => {
            world.left.failed -= 1;
            world.rows[row].status = returned(setting, &world.rows[row]);
        }
        Step::Cancel(row) => cancel(world, row),
    }
}

fn cancel(world: &mut World, row: usize) {
    world.left.cancels -= 1;
    let standing = &mut world.rows[row];
    standing.called_off = true;
    if standing.status == Status::Pending {
        standing.status = Status::Cancelled;
    }
}

/// What a row becomes that would be due again.
fn returned(setting: &Setting, row: &super::world::Row) -> Status {
    if row.called_off && setting.mutant != Mutant::CancelForgotten {
        Status::Cancelled
    } else {
        Status::Pending
    }
}

/// Claims under the producer's name, and returns what its publisher hears of it.
fn claim(setting: &Setting, world: &mut World, producer: Producer, lost: bool) -> Ahead {
    let number = world.next_claim;
    world.next_claim += 1;
    let rows = world.pending(setting.batch);
    let mut requests = Vec::new();
    for row in &rows {
        let standing = &mut world.rows[*row];
        world.claimed_off |= standing.called_off;
        standing.status = Status::Processing(number);
        standing.attempts += 1;
        requests.push((*row, standing.attempts));
    }
    world.claims.insert(
        number,
        Claim {
            name: producer.name,
            rows,
            lapsed: false,
        },
    );
    if lost {
        world.left.lost -= 1;
        Ahead::Unheard
    } else {
        Ahead::Claimed {
            claim: number,
            requests,
        }
    }
}

/// A publisher that owes nothing takes up what it has claimed; where it does not know whether it has, it gives its name up.
fn go_on(world: &mut World, instance: usize, producer: Producer) {
    let ahead = std::mem::replace(&mut world.instances[instance].ahead, Ahead::Nothing);
    world.instances[instance].publisher = match ahead {
        Ahead::Nothing => Publisher::Open(producer),
        Ahead::Claimed { claim, requests } => Publisher::Claimed(Work {
            producer,
            claim,
            requests,
        }),
        Ahead::Unheard => Publisher::Recovers(producer, Recovery::Idle),
    };
}

fn work(world: &World, instance: usize) -> Option<Work> {
    world.instances[instance].publisher.work().cloned()
}

/// A step within the open transaction. A fenced producer fails, cannot abort either, and so knows nothing.
fn produce(
    setting: &Setting,
    world: &mut World,
    instance: usize,
    step: impl FnOnce(Work, &mut Transaction) -> Publisher,
) {
    let Some(work) = work(world, instance) else { return };
    let name = &mut world.names[work.producer.name];
    if name.epoch == work.producer.epoch {
        world.instances[instance].publisher = step(work, name.open.get_or_insert_default());
    } else {
        follow(setting, world, instance, Next::Recover);
    }
}

fn call_commit(setting: &Setting, world: &mut World, instance: usize) {
    let Some(work) = work(world, instance) else { return };
    let name = &mut world.names[work.producer.name];
    if name.epoch == work.producer.epoch {
        name.committing = name.open.take();
        world.instances[instance].publisher = Publisher::Committing(work);
    } else {
        unknown(setting, world, instance);
    }
}

fn finish_commit(world: &mut World, name: usize) {
    if let Some(transaction) = world.names[name].committing.take() {
        world.topic.extend(transaction.requests);
        world.topic.sort_unstable();
        if let Some(claim) = transaction.ledger {
            world.names[name].ledger = claim;
        }
    }
}

fn abort(setting: &Setting, world: &mut World, instance: usize, lost: bool) {
    let Some(work) = work(world, instance) else { return };
    world.left.aborts -= 1;
    let name = &mut world.names[work.producer.name];
    let fenced = name.epoch != work.producer.epoch;
    if !fenced {
        name.open = None;
    }
    if lost {
        world.left.lost -= 1;
    }
    if fenced || lost {
        unknown(setting, world, instance);
    } else {
        follow(setting, world, instance, after_publish(Published::No));
    }
    // After an abort with stragglers the publisher does what it does after one whose answer was lost.
    assert_eq!(
        after_publish(Published::NoWithStragglers),
        after_publish(Published::Unknown)
    );
}

fn unknown(setting: &Setting, world: &mut World, instance: usize) {
    let next = match setting.mutant {
        Mutant::UnknownGoesBack => Next::GiveBack,
        Mutant::UnknownSettles => Next::Settle,
        _ => after_publish(Published::Unknown),
    };
    follow(setting, world, instance, next);
}

fn follow(setting: &Setting, world: &mut World, instance: usize, next: Next) {
    let Some(work) = work(world, instance) else { return };
    let standing = &mut world.instances[instance];
    standing.publisher = match next {
        Next::Settle if setting.mutant == Mutant::AheadBeforeSettling && standing.ahead != Ahead::Nothing => {
            return go_on(world, instance, work.producer);
        }
        Next::Settle => Publisher::OwesSettle(work),
        Next::GiveBack => Publisher::OwesRelease(work),
        Next::Recover => {
            // What was claimed under the name is recovered with the rest.
            if setting.mutant != Mutant::AheadUnderANewName {
                standing.ahead = Ahead::Nothing;
            }
            Publisher::Recovers(work.producer, Recovery::Idle)
        }
    };
}

/// The publisher ends its claim; an answer that is lost leaves the debt.
fn pay(setting: &Setting, world: &mut World, instance: usize, to: Status, lost: bool) {
    let Some(work) = work(world, instance) else { return };
    let rows: Vec<_> = work.requests.iter().map(|(row, _)| *row).collect();
    end(setting, world, work.claim, &rows, to);
    if lost {
        world.left.lost -= 1;
    } else {
        go_on(world, instance, work.producer);
    }
}

/// One database transaction: the claim goes first, and only who finds it changes its rows.
fn end(setting: &Setting, world: &mut World, claim: i64, rows: &[usize], to: Status) {
    if world.claims.remove(&claim).is_none() && setting.mutant != Mutant::EndsBlindly {
        return;
    }
    for row in rows {
        let standing = &mut world.rows[*row];
        if standing.status != Status::Processing(claim) && setting.mutant != Mutant::EndsBlindly {
            world.short = true;
            continue;
        }
        standing.status = match to {
            Status::Pending => returned(setting, standing),
            to => to,
        };
        if to == Status::Pending {
            standing.attempts = standing.attempts.saturating_sub(1);
        }
    }
}

fn put(world: &mut World, instance: usize, own: bool, recovery: Recovery) {
    let standing = &mut world.instances[instance];
    if !own {
        standing.recovery = recovery;
    } else if let Publisher::Recovers(_, at) = &mut standing.publisher {
        *at = recovery;
    }
}

fn at(world: &World, instance: usize, own: bool) -> Recovery {
    let standing = &world.instances[instance];
    match standing.publisher {
        Publisher::Recovers(_, recovery) if own => recovery,
        _ => standing.recovery,
    }
}

fn shut_out(world: &mut World, claim: i64) {
    if let Some(name) = name_of(world, claim) {
        world.names[name].epoch += 1;
        world.names[name].open = None;
    }
}

fn fence(setting: &Setting, world: &mut World, instance: usize, own: bool) {
    let Recovery::Found(claim) = at(world, instance, own) else {
        return;
    };
    if setting.mutant != Mutant::NoFence {
        shut_out(world, claim);
    }
    put(world, instance, own, Recovery::Fenced(claim));
}

fn read(setting: &Setting, world: &mut World, instance: usize, own: bool) {
    let (Recovery::Found(claim) | Recovery::Fenced(claim)) = at(world, instance, own) else {
        return;
    };
    // The claim has ended meanwhile: whatever the ledger holds, ending it again changes nothing.
    let ledger = name_of(world, claim).map_or(0, |name| world.names[name].ledger);
    if setting.mutant == Mutant::FenceAfterReading {
        shut_out(world, claim);
    }
    put(world, instance, own, Recovery::Read(claim, ledger));
}

fn entry(claim: i64) -> LedgerEntry {
    LedgerEntry {
        claim,
        claimed_at: DateTime::UNIX_EPOCH + TimeDelta::seconds(claim),
    }
}

fn end_recovery(setting: &Setting, world: &mut World, instance: usize, own: bool, lost: bool) {
    let Recovery::Read(claim, ledger) = at(world, instance, own) else {
        return;
    };
    let conclusion = match setting.mutant {
        Mutant::AlwaysRelease => Conclusion::Release,
        Mutant::AlwaysSettle => Conclusion::Settle,
        _ => conclude(Evidence {
            claim: entry(claim),
            claim_cluster: "cluster",
            ledger_cluster: "cluster",
            ledger: Reading::Published(entry(ledger)),
            topic: None,
        }),
    };
    let open = world.claims.get(&claim).map(|claim| claim.rows.clone());
    let rows = open.clone().unwrap_or_default();
    match conclusion {
        Conclusion::Settle => {
            end(setting, world, claim, &rows, Status::Sent);
        }
        Conclusion::Release => {
            end(setting, world, claim, &rows, Status::Pending);
        }
        // Its ledgers are never undecided.
        Conclusion::Split | Conclusion::Doubt(_) => world.doubt |= open.is_some(),
    }
    if lost {
        world.left.lost -= 1;
    }
    // With or without an answer: what is left of it is looked for again.
    put(world, instance, own, Recovery::Idle);
}
