//! Making a cluster, starting its server, adopting one that runs already, stopping it.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read as _, Seek as _, SeekFrom},
    net::TcpListener,
    os::unix::{fs::OpenOptionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{SUPERUSER, Settings, error::Error, place::Place, programs::Programs};

/// How long a server may take until it accepts connections: it may have to recover from a crash first.
const LONGEST_START: Duration = Duration::from_mins(2);
/// How long a server may take to end its sessions and write its data.
const LONGEST_STOP_SECONDS: &str = "60";
const POLL: Duration = Duration::from_millis(20);
const STARTS: usize = 5;
const LARGEST_LOG_BYTES: u64 = 10_000_000;

const PIDFILE: &str = "postmaster.pid";

/// A server that this program keeps.
#[derive(Debug)]
pub struct Server {
    place: Place,
    pg_ctl: PathBuf,
    socket_dir: PathBuf,
    /// None for an adopted one.
    child: Option<Child>,
}

/// What a server writes about itself into its data folder.
#[derive(Debug)]
pub struct Postmaster {
    pid: u32,
    pub port: u16,
    pub socket_dir: PathBuf,
    status: String,
}

/// Makes the cluster: in a folder beside, which takes its name only when complete.
pub fn initialize(place: &Place, programs: &Programs, settings: &Settings) -> Result<(), Error> {
    let unfinished = place.server_folder("data.new")?;
    let password = place.private_file("password.new", &place.secret()?, true)?;
    // Debian has C.UTF-8 without any locale package; macOS does not have it at all.
    let locale = if cfg!(target_os = "macos") {
        "en_US.UTF-8"
    } else {
        "C.UTF-8"
    };
    let mut command = place.command(&programs.initdb());
    command
        .arg("--pgdata")
        .arg(&unfinished)
        .args([
            "--username",
            SUPERUSER,
            "--encoding",
            "UTF8",
            "--locale",
            locale,
            "--auth",
            "scram-sha-256",
        ])
        .arg("--pwfile")
        .arg(&password);
    command.arg(if settings.durable {
        "--data-checksums"
    } else {
        "--no-sync"
    });
    let output = command.output().map_err(Error::file(programs.initdb()));
    let _ = fs::remove_file(&password);
    let output = output?;
    if !output.status.success() {
        let _ = fs::remove_dir_all(&unfinished);
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Error::program("making the database (initdb)", &place.home, &said));
    }
    fs::rename(&unfinished, &place.data).map_err(Error::file(&place.data))
}

/// The server that already runs on this data, left by a program that was killed.
pub fn adopt(place: &Place, programs: &Programs) -> Result<Option<(Server, u16, PathBuf)>, Error> {
    let deadline = Instant::now() + LONGEST_START;
    while let Some(postmaster) = postmaster(&place.data)? {
        if !runs_here(postmaster.pid, &place.data) {
            // The machine was switched off, and its process number may be somebody else's by now: PostgreSQL would refuse.
            let path = place.data.join(PIDFILE);
            fs::remove_file(&path).map_err(Error::file(path))?;
            return Ok(None);
        }
        if postmaster.status == "ready" {
            tracing::info!(
                postgres.pid = postmaster.pid,
                "adopted the PostgreSQL that an earlier run left"
            );
            let Postmaster { port, socket_dir, .. } = postmaster;
            let server = Server {
                place: place.clone(),
                pg_ctl: programs.pg_ctl(),
                socket_dir: socket_dir.clone(),
                child: None,
            };
            return Ok(Some((server, port, socket_dir)));
        }
        if Instant::now() > deadline {
            let detail = format!(
                "process {} is neither ready nor gone after {LONGEST_START:?}",
                postmaster.pid
            );
            return Err(Error::Failed {
                what: "taking over the running PostgreSQL",
                detail,
            });
        }
        thread::sleep(POLL);
    }
    Ok(None)
}

/// Starts the server and waits until it accepts connections.
pub fn launch(place: &Place, programs: &Programs, settings: &Settings) -> Result<(Server, u16, PathBuf), Error> {
    let socket_dir = place.socket_folder()?;
    match launch_at(place, programs, settings, &socket_dir) {
        Ok((child, port)) => {
            let server = Server {
                place: place.clone(),
                pg_ctl: programs.pg_ctl(),
                socket_dir: socket_dir.clone(),
                child: Some(child),
            };
            Ok((server, port, socket_dir))
        }
        Err(error) => {
            let _ = fs::remove_dir_all(&socket_dir);
            Err(error)
        }
    }
}

