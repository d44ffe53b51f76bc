//! The decoder as a child process: the same answer, limits that hold, and an end in every case. Apart because what is read
//! matters less here than who reads it.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use worker::frames::{DecodeLimits, DecoderProgram, Extraction, FrameError, extract};

use super::{STANDARD, Studio, assert_two_screens};
use crate::drawn::{self, Words};

fn child() -> DecoderProgram {
    let args = [
        "decoder_child",
        "--exact",
        "--ignored",
        "--nocapture",
        "--test-threads=2",
    ];
    DecoderProgram {
        program: std::env::current_exe().unwrap(),
        args: args.map(OsString::from).to_vec(),
    }
}

fn shell(script: &str) -> DecoderProgram {
    DecoderProgram {
        program: "/bin/sh".into(),
        args: vec!["-c".into(), script.into()],
    }
}

async fn reads(program: DecoderProgram, file: &Path, limits: DecodeLimits) -> Result<Extraction, FrameError> {
    let out = tempfile::tempdir().unwrap();
    extract(
        file,
        out.path(),
        &STANDARD,
        &limits,
        &program,
        |_| {},
        CancellationToken::new(),
    )
    .await
}

#[tokio::test]
async fn the_child_answers_as_the_process_itself() {
    let mut studio = Studio::new();
    let file = studio.two_screens("a.webm", (640, 360), drawn::BROWSER_VP9);
    let out = tempfile::tempdir().unwrap();
    let mut heard = Vec::new();
    let limits = DecodeLimits::default();
    let extraction = extract(
        &file,
        out.path(),
        &STANDARD,
        &limits,
        &child(),
        |progress| heard.push(progress),
        CancellationToken::new(),
    )
    .await
    .unwrap();
    assert_two_screens(&extraction, "vp9");
    assert!(
        extraction
            .frames
            .iter()
            .all(|frame| frame.file.starts_with(out.path()) && frame.file.exists())
    );
    assert!(
        heard.len() > 5 && heard.is_sorted_by(|a, b| a.done_seconds <= b.done_seconds),
        "{heard:?}"
    );
}

