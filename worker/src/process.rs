//! Child processes that do not outlive their parent.

use std::process::Command;

/// Has the system send the child `signal` when the thread that starts it ends, however it ends. Start it from a thread that lives as long as
/// the process: a runtime's own, not one that was lent for blocking work.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "the wish to die with the parent is made between fork and exec"
)]
pub fn die_with_parent(command: &mut Command, signal: libc::c_int) {
    use std::os::unix::process::CommandExt as _;

    // SAFETY: between fork and exec only async-signal-safe calls are allowed; prctl is one system call on plain numbers.
    unsafe {
        command.pre_exec(move || {
            if libc::prctl(libc::PR_SET_PDEATHSIG, signal) == -1 {
                return Err(std::io::Error::last_os_error());
            }
            Ok(())
        });
    }
}

/// Elsewhere a child looks after its parent itself, or ends with its work.
#[cfg(not(target_os = "linux"))]
pub fn die_with_parent(_: &mut Command, _: libc::c_int) {}
