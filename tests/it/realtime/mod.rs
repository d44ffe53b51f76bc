//! What happens is told as it happens: to whoever may know, completely, in order, once. Told by real processes and sockets.

mod clients;
mod faults;
mod rights;
mod streams;

use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::postgres::PgPool;
use tests::database::{TestDatabase, seeded};
use tests::program::{Serve, token};
use tests::socket::{Said, Socket};
use uuid::Uuid;

const EVENTS: &str = "subscription Events($after: String) { organizationEvents(after: $after) { cursor sequence kind subjectId from to } }";

/// Two organizations, and the program over them.
struct Stage {
    database: TestDatabase,
    pool: PgPool,
    serve: Serve,
}

impl Stage {
    async fn set(settings: &[(&str, &str)]) -> Self {
        let database = TestDatabase::with_two_organizations().await.unwrap();
        let pool = database.superuser().await.unwrap();
        let serve = Serve::start(&database.url("newsystem_api"), settings).await.unwrap();
        Self { database, pool, serve }
    }

    async fn run(&self, sql: &str) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
            .execute(&self.pool)
            .await
            .unwrap();
    }

    /// One more event of an organization.
    async fn happens(&self, organization: char) {
        happens(&self.pool, organization).await;
    }

    async fn newest(&self, organization: char) -> i64 {
        let sql = "select last_sequence from private.event_counters where organization_id = $1";
        sqlx::query_scalar(sql)
            .bind(seeded(organization, 1))
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    async fn socket(&self, token: &str) -> Socket {
        Socket::open(self.serve.address, token).await.unwrap()
    }

    /// A socket that follows its organization's events, and has seen one.
    async fn following(&self, token: &str, organization: char) -> Socket {
        let mut socket = self.socket(token).await;
        let after = cursor(seeded(organization, 1), self.newest(organization).await);
        socket.subscribe("1", EVENTS, json!({ "after": after })).await.unwrap();
        self.happens(organization).await;
        socket.data().await.unwrap();
        socket
    }
}

/// One more event of an organization.
async fn happens(pool: &PgPool, organization: char) {
    let sql = "update public.recording_sessions set title = coalesce(title, '') || '.' where id = $1";
    sqlx::query(sql)
        .bind(seeded(organization, 21))
        .execute(pool)
        .await
        .unwrap();
}

/// The position after an event, in the form that the server gives.
fn cursor(organization: Uuid, sequence: i64) -> String {
    domain::id::EventCursor::after(organization.into(), sequence)
        .unwrap()
        .to_string()
}

fn person(organization: char, number: u16) -> String {
    token(seeded(organization, number), TimeDelta::hours(1))
}

/// The code of the first error of a payload.
fn code(said: &Said) -> Option<&str> {
    let errors = match said {
        Said::Error(errors) => errors,
        Said::Next(payload) => &payload["errors"],
        _ => return None,
    };
    errors[0]["extensions"]["code"].as_str()
}

fn sequence(event: &Value) -> i64 {
    event["organizationEvents"]["sequence"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap()
}
