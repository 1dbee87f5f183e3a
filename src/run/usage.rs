//! How much of the machine this process has taken.

use std::path::PathBuf;

/// The peak resident set in bytes, if the system says.
pub fn peak_rss() -> Option<f64> {
    // Not `getrusage`: that peak outlives `exec`, so that a small process inherits a large parent's.
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

/// The same in megabytes (10^6 bytes), to one decimal.
pub fn peak_rss_mb() -> Option<f64> {
    Some((peak_rss()? / 1e5).round() / 10.0)
}

/// Seconds that the cores have worked for this process so far, all threads and the system's part together.
pub fn core_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one `timespec`, whose address it is given; nothing else is read or written.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    if failed != 0 {
        return 0.0;
    }
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// The file that this code was loaded from: the program, or the library that holds it in a program of somebody else's.
///
/// # Errors
/// If the system does not say which file the program is.
pub fn own_file() -> std::io::Result<PathBuf> {
    mapped(own_file as fn() -> _ as usize).map_or_else(std::env::current_exe, Ok)
}

/// The file that is mapped at `address`.
fn mapped(address: usize) -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let path = maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let number = |text| usize::from_str_radix(text, 16).ok();
        (number(start)?..number(end)?).contains(&address).then(|| rest.split_once('/')).flatten()
    });
    Some(PathBuf::from(format!("/{}", path?.1))).filter(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_os = "linux")]
    fn the_file_of_a_program_is_the_program() {
        assert_eq!(super::own_file().unwrap(), std::env::current_exe().unwrap());
        assert_eq!(super::mapped(0), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_peak_covers_what_was_touched() {
        let block = std::hint::black_box(vec![1u8; 64 << 20]);
        assert!(super::peak_rss_mb().unwrap() > 67.0);
        drop(block);
    }

    #[test]
    fn work_takes_core_seconds() {
        let before = super::core_seconds();
        let mut sum = 0u64;
        while super::core_seconds() <= before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(super::core_seconds() > before, "{sum}");
    }
}
