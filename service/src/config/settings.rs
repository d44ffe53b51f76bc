//! The reader of settings. A fault does not stop it: it notes the fault and goes on, so that an operator sees all of them
//! at once.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use url::Url;

use super::{Secret, is_loopback};

/// Where the text of a setting comes from: the environment in a process, a map in a test. An empty text counts as absent.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// One thing that is wrong with one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The setting's name.
    pub name: Cow<'static, str>,
    /// What is wrong and what to do, as one sentence without the setting's value where that may be secret.
    pub what: String,
}

/// Everything that is wrong with the settings of a process.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(
            f,
            "{count} {} with the settings:",
            if count == 1 { "problem" } else { "problems" }
        )?;
        for fault in &self.0 {
            write!(f, "\n  {}: {}", fault.name, fault.what)?;
        }
        Ok(())
    }
}

/// A protection that an operator may give up, by naming it in `NEWSYSTEM_ACCEPT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exception {
    /// Serving on an address that others reach, without a proxy that ends TLS.
    PublicListen,
    /// A database on another machine without verified TLS.
    DatabasePlaintext,
    /// Object storage on another machine over `http://`.
    StoragePlaintext,
    /// A model endpoint on another machine over `http://`.
    ModelPlaintext,
}

impl Exception {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::PublicListen,
        Self::DatabasePlaintext,
        Self::StoragePlaintext,
        Self::ModelPlaintext,
    ];
    /// The setting that lists them.
    pub const SETTING: &'static str = "NEWSYSTEM_ACCEPT";

    /// The name an operator writes.
    pub fn name(self) -> &'static str {
        match self {
            Self::PublicListen => "public-listen",
            Self::DatabasePlaintext => "database-plaintext",
            Self::StoragePlaintext => "storage-plaintext",
            Self::ModelPlaintext => "model-plaintext",
        }
    }
}

/// Reads settings by name and collects what is wrong with them.
pub struct Settings<'a> {
    lookup: Lookup<'a>,
    asked: RefCell<BTreeSet<String>>,
    faults: Vec<Fault>,
    notices: Vec<String>,
    accepted: BTreeSet<Exception>,
}

impl fmt::Debug for Settings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("asked", &self.asked)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

impl<'a> Settings<'a> {
    /// A reader over `lookup`.
    pub fn new(lookup: Lookup<'a>) -> Self {
        let mut settings = Self {
            lookup,
            asked: RefCell::default(),
            faults: Vec::new(),
            notices: Vec::new(),
            accepted: BTreeSet::new(),
        };
        settings.accepted = settings.or(Exception::SETTING, BTreeSet::new(), exceptions);
        settings
    }

    /// The text of a setting, without surrounding blanks; `None` when it is absent or empty.
    ///
    /// This is also the lookup to hand to a part that reads its own settings.
    pub fn text(&self, name: &str) -> Option<String> {
        self.asked.borrow_mut().insert(name.to_owned());
        (self.lookup)(name)
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    }

    /// A setting that may be absent. A text that `parse` refuses is a fault, and `None`.
    pub fn optional<T>(&mut self, name: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(name)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(what) => {
                self.fault(name, what);
                None
            }
        }
    }

    /// A setting that must be there; `why` says what it is for, in the fault of its absence.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        why: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if self.text(name).is_none() {
            self.fault(name, format!("is not set: {why}"));
            return None;
        }
        self.optional(name, parse)
    }

    /// A setting with a default.
    pub fn or<T>(&mut self, name: &'static str, default: T, parse: impl FnOnce(&str) -> Result<T, String>) -> T {
        self.optional(name, parse).unwrap_or(default)
    }

    /// A whole number within bounds, with a default.
    pub fn number(&mut self, name: &'static str, default: u64, bounds: std::ops::RangeInclusive<u64>) -> u64 {
        self.or(name, default, |text| {
            text.parse()
                .ok()
                .filter(|number| bounds.contains(number))
                .ok_or_else(|| {
                    format!(
                        "{text:?} is not a whole number from {} to {}",
                        bounds.start(),
                        bounds.end()
                    )
                })
        })
    }

    /// A secret, which may have to have a least length in bytes.
    pub fn secret(&mut self, name: &'static str, least_bytes: usize) -> Option<Secret> {
        self.optional(name, |text| {
            if text.len() < least_bytes {
                return Err(format!(
                    "has {} bytes; it needs {least_bytes} or more, from a random generator",
                    text.len()
                ));
            }
            Ok(Secret::new(text))
        })
    }

    /// An `http` or `https` address. Over `http` only to this machine, unless `exception` is accepted; without an exception
    /// there is none.
    pub fn endpoint(&mut self, name: &'static str, exception: Option<Exception>) -> Option<Url> {
        let url = self.optional(name, web_address)?;
        if url.scheme() == "https" || url.host_str().is_some_and(is_loopback) {
            return Some(url);
        }
        match exception {
            Some(exception) if self.accepts(exception) => Some(url),
            Some(exception) => {
                self.refuse(
                    name,
                    "is not encrypted (http) and leaves this machine: use https",
                    exception,
                );
                None
            }
            None => {
                self.fault(name, "is not encrypted (http) and leaves this machine: use https");
                None
            }
        }
    }

    /// A list separated by commas; every element that `parse` refuses is a fault of its own.
    pub fn list<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let text = self.text(name).unwrap_or_default();
        let mut values = Vec::new();
        for element in text.split(',').map(str::trim).filter(|element| !element.is_empty()) {
            match parse(element) {
                Ok(value) => values.push(value),
                Err(what) => self.fault(name, what),
            }
        }
        values
    }

    /// A setting of the seed that is read by nothing. Its presence is said.
    pub fn unused(&mut self, name: &'static str, because: &str) {
        if self.text(name).is_some() {
            self.notices.push(format!("{name} is set and not used: {because}"));
        }
    }

    /// Notes a fault.
    pub fn fault(&mut self, name: impl Into<Cow<'static, str>>, what: impl Into<String>) {
        self.faults.push(Fault {
            name: name.into(),
            what: what.into(),
        });
    }

    /// Notes a fault that an operator may accept by name.
    pub fn refuse(&mut self, name: &'static str, what: &str, exception: Exception) {
        let accept = exception.name();
        self.fault(name, format!("{what} (or accept it: {}={accept})", Exception::SETTING));
    }

    /// Whether something was wrong with this setting.
    pub fn is_faulty(&self, name: &str) -> bool {
        self.faults.iter().any(|fault| fault.name == name)
    }

    /// Whether the operator gave up this protection.
    pub fn accepts(&self, exception: Exception) -> bool {
        self.accepted.contains(&exception)
    }

    /// The names read so far.
    pub fn asked(&self) -> BTreeSet<String> {
        self.asked.borrow().clone()
    }

    /// What an operator should be told although nothing is wrong.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// `built`, unless something was wrong. `None` without a fault is a mistake of the code that reads, and is said as one.
    pub fn finish<T>(self, built: Option<T>) -> Result<T, Faults> {
        match built {
            Some(built) if self.faults.is_empty() => Ok(built),
            None if self.faults.is_empty() => Err(Faults(vec![Fault {
                name: "settings".into(),
                what: "incomplete, and no reader said why".to_owned(),
            }])),
            _ => Err(Faults(self.faults)),
        }
    }
}

