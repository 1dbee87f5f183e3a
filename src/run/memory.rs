//! How much memory the process has taken.

/// The peak resident set in megabytes (10^6 bytes), if the system says.
pub fn peak_rss_mb() -> Option<f64> {
    // Not `getrusage`: that peak outlives `exec`, so that a small process inherits a large parent's.
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some((kibibytes * 1024.0 / 1e5).round() / 10.0)
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_os = "linux")]
    fn the_peak_covers_what_was_touched() {
        let block = std::hint::black_box(vec![1u8; 64 << 20]);
        assert!(super::peak_rss_mb().unwrap() > 67.0);
        drop(block);
    }
}
