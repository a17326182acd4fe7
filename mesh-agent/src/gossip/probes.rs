use super::codec::{CodecError, take_f32};
use crate::model::Coordinate;
use bytes::{Buf, BufMut};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Times the probes that foca sends anyway: a direct answer carries where its sender stands.
#[derive(Debug, Default)]
pub(super) struct Probes(Mutex<Timed>);

#[derive(Debug, Default)]
struct Timed {
    now: Duration,
    /// Where this agent stands.
    place: Coordinate,
    asked: Option<(u8, SocketAddr, Duration)>,
    measured: Vec<Trip>,
}

/// One round trip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Trip {
    pub to: SocketAddr,
    pub place: Coordinate,
    pub time: Duration,
}

/// Most round trips that wait to be taken.
const MOST: usize = 64;

impl Probes {
    fn timed(&self) -> MutexGuard<'_, Timed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_now(&self, now: Duration) {
        self.timed().now = now;
    }

    pub fn set_place(&self, place: Coordinate) {
        self.timed().place = place;
    }

    pub fn place(&self) -> Coordinate {
        self.timed().place
    }

    pub fn asks(&self, number: u8, whom: SocketAddr) {
        let mut timed = self.timed();
        timed.asked = Some((number, whom, timed.now));
    }

    /// Only the answer to the last probe counts, and once.
    pub fn answers(&self, number: u8, who: SocketAddr, place: Coordinate) {
        let mut timed = self.timed();
        let Some((_, to, at)) = timed.asked.take_if(|asked| (asked.0, asked.1) == (number, who)) else {
            return;
        };
        let time = timed.now.saturating_sub(at);
        if timed.measured.len() < MOST {
            timed.measured.push(Trip { to, place, time });
        }
    }

    pub fn take(&self) -> Vec<Trip> {
        std::mem::take(&mut self.timed().measured)
    }
}

/// In single precision: it is less than a microsecond off.
pub(super) fn put_coordinate(buf: &mut impl BufMut, place: &Coordinate) {
    place.point.iter().for_each(|part| buf.put_f32(*part as f32));
    [place.error, place.adjustment, place.height].iter().for_each(|part| buf.put_f32(*part as f32));
}

pub(super) fn take_coordinate(buf: &mut impl Buf) -> Result<Coordinate, CodecError> {
    let mut place = Coordinate::default();
    for part in &mut place.point {
        *part = take_f32(buf)?.into();
    }
    place.error = take_f32(buf)?.into();
    place.adjustment = take_f32(buf)?.into();
    place.height = take_f32(buf)?.into();
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_the_last_probe_is_timed_once() {
        let (probes, there) = (Probes::default(), Coordinate { height: 0.5, ..Coordinate::default() });
        let [one, two] = ["10.0.0.1:1", "10.0.0.2:1"].map(|text| text.parse().unwrap());
        let at = |millis| probes.set_now(Duration::from_millis(millis));
        at(1000);
        probes.asks(7, one);
        at(1030);
        probes.answers(6, one, there);
        probes.answers(7, two, there);
        assert_eq!(probes.take(), []);
        probes.answers(7, one, there);
        probes.answers(7, one, there);
        assert_eq!(probes.take(), [Trip { to: one, place: there, time: Duration::from_millis(30) }]);
    }

    #[test]
    fn a_coordinate_travels() {
        let place = Coordinate { point: [0.25; 8], error: 0.5, adjustment: -0.125, height: 0.0625 };
        let mut buf = Vec::new();
        put_coordinate(&mut buf, &place);
        assert_eq!((buf.len(), take_coordinate(&mut &buf[..]).unwrap()), (44, place));
        take_coordinate(&mut &buf[1..]).unwrap_err();
    }
}
