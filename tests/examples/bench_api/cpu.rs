//! Processor time, as Linux counts it. Apart because it is read the same way for a server, its children and our own.

/// Processor seconds.
#[derive(Clone, Copy)]
pub(super) struct Cpu(pub(super) f64);

/// Fields of `/proc/PID/stat` behind the name, the first being the state.
pub(super) fn stat(pid: u32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

#[expect(clippy::cast_precision_loss, reason = "ticks of minutes")]
fn ticks(fields: &[String], at: &[usize]) -> f64 {
    // 100 ticks a second on every Linux.
    at.iter()
        .filter_map(|at| fields.get(*at)?.parse::<u64>().ok())
        .sum::<u64>() as f64
        / 100.0
}

impl Cpu {
    /// Of one process.
    pub(super) fn of(pid: u32) -> Self {
        Self(stat(pid).map_or(0.0, |fields| ticks(&fields, &[11, 12])))
    }

    /// Of a server and its children, also those that have ended.
    pub(super) fn of_family(parent: u32) -> Self {
        let mut sum = stat(parent).map_or(0.0, |fields| ticks(&fields, &[11, 12, 13, 14]));
        let Ok(entries) = std::fs::read_dir("/proc") else {
            return Self(sum);
        };
        for pid in entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        {
            if let Some(fields) = stat(pid)
                && fields.get(1).is_some_and(|of| *of == parent.to_string())
            {
                sum += ticks(&fields, &[11, 12]);
            }
        }
        Self(sum)
    }

    /// Of children of this process that have ended.
    pub(super) fn of_ended_children() -> Self {
        stat(std::process::id()).map_or(Self(0.0), |fields| Self(ticks(&fields, &[13, 14])))
    }
}
