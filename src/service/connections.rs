//! How many connections to the database a process needs, by what runs in it.

use super::tasks::Task;
use super::{Stages, StartError};
use crate::config::Settings;

/// Calls of the store for HTTP at once, where there are connections enough: counting a large table keeps the server busy.
const MOST_FOR_HTTP: u32 = 4;

/// How many connections a process may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSize {
    /// In the pool.
    pub pool: u32,
    /// Those of the pool that HTTP may use at once, at least 1: the others are for the stages.
    pub for_http: u32,
}

/// Sizes the pool: by `database.max_connections` where it is set, else by what runs.
///
/// # Errors
/// If `database.max_connections` is too small for these stages.
pub fn size(settings: &Settings, stages: Stages) -> Result<PoolSize, StartError> {
    let publishers = settings.dispatch.publishers;
    let needed: u32 = of_tasks(stages, publishers)
        .map(|(_, connections)| connections)
        .sum();
    // Without HTTP its one place is never taken.
    let besides = needed - u32::from(stages.http);
    let pool = match settings.database.max_connections {
        0 if stages.http => besides + MOST_FOR_HTTP,
        0 => needed.max(1),
        set if set < needed => return Err(too_few(set, needed, stages, publishers)),
        set => set,
    };
    Ok(PoolSize {
        pool,
        for_http: (pool - besides.min(pool)).clamp(1, MOST_FOR_HTTP),
    })
}

/// Each task that uses connections, with how many.
fn of_tasks(stages: Stages, publishers: u32) -> impl Iterator<Item = (Task, u32)> {
    Task::ALL
        .into_iter()
        .filter(move |task| task.runs_with(stages) && task.connections() > 0)
        .map(move |task| {
            let tasks = if task == Task::Dispatch { publishers } else { 1 };
            (task, tasks * task.connections())
        })
}

fn too_few(set: u32, needed: u32, stages: Stages, publishers: u32) -> StartError {
    let each: Vec<_> = of_tasks(stages, publishers)
        .map(|(task, connections)| format!("{} {connections}", task.as_str()))
        .collect();
    StartError::Failed(format!(
        "database.max_connections = {set} is too few for what runs in this process: at least {needed} are needed ({}); \
         raise it, or remove it to have the pool sized by what runs",
        each.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Stages = Stages {
        preferences: false,
        ingest: false,
        dispatch: false,
        feedback: false,
        maintain: false,
        http: false,
    };

    fn sized(toml: &str, stages: Stages) -> Result<(u32, u32), String> {
        let settings = Settings::from_toml(toml).unwrap();
        size(&settings, stages)
            .map(|sized| (sized.pool, sized.for_http))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_default_is_what_runs_needs() {
        assert_eq!(sized("", Stages::ALL), Ok((13, 4)));
        assert_eq!(sized("dispatch.publishers = 32", Stages::ALL), Ok((44, 4)));
        assert_eq!(sized("", Stages { http: true, ..NONE }), Ok((4, 4)));
        let ingest = Stages { ingest: true, ..NONE };
        assert_eq!(sized("", ingest).unwrap().0, 2);
        let dispatch = Stages {
            dispatch: true,
            ..NONE
        };
        assert_eq!(sized("dispatch.publishers = 3", dispatch).unwrap().0, 3);
    }

    #[test]
    fn what_is_set_is_enough_for_what_runs_or_refused() {
        assert_eq!(sized("database.max_connections = 10", Stages::ALL), Ok((10, 1)));
        assert_eq!(sized("database.max_connections = 100", Stages::ALL), Ok((100, 4)));
        assert_eq!(
            sized("database.max_connections = 9", Stages::ALL),
            Err(
                "database.max_connections = 9 is too few for what runs in this process: at least 10 are needed (http 1, \
                 preferences 1, ingest 2, dispatch 1, recovery 1, maintenance 1, broadcast 1, feedback 1, sampling 1); raise \
                 it, or remove it to have the pool sized by what runs"
                    .to_owned()
            )
        );
        // The publishers of a process that does not dispatch need none.
        let http = Stages { http: true, ..NONE };
        assert_eq!(
            sized("database.max_connections = 2\ndispatch.publishers = 32", http),
            Ok((2, 2))
        );
    }
}
