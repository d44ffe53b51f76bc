//! Stopping: on request, at shutdown, by a lost lease, by a file that breaks the decoder, and by workers that die again and again.

use chrono::Utc;
use domain::analysis_error::AnalysisErrorCode;
use domain::sampling::Analyser;
use domain::status::AnalysisStage;
use rust_decimal::Decimal;
use serde_json::json;
use service::Error;
use service::analysis_result::run::Progress;
use service::model_request::{Account, Reply, Request, Reserved};
use service::sweep;
use tests::program::{self, signal};

use super::*;

/// A worker whose decoder stands still.
async fn decoding(house: &House) -> (Process, u32) {
    let worker = house.worker(&[]);
    let decoder = child(&worker, " decode").await;
    signal("STOP", decoder).unwrap();
    (worker, decoder)
}

#[tokio::test]
async fn a_cancellation_reaches_a_running_job_and_its_decoder() {
    let house = House::new().await;
    let session = house.records(1, &[&clip()]).await;
    let analysis = house.asks(session, Analyser::Local).await;
    let (_worker, decoder) = decoding(&house).await;
    house.cancels(analysis).await;
    house.ends_with(analysis, "failed").await;
    assert_eq!(house.ended(analysis).await.1, "cancelled");
    is_gone(decoder).await;
    // The product promises two seconds; a machine that runs all tests at once is given some more.
    let took = house
        .value(&format!("select extract(epoch from processing_completed_at - cancel_requested_at)::float8 from public.analysis_results where id = '{analysis}'"))
        .await;
    assert!(took.as_f64().unwrap() < 6.0, "{took} s");
    assert_eq!(house.attempts(analysis).await, json!(["cancelled"]));
    house.is_quiet().await;
    let status = format!("select status from public.recording_sessions where id = '{session}'");
    assert_eq!(
        house.value(&status).await,
        "completed",
        "the recording is as good as before"
    );
}

#[tokio::test]
async fn a_worker_that_is_asked_to_stop_hands_its_work_back() {
    let house = House::new().await;
    let session = house.records(1, &[&clip()]).await;
    let analysis = house.asks(session, Analyser::Local).await;
    let (mut worker, decoder) = decoding(&house).await;
    stops(&mut worker).await;
    is_gone(decoder).await;
    let row = format!(
        "select jsonb_build_array(status, lease_token, (select jsonb_agg(message) from public.analysis_attempts where analysis_id = a.id)) from public.analysis_results a where id = '{analysis}'"
    );
    assert_eq!(
        house.value(&row).await,
        json!(["queued", null, ["handed back at shutdown"]])
    );
    let job = house
        .value("select jsonb_agg(jsonb_build_array(attempts, locked_at)) from graphile_worker._private_jobs")
        .await;
    assert_eq!(job, json!([[0, null]]), "the try does not count");
    let scratch = house.folder.path().join("data/scratch");
    let left: Vec<_> = std::fs::read_dir(scratch)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["lock"], "no recording is left behind");
}