#[tokio::test]
async fn hostile_files_fail_cleanly() {
    let mut studio = Studio::new();
    let good = std::fs::read(studio.two_screens("good.webm", (640, 360), drawn::BROWSER_VP9)).unwrap();
    let mut words = Words::new(9);
    let noise: Vec<u8> = std::iter::repeat_with(|| words.number() as u8).take(100_000).collect();
    // The first key frame says that it is 65536x65536: after the sync code and four bits, two fields of 16.
    let mut huge = good.clone();
    let sync = huge.windows(3).position(|bytes| bytes == [0x49, 0x83, 0x42]).unwrap();
    huge[sync + 3] |= 0x0F;
    huge[sync + 4..sync + 7].fill(0xFF);
    huge[sync + 7] |= 0xF0;
    let cases = [
        ("noise", noise.clone()),
        ("zip", [b"PK\x03\x04\x14\0\0\0\x08\0".as_slice(), &noise].concat()),
        ("empty", Vec::new()),
        ("webm header, then noise", [&good[..64], &noise].concat()),
        (
            "mp4 header, then noise",
            [b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41".as_slice(), &noise].concat(),
        ),
        ("a playlist", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n".to_vec()),
    ];
    for (what, bytes) in cases {
        let file = studio.dir.path().join("hostile");
        std::fs::write(&file, bytes).unwrap();
        let error = reads(child(), &file, DecodeLimits::default()).await.unwrap_err();
        assert!(
            matches!(error, FrameError::NotAVideo | FrameError::Unreadable(_)),
            "{what}: {error:?}"
        );
    }
    let file = studio.dir.path().join("huge.webm");
    std::fs::write(&file, huge).unwrap();
    let error = reads(child(), &file, DecodeLimits::default()).await.unwrap_err();
    assert!(
        matches!(error, FrameError::Unreadable(_) | FrameError::DecoderCrashed(_)),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_limits_hold() {
    let mut studio = Studio::new();
    let file = studio.two_screens("a.webm", (1920, 1080), H264_IN_MATROSKA);
    let tight = DecodeLimits {
        memory_bytes: 24 << 20,
        ..DecodeLimits::default()
    };
    let error = reads(child(), &file, tight).await.unwrap_err();
    assert!(matches!(error, FrameError::DecoderCrashed(_)), "{error:?}");
    let short = DecodeLimits {
        max_recording_seconds: 2.0,
        ..DecodeLimits::default()
    };
    let error = reads(child(), &file, short).await.unwrap_err();
    assert!(
        matches!(error, FrameError::TooLong { limit_seconds } if (limit_seconds - 2.0).abs() < 1e-9),
        "{error:?}"
    );
    let small = DecodeLimits {
        max_pixels: 1280 * 720,
        ..DecodeLimits::default()
    };
    assert!(matches!(
        reads(child(), &file, small).await.unwrap_err(),
        FrameError::Unreadable(_)
    ));
    let brief = DecodeLimits {
        cpu_seconds: 1,
        ..DecodeLimits::default()
    };
    let error = reads(shell("while :; do :; done"), &file, brief).await.unwrap_err();
    assert!(
        matches!(&error, FrameError::DecoderCrashed(how) if how.contains("processor time")),
        "{error:?}"
    );
    let brief = DecodeLimits {
        wall_seconds: 1,
        ..DecodeLimits::default()
    };
    let error = reads(shell("exec sleep 60"), &file, brief).await.unwrap_err();
    assert!(
        matches!(&error, FrameError::DecoderCrashed(how) if how.contains("time limit")),
        "{error:?}"
    );
}

const H264_IN_MATROSKA: &[&str] = &[
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-pix_fmt",
    "yuv420p",
    "-f",
    "matroska",
];

#[tokio::test]
async fn a_dead_decoder_is_an_answer() {
    let file = Path::new("/nowhere");
    for (script, expected) in [
        ("read job; kill -KILL $$", "signal 9"),
        ("read job; echo alas >&2; kill -SEGV $$", "signal 11: alas"),
        ("exit 3", "status 3"),
        (
            "echo nonsense; echo '{\"progress\":{\"done_seconds\":1,\"total_seconds\":2}}'",
            "status 0",
        ),
    ] {
        let error = reads(shell(script), file, DecodeLimits::default()).await.unwrap_err();
        assert!(
            matches!(&error, FrameError::DecoderCrashed(how) if how.contains(expected)),
            "{script}: {error:?}"
        );
    }
    let missing = DecoderProgram {
        program: "/nowhere/decoder".into(),
        args: Vec::new(),
    };
    assert!(matches!(
        reads(missing, file, DecodeLimits::default()).await.unwrap_err(),
        FrameError::Io(_)
    ));
}

fn alive(pid: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    !status.is_empty() && !status.contains("State:\tZ")
}

async fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{what}");
}

#[tokio::test]
async fn nobody_waits_for_a_cancelled_decoder() {
    let dir = tempfile::tempdir().unwrap();
    for drop_it in [false, true] {
        let note = dir.path().join(format!("pid{drop_it}"));
        let program = shell(&format!("echo $$ > {}; exec sleep 60", note.display()));
        let cancel = CancellationToken::new();
        let (stop, out) = (cancel.clone(), dir.path().to_owned());
        let task = tokio::spawn(async move {
            extract(
                Path::new("/nowhere"),
                &out,
                &STANDARD,
                &DecodeLimits::default(),
                &program,
                |_| {},
                stop,
            )
            .await
        });
        let pid = || std::fs::read_to_string(&note).unwrap_or_default().trim().to_owned();
        wait_until("the child starts", || !pid().is_empty()).await;
        assert!(alive(&pid()));
        if drop_it {
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        } else {
            cancel.cancel();
            assert!(matches!(task.await.unwrap().unwrap_err(), FrameError::Cancelled));
        }
        wait_until("the child is gone", || !alive(&pid())).await;
    }
}

#[test]
fn a_decoder_ends_when_its_parent_does() {
    let dir = tempfile::tempdir().unwrap();
    // A pipe that nobody writes to: reading the recording never ends.
    let pipe = dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let program = child();
    let mut process = Command::new(program.program)
        .args(program.args)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let job = serde_json::json!({ "input": pipe, "out_dir": dir.path(), "sampling": STANDARD, "limits": DecodeLimits::default() });
    let mut stdin = process.stdin.take().unwrap();
    writeln!(stdin, "{job}").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(process.try_wait().unwrap().is_none(), "it should be at work");
    drop(stdin);
    let began = Instant::now();
    while process.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_secs(5) {
            process.kill().unwrap();
            panic!("it went on without its parent");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
