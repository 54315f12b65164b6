//! What a faucet gives, how often, and how much in a day.

use alloy_primitives::U256;

use crate::coins::Coins;
use crate::config::LedgerConfig;

/// The terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Wei for one who asks.
    pub(crate) wei: U256,
    /// Seconds until the same account is given again, or the same peer.
    pub(crate) every_s: u64,
    /// Wei for all together in any 24 hours.
    pub(crate) daily: U256,
}

/// Why there is no faucet by these settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum TermsError {
    /// It would give nothing.
    #[error("the setting `ledger.faucet_coins` is 0, and a faucet gives something")]
    Nothing,
    /// It could give to nobody.
    #[error(
        "the setting `ledger.faucet_daily` ({daily}) is less than one who asks would get (`ledger.faucet_coins`, {coins})"
    )]
    Daily {
        /// For one.
        coins: Coins,
        /// For all.
        daily: Coins,
    },
}

impl Terms {
    /// As the configuration has them; `None` if the faucet is off.
    ///
    /// # Errors
    /// [`TermsError`] if nobody could be given by them.
    pub(crate) fn of(config: &LedgerConfig) -> Result<Option<Terms>, TermsError> {
        let (coins, daily) = (config.faucet_coins, config.faucet_daily);
        match config.faucet {
            false => Ok(None),
            true if coins.wei().is_zero() => Err(TermsError::Nothing),
            true if daily < coins => Err(TermsError::Daily { coins, daily }),
            true => Ok(Some(Terms { wei: coins.wei(), every_s: config.faucet_every_s, daily: daily.wei() })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_faucet_is_off_until_it_is_switched_on_and_must_be_able_to_give() {
        let mut config = LedgerConfig::default();
        assert_eq!(Terms::of(&config), Ok(None));
        config.faucet = true;
        let terms = Terms::of(&config).unwrap().unwrap();
        assert_eq!((terms.wei, terms.every_s), (Coins::from(10).wei(), 86_400));
        config.faucet_daily = "9.9".parse().unwrap();
        let error = Terms::of(&config).unwrap_err().to_string();
        assert!(error.contains("`ledger.faucet_daily` (9.9)") && error.contains("10"), "{error}");
        config.faucet_coins = Coins::default();
        assert_eq!(Terms::of(&config), Err(TermsError::Nothing));
    }
}
