//! `newsystem token` for a database that is not the private one: only for who says so, and never without a line in the audit log.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;
use tests::database::{OWNER, TestDatabase, seeded};
use tests::program::Program;

const SECRET: &str = "a-secret-that-has-32-bytes-or-more";

#[tokio::test]
async fn an_operators_token_is_good_and_written_down_or_not_made() {
    let database = TestDatabase::with_two_organizations().await.unwrap();
    let person = seeded('a', 13).to_string();
    let told = |owner: &str| {
        Program::with(&[
            ("DATABASE_MIGRATION_URL", owner),
            ("SUPABASE_JWT_SECRET", SECRET),
            ("NEWSYSTEM_JWT_ISSUER", "https://login.acme.test"),
        ])
        .unwrap()
    };
    let owner = database.url(OWNER);
    let arguments = ["token", "--user", &person, "--i-am-operator", "--ttl", "15m"];

    let refused = told(&owner).run(&arguments[..3]).unwrap();
    assert!(
        refused.code != Some(0) && refused.err.contains("--i-am-operator"),
        "{refused:?}"
    );
    let nowhere = told("postgres://owner:pw@127.0.0.1:1/nothing").run(arguments).unwrap();
    assert!(nowhere.code != Some(0) && nowhere.out.is_empty(), "{nowhere:?}");
    assert!(nowhere.err.contains("no token was made"), "{nowhere:?}");

    let made = told(&owner).run(arguments).unwrap();
    assert_eq!(made.code, Some(0), "{made:?}");
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&["authenticated"]);
    validation.set_issuer(&["https://login.acme.test"]);
    let key = DecodingKey::from_secret(SECRET.as_bytes());
    let claims: Value = jsonwebtoken::decode(made.out.trim(), &key, &validation).unwrap().claims;
    assert_eq!(claims["sub"], person);

    let pool = database.superuser().await.unwrap();
    let lines: Vec<String> =
        sqlx::query_scalar("select action from public.audit_log where subject_id = $1::uuid and action like '%token%'")
            .bind(&person)
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(lines.len(), 1, "one token was made: {lines:?}");
}
