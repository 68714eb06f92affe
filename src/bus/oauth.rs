//! The token for SASL `OAUTHBEARER`: read from a file each time it is wanted, as orchestrators and
//! sidecars renew it there.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use rdkafka::client::OAuthToken;
use serde::Deserialize;

/// How long a token is trusted that does not say when it ends.
const OPAQUE_TOKEN_LIFETIME: Duration = Duration::from_mins(5);

/// The claims of a JWT that matter to the client.
#[derive(Default, Deserialize)]
struct Claims {
    sub: Option<String>,
    /// Seconds since the epoch.
    exp: Option<f64>,
}

/// Reads the token; its subject and end are taken from it where it is a JWT.
pub(super) fn token_from(file: &Path) -> Result<OAuthToken, Box<dyn Error>> {
    let token = std::fs::read_to_string(file)
        .map_err(|fault| format!("kafka.oauthbearer_token_file {}: {fault}", file.display()))?
        .trim()
        .to_owned();
    let claims: Claims = token
        .split('.')
        .nth(1)
        .and_then(|part| URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok())
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let opaque_end = Utc::now() + OPAQUE_TOKEN_LIFETIME;
    #[allow(clippy::cast_possible_truncation)] // `as` saturates, which is what an absurd end deserves
    let lifetime_ms = claims
        .exp
        .map_or(opaque_end.timestamp_millis(), |seconds| (seconds * 1000.0) as i64);
    Ok(OAuthToken {
        token,
        principal_name: claims.sub.unwrap_or_default(),
        lifetime_ms,
    })
}
