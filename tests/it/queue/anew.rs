//! Reading a stored reply anew: the evidence stays, and what is no evidence goes.

use super::*;

impl House {
    /// Asks for a new reading, as the owner does through the API, and waits for it.
    async fn reads_anew(&self, analysis: AnalysisId) {
        let scope = self.db.scope(&owner('a')).await.unwrap();
        request::reinterpret(&scope, analysis, chrono::Utc::now())
            .await
            .unwrap();
        scope.commit().await.unwrap();
        self.ends_with(analysis, "completed").await;
        self.is_quiet().await;
    }

    /// The frames whose objects lie there, once what is due is deleted: exactly those that have rows.
    async fn evidence(&self, analysis: AnalysisId) -> Vec<u32> {
        let swept = "select count(*) = 0 from public.object_deletions";
        self.until("what is due is deleted", swept).await;
        let mut stored: Vec<u32> = screens::pictures(&self.objects())
            .iter()
            .map(|file| file.file_stem().unwrap().to_str().unwrap().parse().unwrap())
            .collect();
        stored.sort_unstable();
        let rows = format!(
            "select jsonb_agg(frame_index order by frame_index) from public.analysis_frames where analysis_id = '{analysis}'"
        );
        assert_eq!(self.value(&rows).await, serde_json::json!(stored));
        stored
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn evidence_survives_a_new_reading_and_what_an_earlier_try_stored_does_not() {
    let house = House::new().await;
    let session = house.records(1, &[&clip()]).await;
    let analysis = house.asks(session, Analyser::Local).await;
    // An earlier try has stored a frame that this one does not choose.
    let key = storage::frame_key(OrganizationId::new(seeded('a', 1)), session, analysis, 7_000);
    house.storage.put(&key, b"a frame".to_vec().into()).await.unwrap();
    let here = house.works_here(1, decoder()).await;
    house.ends_with(analysis, "completed").await;
    house.is_quiet().await;
    let stored = house.evidence(analysis).await;
    assert!(stored.len() > 3 && !stored.contains(&7_000), "{stored:?}");

    // Excluded screens leave gaps: the last frame's index is beyond the number of frames.
    let (gap, last) = (stored[1], stored[stored.len() - 1]);
    house
        .run(&format!(
            "delete from public.analysis_frames where analysis_id = '{analysis}' and frame_index = {gap}"
        ))
        .await;
    house.reads_anew(analysis).await;
    let kept = house.evidence(analysis).await;
    assert_eq!(kept.len(), stored.len() - 1, "{kept:?}");
    assert!(last as usize >= kept.len());
    here.stops().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exclusion_that_comes_later_takes_frames_and_words_at_the_next_reading() {
    let house = House::new().await;
    let session = house.records(1, &[&clip()]).await;
    let analysis = house.asks(session, Analyser::Local).await;
    let here = house.works_here(1, decoder()).await;
    house.ends_with(analysis, "completed").await;
    house.is_quiet().await;
    let named = format!(
        "select raw_gpt_response::text || structured_insights::text ilike '%northgate%' from public.analysis_results where id = '{analysis}'"
    );
    assert!(house.is(&named).await);
    let before = house.evidence(analysis).await.len();
    house
        .run("update public.recording_sessions set privacy_settings = '{\"custom_exclusions\": [\"Northgate Mail\"]}'")
        .await;
    house.reads_anew(analysis).await;
    let left = house.evidence(analysis).await.len();
    assert!(0 < left && left < before, "{left} of {before}");
    assert!(!house.is(&named).await);
    here.stops().await;
}
