use super::TelemetryError;
use super::window::Window;
use metrics::atomics::AtomicU64;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

/// Most series of one kind. Labels come from code, so that this is only reached by a mistake; what is over
/// is not counted.
const SERIES: usize = 4096;

/// Every metric of the process, from which each form is rendered. Clones share it.
///
/// One recorder for both forms, and of bounded size: the ready-made Prometheus recorder does not give its
/// values away, and keeps samples until somebody asks.
#[derive(Clone)]
pub struct Metrics(Arc<Tables>);

struct Tables {
    began: Instant,
    counters: Table<Window>,
    gauges: Table<AtomicU64>,
    samples: Table<Window>,
}

/// The series of one kind.
struct Table<T>(RwLock<BTreeMap<Key, Arc<T>>>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T> Table<T> {
    fn series(&self, key: &Key, new: impl FnOnce() -> T) -> Option<Arc<T>> {
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            return Some(known.clone());
        }
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= SERIES && !table.contains_key(key) {
            return None;
        }
        Some(table.entry(key.clone()).or_insert_with(|| Arc::new(new())).clone())
    }

    /// By name, then by labels.
    fn all(&self) -> Vec<(Key, Arc<T>)> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        table.iter().map(|(key, series)| (key.clone(), series.clone())).collect()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self(Arc::new(Tables {
            began: Instant::now(),
            counters: Table::default(),
            gauges: Table::default(),
            samples: Table::default(),
        }))
    }
}

impl Metrics {
    /// Makes it the recorder of the whole process.
    ///
    /// # Errors
    /// There is one already.
    pub fn install(&self) -> Result<(), TelemetryError> {
        metrics::set_global_recorder(self.clone()).map_err(|_| TelemetryError::AlreadyInstalled)
    }

    pub(super) fn counters(&self) -> Vec<(Key, Arc<Window>)> {
        self.0.counters.all()
    }

    pub(super) fn gauges(&self) -> Vec<(Key, f64)> {
        let value = |gauge: Arc<AtomicU64>| f64::from_bits(gauge.load(std::sync::atomic::Ordering::Acquire));
        self.0.gauges.all().into_iter().map(|(key, gauge)| (key, value(gauge))).collect()
    }

    pub(super) fn samples(&self) -> Vec<(Key, Arc<Window>)> {
        self.0.samples.all()
    }
}

impl Recorder for Metrics {
    // Names say what they mean; there is no place for descriptions in the JSON form.
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let series = self.0.counters.series(key, || Window::new(self.0.began));
        series.map_or_else(Counter::noop, Counter::from_arc)
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let series = self.0.gauges.series(key, || AtomicU64::new(0));
        series.map_or_else(Gauge::noop, Gauge::from_arc)
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let series = self.0.samples.series(key, || Window::new(self.0.began));
        series.map_or_else(Histogram::noop, Histogram::from_arc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_over_the_limit_are_not_counted() {
        let recorder = Metrics::default();
        metrics::with_local_recorder(&recorder, || {
            for n in 0..SERIES + 10 {
                metrics::counter!("many", "n" => n.to_string()).increment(1);
            }
        });
        assert_eq!(recorder.counters().len(), SERIES);
    }
}
