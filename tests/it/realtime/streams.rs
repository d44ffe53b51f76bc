//! Streams: taken up again, refused with a code, bounded in number, ended with notice, and cheap while nothing happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::status::AnalysisStatus::{self, Failed, Processing, Queued};
use futures::StreamExt as _;
use serde_json::{Value, json};
use service::event::listener::Listener;
use tests::database::{TestDatabase, seeded};
use tests::program::Serve;
use tests::socket::{Said, Socket};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{EVENTS, Stage, code, cursor, happens, person, sequence};

/// Events of an event stream with their ids, until there are enough.
async fn event_stream(serve: &Serve, last: Option<&str>, wanted: usize) -> Vec<(String, Value)> {
    let mut request = reqwest::Client::new()
        .get(serve.url())
        // The address of a browser's EventSource stays the same when it comes back: only the header says where it was.
        .query(&[
            ("query", EVENTS),
            ("variables", &json!({ "after": cursor(seeded('a', 1), 0) }).to_string()),
        ])
        .header("accept", "text/event-stream")
        .bearer_auth(person('a', 11));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let mut response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let (mut text, mut events) = (String::new(), Vec::new());
    while events.len() < wanted {
        let read = tokio::time::timeout(Duration::from_secs(20), response.chunk());
        text += std::str::from_utf8(&read.await.unwrap().unwrap().unwrap()).unwrap();
        while let Some((event, rest)) = text.split_once("\n\n") {
            let line = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
            if line("event: ") == Some("next") {
                let payload: Value = serde_json::from_str(line("data: ").unwrap()).unwrap();
                let id = line("id: ").unwrap_or_else(|| panic!("{payload}")).to_owned();
                events.push((id, payload["data"].clone()));
            }
            text = rest.to_owned();
        }
    }
    events
}

#[tokio::test]
async fn an_event_stream_goes_on_after_its_last_event_id() {
    let mut stage = Stage::set(&[]).await;
    let newest = stage.newest('a').await;
    let first = event_stream(&stage.serve, None, usize::try_from(newest).unwrap()).await;
    stage.serve.kill();
    for _ in 0..3 {
        stage.happens('a').await;
    }
    stage.serve.start_again().await.unwrap();
    let (last, _) = first.last().unwrap();
    let second = event_stream(&stage.serve, Some(last), 3).await;
    let told: Vec<i64> = first.iter().chain(&second).map(|(_, event)| sequence(event)).collect();
    assert_eq!(told, (1..=newest + 3).collect::<Vec<_>>());
}

/// What is written once for all who ask alike is what an execution answers: a fragment sends the same question the long way.
#[tokio::test]
async fn an_event_says_the_same_whether_written_for_all_or_for_one() {
    const FIELDS: &str = "t: __typename cursor sequence what: kind subjectId from to actorApiKeyId at";
    let stage = Stage::set(&[]).await;
    let newest = stage.newest('a').await;
    let mut sockets = [
        stage.socket(&person('a', 11)).await,
        stage.socket(&person('a', 13)).await,
        stage.socket(&person('a', 11)).await,
    ];
    let other = "cursor sequence";
    for (socket, fields) in sockets
        .iter_mut()
        .zip([FIELDS, other, &format!("... on OrganizationEvent {{ {FIELDS} }}")])
    {
        let query = format!(
            "subscription ($after: String, $kinds: [EventKind!]) {{ e: organizationEvents(after: $after, kinds: $kinds) {{ {fields} }} }}"
        );
        let variables = json!({ "after": cursor(seeded('a', 1), 0), "kinds": null });
        socket.subscribe("1", &query, variables).await.unwrap();
    }
    let [short, brief, long] = &mut sockets;
    for number in 1..=newest + 3 {
        if number > newest {
            stage.happens('a').await;
        }
        let (short, brief, long) = (
            short.data().await.unwrap(),
            brief.data().await.unwrap(),
            long.data().await.unwrap(),
        );
        assert_eq!(short, long);
        assert_eq!(short["e"]["sequence"], number.to_string());
        assert_eq!(
            brief,
            json!({ "e": { "cursor": short["e"]["cursor"], "sequence": number.to_string() } })
        );
    }
}

