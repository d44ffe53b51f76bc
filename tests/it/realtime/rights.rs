//! A socket lives as long as the right to it: the token, the membership, the role, the key.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tests::database::seeded;
use tests::program::token;
use tests::socket::{Said, Socket};

use super::{EVENTS, Stage, code, person};

/// Much less than the time after which rights are looked at without a doorbell.
const SOON: Duration = Duration::from_secs(10);

/// What ends the socket, past events that were told before.
async fn end(socket: &mut Socket) -> (u16, String) {
    let end = async {
        loop {
            match socket.hear().await {
                Said::Next(_) => {}
                Said::Closed(code, reason) => return (code, reason),
                other => panic!("{other:?}"),
            }
        }
    };
    tokio::time::timeout(SOON, end)
        .await
        .unwrap_or_else(|_| panic!("the socket stays open"))
}

#[tokio::test]
async fn a_socket_is_closed_with_4403_when_its_token_expires() {
    let stage = Stage::set(&[]).await;
    let mut socket = stage
        .following(&token(seeded('a', 11), TimeDelta::seconds(3)), 'a')
        .await;
    assert_eq!(end(&mut socket).await, (4403, "token expired".to_owned()));
}

#[tokio::test]
async fn whoever_loses_a_right_loses_the_socket_and_nobody_else_does() {
    let stage = Stage::set(&[]).await;
    let secrets = ["r", "o"].map(|letter| format!("ns_{}", letter.repeat(43)));
    for (thing, secret) in [(16, &secrets[0]), (17, &secrets[1])] {
        sqlx::query("update public.api_keys set secret_sha256 = $2 where id = $1")
            .bind(seeded('a', thing))
            .bind(hex::encode(Sha256::digest(secret)))
            .execute(&stage.pool)
            .await
            .unwrap();
    }
    let mut stays = stage.following(&person('b', 11), 'b').await;
    let operator = seeded('a', 13);
    for (credential, change) in [
        (
            person('a', 12),
            format!(
                "update public.user_profiles set role = 'operator' where id = '{}'",
                seeded('a', 12)
            ),
        ),
        (
            person('a', 13),
            format!("delete from public.user_profiles where id = '{operator}'"),
        ),
        (
            secrets[0].clone(),
            format!(
                "update public.api_keys set revoked_at = now() where id = '{}'",
                seeded('a', 16)
            ),
        ),
        (
            secrets[1].clone(),
            format!(
                "update public.organizations set subscription_status = 'inactive' where id = '{}'",
                seeded('a', 1)
            ),
        ),
    ] {
        let mut socket = stage.following(&credential, 'a').await;
        stage.run(&change).await;
        assert_eq!(end(&mut socket).await.0, 4403, "{change}");
    }
    // The changed role holds at once, the removed member is nobody, and the revoked key opens nothing.
    stage.following(&person('a', 12), 'a').await;
    let mut removed = stage.socket(&person('a', 13)).await;
    removed.subscribe("1", EVENTS, json!({})).await.unwrap();
    assert_eq!(code(&removed.hear_soon().await.unwrap()), Some("FORBIDDEN"));
    assert!(Socket::open(stage.serve.address, &secrets[0]).await.is_err());
    stage.happens('b').await;
    stays.data().await.unwrap();
}

#[tokio::test]
async fn a_right_that_was_lost_while_nobody_listened_is_found_out() {
    let stage = Stage::set(&[]).await;
    let mut removed = stage.following(&person('a', 13), 'a').await;
    let mut stays = stage.following(&person('a', 11), 'a').await;
    let mut admin = PgConnection::connect(&stage.database.cluster.superuser_url)
        .await
        .unwrap();
    let mut allow = async |connections: bool| {
        let sql = format!("alter database {} allow_connections {connections}", stage.database.name);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
    };
    // Everything that this needs is connected already.
    let mut change = stage.pool.begin().await.unwrap();
    allow(false).await;
    let listened: Vec<bool> = sqlx::query_scalar("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'newsystem_api' and datname = current_database() and query ilike 'listen %'")
        .fetch_all(&mut *change)
        .await
        .unwrap();
    assert_eq!(listened, [true]);
    sqlx::query("delete from public.user_profiles where id = $1")
        .bind(seeded('a', 13))
        .execute(&mut *change)
        .await
        .unwrap();
    change.commit().await.unwrap();
    allow(true).await;
    assert_eq!(end(&mut removed).await.0, 4403);
    // The event of it was missed too, and is told all the same.
    let event = stays.data().await.unwrap();
    assert_eq!(event["organizationEvents"]["kind"], "MEMBER_CHANGED");
    admin.close().await.unwrap();
}
