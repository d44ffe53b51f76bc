//! The verifier against hostile tokens, rotated secrets, and an issuer whose keys change or are out of reach.
//!
//! Here the tokens and the secrets; apart, since it needs a server of keys: the [`issuer`].

mod issuer;

use axum::http::StatusCode;
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use service::config::Secret;

use super::{AuthConfig, AuthConfigError, Claims, LONGEST_TOKEN, TokenError, TokenVerifier};

const ISSUER: &str = "https://ref.supabase.co/auth/v1";
const SECRET: &str = "the-secret-of-now-with-32-bytes-or-more";
const SECRET_BEFORE: &str = "the-secret-before-with-32-bytes-or-more";
const USER: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

/// What Supabase puts into a token.
fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": "authenticated", "sub": USER, "role": "authenticated",
        "iat": 1_800_000_000, "exp": 1_800_003_600, "email": "ada@acme.test", "phone": "",
        "session_id": "0b4e8a3c-9c1e-4a52-8d8a-6b8f0f3f7c11", "aal": "aal1", "is_anonymous": false,
        "amr": [{ "method": "password", "timestamp": 1_800_000_000 }],
        "app_metadata": { "provider": "email" }, "user_metadata": { "role": "owner" },
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token with any header and claims, signed by `key` as `algorithm`.
fn forge(header: &Value, claims: &Value, key: &EncodingKey, algorithm: Algorithm) -> String {
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = crypto::sign(signed.as_bytes(), key, algorithm).unwrap();
    format!("{signed}.{signature}")
}

fn hs256(claims: &Value) -> String {
    hs256_by(SECRET, claims)
}

fn hs256_by(secret: &str, claims: &Value) -> String {
    forge(
        &json!({ "alg": "HS256", "typ": "JWT" }),
        claims,
        &EncodingKey::from_secret(secret.as_bytes()),
        Algorithm::HS256,
    )
}

fn config() -> AuthConfig {
    AuthConfig {
        secrets: vec![Secret::new(SECRET), Secret::new(SECRET_BEFORE)],
        keys_url: None,
        issuer: Some(ISSUER.to_owned()),
        audience: Some("authenticated".to_owned()),
    }
}

async fn verify(token: &str) -> Result<Claims, TokenError> {
    TokenVerifier::new(config()).unwrap().verify(token, now()).await
}

/// Keys for the tests only; nothing trusts them.
fn ec_one() -> EncodingKey {
    EncodingKey::from_ec_pem(include_bytes!("../testkeys/ec-one.pem")).unwrap()
}

fn ec_two() -> EncodingKey {
    EncodingKey::from_ec_pem(include_bytes!("../testkeys/ec-two.pem")).unwrap()
}

fn rsa() -> EncodingKey {
    EncodingKey::from_rsa_pem(include_bytes!("../testkeys/rsa.pem")).unwrap()
}

fn ed() -> EncodingKey {
    EncodingKey::from_ed_pem(include_bytes!("../testkeys/ed.pem")).unwrap()
}

fn public(kid: &str, key: &EncodingKey, algorithm: Algorithm) -> Value {
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(key, algorithm).unwrap()).unwrap();
    jwk["kid"] = json!(kid);
    jwk["use"] = json!("sig");
    jwk
}

fn signed_with(kid: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    forge(
        &json!({ "alg": algorithm, "kid": kid, "typ": "JWT" }),
        &claims(),
        key,
        algorithm,
    )
}

#[tokio::test]
async fn a_person_is_recognised() {
    let found = verify(&hs256(&claims())).await.unwrap();
    assert_eq!(found.user.to_string(), USER);
    assert_eq!(found.email.as_deref(), Some("ada@acme.test"));
    assert_eq!(found.expires_at, now() + TimeDelta::hours(1));
    assert_eq!(
        found.session.unwrap().to_string(),
        "0b4e8a3c-9c1e-4a52-8d8a-6b8f0f3f7c11"
    );
}

