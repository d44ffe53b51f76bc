//! The log: text for people or JSON for machines, on standard error, so that a command's answer stands alone on standard
//! output. A panic becomes a line of the log.

use std::backtrace::Backtrace;
use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use service::config::{Faults, Lookup, Settings};
use tracing_subscriber::EnvFilter;

/// How the log looks and what it holds.
#[derive(Debug)]
pub struct LogConfig {
    format: Format,
    filter: EnvFilter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Text,
    Json,
}

impl LogConfig {
    /// Reads `NEWSYSTEM_LOG` and `NEWSYSTEM_LOG_FORMAT`. `default` is the filter of a command that says little.
    pub fn load(lookup: Lookup<'_>, default: &str) -> Result<Self, Faults> {
        let mut settings = Settings::new(lookup);
        let format = settings.or("NEWSYSTEM_LOG_FORMAT", Format::Text, |text| match text {
            "text" => Ok(Format::Text),
            "json" => Ok(Format::Json),
            _ => Err(format!("{text:?} is neither text nor json")),
        });
        let filter = settings.optional("NEWSYSTEM_LOG", |text| {
            EnvFilter::try_new(text).map_err(|error| format!("{text:?} is no filter such as info,api=debug: {error}"))
        });
        let filter = filter.unwrap_or_else(|| EnvFilter::new(default));
        settings.finish(Some(Self { format, filter }))
    }

    /// Starts the log of this process.
    pub fn start(self) {
        let builder = tracing_subscriber::fmt()
            .with_env_filter(self.filter)
            .with_writer(std::io::stderr);
        // A second start (in a test) leaves the first in place.
        let _ = match self.format {
            Format::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
            Format::Json => builder.json().flatten_event(true).with_current_span(true).try_init(),
        };
        std::panic::set_hook(Box::new(log));
    }
}

fn log(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("a panic without a message");
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    let backtrace = Backtrace::force_capture();
    tracing::error!(panic.message = message, panic.location = %location, thread, %backtrace, "a thread panicked");
}

#[cfg(test)]
mod tests {
    use super::{Format, LogConfig};

    #[test]
    fn a_filter_or_format_that_is_none_is_a_fault() {
        let load = |name: &'static str, value: &'static str| {
            LogConfig::load(&move |asked| (asked == name).then(|| value.to_owned()), "info")
                .map_err(|faults| faults.to_string())
        };
        assert_eq!(load("NEWSYSTEM_LOG_FORMAT", "json").unwrap().format, Format::Json);
        assert_eq!(
            load("NEWSYSTEM_LOG", "warn,api=debug").unwrap().filter.to_string(),
            "api=debug,warn"
        );
        assert!(
            load("NEWSYSTEM_LOG_FORMAT", "xml")
                .unwrap_err()
                .contains("neither text nor json")
        );
        assert!(load("NEWSYSTEM_LOG", "api=loud").unwrap_err().contains("is no filter"));
    }
}
