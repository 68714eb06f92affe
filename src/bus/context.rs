//! What every client does with librdkafka's own log lines, errors and wishes for a token.

use std::error::Error;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::{BusError, oauth};

/// The context of a client: what it reported last, and where its token is.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    trouble: Arc<Mutex<Option<(BusError, Instant)>>>,
    token_file: Option<PathBuf>,
}

impl Context {
    pub(super) fn new(token_file: Option<PathBuf>) -> Self {
        Self {
            trouble: Arc::default(),
            token_file,
        }
    }

    /// The last error that the client reported of its own accord. Such errors (a broker that refuses a password,
    /// a connection that fails) come beside the calls that suffer from them, which themselves only time out. `None` once
    /// something has succeeded since, or long after it: an old error does not explain a new failure.
    pub(super) fn trouble(&self) -> Option<BusError> {
        let last = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref()
            .filter(|(_, at)| at.elapsed() < EXPLAINS_FOR)
            .map(|(error, _)| error.clone())
    }

    /// The brokers have done what this client asked for.
    pub(super) fn succeeded(&self) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn note(&self, error: BusError) {
        let mut last = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        // That all brokers are down follows the error that says why: keep the why.
        let general = matches!(&error, BusError::Away(text) if text.starts_with(ALL_DOWN));
        let explained = last.as_ref().is_some_and(|(_, at)| at.elapsed() < EXPLAINS_FOR);
        if !(general && explained) {
            *last = Some((error, Instant::now()));
        }
    }
}

/// librdkafka reports an error that stays the same every 30 seconds.
const EXPLAINS_FOR: Duration = Duration::from_mins(1);

const ALL_DOWN: &str = "no broker can be reached";

/// What to do about a connection that the broker closed as soon as it stood: that is how a listener for TLS or SASL treats a
/// client that does not speak it. `message` is librdkafka's, of its log or of an error.
fn closed_at_once(message: &str) -> Option<BusError> {
    const AT_ONCE_MS: u64 = 1000;
    const CLOSED: [&str; 3] = ["closed by peer", "reset by peer", "Broken pipe"];
    if !CLOSED.iter().any(|closed| message.contains(closed)) {
        return None;
    }
    let (_, after) = message.rsplit_once("(after ")?;
    let stood_ms: u64 = after.split_once("ms in state ")?.0.parse().ok()?;
    let text = message.split_once("]: ").map_or(message, |(_thread, text)| text);
    (stood_ms < AT_ONCE_MS).then(|| {
        BusError::Away(format!(
            "{text}: if this listener wants TLS or SASL, set security.protocol in kafka.properties"
        ))
    })
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        use RDKafkaLogLevel as Level;
        // Of a connection that is closed while it waits for an answer no error is reported.
        if facility == "FAIL"
            && let Some(closed) = closed_at_once(message)
        {
            self.note(closed);
        }
        match (level, facility) {
            // Properties are shared by consumers and producers: each says that the other's are of no use to it.
            (_, "CONFWARN") => tracing::debug!(target: "librdkafka", facility, "{message}"),
            (Level::Emerg | Level::Alert | Level::Critical, _) => {
                tracing::error!(target: "librdkafka", facility, "{message}");
            }
            // Connections come and go, and what matters of it reaches `error`.
            (Level::Error | Level::Warning | Level::Notice | Level::Info | Level::Debug, _) => {
                tracing::debug!(target: "librdkafka", facility, "{message}");
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        use RDKafkaErrorCode as Code;
        let sorted = match error.rdkafka_error_code() {
            Some(Code::Authentication | Code::SaslAuthenticationFailed) => BusError::Refused(format!(
                "the Kafka broker refuses our credentials: {reason}: check sasl.mechanism, sasl.username and \
                 sasl.password in kafka.properties"
            )),
            Some(Code::SSL) => BusError::Refused(format!(
                "no TLS with the Kafka broker: {reason}: check security.protocol and ssl.ca.location in kafka.properties"
            )),
            Some(Code::AllBrokersDown) => BusError::Away(format!("{ALL_DOWN}: {reason}")),
            _ => closed_at_once(reason).unwrap_or_else(|| BusError::Away(reason.to_owned())),
        };
        tracing::debug!(target: "librdkafka", %error, "{reason}");
        self.note(sorted);
    }

    fn generate_oauth_token(&self, _config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        if let Some(file) = &self.token_file {
            oauth::token_from(file).inspect_err(|fault| {
                self.note(BusError::Refused(fault.to_string()));
            })
        } else {
            let why =
                "SASL OAUTHBEARER needs a token: set kafka.oauthbearer_token_file to the file that holds it";
            self.note(BusError::Refused(why.to_owned()));
            Err(why.into())
        }
    }
}

/// A client that only asks joins no group, so that nothing of a member's life concerns it.
impl ConsumerContext for Context {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_explains_nothing_once_something_has_succeeded() {
        let context = Context::default();
        let refused = KafkaError::Global(RDKafkaErrorCode::SaslAuthenticationFailed);
        context.error(refused, "wrong password");
        assert!(matches!(context.trouble(), Some(BusError::Refused(_))));
        context.error(KafkaError::Global(RDKafkaErrorCode::AllBrokersDown), "1/1 down");
        assert!(
            matches!(context.trouble(), Some(BusError::Refused(_))),
            "it says why"
        );
        context.succeeded();
        assert_eq!(context.trouble(), None);
        context.error(KafkaError::Global(RDKafkaErrorCode::AllBrokersDown), "1/1 down");
        assert!(matches!(context.trouble(), Some(BusError::Away(_))));
    }

    #[test]
    fn an_old_error_explains_no_new_failure() {
        let context = Context::default();
        context.note(BusError::Refused("wrong password".to_owned()));
        if let Some((_, at)) = context.trouble.lock().expect("a lock").as_mut() {
            *at = at.checked_sub(EXPLAINS_FOR).expect("a time");
        }
        assert_eq!(context.trouble(), None);
    }

    #[test]
    fn only_a_connection_that_hardly_stood_was_closed_at_once() {
        let closed = |state: &str| {
            closed_at_once(&format!(
                "[thrd:b:1/bootstrap]: b:1/bootstrap: Disconnected: connection closed by peer: receive 0 ({state})"
            ))
        };
        for state in [
            "after 4ms in state APIVERSION_QUERY",
            "after 0ms in state UP, 1 identical error(s) suppressed",
        ] {
            let Some(BusError::Away(said)) = closed(state) else {
                panic!("{state}: it was closed at once");
            };
            assert!(said.starts_with("b:1/bootstrap: Disconnected"), "{said}");
            assert!(said.contains("security.protocol"), "{said}");
        }
        assert!(closed_at_once("b:1/bootstrap: Send failed: Broken pipe (after 1ms in state UP)").is_some());
        assert_eq!(closed("after 60123ms in state UP"), None);
        assert_eq!(closed("after some time"), None);
        let refused = "b:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)";
        assert_eq!(closed_at_once(refused), None);
    }
}
