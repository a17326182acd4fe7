//! `monitor`.

use super::call::Call;
use super::client::ClientError;
use super::command::{Action, Api, Command};
use super::failure::{Failure, OrFail};
use super::flags::Flag;
use std::io::Write;

pub(super) const MONITOR: Command = Command {
    path: "monitor",
    synopsis: "Shows the agent's log as it grows",
    arguments: "",
    about: "Shows the agent's log as it grows, at a level of its own: the agent may log less.",
    flags: &[
        Flag::switch("log-json", "One JSON object a line."),
        Flag::value("log-level", "level", "trace, debug, info, warn or err. Default: info."),
    ],
    api: Api::Agent,
    misuse: 1,
    action: Action::Run(|call| Box::pin(monitor(call))),
};

async fn monitor(call: &Call) -> Result<String, Failure> {
    let client = call.client()?;
    let print = |data: &[u8]| {
        let mut out = std::io::stdout().lock();
        out.write_all(data).and_then(|()| out.flush())
    };
    let followed =
        client.monitor(call.matches.value("log-level"), call.matches.is_on("log-json"), print).await;
    match followed {
        Ok(()) | Err(ClientError::Transfer { .. }) => {
            Err(Failure::new("The agent closed the log: it has probably stopped"))
        }
        Err(error) => Err(error).or_fail("Error starting monitor"),
    }
}