#[tokio::test]
async fn claims_are_judged_one_by_one() {
    let seconds = |ahead: i64| json!(1_800_000_000 + ahead);
    for (claims, wanted) in [
        (with("aud", json!(["other", "authenticated"])), Ok(())),
        (with("aud", json!(["other"])), Err(TokenError::Audience)),
        (with("aud", json!([])), Err(TokenError::Audience)),
        (with("aud", json!("other")), Err(TokenError::Audience)),
        (with("aud", json!({ "a": 1 })), Err(TokenError::Malformed)),
        (without("aud"), Err(TokenError::Missing("aud"))),
        (with("iss", json!("https://evil.test/auth/v1")), Err(TokenError::Issuer)),
        (with("iss", json!([ISSUER])), Err(TokenError::Malformed)),
        (with("iss", json!("supabase")), Err(TokenError::Issuer)),
        (without("iss"), Err(TokenError::Missing("iss"))),
        (without("exp"), Err(TokenError::Missing("exp"))),
        (with("exp", seconds(-30)), Err(TokenError::Expired)),
        (with("exp", seconds(-29)), Ok(())),
        (with("exp", json!(1_800_000_000.5)), Ok(())),
        (with("exp", json!("1800003600")), Err(TokenError::Malformed)),
        (with("exp", json!(-1)), Err(TokenError::Malformed)),
        (with("exp", json!(1e300)), Err(TokenError::Malformed)),
        (with("nbf", seconds(31)), Err(TokenError::NotYet)),
        (with("nbf", seconds(30)), Ok(())),
        (with("nbf", json!("soon")), Err(TokenError::Malformed)),
        (with("iat", seconds(3600)), Err(TokenError::NotYet)),
        (without("iat"), Ok(())),
        (with("sub", json!("")), Err(TokenError::Missing("sub"))),
        (with("sub", json!("ada")), Err(TokenError::Missing("sub"))),
        (
            with("sub", json!("00000000-0000-0000-0000-000000000000")),
            Err(TokenError::Missing("sub")),
        ),
        (without("sub"), Err(TokenError::Missing("sub"))),
        (with("role", json!("service_role")), Err(TokenError::NotAUser)),
        (with("role", json!("anon")), Err(TokenError::NotAUser)),
        (with("role", json!("newsystem_worker")), Err(TokenError::NotAUser)),
        (without("role"), Err(TokenError::NotAUser)),
        (with("is_anonymous", json!(true)), Err(TokenError::AnonymousUser)),
        (without("email"), Ok(())),
        (json!([1, 2, 3]), Err(TokenError::Malformed)),
        // A project's key of the old kind.
        (
            json!({ "iss": "supabase", "ref": "ref", "role": "service_role", "iat": 1, "exp": 2_000_000_000 }),
            Err(TokenError::Issuer),
        ),
    ] {
        assert_eq!(verify(&hs256(&claims)).await.map(|_| ()), wanted, "{claims}");
    }
}

#[tokio::test]
async fn headers_that_change_the_reading_are_refused() {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    for (header, wanted) in [
        (
            json!({ "alg": "HS256", "crit": ["exp"] }),
            TokenError::HeaderRefused("crit"),
        ),
        (
            json!({ "alg": "HS256", "crit": null }),
            TokenError::HeaderRefused("crit"),
        ),
        (
            json!({ "alg": "HS256", "b64": false, "crit": ["b64"] }),
            TokenError::HeaderRefused("crit"),
        ),
        (json!({ "alg": "HS256", "b64": true }), TokenError::HeaderRefused("b64")),
        (
            json!({ "alg": "HS256", "jwk": { "kty": "oct", "k": "YQ" } }),
            TokenError::HeaderRefused("jwk"),
        ),
        (
            json!({ "alg": "HS256", "jku": "https://evil.test/keys" }),
            TokenError::HeaderRefused("jku"),
        ),
        (
            json!({ "alg": "HS256", "x5u": "https://evil.test/cert" }),
            TokenError::HeaderRefused("x5u"),
        ),
        (
            json!({ "alg": "HS256", "x5c": ["YQ=="] }),
            TokenError::HeaderRefused("x5c"),
        ),
        (
            json!({ "alg": "HS256", "zip": "DEF" }),
            TokenError::HeaderRefused("zip"),
        ),
        (
            json!({ "alg": "HS256", "typ": "logout+jwt" }),
            TokenError::HeaderRefused("another typ"),
        ),
        (json!({ "alg": "HS384" }), TokenError::Algorithm),
        (json!({ "alg": "none" }), TokenError::Algorithm),
        (json!({ "alg": "NoNe" }), TokenError::Algorithm),
        (json!({ "alg": "hs256" }), TokenError::Algorithm),
        (json!({ "alg": "" }), TokenError::Algorithm),
        (json!({ "alg": null }), TokenError::Malformed),
        (json!({}), TokenError::Malformed),
        (json!(["HS256"]), TokenError::Malformed),
        // Only the shared secrets are configured here.
        (json!({ "alg": "ES256", "kid": "one" }), TokenError::Algorithm),
        (json!({ "alg": "RS256", "kid": "one" }), TokenError::Algorithm),
    ] {
        let token = forge(&header, &claims(), &key, Algorithm::HS256);
        assert_eq!(verify(&token).await.unwrap_err(), wanted, "{header}");
    }
    let twice = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","alg":"HS256"}"#);
    let signed = format!("{twice}.{}", part(&claims()));
    let token = format!(
        "{signed}.{}",
        crypto::sign(signed.as_bytes(), &key, Algorithm::HS256).unwrap()
    );
    assert_eq!(
        verify(&token).await.unwrap_err(),
        TokenError::Malformed,
        "one name, two values"
    );
}

