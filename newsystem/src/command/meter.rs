//! How far something is: a bar on a terminal, a line now and then elsewhere. On standard error: standard output is for results.

use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{BinaryBytes, HumanDuration, ProgressBar, ProgressStyle};

const BYTES: &str =
    "{bar:30} {percent:>3} %  {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}  {eta} left  {msg}";
const STAGES: &str = "{bar:30} {percent:>3} %  {msg}";

/// A share as the bar counts it.
const WHOLE: u64 = 1000;

/// Lines without a terminal: one a tenth, or after so long without one.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// See the module. Clones are the same meter.
#[derive(Debug, Clone)]
pub struct Meter {
    bar: ProgressBar,
    /// Without a terminal.
    lines: Option<Arc<Mutex<Lines>>>,
}

#[derive(Debug)]
struct Lines {
    started: Instant,
    /// What was there already, which says nothing about the speed.
    skipped: u64,
    last: Option<(u64, String, Instant)>,
}

impl Lines {
    /// Whether a line is due for so many tenths and these words.
    fn due(&mut self, tenths: u64, words: &str, now: Instant) -> bool {
        let due = self.last.as_ref().is_none_or(|(last_tenths, last_words, at)| {
            *last_tenths < tenths || last_words != words || now.duration_since(*at) >= LINE_EVERY
        });
        if due {
            self.last = Some((tenths, words.to_owned(), now));
        }
        due
    }
}

impl Meter {
    /// Counts bytes.
    pub fn bytes(total: u64) -> Self {
        Self::new(total, BYTES)
    }

    /// Shows a share and what is being done.
    pub fn stages() -> Self {
        Self::new(WHOLE, STAGES)
    }

    fn new(total: u64, template: &str) -> Self {
        if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(total);
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            return Self { bar, lines: None };
        }
        let bar = ProgressBar::hidden();
        bar.set_length(total);
        let lines = Lines {
            started: Instant::now(),
            skipped: 0,
            last: None,
        };
        Self {
            bar,
            lines: Some(Arc::new(Mutex::new(lines))),
        }
    }

    /// So many bytes that were there already.
    pub fn skip(&self, bytes: u64) {
        self.bar.inc(bytes);
        self.bar.reset_eta();
        if let Some(lines) = &self.lines {
            lines.lock().unwrap_or_else(PoisonError::into_inner).skipped += bytes;
        }
    }

    /// So many bytes more.
    pub fn add(&self, bytes: u64) {
        self.bar.inc(bytes);
        let Some(lines) = &self.lines else { return };
        let (now, done, total) = (
            Instant::now(),
            self.bar.position(),
            self.bar.length().unwrap_or(1).max(1),
        );
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.due(done * 10 / total, "", now) {
            let moved = done.saturating_sub(lines.skipped);
            eprintln!("{}", bytes_line(done, total, moved, now.duration_since(lines.started)));
        }
    }

    /// So many bytes have to be sent again.
    pub fn take_back(&self, bytes: u64) {
        self.bar.dec(bytes.min(self.bar.position()));
    }

    /// Words beside the bar; only where there is one.
    pub fn aside(&self, words: String) {
        self.bar.set_message(words);
    }

    /// A share, `0..=1`, and what is being done.
    pub fn stage(&self, share: f64, words: &str) {
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        self.bar.set_position((share * WHOLE as f64) as u64);
        self.bar.set_message(words.to_owned());
        let Some(lines) = &self.lines else { return };
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        // A stage's own counts change all the time: only its name makes a line.
        let stage = words.split(':').next().unwrap_or_default();
        if lines.due((share * 10.0) as u64, stage, Instant::now()) {
            eprintln!("{:3.0} %  {words}", share * 100.0);
        }
    }

    /// A remark, above the bar.
    pub fn remark(&self, text: &str) {
        if self.lines.is_some() {
            eprintln!("{text}");
        } else {
            self.bar.suspend(|| eprintln!("{text}"));
        }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// A line about bytes: how many, how fast, how long still.
fn bytes_line(done: u64, total: u64, moved: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    let mut line = format!(
        "{:3} %  {} of {}",
        done * 100 / total,
        BinaryBytes(done),
        BinaryBytes(total)
    );
    if moved > 0 && seconds > 0.5 {
        let speed = moved as f64 / seconds;
        let left = Duration::from_secs_f64(total.saturating_sub(done) as f64 / speed);
        line = format!("{line}  {}/s  {} left", BinaryBytes(speed as u64), HumanDuration(left));
    }
    line
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Lines, bytes_line};

    #[test]
    fn a_line_about_bytes_has_speed_and_time_once_they_are_known() {
        let mib = 1024 * 1024;
        let line = bytes_line(30 * mib, 40 * mib, 20 * mib, Duration::from_secs(10));
        assert_eq!(line, " 75 %  30.00 MiB of 40.00 MiB  2.00 MiB/s  5 seconds left");
        assert_eq!(bytes_line(0, mib, 0, Duration::ZERO), "  0 %  0 B of 1.00 MiB");
    }

    #[test]
    fn a_line_is_due_for_each_tenth_each_stage_and_after_a_while() {
        let now = Instant::now();
        let mut lines = Lines {
            started: now,
            skipped: 0,
            last: None,
        };
        let later = |seconds| now + Duration::from_secs(seconds);
        assert!(lines.due(0, "a", now));
        assert!(!lines.due(0, "a", later(1)));
        assert!(lines.due(1, "a", later(1)));
        assert!(lines.due(1, "b", later(2)));
        assert!(!lines.due(1, "b", later(31)));
        assert!(lines.due(1, "b", later(32)));
    }
}