#[tokio::test]
async fn who_lost_the_lease_writes_nothing_and_who_never_sent_discloses_nothing() {
    let house = House::new().await;
    let db = house.database.worker().await.unwrap();
    let session = house.records(1, &[b"x"]).await;
    house
        .run("update public.organizations set remote_analysis_allowed = true")
        .await;
    let analysis = house.asks(session, Analyser::Remote).await;
    let lost = takes_up(&db, analysis).await;
    let privacy = house
        .value("select privacy_settings from public.recording_sessions where id = (select session_id from public.analysis_results where status = 'processing')")
        .await;
    let account = |lease: &Lease| Account {
        db: db.clone(),
        lease: lease.clone(),
        organization: OrganizationId::new(seeded('a', 1)),
        session,
        analysis,
        privacy: privacy.clone(),
    };
    let request = |key: &str| Request {
        key: key.to_owned(),
        model: "m".to_owned(),
        estimate_usd: Decimal::ONE,
        endpoint: "model.test".to_owned(),
        estimated_tokens: 1,
        token_ceiling: None,
        frames: vec![0],
        bytes: 1,
    };
    let disclosed = "select count(*) from public.disclosures";
    let states = "select jsonb_agg(state order by created_at, request_key) from public.model_requests";

    // While the lease lives: what was never sent is withdrawn, what may have been read stays on record.
    let mine = account(&lost);
    let granted = Reserved::Granted { interrupted: false };
    assert_eq!(mine.reserve(&request("1 sent"), Utc::now()).await.unwrap(), granted);
    mine.settle_failed("1 sent", "503", true, Utc::now()).await.unwrap();
    assert_eq!(
        mine.reserve(&request("2 never sent"), Utc::now()).await.unwrap(),
        granted
    );
    assert_eq!(house.value(disclosed).await, 2);
    mine.settle_failed("2 never sent", "no connection", false, Utc::now())
        .await
        .unwrap();
    assert_eq!(house.value(disclosed).await, 1);
    assert_eq!(
        mine.reserve(&request("3 in flight"), Utc::now()).await.unwrap(),
        granted
    );
    // A job cannot withdraw what is settled, nor another's.
    let scope = db.worker_scope(&lost).await.unwrap();
    let withdrawn = scope
        .run(
            "delete from public.disclosures where analysis_id = $1",
            [analysis.uuid().into()],
        )
        .await
        .unwrap();
    assert_eq!(withdrawn, 1, "only the one whose request is open");
    drop(scope);

    house
        .run("update public.analysis_results set lease_expires_at = clock_timestamp() - interval '1 second'")
        .await;
    let lease = takes_up(&db, analysis).await;
    let before = house.left(analysis).await;
    let progress = Progress {
        stage: AnalysisStage::Redacting,
        progress: 0.9,
        frames_done: 1,
        frames_total: None,
        message: None,
    };
    let is_lost = |outcome: service::Result<()>| assert!(matches!(outcome, Err(Error::LeaseLost)), "{outcome:?}");
    is_lost(run::report(&db, analysis, &lost, &progress).await);
    assert!(!run::hand_back(&db, analysis, &lost).await.unwrap());
    assert_eq!(run::renew(&db, analysis, &lost).await.unwrap(), run::Renewal::Lost);
    let reply = Reply {
        reply: Some("{}".to_owned()),
        prompt_tokens: None,
        completion_tokens: None,
        cost_usd: None,
    };
    is_lost(mine.store_reply("3 in flight", &reply, Utc::now()).await);
    is_lost(mine.settle_failed("3 in flight", "x", false, Utc::now()).await);
    is_lost(mine.mark_uncertain("3 in flight", Utc::now()).await);
    assert!(mine.reserve(&request("4"), Utc::now()).await.is_err());
    for code in [AnalysisErrorCode::Internal, AnalysisErrorCode::StorageUnavailable] {
        let scope = db.worker_scope(&lost).await.unwrap();
        is_lost(run::fail(&scope, session, analysis, code, None, Utc::now()).await);
        let scope = db.worker_scope(&lost).await.unwrap();
        is_lost(run::put_back(&scope, analysis, code, Utc::now()).await);
    }
    // By the bare role too: its policies answer nobody without a live lease.
    let scope = db.worker_scope(&lost).await.unwrap();
    for sql in [
        "update public.analysis_results set progress = 0.5",
        "delete from public.disclosures",
        "update public.model_requests set state = 'stored'",
        "update public.recording_sessions set status = 'failed'",
    ] {
        assert_eq!(scope.run(sql, []).await.unwrap(), 0, "{sql}");
    }
    drop(scope);
    assert_eq!(house.left(analysis).await, before);
    assert_eq!(house.value(states).await, json!(["failed", "failed", "reserved"]));
    assert_eq!(house.attempts(analysis).await, json!(["worker_crashed"]));

    // Whoever has it now finds the request in flight, and it counts.
    let now = account(&lease);
    let interrupted = Reserved::Granted { interrupted: true };
    assert_eq!(
        now.reserve(&request("3 in flight"), Utc::now()).await.unwrap(),
        interrupted
    );
    assert_eq!(
        house.value(states).await,
        json!(["failed", "failed", "uncertain", "reserved"])
    );
}

