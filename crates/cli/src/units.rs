//! Bytes, rates and times as people read them.

const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];

/// `1 device`, `2 devices`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// `1.2 GB`: decimal units, as disks and lines are sold.
pub(crate) fn bytes(bytes: u64) -> String {
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    #[allow(clippy::cast_precision_loss)]
    let mut amount = bytes as f64 / 1000.0;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        // 999.95 would be shown as 1000.0.
        if amount < 999.95 {
            break;
        }
        amount /= 1000.0;
        unit = next;
    }
    format!("{amount:.1} {unit}")
}

/// `3.4 MB/s`.
pub(crate) fn rate(rate: u64) -> String {
    format!("{}/s", bytes(rate))
}

/// `1 h 02 min`, `2 min 05 s`, `7 s`.
pub(crate) fn seconds(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    if days > 0 {
        return format!("{days} d {hours:02} h");
    }
    if hours > 0 {
        return format!("{hours} h {minutes:02} min");
    }
    if minutes > 0 {
        return format!("{minutes} min {:02} s", seconds % 60);
    }
    format!("{seconds} s")
}

/// `42.0 %`: never 100 before the last byte is there.
pub(crate) fn percent(part: f64, complete: bool) -> String {
    let shown = if complete { 100.0 } else { (part * 1000.0).floor().clamp(0.0, 999.0) / 10.0 };
    format!("{shown:.1} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_well_at_their_borders() {
        for (amount, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (1_500_000_000, "1.5 GB"),
            (u64::MAX, "18446.7 PB"),
        ] {
            assert_eq!(bytes(amount), text);
        }
        for (time, text) in [(0, "0 s"), (65, "1 min 05 s"), (3720, "1 h 02 min"), (90_000, "1 d 01 h")] {
            assert_eq!(seconds(time), text);
        }
        assert_eq!((percent(0.9999, false), percent(1.0, true)), ("99.9 %".into(), "100.0 %".into()));
    }
}
