//! Who is let in, and as whom: the gate over a real database, as `dev` prepares it.

use api::http::auth::{AuthConfig, Gate, TokenVerifier};
use api::http::session::{Authenticate, Caller as Counted, Rejection, Session};
use async_graphql::Data;
use axum::http::HeaderMap;
use chrono::{DateTime, TimeDelta, Utc};
use domain::role::Role;
use migration::operator::{self, DemoPerson};
use migration::roles::{self, LoginRole};
use migration::{Migrator, MigratorTrait};
use newsystem::token::{EMBEDDED_ISSUER, Person, mint};
use serde_json::json;
use service::caller::{Actor, Caller};
use service::config::Secret;
use service::db::{DatabaseSettings, Db};
use sqlx::Connection;
use tests::postgres::cluster;
use uuid::Uuid;

const SECRET: &str = "a-secret-that-has-32-bytes-or-more";
const OWNER: &str = "newsystem_owner";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

struct Stage {
    gate: Gate,
    owner: sqlx::PgConnection,
}

impl Stage {
    /// A database of its own, prepared, migrated and seeded by what `newsystem dev` uses.
    async fn set() -> Self {
        let cluster = cluster().await;
        let database = format!("sign_in_{}", Uuid::new_v4().simple());
        let password = cluster.password_for(OWNER);
        operator::prepare_cluster(&cluster.superuser_url, OWNER, &password, &database)
            .await
            .unwrap();
        let owner_url = cluster.url_for(OWNER, &password, &database);
        let connection = migration::connect(&owner_url).await.unwrap();
        let passwords = roles::LOGIN_ROLES.map(|role| (role, cluster.password_for(role)));
        let logins: Vec<_> = passwords
            .iter()
            .map(|(name, password)| LoginRole {
                name,
                password: Some(password),
            })
            .collect();
        roles::ensure(&connection, &logins).await.unwrap();
        Migrator::up(&connection, None).await.unwrap();
        let demo = Person::of_email("owner@demo.test");
        let people = [DemoPerson {
            id: demo.user.uuid(),
            email: "owner@demo.test".to_owned(),
            role: "owner",
        }];
        assert!(
            operator::seed_demo(&connection, Uuid::from_u128(1), &people)
                .await
                .unwrap()
        );
        assert!(
            !operator::seed_demo(&connection, Uuid::from_u128(1), &people)
                .await
                .unwrap(),
            "made once"
        );
        operator::sign_up(
            &connection,
            Person::of_email("new@acme.test").user.uuid(),
            "new@acme.test",
        )
        .await
        .unwrap();
        operator::audit_token(&connection, demo.user.uuid()).await.unwrap();
        assert!(
            operator::audit_token(&connection, Uuid::from_u128(9)).await.is_err(),
            "nobody to write it down for"
        );
        connection.close().await.unwrap();

        let api_url = cluster.url_for("newsystem_api", &cluster.password_for("newsystem_api"), &database);
        let db = Db::connect(&DatabaseSettings {
            max_connections: 4,
            ..DatabaseSettings::new(api_url)
        })
        .await
        .unwrap();
        let config = AuthConfig {
            secrets: vec![Secret::new(SECRET)],
            keys_url: None,
            issuer: Some(EMBEDDED_ISSUER.to_owned()),
            audience: Some("authenticated".to_owned()),
        };
        let gate = Gate::new(TokenVerifier::new(config).unwrap(), db, now);
        Self {
            gate,
            owner: sqlx::PgConnection::connect(&owner_url).await.unwrap(),
        }
    }

    async fn enter(&self, name: &'static str, value: &str) -> Result<Session, Rejection> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        self.gate.by_headers(&headers).await
    }

    async fn role_of(&self, bearer: &str) -> Option<Role> {
        let session = self.enter("authorization", bearer).await.unwrap();
        caller(&session).membership.map(|membership| membership.role)
    }
}

fn caller(session: &Session) -> Caller {
    let mut data = Data::default();
    session.attach_to(&mut data);
    data.get(&std::any::TypeId::of::<Caller>())
        .and_then(|value| value.downcast_ref::<Caller>())
        .unwrap()
        .clone()
}

