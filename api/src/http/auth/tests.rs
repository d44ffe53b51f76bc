//! The verifier against hostile tokens, rotated secrets, and an issuer whose keys change or are out of reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use service::config::Secret;
use std::sync::Mutex;

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
    EncodingKey::from_ec_pem(include_bytes!("testkeys/ec-one.pem")).unwrap()
}

fn ec_two() -> EncodingKey {
    EncodingKey::from_ec_pem(include_bytes!("testkeys/ec-two.pem")).unwrap()
}

fn rsa() -> EncodingKey {
    EncodingKey::from_rsa_pem(include_bytes!("testkeys/rsa.pem")).unwrap()
}

fn ed() -> EncodingKey {
    EncodingKey::from_ed_pem(include_bytes!("testkeys/ed.pem")).unwrap()
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

/// An issuer on loopback whose published keys the test changes.
struct Issuer {
    url: url::Url,
    shown: Arc<Shown>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Shown {
    keys: Mutex<Vec<Value>>,
    down: AtomicBool,
    fetches: AtomicUsize,
}

impl Issuer {
    async fn start(keys: Vec<Value>) -> Self {
        let shown = Arc::new(Shown {
            keys: Mutex::new(keys),
            ..Shown::default()
        });
        let app = Router::new()
            .route(
                "/jwks.json",
                get(async |State(shown): State<Arc<Shown>>| {
                    shown.fetches.fetch_add(1, Ordering::SeqCst);
                    if shown.down.load(Ordering::SeqCst) {
                        return StatusCode::BAD_GATEWAY.into_response();
                    }
                    Json(json!({ "keys": *shown.keys.lock().unwrap() })).into_response()
                }),
            )
            .with_state(Arc::clone(&shown));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, shown, server }
    }

    fn verifier(&self) -> TokenVerifier {
        TokenVerifier::new(AuthConfig {
            keys_url: Some(self.url.clone()),
            ..config()
        })
        .unwrap()
    }

    fn publishes(&self, keys: Vec<Value>) {
        *self.shown.keys.lock().unwrap() = keys;
    }

    fn is_down(&self, down: bool) {
        self.shown.down.store(down, Ordering::SeqCst);
    }

    fn fetches(&self) -> usize {
        self.shown.fetches.load(Ordering::SeqCst)
    }

    /// Waits until the issuer was asked `count` times and the verifier had a moment to keep the answer.
    async fn was_asked(&self, count: usize) {
        for _ in 0..200 {
            if self.fetches() >= count {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_eq!(self.fetches(), count);
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Claims without their expiry moving away while the clock of a test runs.
fn long_lived(kid: &str, key: &EncodingKey) -> String {
    let header = json!({ "alg": "ES256", "kid": kid });
    forge(
        &header,
        &with("exp", json!(1_800_000_000 + 86_400)),
        key,
        Algorithm::ES256,
    )
}

#[tokio::test]
async fn each_kind_of_key_verifies_its_own_algorithm_only() {
    let issuer = Issuer::start(vec![
        public("ec", &ec_one(), Algorithm::ES256),
        public("rsa", &rsa(), Algorithm::RS256),
        public("ed", &ed(), Algorithm::EdDSA),
        json!({ "kty": "oct", "kid": "shared", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode("published-by-mistake-and-32-bytes-long") }),
        json!({ "kty": "EC", "kid": "new", "crv": "P-999", "x": "AA", "y": "AA" }),
        {
            let mut encrypting = public("enc", &ec_one(), Algorithm::ES256);
            encrypting["use"] = json!("enc");
            encrypting
        },
        {
            let mut other = public("ps", &rsa(), Algorithm::RS256);
            other["alg"] = json!("PS256");
            other
        },
    ])
    .await;
    let verifier = issuer.verifier();
    for (kid, key, algorithm) in [
        ("ec", ec_one(), Algorithm::ES256),
        ("rsa", rsa(), Algorithm::RS256),
        ("ed", ed(), Algorithm::EdDSA),
    ] {
        let found = verifier.verify(&signed_with(kid, &key, algorithm), now()).await;
        assert_eq!(found.unwrap().user.to_string(), USER, "{kid}");
    }
    assert!(
        verifier.verify(&hs256(&claims()), now()).await.is_ok(),
        "shared secrets hold beside published keys"
    );

    let public_pem = {
        // What an attacker knows: the public key, used as if it were a shared secret, in every form he may try.
        let jwk = public("rsa", &rsa(), Algorithm::RS256);
        [jwk["n"].as_str().unwrap().to_owned(), jwk.to_string()]
    };
    for known in public_pem {
        let key = EncodingKey::from_secret(known.as_bytes());
        let token = forge(
            &json!({ "alg": "HS256", "kid": "rsa" }),
            &claims(),
            &key,
            Algorithm::HS256,
        );
        assert_eq!(verifier.verify(&token, now()).await.unwrap_err(), TokenError::Signature);
    }
    let published = EncodingKey::from_secret(b"published-by-mistake-and-32-bytes-long");
    let token = forge(
        &json!({ "alg": "HS256", "kid": "shared" }),
        &claims(),
        &published,
        Algorithm::HS256,
    );
    assert_eq!(verifier.verify(&token, now()).await.unwrap_err(), TokenError::Signature);

    for (kid, key, algorithm, wanted) in [
        ("rsa", ec_one(), Algorithm::ES256, TokenError::UnknownKey),
        ("ec", rsa(), Algorithm::RS256, TokenError::UnknownKey),
        ("ec", ec_two(), Algorithm::ES256, TokenError::Signature),
        ("enc", ec_one(), Algorithm::ES256, TokenError::UnknownKey),
        ("ps", rsa(), Algorithm::RS256, TokenError::UnknownKey),
        ("ps", rsa(), Algorithm::PS256, TokenError::Algorithm),
        (
            "",
            ec_one(),
            Algorithm::ES256,
            TokenError::HeaderRefused("no usable kid"),
        ),
    ] {
        let token = signed_with(kid, &key, algorithm);
        assert_eq!(
            verifier.verify(&token, now()).await.unwrap_err(),
            wanted,
            "{kid} {algorithm:?}"
        );
    }
    let nameless = forge(&json!({ "alg": "ES256" }), &claims(), &ec_one(), Algorithm::ES256);
    assert_eq!(
        verifier.verify(&nameless, now()).await.unwrap_err(),
        TokenError::HeaderRefused("no usable kid")
    );
}

#[tokio::test]
async fn a_new_key_is_fetched_once_and_inventing_names_fetches_nothing() {
    let issuer = Issuer::start(vec![public("one", &ec_one(), Algorithm::ES256)]).await;
    let verifier = issuer.verifier();
    assert!(verifier.verify(&long_lived("one", &ec_one()), now()).await.is_ok());
    assert_eq!(issuer.fetches(), 1);

    // Rotated a minute later: the first token of the new key brings the new set, for everybody.
    issuer.publishes(vec![
        public("one", &ec_one(), Algorithm::ES256),
        public("two", &ec_two(), Algorithm::ES256),
    ]);
    let later = now() + TimeDelta::minutes(1);
    let two = long_lived("two", &ec_two());
    let together = futures::future::join_all((0..20).map(|_| verifier.verify(&two, later))).await;
    assert!(together.iter().all(Result::is_ok), "{together:?}");
    assert_eq!(issuer.fetches(), 2);

    for invented in 0..50 {
        let token = long_lived(&format!("invented-{invented}"), &ec_two());
        assert_eq!(
            verifier
                .verify(&token, later + TimeDelta::seconds(29))
                .await
                .unwrap_err(),
            TokenError::UnknownKey
        );
    }
    assert_eq!(issuer.fetches(), 2, "a pause of 30 seconds");
    let token = long_lived("invented", &ec_two());
    assert_eq!(
        verifier
            .verify(&token, later + TimeDelta::seconds(31))
            .await
            .unwrap_err(),
        TokenError::UnknownKey
    );
    assert_eq!(issuer.fetches(), 3);
}

#[tokio::test]
async fn a_key_that_is_no_longer_published_dies_with_the_set() {
    let issuer = Issuer::start(vec![public("one", &ec_one(), Algorithm::ES256)]).await;
    let verifier = issuer.verifier();
    let token = long_lived("one", &ec_one());
    assert!(verifier.verify(&token, now()).await.is_ok());
    issuer.publishes(vec![public("two", &ec_two(), Algorithm::ES256)]);
    assert!(
        verifier.verify(&token, now() + TimeDelta::seconds(299)).await.is_ok(),
        "still the old set"
    );
    assert_eq!(
        verifier
            .verify(&token, now() + TimeDelta::minutes(10))
            .await
            .unwrap_err(),
        TokenError::UnknownKey
    );
}

#[tokio::test]
async fn an_outage_of_the_issuer_is_bridged_for_ten_minutes_and_no_longer() {
    let issuer = Issuer::start(vec![public("one", &ec_one(), Algorithm::ES256)]).await;
    let verifier = issuer.verifier();
    let token = long_lived("one", &ec_one());
    assert!(verifier.verify(&token, now()).await.is_ok());

    issuer.is_down(true);
    assert!(
        verifier.verify(&token, now() + TimeDelta::minutes(6)).await.is_ok(),
        "the old set serves"
    );
    issuer.was_asked(2).await;
    assert!(verifier.verify(&token, now() + TimeDelta::minutes(6)).await.is_ok());
    assert_eq!(issuer.fetches(), 2, "a pause after a failure");
    let unknown = long_lived("two", &ec_two());
    assert_eq!(
        verifier
            .verify(&unknown, now() + TimeDelta::minutes(7))
            .await
            .unwrap_err(),
        TokenError::KeysUnavailable
    );
    let late = now() + TimeDelta::minutes(10);
    assert_eq!(
        verifier.verify(&token, late).await.unwrap_err(),
        TokenError::KeysUnavailable,
        "too old"
    );
    let asked = issuer.fetches();
    assert_eq!(
        verifier.verify(&token, late).await.unwrap_err(),
        TokenError::KeysUnavailable
    );
    assert_eq!(issuer.fetches(), asked, "no fetch per request during an outage");
    assert!(
        verifier
            .verify(&hs256(&with("exp", json!(1_800_003_600))), late)
            .await
            .is_ok(),
        "secrets need no issuer"
    );

    issuer.is_down(false);
    assert!(
        verifier.verify(&token, late + TimeDelta::seconds(5)).await.is_ok(),
        "back at once"
    );
}

#[tokio::test]
async fn keys_are_renewed_beside_the_requests() {
    let issuer = Issuer::start(vec![public("one", &ec_one(), Algorithm::ES256)]).await;
    let verifier = issuer.verifier();
    let token = long_lived("one", &ec_one());
    assert!(verifier.verify(&token, now()).await.is_ok());
    for _ in 0..20 {
        assert!(verifier.verify(&token, now() + TimeDelta::minutes(5)).await.is_ok());
    }
    issuer.was_asked(2).await;
    assert!(verifier.verify(&token, now() + TimeDelta::minutes(9)).await.is_ok());
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn an_issuer_that_answers_nonsense_is_out_of_reach() {
    let good = json!({ "keys": [public("one", &ec_one(), Algorithm::ES256)] });
    let mut large = good.clone();
    large["padding"] = json!("x".repeat(300 * 1024));
    let app = Router::new()
        .route("/good", get(async move || Json(good)))
        .route("/text", get(async || "keys"))
        .route("/large", get(async move || Json(large)))
        .route("/moved", get(async || axum::response::Redirect::temporary("/good")));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    for (path, wanted) in [
        ("good", Ok(())),
        ("text", Err(TokenError::KeysUnavailable)),
        ("large", Err(TokenError::KeysUnavailable)),
        ("moved", Err(TokenError::KeysUnavailable)),
        ("absent", Err(TokenError::KeysUnavailable)),
    ] {
        let keys_url = Some(format!("{base}/{path}").parse().unwrap());
        let verifier = TokenVerifier::new(AuthConfig { keys_url, ..config() }).unwrap();
        let found = verifier.verify(&long_lived("one", &ec_one()), now()).await;
        assert_eq!(found.map(|_| ()), wanted, "{path}");
    }
    server.abort();
}