/// The real decoder, but for recordings that begin with a word: then something that takes all the memory it can get.
fn brittle() -> DecoderProgram {
    let script = r#"IFS= read -r job
input=${job#*'"input":"'}; input=${input%%'"'*}
[ "$(head -c 6 "$input")" = POISON ] && exec tail /dev/zero
pipe=$(mktemp -u); mkfifo "$pipe"; exec 3<>"$pipe"; rm "$pipe"
printf '%s\n' "$job" >&3
exec "$0" decode <&3"#;
    DecoderProgram {
        program: "/bin/sh".into(),
        args: vec!["-c".into(), script.into(), program::path().into()],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poisonous_file_fails_its_own_analysis_and_costs_its_neighbours_nothing() {
    let house = House::new().await;
    house.found('b').await;
    let poison = house.records(1, &[b"POISON"]).await;
    let neighbour = house.records_for('b', 2, &[&clip()[..250_000]]).await;
    let (poison, neighbour) = (
        house.asks(poison, Analyser::Local).await,
        house.asks_for('b', neighbour, Analyser::Local).await,
    );
    let here = house.works_here(2, brittle()).await;
    house.ends_with(poison, "failed").await;
    house.ends_with(neighbour, "completed").await;
    assert_eq!(
        house.attempts(poison).await,
        json!(["decoder_crashed", "decoder_crashed", "decoder_crashed"])
    );
    assert_eq!(house.attempts(neighbour).await, json!([null]));
    // One that is no video at all is not tried again.
    let noise = house.records(3, &[&[7; 4096]]).await;
    let noise = house.asks(noise, Analyser::Local).await;
    house.ends_with(noise, "failed").await;
    assert_eq!(house.attempts(noise).await, json!(["not_a_video"]));
    house.is_quiet().await;
    here.stops().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_ends_its_workers_again_and_again_is_failed() {
    let house = House::new().await;
    let db = house.database.worker().await.unwrap();
    let mut analyses = Vec::new();
    for number in 1..=3 {
        let session = house.records(number, &[b"x"]).await;
        analyses.push(house.asks(session, Analyser::Local).await);
    }
    let [exhausted, waiting, cursed] = analyses[..] else {
        unreachable!()
    };
    // Its job was tried to the end, and the last worker died with it.
    takes_up(&db, exhausted).await;
    house.run("update public.analysis_results set lease_expires_at = clock_timestamp() - interval '1 second' where lease_token is not null").await;
    house.run(&format!("update graphile_worker._private_jobs set attempts = max_attempts where key = 'analyze_recording:{exhausted}'")).await;
    assert_eq!(sweep::stale_analyses(&db).await.unwrap(), 1);
    assert_eq!(
        house.ended(exhausted).await,
        ("failed".to_owned(), "worker_crashed".to_owned())
    );
    assert_eq!(house.attempts(exhausted).await, json!(["worker_crashed"]));
    assert_eq!(house.ended(waiting).await.0, "queued", "and no other");
    // A dead worker's try is given back by the queue; somebody has to count.
    house.run(&format!(
        "insert into public.analysis_attempts (organization_id, session_id, analysis_id, number, worker, started_at, ended_at, error_code)
           select organization_id, session_id, id, n, 'dead', now(), now(), 'worker_crashed' from public.analysis_results, generate_series(1, 10) n where id = '{cursed}'"
    ))
    .await;
    house.cancels(waiting).await;
    let here = house.works_here(1, decoder()).await;
    house.ends_with(cursed, "failed").await;
    assert_eq!(house.ended(cursed).await.1, "worker_crashed");
    here.stops().await;
}