fn bearer(email: &str) -> String {
    let person = Person::of_email(email);
    let life = TimeDelta::hours(1);
    let minted = mint(
        &Secret::new(SECRET),
        Some(EMBEDDED_ISSUER),
        "authenticated",
        &person,
        life,
        now(),
    )
    .unwrap();
    format!("Bearer {}", minted.token.expose())
}

#[tokio::test]
async fn a_member_a_newcomer_a_stranger_and_nobody_are_told_apart() {
    let stage = Stage::set().await;
    let session = stage.enter("authorization", &bearer("owner@demo.test")).await.unwrap();
    assert_eq!(caller(&session).membership.unwrap().role, Role::Owner);
    let left = session.expires_at.unwrap() - tokio::time::Instant::now();
    assert!((3500..=3600).contains(&left.as_secs()), "{left:?}");
    let newcomer = stage.enter("authorization", &bearer("new@acme.test")).await.unwrap();
    assert!(caller(&newcomer).membership.is_none());
    assert_eq!(
        stage.gate.by_headers(&HeaderMap::new()).await.unwrap().caller,
        Counted::Anonymous
    );
    let payload = json!({ "Authorization": bearer("owner@demo.test") });
    let socket = stage
        .gate
        .by_connection_init(&HeaderMap::new(), payload.as_object().unwrap())
        .await
        .unwrap();
    assert!(matches!(socket.caller, Counted::User(_)));
    match stage.enter("authorization", "Bearer a.b.c").await {
        Err(Rejection::Unauthenticated { message, challenge }) => {
            assert_eq!(message, "malformed token");
            assert_eq!(
                challenge,
                "Bearer error=\"invalid_token\", error_description=\"malformed token\""
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_changed_role_holds_at_once_and_ends_open_sessions() {
    let mut stage = Stage::set().await;
    let token = bearer("owner@demo.test");
    let person = Person::of_email("owner@demo.test").user;
    let open = stage.enter("authorization", &token).await.unwrap();
    let mut ended = open.revoked.clone().unwrap();
    sqlx::query("update public.user_profiles set role = 'operator' where id = $1")
        .bind(person.uuid())
        .execute(&mut stage.owner)
        .await
        .unwrap();
    assert_eq!(
        stage.role_of(&token).await,
        Some(Role::Owner),
        "kept for seconds, unless somebody tells"
    );
    assert!(ended.borrow_and_update().is_none());
    stage.gate.end(Actor::Person(person), "your role changed");
    assert_eq!(ended.borrow_and_update().as_deref(), Some("your role changed"));
    assert_eq!(stage.role_of(&token).await, Some(Role::Operator));
    let anew = stage.enter("authorization", &token).await.unwrap();
    assert!(
        anew.revoked.unwrap().borrow().is_none(),
        "a new session is not ended by the old reason"
    );
}

#[tokio::test]
async fn a_key_is_let_in_by_its_hash_until_it_is_revoked() {
    use sha2::Digest;
    let mut stage = Stage::set().await;
    let secret = format!("ns_{}", "k".repeat(43));
    let hash = hex::encode(sha2::Sha256::digest(secret.as_bytes()));
    sqlx::query(
        "insert into public.api_keys (organization_id, name, role, prefix, secret_sha256) values ($1, 'partner', 'operator', 'ns_kkkkkkkk', $2)",
    )
    .bind(Uuid::from_u128(1))
    .bind(&hash)
    .execute(&mut stage.owner)
    .await
    .unwrap();
    let session = stage.enter("x-api-key", &secret).await.unwrap();
    assert!(matches!(session.caller, Counted::Key(_)) && caller(&session).read_only);
    assert!(stage.enter("authorization", &format!("Bearer {secret}")).await.is_ok());
    sqlx::query("update public.api_keys set revoked_at = now()")
        .execute(&mut stage.owner)
        .await
        .unwrap();
    let refused = stage.enter("x-api-key", &secret).await;
    assert!(matches!(refused, Err(Rejection::Unauthenticated { .. })), "{refused:?}");
}
