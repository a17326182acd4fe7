use super::error::{ConfigError, Warning};
use super::keys::strip_unused;
use super::merge::Merge;
use super::settings::Settings;
use super::source::{Format, Source};
use crate::model;
use crate::wire::decode::{self, DecodeError, Style};
use crate::wire::{self, CheckOf, FieldError};
use serde_json::Value;

/// What one source says, or all of them together: settings, and the definitions in it, which are
/// valid already, so that a mistake in one names its file.
#[derive(Clone, Debug, Default)]
pub(super) struct Fragment {
    pub settings: Settings,
    pub services: Vec<Defined<model::ServiceDefinition>>,
    pub checks: Vec<Defined<model::CheckDefinition>>,
    pub warnings: Vec<Warning>,
}

/// A definition and the source that it stands in.
#[derive(Clone, Debug)]
pub(super) struct Defined<T> {
    pub origin: String,
    pub value: T,
}

impl Fragment {
    pub fn read(source: &Source) -> Result<Self, ConfigError> {
        let value = match source.format {
            Format::Json => decode::parse_json(source.text.as_bytes()),
            Format::Hcl => decode::parse_hcl(&source.text),
        };
        Self::decode(&source.origin, value.map_err(|error| at(&source.origin, error))?)
    }

    pub fn decode(origin: &str, mut value: Value) -> Result<Self, ConfigError> {
        let warnings = strip_unused(origin, &mut value);
        let settings: Settings =
            decode::from_value(value, Style::Config).map_err(|error| at(origin, error))?;
        let mut fragment = Self { settings, warnings, ..Self::default() };
        fragment.take_definitions(origin)?;
        Ok(fragment)
    }

    fn take_definitions(&mut self, origin: &str) -> Result<(), ConfigError> {
        let settings = &mut self.settings;
        let services = [("service", &mut settings.service), ("services", &mut settings.services)];
        for (key, list) in services {
            self.services.extend(convert(origin, key, std::mem::take(list), service)?);
        }
        let checks = [("check", &mut settings.check), ("checks", &mut settings.checks)];
        for (key, list) in checks {
            self.checks.extend(convert(origin, key, std::mem::take(list), check)?);
        }
        Ok(())
    }
}

impl Merge for Fragment {
    fn merge(&mut self, later: Self) {
        self.settings.merge(later.settings);
        self.services.merge(later.services);
        self.checks.merge(later.checks);
        self.warnings.merge(later.warnings);
    }
}

fn at(origin: &str, source: DecodeError) -> ConfigError {
    ConfigError::Decode { origin: origin.to_owned(), source }
}

fn service(wire: wire::ServiceDefinition) -> Result<model::ServiceDefinition, FieldError> {
    wire.try_into()
}

fn check(wire: wire::CheckDefinition) -> Result<model::CheckDefinition, FieldError> {
    wire.into_model(CheckOf::Agent)
}

fn convert<W, M>(
    origin: &str,
    key: &str,
    list: Vec<W>,
    convert: impl Fn(W) -> Result<M, FieldError>,
) -> Result<Vec<Defined<M>>, ConfigError> {
    let several = list.len() > 1 || key.ends_with('s');
    let one = |(index, wire)| {
        let place = if several { format!("{key}[{index}]") } else { key.to_owned() };
        let value = convert(wire).map_err(|error| ConfigError::Definition {
            origin: origin.to_owned(),
            source: error.within(&place),
        })?;
        Ok(Defined { origin: origin.to_owned(), value })
    };
    list.into_iter().enumerate().map(one).collect()
}
