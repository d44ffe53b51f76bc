//! The process's surroundings: its settings and its clock. The only place that reads either, so that everything else can be
//! given others.
//!
//! A setting comes from the first that has it: what a command laid over it (`dev` fills in its own database), the process's
//! environment, the file `.env` in the current folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};

/// One variable of the process, by its name.
type Variable = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Where settings come from.
#[derive(Clone)]
pub struct Environment {
    over: BTreeMap<String, String>,
    process: Arc<Variable>,
    file: BTreeMap<String, String>,
}

impl std::fmt::Debug for Environment {
    /// Names only: any value may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("over", &self.over.keys())
            .field("file", &self.file.keys())
            .finish_non_exhaustive()
    }
}

impl Environment {
    /// The process's own, and `.env` in the current folder if there is one.
    pub fn of_process() -> anyhow::Result<Self> {
        let path = Path::new(".env");
        let file = match std::fs::read_to_string(path) {
            Ok(text) => parse(&text).context("cannot read .env")?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error).context("cannot read .env"),
        };
        Ok(Self {
            over: BTreeMap::new(),
            process: Arc::new(variable),
            file,
        })
    }

    /// One of given settings only.
    pub fn of(settings: BTreeMap<String, String>) -> Self {
        Self {
            over: BTreeMap::new(),
            process: Arc::new(|_| None),
            file: settings,
        }
    }

    /// A setting; an empty one counts as absent.
    pub fn get(&self, name: &str) -> Option<String> {
        let given = |text: &String| !text.trim().is_empty();
        self.over
            .get(name)
            .cloned()
            .or_else(|| (self.process)(name))
            .filter(given)
            .or_else(|| self.file.get(name).cloned())
            .filter(given)
    }

    /// Whether a setting is given.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Lays a setting over whatever is there.
    pub fn lay_over(&mut self, name: &str, value: impl Into<String>) {
        self.over.insert(name.to_owned(), value.into());
    }

    /// What was laid over, to be handed on to a child process.
    pub fn laid_over(&self) -> &BTreeMap<String, String> {
        &self.over
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the place where the environment is read"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The process's clock.
#[expect(clippy::disallowed_methods, reason = "this is the process's one clock")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Reads `NAME=value` lines, as in `.env.example`: `#` begins a comment, `export` is passed over, a value may be in quotes.
pub fn parse(text: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let mut settings = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else {
            bail!("line {number} is not NAME=value")
        };
        let name = name.trim();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            bail!("line {number} has a name that is none");
        }
        if settings.insert(name.to_owned(), unquoted(value.trim())?).is_some() {
            bail!("line {number} sets {name} a second time");
        }
    }
    Ok(settings)
}

fn unquoted(value: &str) -> anyhow::Result<String> {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            let Some((inside, after)) = rest.split_once(quote) else {
                bail!("a quote is not closed")
            };
            if !after.trim().is_empty() && !after.trim().starts_with('#') {
                bail!("text after a closing quote");
            }
            return Ok(inside.to_owned());
        }
    }
    // A comment after the value needs a blank before it: `#` is legal in passwords.
    let end = value.find(" #").unwrap_or(value.len());
    Ok(value[..end].trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Environment, parse};

    #[test]
    fn a_file_of_settings_is_read_as_shells_do() {
        let found = parse("# c\n\nA=1\nexport B = two words # c\nC=\"x # y\" # c\nD='\"'\nE=p#w\nF=\n").unwrap();
        let wanted = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "x # y"),
            ("D", "\""),
            ("E", "p#w"),
            ("F", ""),
        ];
        assert_eq!(
            found,
            wanted.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
        );
        for bad in ["A", "=1", "A B=1", "A=1\nA=2", "A=\"x", "A=\"x\"y"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_laid_over_wins_and_an_empty_setting_is_absent() {
        let mut environment = Environment::of(parse("A=file\nB=\n").unwrap());
        assert_eq!(
            (environment.get("A").as_deref(), environment.has("B")),
            (Some("file"), false)
        );
        environment.lay_over("A", "over");
        assert_eq!(environment.get("A").as_deref(), Some("over"));
        assert!(!format!("{environment:?}").contains("file\""), "values are not printed");
    }
}