fn launch_at(
    place: &Place,
    programs: &Programs,
    settings: &Settings,
    socket_dir: &Path,
) -> Result<(Child, u16), Error> {
    let mut said = String::new();
    for _ in 0..STARTS {
        let port = free_port(&place.home)?;
        let (mut log, beginning) = open_log(&place.home)?;
        let mut child = spawn(place, programs, settings, socket_dir, port, &log)?;
        if wait_until_ready(&mut child, &place.data)? {
            let path = place.home.join("port");
            fs::write(&path, port.to_string()).map_err(Error::file(path))?;
            return Ok((child, port));
        }
        said.clear();
        let read = log
            .seek(SeekFrom::Start(beginning))
            .and_then(|_| log.read_to_string(&mut said));
        read.map_err(Error::file(place.home.join("log")))?;
        if said.contains("pre-existing shared memory block") {
            // The server itself was killed; its last sessions notice within moments.
            thread::sleep(Duration::from_secs(1));
        } else if said.contains("Address already in use") || said.contains("could not bind") {
            let _ = fs::remove_file(place.home.join("port"));
        } else {
            break;
        }
    }
    Err(Error::program("the start of PostgreSQL", &place.home, &said))
}

fn spawn(
    place: &Place,
    programs: &Programs,
    settings: &Settings,
    socket_dir: &Path,
    port: u16,
    log: &File,
) -> Result<Child, Error> {
    let mut command = place.command(&programs.postgres());
    command.arg("-D").arg(&place.data);
    let mut option = |name: &str, value: &str| {
        command.arg("-c").arg(format!("{name}={value}"));
    };
    option("listen_addresses", "127.0.0.1");
    option("port", &port.to_string());
    option("unix_socket_directories", &socket_dir.to_string_lossy());
    option("unix_socket_permissions", "0700");
    option("logging_collector", "off");
    option("log_destination", "stderr");
    option("log_line_prefix", "%m [%p] %q%u@%d ");
    option("timezone", "UTC");
    option("log_timezone", "UTC");
    option("password_encryption", "scram-sha-256");
    option("cluster_name", "newsystem");
    if !settings.durable {
        for name in ["fsync", "synchronous_commit", "full_page_writes"] {
            option(name, "off");
        }
    }
    for (name, value) in &settings.options {
        option(name, value);
    }
    let handle = || {
        log.try_clone()
            .map(Stdio::from)
            .map_err(Error::file(place.home.join("log")))
    };
    // A group of its own: Ctrl-C in the terminal is for the program, which stops its server last.
    command.stdout(handle()?).stderr(handle()?).process_group(0);
    command.spawn().map_err(Error::file(programs.postgres()))
}

/// True once the server accepts connections, false if it ended instead.
fn wait_until_ready(child: &mut Child, data: &Path) -> Result<bool, Error> {
    let deadline = Instant::now() + LONGEST_START;
    loop {
        if child.try_wait().map_err(Error::file(data))?.is_some() {
            return Ok(false);
        }
        if postmaster(data)?.is_some_and(|found| found.pid == child.id() && found.status == "ready") {
            return Ok(true);
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            let detail = format!(
                "it did not accept connections within {LONGEST_START:?}; see {}",
                data.with_file_name("log").display()
            );
            return Err(Error::Failed {
                what: "the start of PostgreSQL",
                detail,
            });
        }
        thread::sleep(POLL);
    }
}

impl Server {
    /// Ends sessions, writes everything, ends.
    pub fn stop(mut self) -> Result<(), Error> {
        let mut result = self.pg_ctl_stop("fast");
        if result.is_err() && runs(&self.place.data) {
            // A session that does not end must not keep the program from ending. The next start recovers from the log.
            result = self.pg_ctl_stop("immediate");
        }
        if let Some(child) = &mut self.child
            && (result.is_ok() || !runs(&self.place.data))
        {
            // Reaps it.
            child.wait().map_err(Error::file(&self.place.data))?;
        }
        if !runs(&self.place.data) {
            // Gone, by our hand or another's.
            let _ = fs::remove_dir_all(&self.socket_dir);
            return Ok(());
        }
        result
    }

    fn pg_ctl_stop(&self, mode: &str) -> Result<(), Error> {
        let mut command = self.place.command(&self.pg_ctl);
        command
            .arg("stop")
            .arg("-D")
            .arg(&self.place.data)
            .args(["-m", mode, "-w", "-t", LONGEST_STOP_SECONDS]);
        let output = command.output().map_err(Error::file(&self.pg_ctl))?;
        if output.status.success() {
            return Ok(());
        }
        Err(Error::program(
            "stopping PostgreSQL",
            &self.place.home,
            &String::from_utf8_lossy(&output.stderr),
        ))
    }
}

