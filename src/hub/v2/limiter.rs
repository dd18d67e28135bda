//! Who guesses at a secret is stopped after a few wrong guesses.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::model::Timestamp;
use crate::model::time::SECOND;

/// How many wrong guesses an address has.
const GUESSES: usize = 5;
/// For how long they count, and for how long it must wait after the last.
const WINDOW_SECONDS: i64 = 900;
/// More addresses than a house has; beyond it strangers wait.
const MAX_ADDRESSES: usize = 1_000;

/// Wrong guesses by address.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    wrong: HashMap<IpAddr, Vec<Timestamp>>,
}

impl Limiter {
    /// Notes a guess as wrong before it is looked at, so that guesses made side
    /// by side count too; [`Limiter::forgive`] takes it back. The error is how
    /// many seconds to wait.
    pub(super) fn guess(&mut self, address: IpAddr, now: Timestamp) -> Result<(), u64> {
        let window = WINDOW_SECONDS * SECOND;
        for guesses in self.wrong.values_mut() {
            // A guess from the future is left from before the clock stepped back.
            guesses.retain(|guess| (0..window).contains(&now.micros().saturating_sub(guess.micros())));
        }
        self.wrong.retain(|_, guesses| !guesses.is_empty());
        if self.wrong.len() >= MAX_ADDRESSES && !self.wrong.contains_key(&address) {
            return Err(WINDOW_SECONDS.unsigned_abs());
        }
        let guesses = self.wrong.entry(address).or_default();
        if guesses.len() >= GUESSES {
            let last = guesses.iter().max().copied().unwrap_or(now);
            let left = window - (now.micros() - last.micros());
            return Err(left.unsigned_abs().div_ceil(SECOND.unsigned_abs()));
        }
        guesses.push(now);
        Ok(())
    }

    /// The address guessed right: what went before is forgotten.
    pub(super) fn forgive(&mut self, address: IpAddr) {
        self.wrong.remove(&address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(1_780_315_200_000_000 + second * SECOND)
    }

    #[test]
    fn five_guesses_and_then_a_wait() {
        let (here, there) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let mut limiter = Limiter::default();
        for second in 0..5 {
            assert_eq!(limiter.guess(here, at(second)), Ok(()));
        }
        assert_eq!(limiter.guess(here, at(4)), Err(900));
        assert_eq!(limiter.guess(here, at(5)), Err(899));
        assert_eq!(limiter.guess(there, at(5)), Ok(()));
        // The first guess no longer counts once it is a window old.
        assert_eq!(limiter.guess(here, at(899)), Err(5));
        assert_eq!(limiter.guess(here, at(900)), Ok(()));
        limiter.forgive(here);
        assert_eq!(limiter.guess(here, at(901)), Ok(()));
    }

    #[test]
    fn a_clock_that_steps_back_locks_nobody_out() {
        let here = IpAddr::from([10, 0, 0, 1]);
        let mut limiter = Limiter::default();
        for _ in 0..5 {
            assert_eq!(limiter.guess(here, at(1_000_000)), Ok(()));
        }
        assert_eq!(limiter.guess(here, at(0)), Ok(()));
    }
}
