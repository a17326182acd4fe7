use super::CgroupPath;
use crate::model::Meta;
use std::fmt;

/// The key of a service's `meta` that says which workload it is. Every client and every version of the API
/// takes it, since metadata is anybody's.
pub const META_KEY: &str = "mesh-workload";

/// The fewest digits that a container's id may be shortened to.
const SHORT_ID: usize = 12;

/// What a registration says of its processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// This cgroup: `cgroup:/system.slice/web.service`.
    Cgroup(CgroupPath),
    /// The cgroup of a systemd unit: `unit:web.service`.
    Unit(String),
    /// Every cgroup in which this user alone has processes: `uid:1000`.
    Uid(u32),
    /// A container, by its id or the first twelve digits or more of it: `container:4f5d…`.
    Container(String),
}

/// A selector that cannot be understood. It selects nothing, and nothing else is tried in its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the service's meta {META_KEY} is {found:?}: {reason}; want cgroup:/PATH, unit:NAME, uid:NUMBER or container:ID"
)]
pub struct SelectorError {
    pub found: String,
    pub reason: &'static str,
}

impl Selector {
    /// What a service's metadata says; `None` where it says nothing.
    ///
    /// # Errors
    /// The text selects nothing.
    pub fn of(meta: &Meta) -> Result<Option<Self>, SelectorError> {
        meta.get(META_KEY).map(|text| Self::parse(text)).transpose()
    }

    /// # Errors
    /// The text selects nothing.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let fail = |reason| SelectorError { found: text.chars().take(64).collect(), reason };
        let (kind, value) = text.split_once(':').ok_or_else(|| fail("it has no kind"))?;
        match kind {
            "cgroup" => cgroup(value).ok_or_else(|| fail("that is no cgroup of one workload")),
            "unit" => unit(value).ok_or_else(|| fail("that is no unit that runs processes")),
            "uid" => value.parse().map(Self::Uid).map_err(|_| fail("that is no user id")),
            "container" => container(value).ok_or_else(|| fail("that is no container id")),
            _ => Err(fail("its kind is unknown")),
        }
    }
}

fn cgroup(value: &str) -> Option<Selector> {
    CgroupPath::parse(value).filter(|path| path.as_str() != "/").map(Selector::Cgroup)
}

/// A name without a suffix is that of a service, as for systemctl.
fn unit(value: &str) -> Option<Selector> {
    let legal = !value.is_empty() && !value.contains('/') && !value.starts_with('.');
    let name = if value.contains('.') { value.to_owned() } else { format!("{value}.service") };
    (legal && [".service", ".scope"].iter().any(|kind| name.ends_with(kind))).then_some(Selector::Unit(name))
}

fn container(value: &str) -> Option<Selector> {
    let legal = (SHORT_ID..=64).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_hexdigit());
    legal.then(|| Selector::Container(value.to_ascii_lowercase()))
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cgroup(path) => write!(f, "cgroup:{path}"),
            Self::Unit(name) => write!(f, "unit:{name}"),
            Self::Uid(uid) => write!(f, "uid:{uid}"),
            Self::Container(id) => write!(f, "container:{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_read_as_it_is_written() {
        let table = [
            ("cgroup:/system.slice/web.service", "cgroup:/system.slice/web.service"),
            ("unit:web", "unit:web.service"),
            ("unit:web@2.service", "unit:web@2.service"),
            ("unit:run-1.scope", "unit:run-1.scope"),
            ("uid:1000", "uid:1000"),
            ("container:0123456789AB", "container:0123456789ab"),
        ];
        for (text, shown) in table {
            assert_eq!(Selector::parse(text).unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn what_selects_nothing_or_everything_is_refused() {
        for bad in [
            "",
            "web",
            "pid:17",
            "cgroup:/",
            "cgroup:web",
            "cgroup:/a/../b",
            "unit:",
            "unit:a/b",
            "unit:web.socket",
            "unit:system.slice",
            "uid:",
            "uid:-1",
            "uid:root",
            "container:abc",
            "container:0123456789xy",
        ] {
            assert!(Selector::parse(bad).unwrap_err().to_string().contains("want cgroup:"), "{bad:?}");
        }
    }
}
