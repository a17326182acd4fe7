use super::client::{Client, ClientConfig, Environment, Query};
use super::failure::{Failure, OrFail};
use super::flags::Matches;
use super::{House, Program};

/// One invocation of a command.
pub(super) struct Call {
    pub(super) program: Program,
    pub(super) matches: Matches,
    pub(super) environment: Environment,
    pub(super) house: House,
}

impl Call {
    /// The client that flags and environment ask for.
    pub(super) fn client(&self) -> Result<Client, Failure> {
        let config =
            ClientConfig::new(&self.matches, &self.environment).or_fail("Error connecting to the agent")?;
        Client::new(&config).or_fail("Error connecting to the agent")
    }

    /// The query that `-datacenter` and `-stale` ask for.
    pub(super) fn query(&self) -> Query {
        let query = Query::new().with_some("dc", self.matches.value("datacenter"));
        if self.matches.is_on("stale") { query.with("stale", "") } else { query }
    }

    /// # Errors
    /// There are positional arguments.
    pub(super) fn expect_no_arguments(&self) -> Result<(), Failure> {
        match self.matches.positional.len() {
            0 => Ok(()),
            found => Err(Failure::new(format!("Too many arguments (expected 0, got {found})"))),
        }
    }

    /// The pairs of a flag that takes `key=value`.
    pub(super) fn pairs(&self, flag: &str) -> Result<Vec<(String, String)>, Failure> {
        self.matches.values(flag).iter().map(|text| pair(flag, text)).collect()
    }
}

fn pair(flag: &str, text: &str) -> Result<(String, String), Failure> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| Failure::new(format!("invalid value {text:?} for flag -{flag}: want key=value")))?;
    Ok((key.to_owned(), value.to_owned()))
}
