//! Whatever falls over, every client's sequence of events is complete, in order, without doubles, and its own organization's.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use rand::RngExt as _;
use serde_json::json;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{Connection as _, PgConnection};
use tests::database::TestDatabase;
use tests::postgres::{OwnServer, Stop};
use tests::program::{Serve, token};
use tests::socket::{Said, Socket};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use super::{EVENTS, cursor};

const ORGANIZATIONS: u128 = 20;
const CLIENTS_EACH: usize = 3;
/// Pause between two transitions of one organization: several hundred a second in all, as far as the machine goes.
const PAUSE: Duration = Duration::from_millis(20);

/// Organizations with an owner and two analyses in two sessions each.
const ORGANIZATION: &str = "
with person as (insert into auth.users (id, email) values ($2, $2 || '@test')),
     organization as (insert into public.organizations (id, name, subscription_status) values ($1, 'org', 'active')),
     profile as (insert into public.user_profiles (id, organization_id, role) values ($2, $1, 'owner')),
     sessions as (insert into public.recording_sessions (id, organization_id, status, chunk_count, finished_at)
                  select id, $1, 'processing', 1, now() from unnest($3) id)
insert into public.analysis_results (id, session_id, organization_id) select id, id, $1 from unnest($3) id";

fn id(organization: u128, thing: u128) -> Uuid {
    Uuid::from_u128(0xfa11_0000_0000_0000_0000_0000_0000_0000 + organization * 0x1_0000 + thing)
}

fn pool(url: &str) -> PgPool {
    PgPoolOptions::new()
        .max_connections(20)
        .acquire_timeout(Duration::from_secs(20))
        .connect_lazy(url)
        .unwrap()
}

/// Two analyses of one organization go to and fro between QUEUED and PROCESSING, as workers that are stopped do it; every
/// eighth change is taken back.
async fn write(worker: PgPool, organization: u128, stop: Arc<AtomicBool>, commits: Arc<AtomicU64>) {
    let mut leases: [Option<Uuid>; 2] = [None, None];
    let mut turn = 0_usize;
    while !stop.load(Ordering::SeqCst) {
        turn += 1;
        let at = turn % 2;
        let analysis = id(organization, 0x10 + at as u128);
        let lease = leases[at];
        let back = turn % 8 == 7;
        let change = async {
            let mut connection = worker.acquire().await?;
            if back {
                sqlx::raw_sql("begin").execute(&mut *connection).await?;
            }
            let next: Option<Uuid> = match lease {
                None => {
                    let sql = "select lease from private.begin_analysis($1, 'w', 1)";
                    let begun = sqlx::query_scalar(sql).bind(analysis);
                    begun.fetch_optional(&mut *connection).await?.flatten()
                }
                Some(lease) => {
                    let sql = "select private.hand_back_analysis($1, $2)";
                    let handed = sqlx::query(sql).bind(analysis).bind(lease);
                    handed.execute(&mut *connection).await?;
                    None
                }
            };
            if back {
                sqlx::raw_sql("rollback").execute(&mut *connection).await?;
                return Ok::<_, sqlx::Error>(lease);
            }
            Ok(next)
        };
        if let Ok(next) = change.await {
            leases[at] = next;
            commits.fetch_add(1, Ordering::Relaxed);
        } else {
            // Nobody knows whether it was committed; the lease ends by itself.
            leases[at] = None;
            sleep(Duration::from_millis(50)).await;
        }
        sleep(PAUSE).await;
    }
}

/// What all clients know of the programs.
struct Doors {
    addresses: [std::net::SocketAddr; 2],
}

struct Client {
    organization: u128,
    name: String,
    position: i64,
    connections: u32,
}