/// The running server of this data, if it accepts connections.
pub fn ready_postmaster(data: &Path) -> Result<Option<Postmaster>, Error> {
    Ok(postmaster(data)?.filter(|found| found.status == "ready" && runs_here(found.pid, data)))
}

fn runs(data: &Path) -> bool {
    postmaster(data)
        .ok()
        .flatten()
        .is_some_and(|found| runs_here(found.pid, data))
}

fn postmaster(data: &Path) -> Result<Option<Postmaster>, Error> {
    let path = data.join(PIDFILE);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(parse_pidfile(&text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file(path)(error)),
    }
}

/// One value a line: process, data folder, start, port, socket folder, address, shared memory, status. A server that has
/// only just begun has written the first lines; it counts as starting.
fn parse_pidfile(text: &str) -> Option<Postmaster> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let line = |index: usize| lines.get(index).copied().unwrap_or_default();
    Some(Postmaster {
        pid: line(0).parse().ok()?,
        port: line(3).parse().unwrap_or_default(),
        socket_dir: line(4).into(),
        status: line(7).to_owned(),
    })
}

/// Whether a process is the server of this data and not one that got its number after a reboot. In doubt it is: taking a
/// running server for a dead one could put two of them on the same data.
fn runs_here(pid: u32, data: &Path) -> bool {
    if Path::new("/proc/self").exists() {
        let process = PathBuf::from(format!("/proc/{pid}"));
        let data = data.canonicalize().unwrap_or_else(|_| data.to_owned());
        return match fs::read_link(process.join("cwd")) {
            // A server works in its data folder.
            Ok(folder) => folder == data,
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            // Root in a container may not look into another user's process, but everybody may read its arguments.
            Err(_) => fs::read(process.join("cmdline")).map_or(true, |arguments| names(&arguments, &data)),
        };
    }
    match Command::new("ps")
        .args(["-o", "command=", "-p", &pid.to_string()])
        .output()
    {
        Ok(output) => names(&output.stdout, data),
        Err(_) => true,
    }
}

fn names(arguments: &[u8], data: &Path) -> bool {
    String::from_utf8_lossy(arguments).contains(&*data.to_string_lossy())
}

/// The port of the last start if it is free, otherwise one that the system picks.
fn free_port(home: &Path) -> Result<u16, Error> {
    let last = fs::read_to_string(home.join("port"))
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .filter(|port| *port != 0);
    if let Some(port) = last
        && TcpListener::bind(("127.0.0.1", port)).is_ok()
    {
        return Ok(port);
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    match listener {
        Ok(address) => Ok(address.port()),
        Err(error) => Err(Error::Failed {
            what: "finding a free loopback port",
            detail: error.to_string(),
        }),
    }
}

/// The server's log and where this start's part begins. One earlier log is kept.
fn open_log(home: &Path) -> Result<(File, u64), Error> {
    let path = home.join("log");
    if fs::metadata(&path).is_ok_and(|found| found.len() > LARGEST_LOG_BYTES) {
        fs::rename(&path, home.join("log.old")).map_err(Error::file(&path))?;
    }
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .read(true)
        .mode(0o600)
        .open(&path)
        .map_err(Error::file(&path))?;
    let length = log.metadata().map_err(Error::file(&path))?.len();
    Ok((log, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pidfile_is_read_at_every_stage() {
        let complete = "4242\n/x/data\n1700000000\n5555\n/tmp/newsystem-a\n127.0.0.1\n  5000  11\nready   \n";
        let found = parse_pidfile(complete).unwrap();
        assert_eq!((found.pid, found.port, found.status.as_str()), (4242, 5555, "ready"));
        assert_eq!(found.socket_dir, Path::new("/tmp/newsystem-a"));
        assert_eq!(parse_pidfile("4242\n/x/data\n1700000000\n").unwrap().status, "");
        assert!(parse_pidfile("").is_none());
    }

    #[test]
    fn a_process_elsewhere_is_not_taken_for_the_server() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!runs_here(std::process::id(), folder.path()));
    }

    #[test]
    fn the_last_port_is_taken_again_only_while_it_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port(folder.path()).unwrap();
        fs::write(folder.path().join("port"), port.to_string()).unwrap();
        let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
        assert_ne!(free_port(folder.path()).unwrap(), port);
        drop(taken);
    }
}
