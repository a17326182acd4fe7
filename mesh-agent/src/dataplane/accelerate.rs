/// Whether the kernel moves messages between a client and a server of this host past TCP: an agent's setting, and a
/// service's wish.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accelerate {
    #[default]
    Off,
    /// Where a trial at the start finds nothing wrong.
    Auto,
    /// Where a trial finds nothing wrong for programs that do not wait in a read. Whoever wishes it says that the
    /// service's programs and their clients never do.
    NonBlocking,
    /// Whatever a trial finds.
    On,
}

impl Accelerate {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "auto" => Some(Self::Auto),
            "nonblocking" => Some(Self::NonBlocking),
            "on" => Some(Self::On),
            _ => None,
        }
    }
}

/// How messages that go past TCP arrive on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// As by TCP.
    Sound,
    /// As by TCP, but for programs that wait in a read: those may be told too early that there is nothing. Why, for
    /// people.
    WakesReaders(String),
    /// Otherwise, or nobody has tried. Why, for people.
    Doubtful(String),
}

/// Who is accelerated on this host.
#[derive(Clone, Debug)]
pub struct Acceleration {
    wish: Accelerate,
    finding: Finding,
}

impl Acceleration {
    /// `wish` is the agent's setting.
    pub fn new(wish: Accelerate, finding: Finding) -> Self {
        Self { wish, finding }
    }

    /// Whether a service is that wishes so itself, or leaves it to the agent.
    pub fn of(&self, service: Option<Accelerate>) -> bool {
        match service.filter(|wish| *wish != Accelerate::Auto).unwrap_or(self.wish) {
            Accelerate::Off => false,
            Accelerate::Auto => self.finding == Finding::Sound,
            Accelerate::NonBlocking => !matches!(self.finding, Finding::Doubtful(_)),
            Accelerate::On => true,
        }
    }

    /// For people.
    pub fn told(&self) -> String {
        match (self.wish, &self.finding) {
            (Accelerate::Off, _) => "off: it is configured so".to_owned(),
            (Accelerate::On, _) => "on: it is configured so".to_owned(),
            (_, Finding::Sound) => "on: a trial found nothing wrong".to_owned(),
            (Accelerate::NonBlocking, Finding::WakesReaders(_)) => {
                "on: a trial found nothing wrong for programs that do not wait in a read".to_owned()
            }
            (Accelerate::Auto, Finding::WakesReaders(why)) => {
                format!("on for services that say \"nonblocking\", off for others: {why}")
            }
            (_, Finding::Doubtful(why)) => format!("off: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Accelerate::{Auto, NonBlocking, Off, On};
    use super::*;

    #[test]
    fn who_is_accelerated_follows_from_both_wishes_and_the_finding() {
        let found = [Finding::Sound, Finding::WakesReaders("w".into()), Finding::Doubtful("d".into())];
        // By what the service wishes, for each finding.
        let cases = [
            (Auto, None, [true, false, false]),
            (Auto, Some(Auto), [true, false, false]),
            (Auto, Some(NonBlocking), [true, true, false]),
            (Auto, Some(On), [true, true, true]),
            (Auto, Some(Off), [false, false, false]),
            (NonBlocking, None, [true, true, false]),
            (Off, None, [false, false, false]),
            (Off, Some(On), [true, true, true]),
            (On, None, [true, true, true]),
            (On, Some(Off), [false, false, false]),
        ];
        for (agent, service, expected) in cases {
            let is = found.clone().map(|finding| Acceleration::new(agent, finding).of(service));
            assert_eq!(is, expected, "{agent:?} {service:?}");
        }
    }
}
