//! `./dev bench realtime`: from commit to delivery, beside one bare LISTEN client in the same run.
//!
//! A private PostgreSQL on the disk, one `newsystem serve`, 1,000 sockets in 50 organizations that follow their organization's
//! events, and writers that change the status of analyses at a fixed rate, each change a statement and a transaction of its own. The
//! clock of an event starts when its statement is sent, for subscribers and for the floor alike: so both contain the change and its
//! commit. Writers, subscribers, server and database share the machine. Then the memory of 10,000 idle subscribers, and how soon a right that is taken away closes its sockets. Prints
//! Markdown.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on ends here")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures::{SinkExt as _, StreamExt as _, stream};
use newsystem::embedded_postgres::{EmbeddedPostgres, Settings};
use serde_json::json;
use sqlx::postgres::{PgListener, PgPool, PgPoolOptions};
use tests::database::TestDatabase;
use tests::program::{Serve, token};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use uuid::Uuid;

const ORGANIZATIONS: usize = 50;
const MEMBERS: usize = 20;
const IDLE: usize = 10_000;
const EVENTS: &str = "subscription { organizationEvents { cursor sequence kind subjectId from to at } }";
const STAGE: &str = "
with people as (insert into auth.users (id, email) select id, id || '@test' from unnest($2) id),
     organization as (insert into public.organizations (id, name, subscription_status) values ($1, 'org', 'active')),
     profiles as (insert into public.user_profiles (id, organization_id, role) select id, $1, 'owner' from unnest($2) id),
     session as (insert into public.recording_sessions (id, organization_id, status, chunk_count, finished_at) values ($1, $1, 'processing', 1, now()))
insert into public.analysis_results (id, session_id, organization_id) values ($1, $1, $1)";

fn id(organization: usize, thing: usize) -> Uuid {
    Uuid::from_u128(0xbe7c_0000_0000_0000_0000_0000_0000_0000 + (organization as u128) * 0x1_0000 + thing as u128)
}

/// When the changes of each organization were sent, in their order.
type Sent = Arc<Vec<Mutex<Vec<Instant>>>>;

/// What was measured of deliveries, in microseconds.
#[derive(Clone, Default)]
struct Delays(Arc<Mutex<Vec<u32>>>);

impl Delays {
    fn add(&self, since: Instant) {
        let delay = u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX);
        self.0.lock().unwrap().push(delay);
    }

    fn take(&self) -> Vec<u32> {
        let mut all = std::mem::take(&mut *self.0.lock().unwrap());
        all.sort_unstable();
        all
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

fn milliseconds(sorted: &[u32], share: f64) -> f64 {
    let at = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    f64::from(sorted.get(at).copied().unwrap_or_default()) / 1000.0
}

/// Seconds of processor time of a process.
fn processor(process: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<&str> = text
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest)
        .split_whitespace()
        .collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|text| text.parse::<f64>().ok())
            .unwrap_or_default()
    };
    (ticks(11) + ticks(12)) / 100.0
}

/// The same of a server and its backends, also those that have ended.
fn processor_of_family(parent: u32) -> f64 {
    let mut sum = processor(parent);
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let parent_of = text
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        if parent_of == Some(parent) {
            sum += processor(process);
        }
    }
    sum
}

/// Resident bytes.
fn memory(process: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
    let pages: f64 = text
        .split_whitespace()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or_default();
    pages * 4096.0
}

/// How often a second a page can be written so that it stays.
fn syncs_a_second(folder: &Path) -> f64 {
    let mut file = std::fs::File::create(folder.join("sync")).unwrap();
    let (begun, mut times) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(2) {
        file.rewind().unwrap();
        file.write_all(&[7; 8192]).unwrap();
        file.sync_data().unwrap();
        times += 1;
    }
    f64::from(times) / begun.elapsed().as_secs_f64()
}

