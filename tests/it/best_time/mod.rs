//! Delivery within a window, at the reader's best time.

mod backtest;
mod taught;

use chrono::TimeDelta;

use backtest::{Estimator, Extent, Kind, run};

fn extent(seed: u64, before: usize) -> Extent {
    Extent {
        seed,
        readers: 200,
        before,
        window: TimeDelta::hours(24),
    }
}

#[test]
fn waiting_for_the_best_time_gains_openings_and_more_with_more_to_go_by() {
    for seed in [1, 2] {
        let mut regrets = Vec::new();
        for before in [0, 20, 80] {
            let outcomes = run(&extent(seed, before), Estimator::Openings);
            let all = outcomes[&None];
            assert!(all.gain() > 0.25, "{seed}, {before}: {all:?}");
            assert!(all.regret() < 0.4, "{seed}, {before}: {all:?}");
            regrets.push(all.regret());
        }
        assert!(regrets[2] < regrets[0], "{seed}: {regrets:?}");
        assert!(regrets[2] < 0.2, "{seed}: {regrets:?}");
    }
}

#[test]
fn every_habit_gains_once_it_is_known_and_who_has_none_loses_nothing() {
    let outcomes = run(&extent(1, 80), Estimator::Openings);
    for kind in [
        Kind::Morning,
        Kind::Evening,
        Kind::MorningAndEvening,
        Kind::NightShift,
    ] {
        let outcome = outcomes[&Some(kind)];
        assert!(
            outcome.gain() > 0.3 && outcome.regret() < 0.3,
            "{kind}: {outcome:?}"
        );
    }
    assert!(outcomes[&Some(Kind::NoHabit)].gain().abs() < 0.01);
    // A habit that changes is followed, late.
    let drifting = outcomes[&Some(Kind::Drifting)];
    assert!(drifting.gain() > -0.2, "{drifting:?}");
}

#[test]
fn counting_openings_holds_its_own_against_counting_more_once_there_are_some() {
    let regret = |estimator| run(&extent(1, 80), estimator)[&None].regret();
    let ours = regret(Estimator::Openings);
    for rival in [Estimator::OpenedOfDelivered, Estimator::OpenedOfWaiting] {
        let theirs = regret(rival);
        assert!(ours < theirs + 0.08, "{rival:?}: {theirs}, ours {ours}");
    }
}

#[test]
fn the_same_seed_makes_the_same_readers() {
    let extent = Extent {
        readers: 30,
        ..extent(7, 5)
    };
    let gain = || run(&extent, Estimator::Openings)[&None].gain();
    assert!((gain() - gain()).abs() < f64::EPSILON);
}
