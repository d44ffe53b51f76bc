//! The scoreboard of the local analyser: every scene of a folder, and the demo recording.
//! `analysis [--tell] [--keep DIR] SCENES_DIR [DEMO_DIR] [NAME…]`; run by `tests/bench/analysis`.

#![expect(clippy::expect_used, reason = "a scoreboard that cannot go on ends here")]

#[path = "../tests/scene/mod.rs"]
mod scene;

use std::path::PathBuf;

use scene::Scene;
use scene::run::{Analysed, analyse_file};
use scene::score::{Score, Truth};
use worker::vision::redact::Rules;

#[tokio::main]
async fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let tell = arguments
        .iter()
        .position(|a| a == "--tell")
        .map(|i| arguments.remove(i))
        .is_some();
    let keep = arguments.iter().position(|a| a == "--keep").map(|i| {
        arguments.remove(i);
        PathBuf::from(arguments.remove(i))
    });
    let scenes = PathBuf::from(arguments.first().expect("SCENES_DIR"));
    let demo = arguments.get(1).map(PathBuf::from);
    let wanted: Vec<&String> = arguments.iter().skip(2).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|w| name.contains(w.as_str()));

    println!(
        "{:<28} {:>6} {:>6} {:>7} {:>6} {:>7} {:>9} {:>7} {:>6} {:>7} {:>7}",
        "recording", "F1", "V", "Jaccard", "count", "exact", "duration", "wait", "false", "frames", "seconds"
    );
    let mut scores: Vec<Score> = Vec::new();
    let mut show = |name: &str, truth: &Truth, analysed: &Analysed| {
        let score = truth.score(&analysed.reply, &analysed.reading);
        println!(
            "{name:<28} {:>6.3} {:>6.3} {:>7} {:>6} {:>7} {:>9} {:>6.1}s {:>6} {:>7} {:>7.1}",
            score.boundary_f1,
            score.v_measure,
            score.jaccard.map_or("-".into(), |j| format!("{j:.3}")),
            score.count_error,
            format!("{}/{}", score.exact_occurrences.0, score.exact_occurrences.1),
            score
                .duration_error
                .map_or("-".into(), |d| format!("{:.1} %", 100.0 * d)),
            score.waiting_error,
            score.false_routines,
            analysed.reply.frames.len(),
            (analysed.frames_time + analysed.analysis_time).as_secs_f64(),
        );
        if tell {
            told(truth, analysed);
        }
        scores.push(score);
    };
    let folder = tempfile::tempdir().expect("a folder for the recordings");
    if let Some(demo) = demo.filter(|_| is_wanted("demo")) {
        let frames = keep
            .clone()
            .map_or_else(|| folder.path().join("demo"), |k| k.join("demo"));
        std::fs::create_dir_all(&frames).expect("frames");
        let truth = Truth::of_demo(&demo.join("truth.json"));
        let analysed = analyse_file(&demo.join("demo.webm"), &frames, Rules::default(), 60.0).await;
        show("demo (Chromium)", &truth, &analysed);
    }
    let mut files: Vec<PathBuf> = std::fs::read_dir(&scenes)
        .expect("SCENES_DIR")
        .filter_map(|e| e.ok().map(|e| e.path()))
        .collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "json"));
    files.sort();
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !is_wanted(&name) {
            continue;
        }
        let scene = Scene::read(&file);
        let video = keep
            .clone()
            .unwrap_or_else(|| folder.path().into())
            .join(format!("{name}.webm"));
        if !video.exists() {
            scene.draw(&video);
        }
        let frames = keep.clone().unwrap_or_else(|| folder.path().into()).join(&name);
        std::fs::create_dir_all(&frames).expect("frames");
        let analysed = analyse_file(&video, &frames, Rules::default(), scene.idle_threshold_seconds).await;
        show(&name, &scene.truth(), &analysed);
    }
    let with: Vec<&Score> = scores.iter().filter(|s| s.jaccard.is_some()).collect();
    let mean = |f: &dyn Fn(&Score) -> f64, of: &[&Score]| of.iter().map(|s| f(s)).sum::<f64>() / of.len().max(1) as f64;
    let all: Vec<&Score> = scores.iter().collect();
    println!(
        "{:<28} {:>6.3} {:>6.3} {:>7.3} {:>6} {:>7} {:>7.1} % {:>6.1}s {:>6}",
        "mean or sum",
        mean(&|s| s.boundary_f1, &all),
        mean(&|s| s.v_measure, &all),
        mean(&|s| s.jaccard.unwrap_or_default(), &with),
        scores.iter().map(|s| s.count_error).sum::<usize>(),
        format!(
            "{}/{}",
            scores.iter().map(|s| s.exact_occurrences.0).sum::<usize>(),
            scores.iter().map(|s| s.exact_occurrences.1).sum::<usize>()
        ),
        100.0 * mean(&|s| s.duration_error.unwrap_or_default(), &with),
        scores.iter().map(|s| s.waiting_error).sum::<f64>(),
        scores.iter().map(|s| s.false_routines).sum::<usize>(),
    );
}

fn told(truth: &Truth, analysed: &Analysed) {
    let reply = &analysed.reply;
    for screen in &reply.screens {
        println!(
            "   screen {:>2}  {:<28} {:<34} {:?} {:.2}",
            screen.id, screen.application, screen.object, screen.command, screen.name_confidence
        );
    }
    for stay in &reply.timeline {
        let at = f64::midpoint(stay.span.start_seconds(), stay.span.end_seconds());
        let truly = truth.spans.iter().find(|s| s.start <= at && at < s.end);
        println!(
            "   {:>7.2}..{:>7.2} screen {:>2} wait {:>5.1} idle {:>5.1} edits {:>3} frames {:?}  true {}",
            stay.span.start_seconds(),
            stay.span.end_seconds(),
            stay.screen,
            stay.waiting.iter().map(|s| s.seconds()).sum::<f64>(),
            stay.idle.iter().map(|s| s.seconds()).sum::<f64>(),
            stay.edits,
            stay.frames,
            truly.map_or_else(String::new, |t| format!("{} {:.2}..{:.2}", t.screen, t.start, t.end)),
        );
    }
    for routine in &analysed.reading.insights.routines {
        println!(
            "   routine {:?} {} ({})",
            routine.screens, routine.name, routine.process_key
        );
        for o in &routine.occurrences {
            println!(
                "     {:.2}..{:.2} active {:.2} waiting {:.2} idle {:.2}",
                o.span.start_seconds(),
                o.span.end_seconds(),
                o.active_seconds,
                o.waiting_seconds,
                o.idle_seconds
            );
        }
    }
    for routine in &truth.routines {
        for o in &routine.occurrences {
            println!(
                "     true {:.2}..{:.2} active {:.2} waiting {:.2} idle {:.2}",
                o.start, o.end, o.active, o.waiting, o.idle
            );
        }
    }
    println!("   {}", analysed.reading.insights.description);
    for draft in &analysed.reading.drafts {
        println!("   {:?}: {} | {}", draft.insight_type, draft.title, draft.description);
    }
    for o in &analysed.reading.opportunities {
        println!(
            "   opportunity {} | {} | {:?} {:?} conf {:?}",
            o.title, o.description, o.opportunity_type, o.automation_complexity, o.confidence
        );
    }
}
