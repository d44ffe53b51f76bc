//! Where a cluster lives and who owns it.
//!
//! Below the data folder, unless root starts it: PostgreSQL refuses to run as root, and another user cannot enter folders
//! such as `/root`. Root's cluster is therefore in the system's state folder, its data owned by a system user, and a small
//! file in the data folder says where. Everything but the data itself stays with whoever starts the program.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{ErrorKind, Read as _, Seek as _, Write as _},
    os::unix::{
        fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rand::Rng as _;
use sha2::{Digest as _, Sha256};

use super::{Settings, error::Error};

/// What the data folder calls the cluster's folder, or the file that says where it is.
const NAME: &str = "postgres";

/// Who runs a cluster that root starts, best first.
const SYSTEM_USERS: [&str; 3] = ["postgres", "_postgres", "nobody"];

/// Longest socket folder: the socket's name is added to it and the whole must stay below 104 bytes.
const LONGEST_SOCKET_FOLDER: usize = 70;

/// The user that the server's processes run as, where that is not the user of this program.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    uid: u32,
    gid: u32,
}

#[derive(Clone, Debug)]
pub struct Place {
    /// The cluster's folder: `data/`, `secret`, `lock`, `log`.
    pub home: PathBuf,
    /// What PostgreSQL calls its data directory.
    pub data: PathBuf,
    owner: Option<Owner>,
}

impl Place {
    /// Makes the folders that are missing.
    pub fn prepare(data_dir: &Path, settings: &Settings) -> Result<Self, Error> {
        if !data_dir.is_dir() {
            folder(data_dir, 0o700)?;
        }
        let data_dir = data_dir.canonicalize().map_err(Error::file(data_dir))?;
        let root = is_root(&data_dir)?;
        let known = Self::recorded(&data_dir)?;
        let home = match known {
            Some(home) => home,
            None if root => home_of_root(&data_dir, settings),
            None => data_dir.join(NAME),
        };
        let owner = if root {
            Some(owner_of(&home.join("data"))?)
        } else {
            None
        };
        if !home.is_dir() {
            // The server's user must be able to pass through root's folder to its data.
            folder(&home, if root { 0o711 } else { 0o700 })?;
        }
        if root && !data_dir.join(NAME).exists() {
            record(&data_dir, &home)?;
        }
        Ok(Self {
            data: home.join("data"),
            home,
            owner,
        })
    }

    /// The place of a data folder that has been prepared before.
    pub fn existing(data_dir: &Path) -> Result<Option<Self>, Error> {
        let Some(home) = Self::recorded(data_dir)? else {
            return Ok(None);
        };
        let data = home.join("data");
        if !home.is_dir() {
            return Ok(None);
        }
        Ok(Some(Self {
            home,
            data,
            owner: None,
        }))
    }

    /// Where the data folder says that its cluster is.
    fn recorded(data_dir: &Path) -> Result<Option<PathBuf>, Error> {
        let entry = data_dir.join(NAME);
        if entry.is_dir() {
            return Ok(Some(entry));
        }
        let text = match fs::read_to_string(&entry) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file(entry)(error)),
        };
        let Some(home) = text.lines().find(|line| line.starts_with('/')).map(PathBuf::from) else {
            return Err(Error::InTheWay { path: entry });
        };
        match fs::metadata(&home) {
            Ok(found) if found.uid() == 0 && !is_root(data_dir)? => Err(Error::MadeByRoot {
                folder: data_dir.to_owned(),
            }),
            _ => Ok(Some(home)),
        }
    }

    /// Takes the lock that says "a program uses this cluster". The system lets go of it when the program ends, however it ends.
    pub fn lock(&self) -> Result<File, Error> {
        let path = self.home.join("lock");
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(Error::file(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = if holder.trim().is_empty() {
                    "unknown".to_owned()
                } else {
                    holder.trim().to_owned()
                };
                return Err(Error::InUse {
                    folder: self.home.clone(),
                    holder,
                });
            }
            Err(TryLockError::Error(error)) => return Err(Error::file(path)(error)),
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(Error::file(path))?;
        Ok(file)
    }

    pub fn has_data(&self) -> bool {
        self.data.exists()
    }

    /// The superuser's password, made with the cluster. Without it the data cannot be reached.
    pub fn secret(&self) -> Result<String, Error> {
        let path = self.home.join("secret");
        match fs::read_to_string(&path) {
            Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Error::file(path)(error)),
        }
        if self.has_data() {
            return Err(Error::SecretLost {
                folder: self.home.clone(),
            });
        }
        let mut bytes = [0_u8; 24];
        rand::rng().fill_bytes(&mut bytes);
        let secret = hex::encode(bytes);
        self.private_file("secret", &secret, false)?;
        Ok(secret)
    }

    /// Writes a file that only its owner reads: this user, or the server's.
    pub fn private_file(&self, name: &str, text: &str, for_server: bool) -> Result<PathBuf, Error> {
        let path = self.home.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Error::file(path)(error));
            }
            _ => {}
        }
        let mut file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(Error::file(&path))?;
        writeln!(file, "{text}")
            .and_then(|()| file.sync_all())
            .map_err(Error::file(&path))?;
        if for_server {
            self.give_to_server(&path)?;
        }
        Ok(path)
    }

    /// An empty folder for the server's user alone.
    pub fn server_folder(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.home.join(name);
        if path.exists() {
            fs::remove_dir_all(&path).map_err(Error::file(&path))?;
        }
        folder(&path, 0o700)?;
        self.give_to_server(&path)?;
        Ok(path)
    }

    /// A new folder for the sockets, with a short path that nobody can guess or enter.
    pub fn socket_folder(&self) -> Result<PathBuf, Error> {
        let usual = std::env::temp_dir();
        let parent = if usual.as_os_str().len() <= LONGEST_SOCKET_FOLDER - 20 {
            usual
        } else {
            PathBuf::from("/tmp")
        };
        let made = tempfile::Builder::new()
            .prefix("newsystem-")
            .rand_bytes(8)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(&parent)
            .map_err(Error::file(&parent))?;
        self.give_to_server(made.path())?;
        Ok(made.keep())
    }

    /// A command that runs as the server's user, with nothing of this program's environment.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("LC_ALL", "C")
            .env("PATH", "/usr/bin:/bin")
            .current_dir("/")
            .stdin(Stdio::null());
        if let Some(owner) = self.owner {
            command.uid(owner.uid).gid(owner.gid);
        }
        command
    }

    fn give_to_server(&self, path: &Path) -> Result<(), Error> {
        match self.owner {
            Some(owner) => chown(path, Some(owner.uid), Some(owner.gid)).map_err(Error::file(path)),
            None => Ok(()),
        }
    }
}

