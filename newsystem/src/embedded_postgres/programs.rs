//! Finding the system's PostgreSQL programs, and choosing the version that fits the data.

use std::{
    cmp::Reverse,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::error::{Error, SUPPORTED};

const NEEDED: [&str; 3] = ["initdb", "postgres", "pg_ctl"];

/// Folders that hold one installation per version, as (parent, folder below each entry).
const VERSIONED: [(&str, &str); 7] = [
    ("/usr/lib/postgresql", "bin"),            // Debian
    ("/usr", "bin"),                           // /usr/pgsql-17/bin
    ("/opt/homebrew/opt", "bin"),              // Homebrew on Apple silicon
    ("/usr/local/opt", "bin"),                 // Homebrew on Intel
    ("/home/linuxbrew/.linuxbrew/opt", "bin"), // Homebrew on Linux
    ("/Applications/Postgres.app/Contents/Versions", "bin"),
    ("/opt", "bin"), // /opt/postgresql-17/bin
];

/// One installation.
#[derive(Clone, Debug)]
pub struct Programs {
    pub folder: PathBuf,
    pub major: u32,
}

impl Programs {
    pub fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }

    pub fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    pub fn pg_ctl(&self) -> PathBuf {
        self.folder.join("pg_ctl")
    }

    /// The installation to use: the data's own version, or the newest where there is no data yet.
    pub fn for_data(mut installed: Vec<Self>, data: &Path) -> Result<Self, Error> {
        installed.sort_by_key(|programs| Reverse(programs.major));
        let Some(version) = version_of(data)? else {
            return installed.first().cloned().ok_or(Error::NotInstalled);
        };
        match installed.iter().find(|programs| programs.major.to_string() == version) {
            Some(programs) => Ok(programs.clone()),
            None => Err(Error::OtherVersionsData {
                folder: data.parent().unwrap_or(data).to_owned(),
                found: version,
                installed: majors(&installed),
            }),
        }
    }
}

/// The major version that made a cluster's data, if there is data.
fn version_of(data: &Path) -> Result<Option<String>, Error> {
    if !data.exists() {
        return Ok(None);
    }
    let file = data.join("PG_VERSION");
    match fs::read_to_string(&file) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Error::InTheWay { path: data.to_owned() }),
        Err(error) => Err(Error::file(file)(error)),
    }
}

/// The usable installations: in the given folder only, or wherever systems keep them. At least one, or an error.
pub fn find(only: Option<&Path>) -> Result<Vec<Programs>, Error> {
    let folders = only.map_or_else(usual_folders, |folder| vec![folder.to_owned()]);
    let complete = folders
        .into_iter()
        .filter(|folder| NEEDED.iter().all(|name| folder.join(name).is_file()));
    let mut found: Vec<Programs> = complete
        .filter_map(|folder| major_version(&folder).map(|major| Programs { folder, major }))
        .collect();
    if found.is_empty() {
        return Err(Error::NotInstalled);
    }
    let every = majors(&found);
    found.retain(|programs| SUPPORTED.contains(&programs.major));
    if found.is_empty() {
        Err(Error::UnsupportedVersion { found: every })
    } else {
        Ok(found)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "PATH says where programs are; it is no configuration of ours"
)]
fn usual_folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .collect();
    for (parent, below) in VERSIONED {
        let Ok(entries) = fs::read_dir(parent) else {
            continue;
        };
        folders.extend(entries.flatten().map(|entry| entry.path().join(below)));
    }
    folders
}

fn major_version(folder: &Path) -> Option<u32> {
    let output = Command::new(folder.join("postgres"))
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`, `postgres (PostgreSQL) 19beta1`.
fn parse_version(said: &str) -> Option<u32> {
    let number = said.split_once("(PostgreSQL) ")?.1;
    let digits = number
        .find(|c: char| !c.is_ascii_digit())
        .map_or(number, |end| &number[..end]);
    digits.parse().ok()
}

fn majors(installed: &[Programs]) -> String {
    let mut majors: Vec<u32> = installed.iter().map(|programs| programs.major).collect();
    majors.sort_unstable();
    majors.dedup();
    majors.iter().map(u32::to_string).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_systems_write_them() {
        assert_eq!(
            parse_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(parse_version("postgres (PostgreSQL) 18.0\n"), Some(18));
        assert_eq!(parse_version("postgres (PostgreSQL) 19beta1\n"), Some(19));
        assert_eq!(parse_version("something else 4.2"), None);
    }

    #[test]
    fn data_is_served_by_its_own_version_and_new_data_by_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let installed: Vec<Programs> = [15, 17, 16]
            .map(|major| Programs {
                folder: "/".into(),
                major,
            })
            .into();
        assert_eq!(Programs::for_data(installed.clone(), &data).unwrap().major, 17);
        fs::create_dir(&data).unwrap();
        fs::write(data.join("PG_VERSION"), "16\n").unwrap();
        assert_eq!(Programs::for_data(installed.clone(), &data).unwrap().major, 16);
        fs::write(data.join("PG_VERSION"), "14\n").unwrap();
        let refused = Programs::for_data(installed, &data).unwrap_err().to_string();
        assert!(
            refused.contains("made by PostgreSQL 14 but version 15 and 16 and 17 is installed"),
            "{refused}"
        );
    }
}
