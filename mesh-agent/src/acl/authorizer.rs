use super::{Access, Level, Resource};

/// What a policy says of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    Allow,
    Deny,
    /// Nothing: the configured default policy decides.
    Default,
}

/// The permissions of one caller.
pub trait Authorizer: Send + Sync {
    /// `name` is empty for resources without names, and where any name will do.
    fn enforce(&self, resource: Resource, level: Level, name: &str) -> Enforcement;
}

/// Everybody may do everything: how an agent runs while ACLs are off.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowAll;

impl Authorizer for AllowAll {
    fn enforce(&self, _: Resource, _: Level, _: &str) -> Enforcement {
        Enforcement::Allow
    }
}

/// The caller may not do this. The first words are the ones that clients look for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Permission denied: this needs {access} on {name:?}: use a token whose policy gives it")]
pub struct PermissionDenied {
    pub access: Access,
    pub name: String,
}

/// Lets a request through, or says what it lacks. Where no policy speaks, nothing is allowed.
///
/// # Errors
/// [`PermissionDenied`] names the permission.
pub fn enforce(caller: &dyn Authorizer, access: Access, name: &str) -> Result<(), PermissionDenied> {
    let has =
        |&(resource, level): &(Resource, Level)| caller.enforce(resource, level, name) == Enforcement::Allow;
    let allowed = match access {
        Access::None | Access::Filtered(_) => true,
        Access::Needs(resource, level) => has(&(resource, level)),
        Access::NeedsOneOf(each) => each.iter().any(has),
    };
    if allowed { Ok(()) } else { Err(PermissionDenied { access, name: name.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says the same of everything.
    struct Always(Enforcement);

    impl Authorizer for Always {
        fn enforce(&self, _: Resource, _: Level, _: &str) -> Enforcement {
            self.0
        }
    }

    #[test]
    fn only_a_clear_allow_lets_a_request_through() {
        assert!(enforce(&AllowAll, Access::SERVICE_WRITE, "web").is_ok());
        for silent in [Enforcement::Deny, Enforcement::Default] {
            assert!(enforce(&Always(silent), Access::CHECK_WRITE, "web").is_err());
            let refused = enforce(&Always(silent), Access::SERVICE_WRITE, "web").unwrap_err();
            assert!(refused.to_string().starts_with("Permission denied: this needs service:write"));
        }
    }

    #[test]
    fn routes_that_need_nothing_or_filter_are_not_refused_as_a_whole() {
        for open in [Access::None, Access::Filtered(Resource::Node)] {
            assert!(enforce(&Always(Enforcement::Deny), open, "").is_ok());
        }
    }
}