fn folder(path: &Path, mode: u32) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .map_err(Error::file(path))?;
    // The mode above is subject to the umask.
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(Error::file(path))
}

/// Whether this program runs as root, and whether it may write to the folder: a new file there belongs to whoever made it.
fn is_root(folder: &Path) -> Result<bool, Error> {
    let probe = tempfile::tempfile_in(folder)
        .and_then(|file| file.metadata())
        .map_err(Error::file(folder))?;
    Ok(probe.uid() == 0)
}

fn home_of_root(data_dir: &Path, settings: &Settings) -> PathBuf {
    let digest = hex::encode(Sha256::digest(data_dir.as_os_str().as_encoded_bytes()));
    settings.state_folder.join(format!("newsystem-{}", &digest[..12]))
}

/// Writes the file that says where root's cluster is.
fn record(data_dir: &Path, home: &Path) -> Result<(), Error> {
    let path = data_dir.join(NAME);
    let text = format!(
        "PostgreSQL does not run as root, so the database of this folder belongs to a system user and is in\n{}\nTo start afresh, stop newsystem and remove that folder.\n",
        home.display()
    );
    fs::write(&path, text).map_err(Error::file(path))
}

/// The owner of the data, or the system user that will own it.
fn owner_of(data: &Path) -> Result<Owner, Error> {
    match fs::metadata(data) {
        Ok(found) if found.uid() != 0 => {
            return Ok(Owner {
                uid: found.uid(),
                gid: found.gid(),
            });
        }
        Ok(_) => {
            return Err(Error::InTheWay { path: data.to_owned() });
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(Error::file(data)(error)),
    }
    for name in SYSTEM_USERS {
        if let (Some(uid), Some(gid)) = (id_of("-u", name), id_of("-g", name)) {
            tracing::info!(user = name, "started by root: PostgreSQL runs as a system user");
            return Ok(Owner { uid, gid });
        }
    }
    Err(Error::NoUser)
}

fn id_of(which: &str, user: &str) -> Option<u32> {
    let output = Command::new("id")
        .args([which, user])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    String::from_utf8(output.stdout)
        .ok()?
        .trim()
        .parse()
        .ok()
        .filter(|id| *id != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_folder_is_short_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place {
            home: folder.path().into(),
            data: folder.path().join("data"),
            owner: None,
        };
        let sockets = place.socket_folder().unwrap();
        assert!(
            sockets.as_os_str().len() <= LONGEST_SOCKET_FOLDER,
            "{}",
            sockets.display()
        );
        assert_eq!(fs::metadata(&sockets).unwrap().mode() & 0o777, 0o700);
        fs::remove_dir(sockets).unwrap();
    }

    #[test]
    fn the_secret_is_kept_and_its_loss_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place {
            home: folder.path().into(),
            data: folder.path().join("data"),
            owner: None,
        };
        let secret = place.secret().unwrap();
        assert_eq!(place.secret().unwrap(), secret);
        assert_eq!(
            fs::metadata(folder.path().join("secret")).unwrap().mode() & 0o777,
            0o600
        );
        fs::create_dir(&place.data).unwrap();
        fs::remove_file(folder.path().join("secret")).unwrap();
        assert!(matches!(place.secret(), Err(Error::SecretLost { .. })));
    }

    #[test]
    fn a_stray_file_in_the_place_of_the_cluster_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(NAME), "hello\n").unwrap();
        assert!(matches!(Place::existing(folder.path()), Err(Error::InTheWay { .. })));
    }
}
