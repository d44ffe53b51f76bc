//! The time of day, as an argument: one clock per process, one that can be set in tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};

/// Tells the time. Cheap to clone; clones of a set clock move together.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// Microseconds since 1970 of a clock that stands still; the system's time without.
    set: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The system's time.
    pub const fn system() -> Self {
        Self { set: None }
    }

    /// A clock that stands at this instant until it is set anew.
    pub fn standing_at(instant: DateTime<Utc>) -> Self {
        Self {
            set: Some(Arc::new(AtomicI64::new(instant.timestamp_micros()))),
        }
    }

    /// Sets a standing clock; the system's own cannot be set.
    pub fn set(&self, instant: DateTime<Utc>) {
        if let Some(set) = &self.set {
            set.store(instant.timestamp_micros(), Ordering::Relaxed);
        }
    }

    /// The time.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub fn now(&self) -> DateTime<Utc> {
        self.set
            .as_ref()
            .and_then(|set| DateTime::from_timestamp_micros(set.load(Ordering::Relaxed)))
            .unwrap_or_else(Utc::now)
    }
}