#[tokio::test]
async fn a_position_that_is_not_kept_or_not_ones_own_is_refused_with_a_code() {
    let stage = Stage::set(&[]).await;
    let newest = stage.newest('a').await;
    stage
        .run("select private.forget_events(now() + interval '1 hour')")
        .await;
    let mut socket = stage.socket(&person('a', 11)).await;
    for (id, after, wanted) in [
        ("old", cursor(seeded('a', 1), 0), "CURSOR_EXPIRED"),
        (
            "of a database that was put back",
            cursor(seeded('a', 1), newest + 9),
            "CURSOR_EXPIRED",
        ),
        ("another's", cursor(seeded('b', 1), newest), "BAD_USER_INPUT"),
        ("none", "e7".to_owned(), "BAD_USER_INPUT"),
    ] {
        socket.subscribe(id, EVENTS, json!({ "after": after })).await.unwrap();
        let said = socket.hear_soon().await.unwrap();
        assert_eq!(code(&said), Some(wanted), "{id}: {said:?}");
        assert!(matches!(said, Said::Error(_)) || matches!(socket.hear_soon().await.unwrap(), Said::Complete));
    }
    // The newest event is kept, so that the position before it can be judged.
    let after = cursor(seeded('a', 1), newest - 1);
    socket
        .subscribe("kept", EVENTS, json!({ "after": after }))
        .await
        .unwrap();
    assert_eq!(sequence(&socket.data().await.unwrap()), newest);
}

/// Whoever was told what never happened hears so, on the short way as on the long, and nothing that came after.
#[tokio::test]
async fn a_log_that_was_put_back_ends_the_streams_that_were_ahead_of_it() {
    let stage = Stage::set(&[]).await;
    let newest = stage.newest('a').await;
    let mut ends = Vec::new();
    let fields = "cursor sequence";
    for selection in [fields.to_owned(), format!("... on OrganizationEvent {{ {fields} }}")] {
        let mut socket = stage.socket(&person('a', 11)).await;
        let query = format!("subscription ($after: String) {{ organizationEvents(after: $after) {{ {selection} }} }}");
        let after = cursor(seeded('a', 1), newest - 1);
        socket.subscribe("1", &query, json!({ "after": after })).await.unwrap();
        assert_eq!(sequence(&socket.data().await.unwrap()), newest);
        ends.push(socket);
    }
    let organization = seeded('a', 1);
    stage
        .run(&format!(
            "delete from public.organization_events where organization_id = '{organization}' and sequence > {newest} - 2;
             update private.event_counters set last_sequence = {newest} - 2 where organization_id = '{organization}'"
        ))
        .await;
    // Found by the next comparison of positions.
    let mut said = Vec::new();
    for socket in &mut ends {
        let Said::Next(mut last) = socket.hear_soon().await.unwrap() else {
            panic!("no error")
        };
        assert!(last["errors"][0]["extensions"]["requestId"].is_string(), "{last}");
        last["errors"][0]["extensions"]["requestId"] = Value::Null;
        assert_eq!(socket.hear_soon().await.unwrap(), Said::Complete);
        said.push(last);
    }
    assert_eq!(
        said[0]["errors"][0]["extensions"]["code"], "CURSOR_EXPIRED",
        "{}",
        said[0]
    );
    assert_eq!(said[0], said[1]);
}

#[tokio::test]
async fn sockets_and_subscriptions_are_limited_for_a_caller_and_for_an_organization() {
    let stage = Stage::set(&[
        ("NEWSYSTEM_SOCKETS_PER_CALLER", "2"),
        ("NEWSYSTEM_SOCKETS_PER_ORGANIZATION", "3"),
        ("NEWSYSTEM_SUBSCRIPTIONS_PER_CALLER", "2"),
        ("NEWSYSTEM_SUBSCRIPTIONS_PER_ORGANIZATION", "3"),
    ])
    .await;
    let open = async |number| Socket::open(stage.serve.address, &person('a', number)).await;
    let (mut first, _second) = (open(11).await.unwrap(), open(11).await.unwrap());
    let refused = open(11).await.err().unwrap().to_string();
    assert!(
        refused.contains("4429") && refused.contains("of this caller"),
        "{refused}"
    );
    let mut third = open(12).await.unwrap();
    let refused = open(13).await.err().unwrap().to_string();
    assert!(
        refused.contains("4429") && refused.contains("of this organization"),
        "{refused}"
    );
    // Another organization is not touched by it.
    Socket::open(stage.serve.address, &person('b', 11)).await.unwrap();

    let after = json!({ "after": cursor(seeded('a', 1), stage.newest('a').await - 1) });
    for id in ["1", "2", "3"] {
        first.subscribe(id, EVENTS, after.clone()).await.unwrap();
    }
    let mut refused = Vec::new();
    for _ in 0..3 {
        let said = first.hear_soon().await.unwrap();
        refused.extend(code(&said).map(str::to_owned));
    }
    assert_eq!(refused, ["RATE_LIMITED"], "two run, the third does not");
    third.subscribe("1", EVENTS, after.clone()).await.unwrap();
    third.data().await.unwrap();
    third.subscribe("2", EVENTS, after).await.unwrap();
    let said = third.hear_soon().await.unwrap();
    assert!(
        code(&said) == Some("RATE_LIMITED") && format!("{said:?}").contains("of this organization"),
        "{said:?}"
    );
}

