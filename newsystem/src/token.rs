//! Tokens of our own making, in the form of Supabase's: for the private database, and for an operator who says so.

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use domain::id::UserId;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use service::config::Secret;
use uuid::Uuid;

/// The issuer of tokens for the private database.
pub const EMBEDDED_ISSUER: &str = "urn:newsystem:embedded";
/// The longest life of a token.
pub const LONGEST_LIFE: TimeDelta = TimeDelta::days(30);

/// A token and when it ends.
pub struct Minted {
    /// The token.
    pub token: Secret,
    /// Its `exp`.
    pub expires_at: DateTime<Utc>,
}

/// Whom a token is for.
#[derive(Debug, Clone)]
pub struct Person {
    /// `auth.users.id`.
    pub user: UserId,
    /// The address, as the token shows it.
    pub email: Option<String>,
}

impl Person {
    /// The person of an address on a machine without a sign-in service: the same address is always the same person.
    pub fn of_email(email: &str) -> Self {
        let email = email.trim().to_lowercase();
        let user = UserId::new(Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("mailto:{email}").as_bytes()));
        Self {
            user,
            email: Some(email),
        }
    }
}

/// Makes a token that is good for `life` from `now` on.
pub fn mint(
    secret: &Secret,
    issuer: Option<&str>,
    audience: &str,
    person: &Person,
    life: TimeDelta,
    now: DateTime<Utc>,
) -> anyhow::Result<Minted> {
    if life <= TimeDelta::zero() || life > LONGEST_LIFE {
        bail!(
            "a token lives for more than nothing and at most {} days",
            LONGEST_LIFE.num_days()
        );
    }
    let expires_at = now + life;
    let mut claims = json!({
        "sub": person.user,
        "role": "authenticated",
        "aud": audience,
        "iat": now.timestamp(),
        "exp": expires_at.timestamp(),
        "is_anonymous": false,
    });
    if let Some(issuer) = issuer {
        claims["iss"] = json!(issuer);
    }
    if let Some(email) = &person.email {
        claims["email"] = json!(email);
    }
    let key = EncodingKey::from_secret(secret.expose().as_bytes());
    let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).context("cannot sign the token")?;
    Ok(Minted {
        token: Secret::new(token),
        expires_at,
    })
}

/// Reads a duration such as `90s`, `15m`, `8h` or `7d`.
pub fn parse_life(text: &str) -> Result<TimeDelta, String> {
    let wrong = || format!("{text:?} is no duration such as 15m, 8h or 7d");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let number: u32 = number.parse().map_err(|_| wrong())?;
    let number = i64::from(number);
    let life = match unit {
        "s" => TimeDelta::seconds(number),
        "m" => TimeDelta::minutes(number),
        "h" => TimeDelta::hours(number),
        "d" => TimeDelta::days(number),
        _ => return Err(wrong()),
    };
    if life > TimeDelta::zero() && life <= LONGEST_LIFE {
        Ok(life)
    } else {
        Err(format!("{text} is not between 1s and 30d"))
    }
}

#[cfg(test)]
mod tests {
    use api::http::auth::{AuthConfig, TokenError, TokenVerifier};
    use chrono::{DateTime, TimeDelta};
    use service::config::Secret;

    use super::{EMBEDDED_ISSUER, Person, mint, parse_life};

    #[tokio::test]
    async fn a_minted_token_is_believed_where_its_secret_is_and_until_it_ends() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let secret = Secret::new("a-secret-that-has-32-bytes-or-more");
        let person = Person::of_email(" Ada@Acme.test ");
        let minted = mint(
            &secret,
            Some(EMBEDDED_ISSUER),
            "authenticated",
            &person,
            TimeDelta::hours(8),
            now,
        )
        .unwrap();
        let config = AuthConfig {
            secrets: vec![secret.clone()],
            keys_url: None,
            issuer: Some(EMBEDDED_ISSUER.to_owned()),
            audience: Some("authenticated".to_owned()),
        };
        let verifier = TokenVerifier::new(config.clone()).unwrap();
        let claims = verifier.verify(minted.token.expose(), now).await.unwrap();
        assert_eq!(
            (claims.user, claims.email.as_deref()),
            (Person::of_email("ada@acme.test").user, Some("ada@acme.test"))
        );
        assert_eq!(claims.expires_at, minted.expires_at);
        let late = now + TimeDelta::hours(9);
        assert_eq!(
            verifier.verify(minted.token.expose(), late).await.unwrap_err(),
            TokenError::Expired
        );
        let elsewhere = TokenVerifier::new(AuthConfig {
            issuer: Some("https://ref.supabase.co/auth/v1".to_owned()),
            ..config
        })
        .unwrap();
        assert_eq!(
            elsewhere.verify(minted.token.expose(), now).await.unwrap_err(),
            TokenError::Issuer
        );
        assert!(mint(&secret, None, "a", &person, TimeDelta::days(31), now).is_err());
    }

    #[test]
    fn a_life_has_a_unit_and_an_end() {
        assert_eq!(parse_life("90s"), Ok(TimeDelta::seconds(90)));
        assert_eq!(parse_life("8h"), Ok(TimeDelta::hours(8)));
        assert_eq!(parse_life("30d"), Ok(TimeDelta::days(30)));
        for bad in ["", "h", "8", "0h", "-1h", "31d", "1w", "8 h", "8µ"] {
            assert!(parse_life(bad).is_err(), "{bad}");
        }
    }
}
