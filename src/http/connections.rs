//! Connections: how many there are at once, and how long one may wait.
//!
//! A connection waits while no request of it is being handled: for its first or next request, amid a header, or with an
//! answer that its reader does not take. One that waits for too long is closed; where all places are taken, the one that
//! has waited longest gives its place up. So those who only hold connections keep nobody else out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

/// Connections at once.
const MOST: usize = 256;
/// How long a connection may wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long it may wait once the service stops.
const LAST_WAIT: Duration = Duration::from_secs(1);
/// Between two looks at who has waited too long.
const LOOK: Duration = Duration::from_millis(500);
/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 64 * 1024;

/// Serves until `stop`; then the requests that are being handled are answered.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let waiting = Waiting::default();
    let mut connections = JoinSet::new();
    let mut numbers = 0_u64..;
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(_ended) = connections.join_next() => {}
            _ = look.tick() => waiting.close_after(LONGEST_WAIT),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    if connections.len() >= MOST && !waiting.close_longest() {
                        // All are at work, and none of them for long.
                        continue;
                    }
                    let place = waiting.enter(numbers.next().unwrap_or_default());
                    connections.spawn(connection(stream, router.clone(), place, stop.clone()));
                }
                Err(fault) => {
                    tracing::warn!(%fault, "a connection cannot be accepted");
                    // Out of file descriptors, most likely: others must close theirs first.
                    sleep(LOOK).await;
                }
            },
        }
    }
    drop(listener);
    while !connections.is_empty() {
        tokio::select! {
            _ended = connections.join_next() => {}
            _ = look.tick() => waiting.close_after(LAST_WAIT),
        }
    }
}

async fn connection(stream: TcpStream, router: Router, place: Place, stop: CancellationToken) {
    // Answers are short and written at once.
    let _only_slower = stream.set_nodelay(true);
    let router = TowerToHyperService::new(router);
    let place = Arc::new(place);
    let service = service_fn(|request| {
        let busy = Busy::new(&place);
        let answer = router.call(request);
        async move {
            let answer = answer.await;
            drop(busy);
            answer
        }
    });
    let served = http1::Builder::new()
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = served.as_mut() => {
                if let Err(fault) = ended {
                    tracing::debug!(%fault, "a connection was broken off");
                }
                return;
            }
            () = place.close.cancelled() => return,
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                served.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Since when each waiting connection waits.
#[derive(Clone, Default)]
struct Waiting(Arc<Mutex<HashMap<u64, (Instant, CancellationToken)>>>);

/// One connection, for as long as it lives.
struct Place {
    waiting: Waiting,
    number: u64,
    close: CancellationToken,
}

/// A connection whose request is being handled.
struct Busy(Arc<Place>);

impl Waiting {
    fn with<T>(&self, change: impl FnOnce(&mut HashMap<u64, (Instant, CancellationToken)>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn enter(&self, number: u64) -> Place {
        let place = Place {
            waiting: self.clone(),
            number,
            close: CancellationToken::new(),
        };
        place.wait();
        place
    }

    fn close_after(&self, longest: Duration) {
        self.with(|waiting| {
            waiting.retain(|_, (since, close)| {
                let stays = since.elapsed() < longest;
                if !stays {
                    close.cancel();
                }
                stays
            });
        });
    }

    /// Closes the connection that has waited longest; whether there was one.
    fn close_longest(&self) -> bool {
        self.with(|waiting| {
            let longest = waiting
                .iter()
                .min_by_key(|(_, (since, _))| *since)
                .map(|(number, _)| *number);
            longest
                .and_then(|number| waiting.remove(&number))
                .map(|(_, close)| close.cancel())
                .is_some()
        })
    }
}

impl Place {
    fn wait(&self) {
        self.waiting
            .with(|waiting| waiting.insert(self.number, (Instant::now(), self.close.clone())));
    }

    fn leave(&self) {
        self.waiting.with(|waiting| waiting.remove(&self.number));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Busy {
    fn new(place: &Arc<Place>) -> Self {
        place.leave();
        Self(Arc::clone(place))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.wait();
    }
}