#[tokio::test]
async fn a_server_that_stops_says_so_and_ends() {
    let mut stage = Stage::set(&[]).await;
    let mut socket = stage.following(&person('a', 11), 'a').await;
    stage.serve.terminate().unwrap();
    assert_eq!(
        socket.hear_soon().await.unwrap(),
        Said::Closed(1012, "Service Restart".to_owned())
    );
    assert!(stage.serve.ended().await.unwrap());
}

#[tokio::test]
async fn an_idle_subscription_holds_no_connection_to_the_database() {
    let stage = Stage::set(&[("NEWSYSTEM_API_POOL", "2"), ("NEWSYSTEM_SOCKETS_PER_CALLER", "100")]).await;
    let mut sockets = Vec::new();
    let newest = stage.newest('a').await;
    for _ in 0..20 {
        let mut socket = stage.socket(&person('a', 11)).await;
        let after = cursor(seeded('a', 1), newest - 1);
        let progress = "subscription Progress($id: ID!) { analysisProgress(analysisId: $id) { status } }";
        let upload = "subscription Upload($id: ID!) { uploadProgress(sessionId: $id) { chunksCompleted } }";
        socket.subscribe("1", EVENTS, json!({ "after": after })).await.unwrap();
        socket
            .subscribe("2", progress, json!({ "id": seeded('a', 31) }))
            .await
            .unwrap();
        socket
            .subscribe("3", upload, json!({ "id": seeded('a', 22) }))
            .await
            .unwrap();
        for _ in 0..3 {
            socket.data().await.unwrap();
        }
        sockets.push(socket);
    }
    let backends = async || {
        let sql = "select count(*), count(*) filter (where state <> 'idle') from pg_stat_activity where usename = 'newsystem_api' and datname = current_database()";
        let (all, busy): (i64, i64) = sqlx::query_as(sql).fetch_one(&stage.pool).await.unwrap();
        (all, busy)
    };
    // The pool's two and the one that listens; at most moments ago the last of them has read.
    for _ in 0..100 {
        let (all, busy) = backends().await;
        assert!(all <= 3, "{all}");
        if busy == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(backends().await.1, 0);
    stage.happens('a').await;
    for socket in &mut sockets {
        assert_eq!(sequence(&socket.data().await.unwrap()), newest + 1);
    }
}

/// The hub alone, over a database.
async fn hub() -> (TestDatabase, sqlx::PgPool, service::db::Db, api::hub::Hub) {
    let database = TestDatabase::with_two_organizations().await.unwrap();
    let pool = database.superuser().await.unwrap();
    let db = database.api().await.unwrap();
    let listener = Listener::connect(&database.url("newsystem_api")).await.unwrap();
    let hub = api::hub::Hub::start(db.clone(), listener, Box::new(|_| ()), CancellationToken::new());
    (database, pool, db, hub)
}

#[tokio::test]
async fn a_watched_analysis_is_read_once_for_all_who_watch_and_every_status_is_told_in_order() {
    const WATCHERS: usize = 10;
    let (_database, pool, db, hub) = hub().await;
    let watchers: Vec<_> = (0..WATCHERS)
        .map(|_| {
            let hub = hub.clone();
            tokio::spawn(async move {
                let states = hub
                    .analysis(seeded('a', 1).into(), seeded('a', 31).into())
                    .await
                    .unwrap();
                states.map(Result::unwrap).collect::<Vec<_>>().await
            })
        })
        .collect();
    let run = async |sql: &str| {
        sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()))
            .bind(seeded('a', 31))
            .execute(&pool)
            .await
            .unwrap();
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (begun, before) = (tokio::time::Instant::now(), db.statements());
    for done in 1..=40 {
        run(&format!(
            "update public.analysis_results set frames_done = {done}, progress = {done} / 100.0 where id = $1"
        ))
        .await;
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    tokio::time::sleep(Duration::from_millis(600)).await;
    let (looks, seconds) = (db.statements() - before, begun.elapsed().as_secs_f64());
    // At most four reads a second, and of the slow poll (which may fall into this time) two.
    assert!(
        looks as f64 <= seconds * 4.0 + 4.0,
        "{looks} statements for {WATCHERS} watchers in {seconds:.1} s"
    );
    for status in ["queued", "processing", "queued", "processing"] {
        run(&format!(
            "update public.analysis_results set status = '{status}' where id = $1"
        ))
        .await;
    }
    run("update public.analysis_results set status = 'failed', stage = 'done', error_code = 'internal', lease_token = null, lease_expires_at = null where id = $1").await;
    for watcher in watchers {
        let states = tokio::time::timeout(Duration::from_secs(20), watcher)
            .await
            .unwrap()
            .unwrap();
        let told: Vec<AnalysisStatus> = states.iter().map(|state| state.status).collect();
        let mut changes = told.clone();
        changes.dedup();
        assert_eq!(changes, [Processing, Queued, Processing, Queued, Processing, Failed]);
        let shown = states
            .iter()
            .filter(|state| state.frames_done > 0 && state.status == Processing)
            .count();
        assert!(shown >= 2, "progress is shown");
        assert!(states.iter().any(|state| state.frames_done == 40), "the latest is");
        assert!(told.len() as f64 <= seconds * 4.0 + 9.0, "{} states", told.len());
    }
    assert!(
        hub.analysis(seeded('b', 1).into(), seeded('a', 31).into())
            .await
            .is_err(),
        "another organization's does not exist"
    );
}

#[tokio::test]
async fn a_watched_upload_is_read_once_for_all_who_watch() {
    const WATCHERS: usize = 10;
    let (_database, pool, db, hub) = hub().await;
    let watchers: Vec<_> = (0..WATCHERS)
        .map(|_| {
            let hub = hub.clone();
            tokio::spawn(async move {
                let states = hub.upload(seeded('a', 1).into(), seeded('a', 21).into()).await.unwrap();
                let mut states = std::pin::pin!(states.map(Result::unwrap));
                let mut told = 0;
                loop {
                    let state = states.next().await.unwrap();
                    told += 1;
                    if state.bytes == 40 {
                        return told;
                    }
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (begun, before) = (tokio::time::Instant::now(), db.statements());
    for bytes in 1..=40_i64 {
        sqlx::query("update public.video_chunks set file_size_bytes = $2 where id = $1")
            .bind(seeded('a', 24))
            .bind(bytes)
            .execute(&pool)
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    for watcher in watchers {
        let told = tokio::time::timeout(Duration::from_secs(20), watcher)
            .await
            .unwrap()
            .unwrap();
        assert!(told <= 12, "{told} states of 40 changes in a second");
    }
    let (looks, seconds) = (db.statements() - before, begun.elapsed().as_secs_f64());
    assert!(
        looks as f64 <= seconds * 4.0 + 4.0,
        "{looks} statements for {WATCHERS} watchers in {seconds:.1} s"
    );
}

/// A way to the database that can fall silent: connections stay open, and nothing comes through them any more.
struct Line {
    port: u16,
    connections: Arc<AtomicUsize>,
    silent: Arc<Notify>,
}

impl Line {
    async fn to(port: u16) -> Self {
        let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = Self {
            port: door.local_addr().unwrap().port(),
            connections: Arc::default(),
            silent: Arc::default(),
        };
        let (connections, silent) = (line.connections.clone(), line.silent.clone());
        tokio::spawn(async move {
            while let Ok((mut client, _)) = door.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let silent = silent.clone();
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        () = silent.notified() => std::future::pending().await,
                    }
                });
            }
        });
        line
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_listening_connection_that_fell_silent_loses_nothing_and_is_replaced() {
    let database = TestDatabase::with_two_organizations().await.unwrap();
    let pool = database.superuser().await.unwrap();
    let db = database.api().await.unwrap();
    let url = url::Url::parse(&database.url("newsystem_api")).unwrap();
    let hub = async || {
        let line = Line::to(url.port().unwrap()).await;
        let mut through = url.clone();
        through.set_port(Some(line.port)).unwrap();
        let listener = Listener::connect(through.as_str()).await.unwrap();
        let stop = CancellationToken::new();
        (line, api::hub::Hub::start(db.clone(), listener, Box::new(|_| ()), stop))
    };
    let (silent, one) = hub().await;
    let (sound, _two) = hub().await;
    let events = one.events(seeded('a', 1).into(), None).await.unwrap();
    let mut events = std::pin::pin!(events.map(Result::unwrap));
    let mut next = async || {
        happens(&pool, 'a').await;
        tokio::time::timeout(Duration::from_mins(1), events.next())
            .await
            .unwrap()
            .unwrap()
            .sequence
    };
    let first = next().await;
    silent.silent.notify_waiters();
    assert_eq!(next().await, first + 1, "the slow poll finds what no doorbell told");
    let replaced = async {
        while silent.connections() < 2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), replaced).await.unwrap();
    assert_eq!(next().await, first + 2);
    assert_eq!(sound.connections(), 1, "its heartbeat told the other that all is well");
}
