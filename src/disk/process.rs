//! Facts about processes, read off the system: who this one is, and whether another still is the one it was.
//!
//! They are the evidence by which a reader tells a writer that lives from one that was killed. Linux shows them under
//! `/proc`; elsewhere what is unknown is zero, and a reader goes by the heartbeat alone.

#![expect(clippy::disallowed_methods, reason = "this is the module that the bans point to")]

use std::fs;

use crate::format::page::Process;
use crate::settings;

/// What identifies the calling process. Not cached: a forked child is another process.
#[must_use]
pub fn current_process() -> Process {
    let pid = std::process::id();
    Process {
        pid,
        boot_id: boot_id().unwrap_or_default(),
        start_ticks: process_start_ticks(pid).unwrap_or(0),
        pid_namespace: pid_namespace().unwrap_or(0),
        host: host(),
    }
}

/// When the process of that id in the caller's name space started, in clock ticks since boot. `None` where there is no
/// such process, or only what is left of one that ended and was not waited for yet.
#[must_use]
pub fn process_start_ticks(pid: u32) -> Option<u64> {
    start_ticks(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Field 22 of `proc_pid_stat(5)`. Field 2 is the program's name in parentheses, which may hold any character.
fn start_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

fn boot_id() -> Option<[u8; 16]> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(uuid::Uuid::parse_str(text.trim()).ok()?.into_bytes())
}

/// The inode in the link's text, `pid:[4026531836]`.
fn pid_namespace() -> Option<u64> {
    let link = fs::read_link("/proc/self/ns/pid").ok()?;
    link.to_str()?.strip_prefix("pid:[")?.strip_suffix(']')?.parse().ok()
}

fn host() -> String {
    let named = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let named = named.or_else(|| settings::variable("COMPUTERNAME")).or_else(|| settings::variable("HOSTNAME"));
    named.unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_known_and_stays_the_same() {
        let process = current_process();
        assert_eq!(process, current_process());
        assert_eq!(process_start_ticks(process.pid), Some(process.start_ticks));
        assert!(process.start_ticks > 0 && process.pid_namespace > 0 && process.boot_id != [0; 16]);
        assert!(!process.host.is_empty());
    }

    #[test]
    fn a_process_that_ended_has_no_start() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert_eq!(process_start_ticks(pid), None);
    }

    #[test]
    fn a_program_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let fields = |state: &str| format!("7 (a) S (b) {state} {} 4242 9", ["1"; 18].join(" "));
        assert_eq!(start_ticks(&fields("S")), Some(4242));
        assert_eq!(start_ticks(&fields("Z")), None);
        assert_eq!(start_ticks("7 (a"), None);
    }
}
