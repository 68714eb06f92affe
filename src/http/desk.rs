//! Where requests meet the database: it may not be there yet, it may be away, and it has other things to do.

use std::future::Future;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use tokio::sync::{Semaphore, watch};

use super::problem::{Kind, Problem};
use crate::contract::time;
use crate::health::{DATABASE, Health};
use crate::store::{self, Store};

/// The store, as requests reach it.
#[derive(Clone)]
pub struct Desk {
    reached: Arc<OnceLock<Reached>>,
    free: Arc<Semaphore>,
    health: Health,
}

struct Reached {
    store: Arc<dyn Store>,
    wake: watch::Sender<()>,
}

impl Desk {
    /// For so many calls at once: the other connections are for the stages.
    #[must_use]
    pub fn new(connections: u32, health: Health) -> Self {
        Self {
            reached: Arc::default(),
            free: Arc::new(Semaphore::new(usize::try_from(connections).unwrap_or(1))),
            health,
        }
    }

    /// The database is reached; `wake` is told when rows have become due.
    pub fn open(&self, store: Arc<dyn Store>, wake: watch::Sender<()>) {
        // It is reached once in the life of a service.
        let _already_open = self.reached.set(Reached { store, wake });
    }

    /// Makes a call of the store, and answers with what comes of it. Whoever asks may go away meanwhile: the call goes on
    /// to its end, for none may be cancelled.
    pub(super) async fn ask<T, F>(&self, call: impl FnOnce(Arc<dyn Store>) -> F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: Future<Output = store::Result<T>> + Send + 'static,
    {
        self.reached()?;
        let place = Arc::clone(&self.free).acquire_owned().await;
        // While others were waited for it may have gone away.
        let reached = self.reached()?;
        Ok(to_its_end(place, call(Arc::clone(&reached.store))).await??)
    }

    /// The time by the database's clock; while the database is away, by this machine's.
    pub(super) async fn now(&self) -> DateTime<Utc> {
        let asked = self.ask(async |store| store.now().await).await;
        asked.unwrap_or_else(|_away| Utc::now())
    }

    /// The store, where it is not known to be away: nobody is to wait for a connection that there is not.
    fn reached(&self) -> Result<&Reached, Problem> {
        let Some(reached) = self.reached.get() else {
            return Err(Problem::new(
                Kind::Away,
                "the database has not been reached yet; /readyz says why",
            ));
        };
        match self.health.trouble(DATABASE) {
            None => Ok(reached),
            Some((since, why)) => Err(Problem::new(
                Kind::Away,
                format!(
                    "{why} (since {}; /readyz says when it is over)",
                    time::format(&since)
                ),
            )),
        }
    }

    /// Rows may have become due.
    pub(super) fn wake(&self) {
        if let Some(reached) = self.reached.get() {
            reached.wake.send_replace(());
        }
    }
}

/// Makes a call that is not to be broken off, and gives the place that it has taken back at its end, even where whoever
/// waits for it has gone away.
pub(super) async fn to_its_end<T: Send + 'static>(
    place: impl Send + 'static,
    call: impl Future<Output = T> + Send + 'static,
) -> Result<T, Problem> {
    let called = tokio::spawn(async move {
        let result = call.await;
        drop(place);
        result
    });
    called.await.map_err(|fault| {
        tracing::error!(%fault, "a request has failed");
        Problem::new(Kind::Failed, "this has failed; the log says more")
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_call_goes_on_when_nobody_waits_for_it_any_more() {
        let (answer, answered) = oneshot::channel::<()>();
        let (done, is_done) = oneshot::channel();
        let places = Arc::new(Semaphore::new(1));
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        let call = to_its_end(place, async move {
            answered.await.unwrap();
            done.send(()).unwrap();
        });
        assert!(
            tokio::time::timeout(Duration::from_millis(1), call)
                .await
                .is_err()
        );
        assert_eq!(
            places.available_permits(),
            0,
            "its place is not free before its end"
        );
        answer.send(()).unwrap();
        is_done.await.unwrap();
        drop(places.acquire().await.unwrap());
    }
}
