//! How long to wait before trying again. Pure: randomness is passed in.

/// The ceilings of the waits after a failed request, in milliseconds.
const REQUEST_CEILINGS: [u64; 6] = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000];
/// The first and the longest wait of the background loop, in milliseconds.
const LOOP_FIRST: u64 = 30_000;
const LOOP_LONGEST: u64 = 300_000;

/// A small generator for jitter, seeded by its owner. Not for secrets.
#[derive(Debug, Clone)]
pub struct Jitter(u64);

impl Jitter {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number in `0..=ceiling` (SplitMix64).
    pub fn up_to(&mut self, ceiling: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        bits % ceiling.saturating_add(1).max(1)
    }
}

/// Wait before try `failures + 1` of a request: full jitter over 1, 2, 4, 8, 16, 30 s.
pub fn request_wait(failures: u32, jitter: &mut Jitter) -> u64 {
    let index = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    let ceiling = REQUEST_CEILINGS.get(index).copied().unwrap_or(30_000);
    jitter.up_to(ceiling)
}

/// Wait of the background loop after so many failed syncs in a row:
/// min(30·2ⁿ, 300) s, of which the second half is jitter.
pub fn loop_wait(failures: u32, jitter: &mut Jitter) -> u64 {
    let doublings = failures.saturating_sub(1).min(8);
    let ceiling = (LOOP_FIRST << doublings).min(LOOP_LONGEST);
    ceiling / 2 + jitter.up_to(ceiling / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_below_their_ceilings() {
        let mut jitter = Jitter::new(7);
        for failures in 1..50 {
            for _ in 0..100 {
                assert!(request_wait(failures, &mut jitter) <= 30_000);
                let wait = loop_wait(failures, &mut jitter);
                assert!((15_000..=300_000).contains(&wait), "{wait}");
            }
        }
        assert!((0..100).map(|_| request_wait(1, &mut jitter)).max() <= Some(1_000));
    }
}