#[tokio::test]
async fn a_token_is_exactly_what_was_signed() {
    let token = hs256(&claims());
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts")
    };
    let owner = part(&with("sub", json!("11111111-1111-4111-8111-111111111111")));
    for (forged, wanted) in [
        (format!("{header}.{owner}.{signature}"), TokenError::Signature),
        (format!("{header}.{payload}."), TokenError::Signature),
        (format!("{header}.{payload}.{}", &signature[1..]), TokenError::Signature),
        (format!("{header}.{payload}.{signature}="), TokenError::Signature),
        (format!("{header}.{payload}"), TokenError::Malformed),
        (
            format!("{header}.{payload}.{signature}.{signature}"),
            TokenError::Malformed,
        ),
        (format!("{header}=.{payload}.{signature}"), TokenError::Malformed),
        (format!("{header} .{payload}.{signature}"), TokenError::Malformed),
        (String::new(), TokenError::Malformed),
        ("..".to_owned(), TokenError::Malformed),
        ("sb_secret_abc".to_owned(), TokenError::Malformed),
        (
            format!("{}.{payload}.", part(&json!({ "alg": "none" }))),
            TokenError::Algorithm,
        ),
        (
            hs256(&with("padding", json!("x".repeat(LONGEST_TOKEN)))),
            TokenError::TooLong,
        ),
        (
            hs256_by("a-secret-of-somebody-else-of-32-bytes", &claims()),
            TokenError::Signature,
        ),
    ] {
        assert_eq!(verify(&forged).await.unwrap_err(), wanted, "{forged}");
    }
}

#[tokio::test]
async fn two_secrets_hold_while_one_is_changed() {
    let before = hs256_by(SECRET_BEFORE, &claims());
    assert!(verify(&before).await.is_ok());
    let rotated = AuthConfig {
        secrets: vec![Secret::new(SECRET)],
        ..config()
    };
    let verifier = TokenVerifier::new(rotated).unwrap();
    assert_eq!(
        verifier.verify(&before, now()).await.unwrap_err(),
        TokenError::Signature
    );
    assert!(verifier.verify(&hs256(&claims()), now()).await.is_ok());
}

#[test]
fn nobody_can_be_verified_without_a_key() {
    assert!(matches!(
        TokenVerifier::new(AuthConfig::default()),
        Err(AuthConfigError::NoKeys)
    ));
    let shown = format!("{:?} {:?}", config(), TokenVerifier::new(config()).unwrap());
    assert!(!shown.contains(SECRET), "{shown}");
}

#[tokio::test]
async fn a_refusal_is_a_401_with_a_challenge_and_an_outage_a_503() {
    let response = TokenError::Expired.into_response();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        response.headers()["www-authenticate"],
        "Bearer error=\"invalid_token\", error_description=\"the token has expired\""
    );
    let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&body).unwrap(),
        json!({ "errors": [{ "message": "the token has expired", "extensions": { "code": "UNAUTHENTICATED" } }] })
    );
    let response = TokenError::KeysUnavailable.into_response();
    assert_eq!(
        (response.status(), response.headers().contains_key("www-authenticate")),
        (StatusCode::SERVICE_UNAVAILABLE, false)
    );
}