impl Client {
    /// Follows through any door until everything up to `goal` was told, leaving at random and after every failure.
    async fn follow(mut self, doors: Arc<Doors>, goal: Arc<AtomicI64>) -> Result<Self, String> {
        let credential = token(id(self.organization, 1), TimeDelta::hours(1));
        loop {
            let goal_now = goal.load(Ordering::SeqCst);
            if goal_now > 0 && self.position >= goal_now {
                return Ok(self);
            }
            let (door, stay) = {
                let mut chance = rand::rng();
                (chance.random_range(0..2), chance.random_range(100..1500))
            };
            let until = Instant::now() + Duration::from_millis(stay);
            if self.stay(doors.addresses[door], &credential, until, &goal).await? {
                self.connections += 1;
            } else {
                sleep(Duration::from_millis(100)).await;
            }
        }
    }

    /// One connection. False when there was none.
    async fn stay(
        &mut self,
        address: std::net::SocketAddr,
        credential: &str,
        until: Instant,
        goal: &AtomicI64,
    ) -> Result<bool, String> {
        let Ok(Ok(mut socket)) = timeout(Duration::from_secs(12), Socket::open(address, credential)).await else {
            return Ok(false);
        };
        let after = cursor(id(self.organization, 0), self.position);
        if socket.subscribe("1", EVENTS, json!({ "after": after })).await.is_err() {
            return Ok(false);
        }
        loop {
            let goal_now = goal.load(Ordering::SeqCst);
            if goal_now > 0 && self.position >= goal_now {
                return Ok(true);
            }
            let wait = if goal_now > 0 {
                Instant::now() + Duration::from_secs(1)
            } else {
                until
            };
            let Ok(said) = tokio::time::timeout_at(wait, socket.hear()).await else {
                // Leaves without a good-bye.
                return Ok(true);
            };
            match said {
                Said::Next(payload) => {
                    let event = &payload["data"]["organizationEvents"];
                    let Some(sequence) = event["sequence"].as_str().and_then(|text| text.parse::<i64>().ok()) else {
                        return match payload["errors"][0]["extensions"]["code"].as_str() {
                            Some("UNAVAILABLE" | "TIMEOUT" | "SLOW_CONSUMER") => Ok(true),
                            _ => Err(format!("{}: {payload}", self.name)),
                        };
                    };
                    if sequence != self.position + 1 {
                        return Err(format!("{}: {sequence} after {}", self.name, self.position));
                    }
                    // Whose event it is can be seen by what it is about.
                    let subject: Uuid = event["subjectId"].as_str().and_then(|text| text.parse().ok()).unwrap();
                    if subject.as_u128() & !0xffff != id(self.organization, 0).as_u128() {
                        return Err(format!("{}: told of {subject}", self.name));
                    }
                    self.position = sequence;
                }
                Said::Error(errors) => {
                    return match errors[0]["extensions"]["code"].as_str() {
                        Some("UNAVAILABLE" | "TIMEOUT" | "RATE_LIMITED") => Ok(true),
                        _ => Err(format!("{}: {errors}", self.name)),
                    };
                }
                Said::Closed(1012 | 1013, _) | Said::Broken => return Ok(true),
                other => return Err(format!("{}: {other:?}", self.name)),
            }
        }
    }
}

async fn superuser(database: &TestDatabase) -> PgConnection {
    PgConnection::connect(&database.superuser_url()).await.unwrap()
}

