use crate::cli::call::Call;
use crate::cli::failure::{Failure, OrFail};
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};

pub(super) async fn get_config(call: &Call) -> Result<String, Failure> {
    call.expect_no_arguments()?;
    let config = call.client()?.ca_configuration(&call.query()).await;
    let config = config.or_fail("Error querying CA configuration")?;
    let mut text = Vec::new();
    let written =
        config.serialize(&mut Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"\t")));
    written.or_fail("Error showing CA configuration")?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

pub(super) async fn set_config(call: &Call) -> Result<String, Failure> {
    call.expect_no_arguments()?;
    let file = call.matches.value("config-file");
    let file = file.ok_or_else(|| Failure::new("The -config-file flag is required"))?;
    let text = std::fs::read_to_string(file).or_fail(format!("Error reading config file {file}"))?;
    let config: Value = serde_json::from_str(&text).or_fail(format!("Error parsing config file {file}"))?;
    let set = call.client()?.set_ca_configuration(&config, &call.query()).await;
    set.or_fail("Error setting CA configuration")?;
    Ok("Configuration updated!".to_owned())
}
