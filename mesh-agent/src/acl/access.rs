use std::fmt;

/// What a permission is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    Acl,
    Agent,
    Event,
    Intention,
    Key,
    Keyring,
    Node,
    Operator,
    Query,
    Service,
    Session,
}

impl Resource {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acl => "acl",
            Self::Agent => "agent",
            Self::Event => "event",
            Self::Intention => "intention",
            Self::Key => "key",
            Self::Keyring => "keyring",
            Self::Node => "node",
            Self::Operator => "operator",
            Self::Query => "query",
            Self::Service => "service",
            Self::Session => "session",
        }
    }

    /// Whether permissions are given by name or prefix; those of the others hold for the whole cluster.
    pub fn has_names(self) -> bool {
        !matches!(self, Self::Acl | Self::Keyring | Self::Operator)
    }
}

/// How much a permission gives; each includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Keys only: see which exist below a prefix.
    List,
    Read,
    Write,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// What a route needs of its caller's token. The name of the resource comes with the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Anybody may call it.
    None,
    /// Refused as a whole without this permission.
    Needs(Resource, Level),
    /// Refused as a whole without one of these.
    NeedsOneOf(&'static [(Resource, Level)]),
    /// Answered to anybody, with only the objects that the caller may read.
    Filtered(Resource),
}

impl Access {
    pub const AGENT_READ: Self = Self::Needs(Resource::Agent, Level::Read);
    pub const AGENT_WRITE: Self = Self::Needs(Resource::Agent, Level::Write);
    /// A check is its service's or its node's.
    pub const CHECK_WRITE: Self =
        Self::NeedsOneOf(&[(Resource::Service, Level::Write), (Resource::Node, Level::Write)]);
    pub const EVENT_READ: Self = Self::Needs(Resource::Event, Level::Read);
    pub const EVENT_WRITE: Self = Self::Needs(Resource::Event, Level::Write);
    pub const INTENTION_READ: Self = Self::Needs(Resource::Intention, Level::Read);
    pub const INTENTION_WRITE: Self = Self::Needs(Resource::Intention, Level::Write);
    pub const KEY_LIST: Self = Self::Needs(Resource::Key, Level::List);
    pub const KEY_READ: Self = Self::Needs(Resource::Key, Level::Read);
    pub const KEY_WRITE: Self = Self::Needs(Resource::Key, Level::Write);
    pub const NODE_READ: Self = Self::Needs(Resource::Node, Level::Read);
    pub const NODE_WRITE: Self = Self::Needs(Resource::Node, Level::Write);
    pub const KEYRING_READ: Self = Self::Needs(Resource::Keyring, Level::Read);
    pub const KEYRING_WRITE: Self = Self::Needs(Resource::Keyring, Level::Write);
    pub const OPERATOR_READ: Self = Self::Needs(Resource::Operator, Level::Read);
    pub const OPERATOR_WRITE: Self = Self::Needs(Resource::Operator, Level::Write);
    pub const QUERY_READ: Self = Self::Needs(Resource::Query, Level::Read);
    pub const QUERY_WRITE: Self = Self::Needs(Resource::Query, Level::Write);
    pub const SESSION_READ: Self = Self::Needs(Resource::Session, Level::Read);
    pub const SESSION_WRITE: Self = Self::Needs(Resource::Session, Level::Write);
    pub const SERVICE_READ: Self = Self::Needs(Resource::Service, Level::Read);
    pub const SERVICE_WRITE: Self = Self::Needs(Resource::Service, Level::Write);
}

impl fmt::Display for Access {
    /// As people write it in policies and documentation: `service:write`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Needs(resource, level) => write!(f, "{}:{}", resource.as_str(), level.as_str()),
            Self::NeedsOneOf(all) => {
                let each: Vec<_> = all.iter().map(|(r, l)| Self::Needs(*r, *l).to_string()).collect();
                f.write_str(&each.join(" or "))
            }
            Self::Filtered(resource) => write!(f, "{}:read, filtered", resource.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_reads_as_policies_write_it() {
        assert_eq!(Access::SERVICE_WRITE.to_string(), "service:write");
        assert_eq!(Access::CHECK_WRITE.to_string(), "service:write or node:write");
        assert_eq!(Access::KEY_LIST.to_string(), "key:list");
        assert_eq!(Access::Filtered(Resource::Node).to_string(), "node:read, filtered");
        assert_eq!(Access::None.to_string(), "none");
    }

    #[test]
    fn a_higher_level_includes_the_lower_ones() {
        assert!(Level::Write > Level::Read && Level::Read > Level::List);
    }
}
