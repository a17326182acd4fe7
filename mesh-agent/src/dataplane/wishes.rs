use super::accelerate::Accelerate;
use crate::model::Meta;

/// Keys of a service's `meta`, which every client and every version of the API takes.
pub const STRICT_KEY: &str = "mesh-strict";
pub const ACCELERATE_KEY: &str = "mesh-accelerate";
pub const OPEN_KEY: &str = "mesh-fail-open";

/// What a registration asks of the data plane, besides which workload it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Its server takes what comes through the mesh, and from nobody else.
    pub strict: bool,
    /// `None` leaves it to the agent.
    pub accelerate: Option<Accelerate>,
    /// Where no agent is there to bring them, clients may go by themselves, without TLS.
    pub open: bool,
}

impl Wishes {
    /// Whoever says anything about strictness but that he does not want it is given it.
    pub fn of(meta: &Meta) -> Self {
        let strict = meta.get(STRICT_KEY).is_some_and(|text| text != "false");
        let accelerate = meta.get(ACCELERATE_KEY).and_then(|text| Accelerate::parse(text));
        // Nothing but the word itself opens anything, and never what is strict.
        let open = !strict && meta.get(OPEN_KEY).is_some_and(|text| text == "true");
        Self { strict, accelerate, open }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registrations_meta_says_what_it_wishes() {
        let of = |pairs: &[(&str, &str)]| {
            Wishes::of(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
        };
        assert_eq!(of(&[]), Wishes::default());
        for (text, strict) in [("true", true), ("false", false), ("yes", true), ("", true), ("tru", true)] {
            assert_eq!(of(&[(STRICT_KEY, text)]).strict, strict, "{text:?}");
        }
        let wishes = of(&[(ACCELERATE_KEY, "on"), ("other", "1")]);
        assert_eq!(wishes, Wishes { accelerate: Some(Accelerate::On), ..Wishes::default() });
        assert_eq!(of(&[(ACCELERATE_KEY, "fast")]).accelerate, None);
        for (text, open) in [("true", true), ("false", false), ("yes", false), ("", false)] {
            assert_eq!(of(&[(OPEN_KEY, text)]).open, open, "{text:?}");
        }
        assert!(!of(&[(OPEN_KEY, "true"), (STRICT_KEY, "true")]).open);
    }
}
