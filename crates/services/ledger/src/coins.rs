//! Amounts as people write them: `1.5` coins, `20 gwei`, `7 wei`.

use std::fmt;
use std::str::FromStr;

use alloy_primitives::{U256, utils};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An amount of a chain's coins, exact to the wei (10⁻¹⁸ coins).
///
/// ```
/// let amount: weft_ledger::Coins = "1.5".parse()?;
/// assert_eq!(amount.wei().to_string(), "1500000000000000000");
/// assert_eq!(amount.to_string(), "1.5");
/// # Ok::<(), weft_ledger::ParseCoinsError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Coins(U256);

/// Why a text is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseCoinsError {
    /// There is no such unit.
    #[error("`{0}` is no unit; use coin, gwei or wei")]
    Unit(String),
    /// It is no number, a negative one, one too large, or has more places than its unit.
    #[error("`{0}` is no amount; write it as `1.5`, `20gwei` or `7wei`")]
    Amount(String),
}

impl Coins {
    /// An amount in wei.
    pub const fn from_wei(wei: U256) -> Self {
        Coins(wei)
    }

    /// In wei.
    pub const fn wei(self) -> U256 {
        self.0
    }
}

impl From<u64> for Coins {
    /// Whole coins.
    fn from(coins: u64) -> Self {
        Coins(U256::from(coins) * U256::from(10).pow(U256::from(18)))
    }
}

impl FromStr for Coins {
    type Err = ParseCoinsError;

    fn from_str(text: &str) -> Result<Self, ParseCoinsError> {
        let text = text.trim();
        let split = text.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let (unit, places) = match unit.trim() {
            "" | "coin" | "coins" | "ether" => ("ether", 18),
            "gwei" => ("gwei", 9),
            "wei" => ("wei", 0),
            other => return Err(ParseCoinsError::Unit(other.to_owned())),
        };
        let number = number.trim();
        // What the unit has no places for would be cut off in silence.
        let fits = !number.is_empty() && number.split_once('.').is_none_or(|(_, fraction)| fraction.len() <= places);
        match utils::parse_units(number, unit) {
            Ok(amount) if fits && !amount.is_negative() => Ok(Coins(amount.get_absolute())),
            _ => Err(ParseCoinsError::Amount(text.to_owned())),
        }
    }
}

impl fmt::Display for Coins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = utils::format_ether(self.0);
        let trimmed = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        f.write_str(if trimmed.is_empty() { "0" } else { trimmed })
    }
}

impl Serialize for Coins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Coins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Coins;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount in quotes, as `10`, `1.5` (coins), `20gwei` or `7wei`")
            }

            fn visit_u64<E: de::Error>(self, coins: u64) -> Result<Coins, E> {
                self.visit_str(&coins.to_string())
            }

            fn visit_i64<E: de::Error>(self, coins: i64) -> Result<Coins, E> {
                self.visit_str(&coins.to_string())
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Coins, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_coins_unless_they_say_otherwise() {
        let wei = |text: &str| text.parse::<Coins>().map(|amount| amount.wei().to_string()).unwrap_or_default();
        assert_eq!(wei("1.5"), "1500000000000000000");
        assert_eq!(wei("20 gwei"), "20000000000");
        assert_eq!(wei("7wei"), "7");
        for wrong in ["-1", "1 pound", "", "0.1wei", "x"] {
            assert!(wrong.parse::<Coins>().is_err(), "{wrong}");
        }
        assert_eq!(Coins::from(1_000).to_string(), "1000");
        assert_eq!(Coins::from_wei(U256::from(1)).to_string(), "0.000000000000000001");
        assert_eq!(Coins::default().to_string(), "0");
    }

    #[test]
    fn a_setting_is_text_or_a_whole_number() {
        let read = |json: &str| serde_json::from_str::<Coins>(json).map(|amount| amount.to_string());
        assert_eq!(read("\"0.25\"").unwrap(), "0.25");
        assert_eq!(read("10").unwrap(), "10");
        for wrong in ["-1", "0.5", "\"much\"", "null"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(wei in any::<u128>()) {
            let amount = Coins::from_wei(U256::from(wei));
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        }
    }
}
