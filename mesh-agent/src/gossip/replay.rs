/// Which of a sender's datagrams have arrived: the last [`WIDTH`] numbers are told apart, older ones are too old.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    highest: u64,
    /// Bit `n`: `highest - n` has arrived.
    seen: u128,
}

const WIDTH: u64 = 128;

impl Window {
    /// Numbers begin at 1.
    pub fn is_new(&self, number: u64) -> bool {
        match self.highest.checked_sub(number) {
            None => true,
            Some(age) => number > 0 && age < WIDTH && self.seen & (1 << age) == 0,
        }
    }

    pub fn note(&mut self, number: u64) {
        match self.highest.checked_sub(number) {
            Some(age) => self.seen |= 1u128.checked_shl(u32::try_from(age).unwrap_or(u32::MAX)).unwrap_or(0),
            None => {
                let ahead = u32::try_from(number - self.highest).unwrap_or(u32::MAX);
                self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
                self.highest = number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};
    use std::collections::BTreeSet;

    #[test]
    fn a_window_agrees_with_a_set_of_numbers() {
        let mut rng = StdRng::seed_from_u64(7);
        let (mut window, mut seen, mut highest) = (Window::default(), BTreeSet::new(), 0u64);
        for _ in 0..20_000 {
            let number = (highest + rng.random_range(0..20)).saturating_sub(rng.random_range(0..160));
            let fits = number > 0 && number + WIDTH > highest && !seen.contains(&number);
            assert_eq!(window.is_new(number), fits, "{number} after {highest}");
            if fits {
                window.note(number);
                seen.insert(number);
                highest = highest.max(number);
            }
        }
        window.note(u64::MAX);
        assert!(!window.is_new(u64::MAX) && window.is_new(u64::MAX - 1) && !window.is_new(1));
    }
}
