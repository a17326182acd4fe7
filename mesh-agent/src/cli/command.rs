use super::call::Call;
use super::failure::Failure;
use super::flags::Flag;
use std::future::Future;
use std::pin::Pin;

/// What a command does. What it returns is printed on standard output.
pub(super) type Run = for<'a> fn(&'a Call) -> Running<'a>;

/// A command under way.
pub(super) type Running<'a> = Pin<Box<dyn Future<Output = Result<String, Failure>> + 'a>>;

/// Which of the flags that all talk to an agent with a command has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Api {
    /// It does not talk to an agent.
    None,
    /// It asks the agent about itself.
    Agent,
    /// The agent asks the servers: `-datacenter` and `-stale` too.
    Servers,
}

/// One command, or a group of them, as data.
#[derive(Clone, Copy)]
pub(super) struct Command {
    /// `intention create`.
    pub(super) path: &'static str,
    /// One line, for its group's page.
    pub(super) synopsis: &'static str,
    /// What stands after the flags: `SRC DST`.
    pub(super) arguments: &'static str,
    /// A paragraph or several; lines are wrapped.
    pub(super) about: &'static str,
    pub(super) flags: &'static [Flag],
    pub(super) api: Api,
    /// The exit status when its arguments cannot be understood.
    pub(super) misuse: u8,
    pub(super) action: Action,
}

#[derive(Clone, Copy)]
pub(super) enum Action {
    /// The commands whose paths continue this one's.
    Group,
    /// Its arguments go to the house as they are.
    House,
    Run(Run),
}

impl Command {
    pub(super) const fn group(path: &'static str, synopsis: &'static str, about: &'static str) -> Self {
        Self {
            path,
            synopsis,
            arguments: "",
            about,
            flags: &[],
            api: Api::None,
            misuse: 1,
            action: Action::Group,
        }
    }

    /// Whether what follows its flags is a command with flags of its own.
    pub(super) fn runs_its_arguments(&self) -> bool {
        self.arguments.ends_with("COMMAND [ARGUMENT...]")
    }

    /// Its own flags and those that it shares.
    pub(super) fn all_flags(&self) -> Vec<Flag> {
        self.flags.iter().chain(shared_flags(self.api)).copied().collect()
    }
}

/// The flags that say which agent to talk to, and how.
pub(super) fn shared_flags(api: Api) -> impl Iterator<Item = &'static Flag> {
    let (agent, servers): (&[Flag], &[Flag]) = match api {
        Api::None => (&[], &[]),
        Api::Agent => (&AGENT_FLAGS, &[]),
        Api::Servers => (&AGENT_FLAGS, &SERVER_FLAGS),
    };
    agent.iter().chain(servers)
}

const AGENT_FLAGS: [Flag; 8] = [
    Flag::value(
        "http-addr",
        "address",
        "The agent's HTTP address: host:port, http://host:port, https://host:port or unix:///path. \
         Default: MESH_HTTP_ADDR or CONSUL_HTTP_ADDR, else http://127.0.0.1:8500. \
         MESH_HTTP_SSL=true or CONSUL_HTTP_SSL=true makes https the scheme.",
    ),
    Flag::value("token", "secret", "The ACL token to send. Default: MESH_HTTP_TOKEN or CONSUL_HTTP_TOKEN."),
    Flag::value(
        "token-file",
        "path",
        "A file that holds the ACL token. Default: MESH_HTTP_TOKEN_FILE or CONSUL_HTTP_TOKEN_FILE.",
    ),
    Flag::value(
        "ca-file",
        "path",
        "The certificate authorities that may vouch for the agent. Default: MESH_CACERT or CONSUL_CACERT, \
         else those of the system.",
    ),
    Flag::value("ca-path", "path", "A directory of such files. Default: MESH_CAPATH or CONSUL_CAPATH."),
    Flag::value(
        "client-cert",
        "path",
        "The certificate to show to the agent. Default: MESH_CLIENT_CERT or CONSUL_CLIENT_CERT.",
    ),
    Flag::value("client-key", "path", "Its private key. Default: MESH_CLIENT_KEY or CONSUL_CLIENT_KEY."),
    Flag::value(
        "tls-server-name",
        "name",
        "The name to expect in the agent's certificate. Default: MESH_TLS_SERVER_NAME or \
         CONSUL_TLS_SERVER_NAME, else the host of the address.",
    ),
];

const SERVER_FLAGS: [Flag; 2] = [
    Flag::value("datacenter", "name", "The datacenter to ask. Default: the agent's own."),
    Flag::switch("stale", "Let any server answer, the leader or not: sooner, and possibly a little old."),
];
