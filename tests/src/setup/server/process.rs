//! Processes that a server has started for itself.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long a killed process may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// The processes that the process `parent` has started; none where the system does not tell.
pub(super) fn children(parent: u32) -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|&process| stat(process).is_some_and(|(_, of)| of == parent))
        .collect()
}

/// Sends them all a signal. Those that have ended meanwhile are passed over.
pub(super) fn signal(name: &str, processes: &[u32]) {
    if processes.is_empty() {
        return;
    }
    let numbers = processes.iter().map(u32::to_string);
    // `kill` is the shell's own, so that no package is needed for it.
    let _ = Command::new("sh")
        .args(["-c", "kill -s \"$0\" \"$@\" 2>/dev/null", name])
        .args(numbers)
        .status();
}

/// Waits until all have ended.
pub(super) fn wait_for_end(processes: &[u32]) {
    let deadline = Instant::now() + GONE_WITHIN;
    let runs = |&process: &u32| stat(process).is_some_and(|(state, _)| state != 'Z');
    while processes.iter().any(runs) && Instant::now() < deadline {
        super::pause();
    }
}

/// The state and the parent of a process, see `proc(5)`.
fn stat(process: u32) -> Option<(char, u32)> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name stands in parentheses, and may hold some itself.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_are_found_and_ended() {
        let mut child = Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("sleep is there");
        let found = children(std::process::id());
        assert!(found.contains(&child.id()), "{found:?}");
        signal("KILL", &[child.id()]);
        wait_for_end(&[child.id()]);
        let ended = child.wait().expect("it can be waited for");
        assert!(!ended.success());
    }
}