/// An absolute `http(s)` address without credentials, query or fragment.
fn web_address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is not an address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err("is not an http or https address".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("carries credentials, a query or a fragment, and must not".to_owned());
    }
    Ok(url)
}

fn exceptions(text: &str) -> Result<BTreeSet<Exception>, String> {
    text.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| {
            Exception::ALL
                .into_iter()
                .find(|exception| exception.name() == name)
                .ok_or_else(|| {
                    let known: Vec<_> = Exception::ALL.into_iter().map(Exception::name).collect();
                    format!("{name:?} is none of: {}", known.join(", "))
                })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Exception, Settings};

    fn with<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn every_fault_is_reported_and_no_secret_with_it() {
        let lookup = with(&[
            ("PORT", "high"),
            ("KEY", "short-secret"),
            ("HOSTS", "a, ,b?"),
            ("PLACE", "http://far.test/"),
        ]);
        let mut settings = Settings::new(&lookup);
        settings.number("PORT", 1, 1..=9);
        settings.secret("KEY", 32);
        settings.list("HOSTS", |text| {
            if text.contains('?') {
                Err(format!("{text:?} is no host"))
            } else {
                Ok(())
            }
        });
        settings.endpoint("PLACE", Some(Exception::StoragePlaintext));
        settings.required("GONE", "it says where", |text| Ok(text.to_owned()));
        let faults = settings.finish(Some(())).unwrap_err().to_string();
        assert_eq!(
            faults,
            "5 problems with the settings:\n  \
             PORT: \"high\" is not a whole number from 1 to 9\n  \
             KEY: has 12 bytes; it needs 32 or more, from a random generator\n  \
             HOSTS: \"b?\" is no host\n  \
             PLACE: is not encrypted (http) and leaves this machine: use https (or accept it: NEWSYSTEM_ACCEPT=storage-plaintext)\n  \
             GONE: is not set: it says where"
        );
    }

    #[test]
    fn an_empty_setting_is_an_absent_one() {
        let lookup = with(&[("PORT", "  ")]);
        let mut settings = Settings::new(&lookup);
        assert_eq!(settings.number("PORT", 7, 1..=9), 7);
        assert!(settings.finish(Some(())).is_ok());
    }

    #[test]
    fn an_exception_is_accepted_by_its_name_only() {
        let lookup = with(&[
            (Exception::SETTING, "storage-plaintext, public-listen"),
            ("PLACE", "http://far.test/"),
        ]);
        let mut settings = Settings::new(&lookup);
        assert!(settings.endpoint("PLACE", Some(Exception::StoragePlaintext)).is_some());
        assert!(settings.accepts(Exception::PublicListen) && !settings.accepts(Exception::DatabasePlaintext));
        assert!(
            settings.endpoint("PLACE", Some(Exception::ModelPlaintext)).is_none(),
            "another exception does not count"
        );
        let lookup = with(&[(Exception::SETTING, "everything")]);
        let faults = Settings::new(&lookup).finish(Some(())).unwrap_err();
        assert!(
            faults.to_string().contains("\"everything\" is none of: public-listen"),
            "{faults}"
        );
    }

    #[test]
    fn an_endpoint_carries_nothing_but_a_place() {
        for bad in [
            "far.test",
            "ftp://far.test",
            "https://me:pw@far.test/",
            "https://far.test/?key=1",
            "https:///x",
        ] {
            let pairs = [("PLACE", bad)];
            let lookup = with(&pairs);
            let mut settings = Settings::new(&lookup);
            let url = settings.endpoint("PLACE", None);
            // `https:///x` is read by every browser as host `x`; so is it here.
            assert_eq!(url.is_some(), bad == "https:///x", "{bad}");
        }
        for near in ["http://localhost:1/", "http://127.0.0.1:1/", "http://[::1]:1/"] {
            let pairs = [("PLACE", near)];
            let lookup = with(&pairs);
            assert!(Settings::new(&lookup).endpoint("PLACE", None).is_some(), "{near}");
        }
    }
}
