//! Rates as people write them: `10 MB/s`, `512 KiB`, or plain bytes a second.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Bytes a second; 0 is no limit.
///
/// ```
/// let rate: weft_files::Rate = "10 MB/s".parse()?;
/// assert_eq!(rate.limit(), Some(10_000_000));
/// assert_eq!(weft_files::Rate::NONE.limit(), None);
/// # Ok::<(), weft_files::ParseRateError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u64);

/// Why a text is not a rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a rate: write bytes a second as `10 MB/s`, `512 KiB`, `1500000`, or 0 for no limit")]
pub struct ParseRateError(String);

/// What a unit multiplies by. Bits are left out on purpose: `Mb` beside `MB` is how people get it wrong by eight.
const UNITS: [(&str, u64); 8] = [
    ("", 1),
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
];

impl Rate {
    /// No limit.
    pub const NONE: Rate = Rate(0);

    /// A rate in bytes a second; 0 is no limit.
    pub const fn from_bytes(bytes: u64) -> Self {
        Rate(bytes)
    }

    /// Bytes a second, or `None` for no limit.
    pub const fn limit(self) -> Option<u64> {
        if self.0 == 0 { None } else { Some(self.0) }
    }
}

impl FromStr for Rate {
    type Err = ParseRateError;

    fn from_str(text: &str) -> Result<Self, ParseRateError> {
        let refused = || ParseRateError(text.to_owned());
        let trimmed = text.trim();
        let amount = trimmed.strip_suffix("/s").unwrap_or(trimmed).trim_end();
        let digits = amount.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(amount.len());
        let (number, unit) = amount.split_at(digits);
        let unit = unit.trim_start().to_ascii_lowercase();
        let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor).ok_or_else(refused)?;
        if let Ok(whole) = number.parse::<u64>() {
            return whole.checked_mul(factor).map(Rate).ok_or_else(refused);
        }
        let number: f64 = number.parse().map_err(|_| refused())?;
        #[allow(clippy::cast_precision_loss)]
        let bytes = number * factor as f64;
        // 2^53: beyond it a float no longer counts single bytes, and no line carries it.
        if !bytes.is_finite() || !(0.0..9_007_199_254_740_992.0).contains(&bytes) {
            return Err(refused());
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Ok(Rate(bytes.round() as u64))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Rate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes a second, as a number or as `10 MB/s`")
            }

            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<Rate, E> {
                Ok(Rate(bytes))
            }

            fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<Rate, E> {
                u64::try_from(bytes).map(Rate).map_err(|_| E::custom("a rate is not negative"))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Rate, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_rates_in_many_ways() {
        for (text, bytes) in [
            ("0", 0),
            ("1500", 1500),
            ("10 MB/s", 10_000_000),
            ("10MB", 10_000_000),
            ("1.5 MiB/s", 1_572_864),
            ("512 KiB", 524_288),
            (" 2 gb/s ", 2_000_000_000),
        ] {
            assert_eq!(text.parse::<Rate>().map(|rate| rate.0), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_rate_is_refused_with_a_hint() {
        for text in ["", "fast", "-1", "10 Mbit/s", "1e3", "99999999999999999999", "18446744073709551615 KB", "1.2.3"] {
            let error = text.parse::<Rate>().expect_err(text);
            assert!(error.to_string().contains("10 MB/s"), "{error}");
        }
    }

    #[test]
    fn numbers_and_texts_are_both_taken_from_a_config() {
        let read = |json: &str| serde_json::from_str::<Rate>(json);
        assert_eq!(read("5").expect("a number"), Rate(5));
        assert_eq!(read("\"5 kB/s\"").expect("a text"), Rate(5000));
        assert!(read("-5").is_err() && read("true").is_err());
    }
}
