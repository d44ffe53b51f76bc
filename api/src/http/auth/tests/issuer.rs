//! An issuer whose published keys change, or are out of reach. Apart because its keys are fetched from a server.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::{USER, claims, config, ec_one, ec_two, ed, forge, hs256, now, public, rsa, signed_with, with};
use crate::http::auth::{AuthConfig, TokenError, TokenVerifier};

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