async fn subscribe(serve: &Serve, organization: usize, member: usize) -> WebSocketStream<TcpStream> {
    let mut request = format!("ws://{}/graphql", serve.address).into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    // Each from an address of its own, as in life.
    let address = format!("10.{}.{}.1", organization, member % MEMBERS);
    headers.insert("x-forwarded-for", address.parse().unwrap());
    let config = tokio_tungstenite::tungstenite::protocol::WebSocketConfig::default().read_buffer_size(4096);
    let stream = TcpStream::connect(serve.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async_with_config(request, stream, Some(config))
        .await
        .unwrap();
    let credential = token(id(organization, 1 + member % MEMBERS), TimeDelta::hours(2));
    let authorization = format!("Bearer {credential}");
    for message in [
        json!({ "type": "connection_init", "payload": { "Authorization": authorization } }),
        json!({ "type": "subscribe", "id": "1", "payload": { "query": EVENTS } }),
    ] {
        socket.send(Message::text(message.to_string())).await.unwrap();
        if message["type"] == "connection_init" {
            let answer = socket.next().await.unwrap().unwrap().into_text().unwrap();
            assert!(answer.contains("connection_ack"), "{answer}");
        }
    }
    socket
}

/// Reads for ever; adds the delay of every event, and counts what is out of order.
async fn read(
    mut socket: WebSocketStream<TcpStream>,
    organization: usize,
    base: Arc<Vec<u64>>,
    sent: Sent,
    delays: Delays,
    faults: Arc<AtomicU64>,
) {
    let mut last = 0;
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        let sequence = text
            .split_once(r#""sequence":""#)
            .and_then(|(_, rest)| rest.split_once('"')?.0.parse::<u64>().ok());
        let Some(sequence) = sequence else {
            eprintln!("{text}");
            faults.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        if last != 0 && sequence != last + 1 {
            faults.fetch_add(1, Ordering::Relaxed);
        }
        last = sequence;
        let at = sequence - base[organization] - 1;
        let since = sent[organization].lock().unwrap()[at as usize];
        delays.add(since);
    }
    eprintln!("a socket of organization {organization} ended");
    faults.fetch_add(1, Ordering::Relaxed);
}

/// One client that does nothing but LISTEN.
async fn listen(url: String, sent: Sent, delays: Delays) {
    let mut listener = PgListener::connect(&url).await.unwrap();
    listener.listen("newsystem_events").await.unwrap();
    let organizations: HashMap<String, usize> = (0..ORGANIZATIONS).map(|at| (id(at, 0).to_string(), at)).collect();
    let mut heard = vec![0; ORGANIZATIONS];
    while let Ok(notification) = listener.recv().await {
        let organization = organizations[notification.payload()];
        let since = sent[organization].lock().unwrap()[heard[organization]];
        heard[organization] += 1;
        delays.add(since);
    }
}

/// Changes the status of one organization's analysis again and again, until told to stop.
async fn write(pool: PgPool, organization: usize, every: Duration, sent: Sent, stop: Arc<AtomicBool>) {
    // Not all at once.
    tokio::time::sleep(every.mul_f64(rand::random())).await;
    let mut clock = tokio::time::interval(every);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let sql = "update public.analysis_results set status = case status when 'queued' then 'processing' else 'queued' end where id = $1";
    while !stop.load(Ordering::Relaxed) {
        clock.tick().await;
        sent[organization].lock().unwrap().push(Instant::now());
        sqlx::query(sql).bind(id(organization, 0)).execute(&pool).await.unwrap();
    }
}

/// Takes two members of each organization their role, one after the other; how long their sockets stay open, in microseconds.
async fn revoke(serve: &Serve, pool: &PgPool, sent: &Sent) -> Vec<u32> {
    let ends = Delays::default();
    for (organization, member) in (0..ORGANIZATIONS).flat_map(|organization| [(organization, 0), (organization, 1)]) {
        let mut socket = subscribe(serve, organization, member).await;
        let since = Instant::now();
        // It is an event too, told to the others.
        sent[organization].lock().unwrap().push(since);
        sqlx::query("update public.user_profiles set role = 'operator' where id = $1")
            .bind(id(organization, 1 + member))
            .execute(pool)
            .await
            .unwrap();
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(Some(close)))) => {
                    assert_eq!(u16::from(close.code), 4403, "{close:?}");
                    break;
                }
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
        ends.add(since);
    }
    ends.take()
}

fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or_default().to_owned()
}

fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes: f64 = memory
        .split_whitespace()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or_default();
    format!(
        "{cores} cores of {}, {:.0} GB",
        model.map_or("an unnamed processor", |(_, name)| name),
        kilobytes / 1e6
    )
}

#[tokio::main]
async fn main() {
    let seconds: u64 = std::env::args().nth(1).map_or(15, |text| text.parse().unwrap());
    let rates: Vec<u32> = std::env::args().skip(2).map(|text| text.parse().unwrap()).collect();
    let rates = if rates.is_empty() { vec![50, 200, 800] } else { rates };
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
    let folder = tempfile::Builder::new()
        .prefix("newsystem-bench-")
        .permissions(open)
        .tempdir_in("/var/tmp")
        .unwrap();
    let settings = Settings {
        state_folder: folder.path().to_owned(),
        options: vec![
            ("shared_buffers".into(), "256MB".into()),
            ("max_wal_size".into(), "4GB".into()),
        ],
        ..Settings::default()
    };
    let postgres = EmbeddedPostgres::start_with_settings(folder.path(), settings)
        .await
        .unwrap();
    let pidfile = std::fs::read_to_string(postgres.data_folder().join("postmaster.pid")).unwrap();
    let postmaster: u32 = pidfile.lines().next().unwrap().parse().unwrap();
    let database = TestDatabase::create_on((*postgres).clone().into()).await.unwrap();
    let pool = PgPoolOptions::new()
        .min_connections(8)
        .max_connections(8)
        .acquire_timeout(Duration::from_mins(2))
        .test_before_acquire(false)
        .connect(&database.superuser_url())
        .await
        .unwrap();
    for organization in 0..ORGANIZATIONS {
        let members: Vec<Uuid> = (1..=MEMBERS).map(|member| id(organization, member)).collect();
        sqlx::query(STAGE)
            .bind(id(organization, 0))
            .bind(members)
            .execute(&pool)
            .await
            .unwrap();
    }
    sqlx::raw_sql("vacuum analyze").execute(&pool).await.unwrap();
    let bases: Vec<(Uuid, i64)> = sqlx::query_as("select organization_id, last_sequence from private.event_counters")
        .fetch_all(&pool)
        .await
        .unwrap();
    let bases: HashMap<Uuid, i64> = bases.into_iter().collect();
    let base: Arc<Vec<u64>> = Arc::new((0..ORGANIZATIONS).map(|at| bases[&id(at, 0)] as u64).collect());

    let serve = Serve::start(
        &database.url("newsystem_api"),
        &[
            ("NEWSYSTEM_TRUSTED_PROXIES", "127.0.0.1"),
            ("NEWSYSTEM_LOG", "warn"),
            // Everybody comes at once, on a machine that the measurement shares with them.
            ("NEWSYSTEM_ACQUIRE_TIMEOUT_SECONDS", "60"),
        ],
    )
    .await
    .unwrap();
    let sent: Sent = Arc::new((0..ORGANIZATIONS).map(|_| Mutex::default()).collect());
    let (delays, floor, faults) = (Delays::default(), Delays::default(), Arc::new(AtomicU64::new(0)));
    tokio::spawn(listen(database.superuser_url(), sent.clone(), floor.clone()));
    let everybody =
        || (0..ORGANIZATIONS).flat_map(|organization| (0..MEMBERS).map(move |member| (organization, member)));

    let empty = memory(serve.id());
    let sockets: Vec<_> = stream::iter(everybody())
        .map(async |(organization, member)| (organization, subscribe(&serve, organization, member).await))
        .buffer_unordered(16)
        .collect()
        .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle = memory(serve.id());
    let subscribers = sockets.len();
    for (organization, socket) in sockets {
        tokio::spawn(read(
            socket,
            organization,
            base.clone(),
            sent.clone(),
            delays.clone(),
            faults.clone(),
        ));
    }
    let syncs = syncs_a_second(folder.path());
    println!(
        "Machine: {}; {syncs:.0} fdatasync of 8 KB a second; {seconds} s a rate.\n",
        machine()
    );
    println!(
        "| changes/s wanted | reached | deliveries/s | p50 ms | p99 ms | floor p50 | floor p99 | lost | out of order | CPU s per 1,000: server | PostgreSQL | load before |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    let mut active = idle;
    for rate in rates {
        let before_load = load();
        let stop = Arc::new(AtomicBool::new(false));
        let every = Duration::from_secs_f64(ORGANIZATIONS as f64 / f64::from(rate));
        let committed = || sent.iter().map(|sent| sent.lock().unwrap().len()).sum::<usize>();
        let (begun, already) = (Instant::now(), committed());
        let (server_before, postgres_before) = (processor(serve.id()), processor_of_family(postmaster));
        let writers: Vec<_> = (0..ORGANIZATIONS)
            .map(|organization| tokio::spawn(write(pool.clone(), organization, every, sent.clone(), stop.clone())))
            .collect();
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.await.unwrap();
        }
        let took = begun.elapsed().as_secs_f64();
        let commits = committed() - already;
        let wanted = commits * MEMBERS;
        for _ in 0..100 {
            if delays.count() >= wanted && floor.count() >= commits {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let server = processor(serve.id()) - server_before;
        let database_cpu = processor_of_family(postmaster) - postgres_before;
        active = active.max(memory(serve.id()));
        let (told, heard) = (delays.take(), floor.take());
        let per_thousand = |seconds: f64| seconds * 1000.0 / told.len().max(1) as f64;
        let mut row = String::new();
        write!(
            row,
            "| {rate} | {:.0} | {:.0} | {:.2} | {:.2} | {:.2} | {:.2} | {} | {} | {:.3} | {:.3} | {before_load} |",
            commits as f64 / took,
            told.len() as f64 / took,
            milliseconds(&told, 0.5),
            milliseconds(&told, 0.99),
            milliseconds(&heard, 0.5),
            milliseconds(&heard, 0.99),
            wanted as i64 - told.len() as i64,
            faults.swap(0, Ordering::Relaxed),
            per_thousand(server),
            per_thousand(database_cpu),
        )
        .unwrap();
        println!("{row}");
    }
    let megabytes = |bytes: f64| bytes / 1e6;
    println!(
        "\nMemory of the server: {:.0} MB without subscribers, {:.0} MB with {subscribers} idle ({:.0} KB each), {:.0} MB after the load ({:.0} KB each).",
        megabytes(empty),
        megabytes(idle),
        (idle - empty) / subscribers as f64 / 1e3,
        megabytes(active),
        (active - empty) / subscribers as f64 / 1e3,
    );
    let more: Vec<_> = stream::iter((0..IDLE - subscribers).map(|at| (at % ORGANIZATIONS, at / ORGANIZATIONS)))
        .map(async |(organization, member)| subscribe(&serve, organization, member).await)
        .buffer_unordered(16)
        .collect()
        .await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    println!(
        "With {} idle subscribers in all: {:.0} MB.",
        more.len() + subscribers,
        megabytes(memory(serve.id()))
    );
    drop(more);
    let ends = revoke(&serve, &pool, &sent).await;
    println!(
        "From the commit that takes a member's role away to the close of his socket, {} times, {subscribers} others following: p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms.",
        ends.len(),
        milliseconds(&ends, 0.5),
        milliseconds(&ends, 0.99),
        milliseconds(&ends, 1.0),
    );
    drop(serve);
    pool.close().await;
    postgres.stop().await.unwrap();
}