/// Ends backends of the programs; those that listen, or all.
async fn terminate(database: &TestDatabase, listening_only: bool) -> usize {
    let mut admin = superuser(database).await;
    let sql = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'newsystem_api' and datname = current_database() and (not $1 or query ilike 'listen %')";
    let ended: Vec<bool> = sqlx::query_scalar(sql)
        .bind(listening_only)
        .fetch_all(&mut admin)
        .await
        .unwrap();
    ended.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_falls_over_every_client_is_told_everything_once_and_in_order() {
    let mut server = OwnServer::start().await.unwrap();
    let database = TestDatabase::create_on(server.handle()).await.unwrap();
    let mut admin = superuser(&database).await;
    for organization in 0..ORGANIZATIONS {
        sqlx::query(ORGANIZATION)
            .bind(id(organization, 0))
            .bind(id(organization, 1))
            .bind(vec![id(organization, 0x10), id(organization, 0x11)])
            .execute(&mut admin)
            .await
            .unwrap();
    }
    admin.close().await.unwrap();
    let url = database.url("newsystem_api");
    let (one, two) = tokio::join!(Serve::start(&url, &[]), Serve::start(&url, &[]));
    let (mut one, mut two) = (one.unwrap(), two.unwrap());
    let doors = Arc::new(Doors {
        addresses: [one.address, two.address],
    });

    let (stop, commits) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let worker = pool(&database.url("newsystem_worker"));
    let writers: Vec<_> = (0..ORGANIZATIONS)
        .map(|organization| tokio::spawn(write(worker.clone(), organization, stop.clone(), commits.clone())))
        .collect();
    let goals: Vec<Arc<AtomicI64>> = (0..ORGANIZATIONS).map(|_| Arc::default()).collect();
    let clients: Vec<_> = (0..ORGANIZATIONS)
        .flat_map(|organization| (0..CLIENTS_EACH).map(move |number| (organization, number)))
        .map(|(organization, number)| {
            let client = Client {
                organization,
                name: format!("client {number} of organization {organization}"),
                position: 0,
                connections: 0,
            };
            tokio::spawn(client.follow(doors.clone(), goals[organization as usize].clone()))
        })
        .collect();

    let calm = || sleep(Duration::from_millis(1200));
    let begun = Instant::now();
    calm().await;
    let rate = commits.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
    one.kill();
    sleep(Duration::from_millis(300)).await;
    one.start_again().await.unwrap();
    calm().await;
    assert!(terminate(&database, true).await >= 2, "both listen");
    calm().await;
    server.restart(Stop::Fast).await.unwrap();
    calm().await;
    two.kill();
    server.restart(Stop::Immediate).await.unwrap();
    two.start_again().await.unwrap();
    calm().await;
    assert!(terminate(&database, false).await >= 2);
    one.kill();
    two.kill();
    let (again, also) = tokio::join!(one.start_again(), two.start_again());
    again.unwrap();
    also.unwrap();
    calm().await;
    stop.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.unwrap();
    }
    let wrote_for = begun.elapsed();

    let mut admin = superuser(&database).await;
    let logged: Vec<(Uuid, i64, i64)> =
        sqlx::query_as("select organization_id, count(*), max(sequence) from public.organization_events group by 1")
            .fetch_all(&mut admin)
            .await
            .unwrap();
    let logged: HashMap<Uuid, (i64, i64)> = logged.into_iter().map(|(id, count, max)| (id, (count, max))).collect();
    for organization in 0..ORGANIZATIONS {
        let (count, newest) = logged[&id(organization, 0)];
        assert_eq!(count, newest, "the log itself has no gap");
        goals[organization as usize].store(newest, Ordering::SeqCst);
    }
    let mut connections = 0;
    let told = timeout(Duration::from_secs(30), futures::future::join_all(clients)).await;
    let told = told.unwrap_or_else(|_| panic!("not all is told\n{}\n{}", one.log(), two.log()));
    for client in told {
        let client = client
            .unwrap()
            .unwrap_or_else(|fault| panic!("{fault}\n{}\n{}", one.log(), two.log()));
        assert_eq!(
            client.position,
            logged[&id(client.organization, 0)].1,
            "{}",
            client.name
        );
        connections += client.connections;
    }
    let events: i64 = logged.values().map(|(count, _)| count).sum();
    println!(
        "{rate:.0} transitions a second while nothing fell over; {events} events ({} transactions) in {wrote_for:.1?}, {} deliveries over {connections} connections, all told after {:.1?}",
        commits.load(Ordering::Relaxed),
        events * CLIENTS_EACH as i64,
        begun.elapsed(),
    );
    assert!(events > 300, "{events} events are too few to prove anything");
    admin.close().await.unwrap();
    worker.close().await;
    drop((one, two));
    server.stop().await.unwrap();
}
