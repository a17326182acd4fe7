use metrics::{CounterFn, HistogramFn};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long values are gathered before a report shows them.
pub(super) const INTERVAL: Duration = Duration::from_secs(10);

/// Values boiled down: constant in size, however many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Stats {
    pub count: u64,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
    squares: f64,
}

impl Stats {
    fn add(&mut self, value: f64) {
        let first = self.count == 0;
        self.min = if first { value } else { self.min.min(value) };
        self.max = if first { value } else { self.max.max(value) };
        self.count += 1;
        self.sum += value;
        self.squares += value * value;
    }

    pub(super) fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum / self.count as f64 }
    }

    /// Of the sample; 0 for fewer than two values.
    pub(super) fn deviation(&self) -> f64 {
        if self.count < 2 {
            return 0.0;
        }
        let n = self.count as f64;
        let variance = (n * self.squares - self.sum * self.sum) / (n * (n - 1.0));
        variance.max(0.0).sqrt()
    }
}

/// The values of one series: of the interval that runs, of the one before, and of all time.
#[derive(Debug)]
pub(super) struct Window {
    began: Instant,
    gathered: Mutex<Gathered>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Gathered {
    /// The number of the interval that `current` belongs to.
    interval: u64,
    current: Stats,
    last: Stats,
    total: Stats,
}

impl Gathered {
    fn turn_to(&mut self, interval: u64) {
        if interval > self.interval {
            self.last = if interval == self.interval + 1 { self.current } else { Stats::default() };
            self.current = Stats::default();
            self.interval = interval;
        }
    }

    fn add(&mut self, interval: u64, value: f64) {
        self.turn_to(interval);
        self.current.add(value);
        self.total.add(value);
    }
}

impl Window {
    pub(super) fn new(began: Instant) -> Self {
        Self { began, gathered: Mutex::default() }
    }

    fn interval(&self) -> u64 {
        self.began.elapsed().as_secs() / INTERVAL.as_secs()
    }

    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last whole interval; during the first one, what it has so far.
    pub(super) fn recent(&self) -> Stats {
        let interval = self.interval();
        let mut gathered = self.gathered();
        gathered.turn_to(interval);
        if interval == 0 { gathered.current } else { gathered.last }
    }

    pub(super) fn total(&self) -> Stats {
        self.gathered().total
    }
}

impl HistogramFn for Window {
    fn record(&self, value: f64) {
        let interval = self.interval();
        self.gathered().add(interval, value);
    }
}

impl CounterFn for Window {
    fn increment(&self, value: u64) {
        self.record(value as f64);
    }

    fn absolute(&self, value: u64) {
        let interval = self.interval();
        let mut gathered = self.gathered();
        let grown = value as f64 - gathered.total.sum;
        if grown > 0.0 {
            gathered.add(interval, grown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_boiled_down_to_their_statistics() {
        let mut stats = Stats::default();
        for value in [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0] {
            stats.add(value);
        }
        assert_eq!((stats.count, stats.sum, stats.min, stats.max, stats.mean()), (8, 40.0, 2.0, 9.0, 5.0));
        assert!((stats.deviation() - (32.0_f64 / 7.0).sqrt()).abs() < 1e-9);
        assert_eq!(Stats::default().deviation(), 0.0);
    }

    #[test]
    fn an_interval_is_shown_when_the_next_begins_and_forgotten_after() {
        let mut gathered = Gathered::default();
        gathered.add(0, 1.0);
        gathered.add(1, 2.0);
        assert_eq!((gathered.last.sum, gathered.current.sum), (1.0, 2.0));
        gathered.turn_to(2);
        assert_eq!((gathered.last.sum, gathered.current.count), (2.0, 0));
        gathered.turn_to(4);
        assert_eq!((gathered.last.count, gathered.total.sum), (0, 3.0));
    }

    #[test]
    fn a_counter_set_to_what_it_has_does_not_grow() {
        let window = Window::new(Instant::now());
        window.increment(3);
        window.absolute(10);
        window.absolute(10);
        assert_eq!((window.total().sum, window.total().count), (10.0, 2));
    }
}
