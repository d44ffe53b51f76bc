//! The compact form of a token: taken apart strictly, and its claims judged. No key and no network here.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use domain::id::UserId;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde::de::IgnoredAny;
use uuid::Uuid;

use super::TokenError;

/// The longest token that is looked at. Supabase's are about 1 KiB; a token hook may add claims.
pub const LONGEST_TOKEN: usize = 8 * 1024;

/// How far clocks may differ when instants are compared.
pub const CLOCK_SKEW: TimeDelta = TimeDelta::seconds(30);

/// Who a verified token says is calling. What that person may do is not in it: organization and role come from the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The person (`sub`).
    pub user: UserId,
    /// The address that the person signed in with, if any.
    pub email: Option<String>,
    /// When the token ends (`exp`); a socket opened with it closes then.
    pub expires_at: DateTime<Utc>,
    /// The sign-in session that the token belongs to.
    pub session: Option<Uuid>,
}

/// What a header may say. A field that is read twice makes the header malformed.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    #[serde(default)]
    crit: Present,
    #[serde(default)]
    b64: Present,
    #[serde(default)]
    jwk: Present,
    #[serde(default)]
    jku: Present,
    #[serde(default)]
    x5u: Present,
    #[serde(default)]
    x5c: Present,
    #[serde(default)]
    zip: Present,
}

/// Whether a field is there, be it null.
#[derive(Default)]
struct Present(bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(true))
    }
}

/// A token taken apart, not yet believed.
pub struct Parts<'a> {
    /// The algorithm that the header names, one of those accepted.
    pub algorithm: Algorithm,
    /// Which key it names.
    pub key_id: Option<String>,
    /// What the signature is over.
    pub signed: &'a str,
    /// The signature, in base64url.
    pub signature: &'a str,
    payload: &'a str,
}

impl<'a> Parts<'a> {
    /// Takes a token apart.
    pub fn of(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > LONGEST_TOKEN {
            return Err(TokenError::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        if payload.contains('.') {
            return Err(TokenError::Malformed);
        }
        let header: Header = json(header)?;
        for (name, there) in [
            ("crit", header.crit.0),
            ("b64", header.b64.0),
            ("jwk", header.jwk.0),
            ("jku", header.jku.0),
            ("x5u", header.x5u.0),
            ("x5c", header.x5c.0),
            ("zip", header.zip.0),
        ] {
            if there {
                return Err(TokenError::HeaderRefused(name));
            }
        }
        // Other kinds (logout, proof of possession) are signed by the same keys and are no access tokens.
        if header
            .typ
            .is_some_and(|typ| !["jwt", "at+jwt", "application/at+jwt"].contains(&typ.to_ascii_lowercase().as_str()))
        {
            return Err(TokenError::HeaderRefused("another typ"));
        }
        let algorithm = match header.alg.as_str() {
            "HS256" => Algorithm::HS256,
            "ES256" => Algorithm::ES256,
            "RS256" => Algorithm::RS256,
            "EdDSA" => Algorithm::EdDSA,
            _ => return Err(TokenError::Algorithm),
        };
        Ok(Self {
            algorithm,
            key_id: header.kid,
            signed,
            signature,
            payload,
        })
    }

    /// The claims, once the signature is known to be right.
    pub fn claims(
        &self,
        issuer: Option<&str>,
        audience: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Claims, TokenError> {
        let claims: RawClaims = json(self.payload)?;
        let expires_at = claims.exp.ok_or(TokenError::Missing("exp"))?.instant()?;
        if now >= expires_at + CLOCK_SKEW {
            return Err(TokenError::Expired);
        }
        for start in [claims.nbf, claims.iat].into_iter().flatten() {
            if start.instant()? > now + CLOCK_SKEW {
                return Err(TokenError::NotYet);
            }
        }
        if let Some(issuer) = issuer {
            let found = claims.iss.ok_or(TokenError::Missing("iss"))?;
            if found != issuer {
                return Err(TokenError::Issuer);
            }
        }
        if let Some(audience) = audience {
            let found = match claims.aud.ok_or(TokenError::Missing("aud"))? {
                Audience::One(one) => one == audience,
                Audience::Many(many) => many.iter().any(|one| one == audience),
            };
            if !found {
                return Err(TokenError::Audience);
            }
        }
        if claims.role.as_deref() != Some("authenticated") {
            return Err(TokenError::NotAUser);
        }
        if claims.is_anonymous.unwrap_or(false) {
            return Err(TokenError::AnonymousUser);
        }
        let user = claims
            .sub
            .as_deref()
            .and_then(|sub| Uuid::parse_str(sub).ok())
            .filter(|user| !user.is_nil());
        Ok(Claims {
            user: UserId::new(user.ok_or(TokenError::Missing("sub"))?),
            email: claims.email.filter(|email| !email.is_empty() && email.len() <= 320),
            expires_at,
            session: claims.session_id.and_then(|session| Uuid::parse_str(&session).ok()),
        })
    }
}

#[derive(Deserialize)]
struct RawClaims {
    sub: Option<String>,
    role: Option<String>,
    iss: Option<String>,
    aud: Option<Audience>,
    exp: Option<NumericDate>,
    nbf: Option<NumericDate>,
    iat: Option<NumericDate>,
    email: Option<String>,
    session_id: Option<String>,
    is_anonymous: Option<bool>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Seconds since 1970, possibly with a fraction (RFC 7519, section 2).
#[derive(Deserialize, Clone, Copy)]
struct NumericDate(f64);

impl NumericDate {
    fn instant(self) -> Result<DateTime<Utc>, TokenError> {
        // The year 9999: a later end is a mistake, and would overflow sums.
        if !(0.0..=253_402_300_799.0).contains(&self.0) {
            return Err(TokenError::Malformed);
        }
        DateTime::from_timestamp(self.0.floor() as i64, 0).ok_or(TokenError::Malformed)
    }
}

fn json<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)?;
    // An array would be read as the fields in their order.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(TokenError::Malformed);
    }
    serde_json::from_slice(&bytes).map_err(|_| TokenError::Malformed)
}
