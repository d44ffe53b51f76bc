//! The long work, one file per job.

pub mod analyze_recording;
pub mod export_data;
pub mod recalculate_costs;
mod stop;
pub mod sweep;

use service::queue::Verdict;

/// Worth another try, whenever the queue thinks fit.
fn retry(reason: &str) -> Verdict {
    Verdict::Retry {
        reason: reason.to_owned(),
        after: None,
    }
}
