use std::collections::BTreeMap;

/// A flag of a command.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// Without dashes.
    pub name: &'static str,
    pub kind: FlagKind,
    /// For the help page.
    pub about: &'static str,
}

/// What may follow a flag.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FlagKind {
    /// Nothing, or `=true` or `=false`.
    Switch,
    /// One value, which the help page calls so. A flag given again adds another.
    Value(&'static str),
}

impl Flag {
    /// Of commands that run a program; [`Matches::through_shell`] asks for it.
    pub const SHELL: Self = Self::switch(
        "shell",
        "Run the words through a shell, which is the default; -shell=false runs them as they are.",
    );

    pub const fn switch(name: &'static str, about: &'static str) -> Self {
        Self { name, kind: FlagKind::Switch, about }
    }

    pub const fn value(name: &'static str, shown: &'static str, about: &'static str) -> Self {
        Self { name, kind: FlagKind::Value(shown), about }
    }
}

/// Why arguments could not be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlagError {
    #[error("flag provided but not defined: -{name}")]
    Unknown { name: String },
    #[error("flag -{name} needs a value: -{name}=<{shown}>")]
    NoValue { name: String, shown: &'static str },
    #[error("flag -{name} is a switch: found {found:?}, want true or false")]
    NotASwitch { name: String, found: String },
    /// Not an error to its user: they asked for the page.
    #[error("help requested")]
    Help,
}

/// Arguments, understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    values: BTreeMap<&'static str, Vec<String>>,
    /// Every flag that was given, in order.
    given: Vec<&'static str>,
    /// What is no flag, in order.
    pub positional: Vec<String>,
}

impl Matches {
    /// Long flags take one dash or two, and their value after `=` or as the next argument. After `--`
    /// nothing is a flag, and `-` alone never is.
    ///
    /// # Errors
    /// A flag is not among `flags`, lacks its value, or asks for help.
    pub fn parse(arguments: &[String], flags: &[Flag]) -> Result<Self, FlagError> {
        Self::parse_until(arguments, flags, |_| false)
    }

    /// The same, but after the first argument that is no flag nothing is one.
    ///
    /// # Errors
    /// As [`Matches::parse`].
    pub fn parse_leading(arguments: &[String], flags: &[Flag]) -> Result<Self, FlagError> {
        Self::parse_until(arguments, flags, |matches| !matches.positional.is_empty())
    }

    fn parse_until(
        arguments: &[String],
        flags: &[Flag],
        is_over: impl Fn(&Self) -> bool,
    ) -> Result<Self, FlagError> {
        let mut matches = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                matches.positional.extend(rest.cloned());
                break;
            }
            match flag_text(argument) {
                None => matches.positional.push(argument.clone()),
                Some(text) => matches.take_flag(text, flags, &mut rest)?,
            }
            if is_over(&matches) {
                matches.positional.extend(rest.cloned());
                break;
            }
        }
        Ok(matches)
    }

    fn take_flag<'a>(
        &mut self,
        text: &str,
        flags: &[Flag],
        rest: &mut impl Iterator<Item = &'a String>,
    ) -> Result<(), FlagError> {
        let (name, given) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        if matches!(name, "h" | "help") {
            return Err(FlagError::Help);
        }
        let flag = flags.iter().find(|flag| flag.name == name);
        let flag = flag.ok_or_else(|| FlagError::Unknown { name: name.to_owned() })?;
        let value = match flag.kind {
            FlagKind::Switch => switch_value(name, given.as_deref())?,
            FlagKind::Value(shown) => given
                .or_else(|| rest.next().cloned())
                .ok_or_else(|| FlagError::NoValue { name: name.to_owned(), shown })?,
        };
        self.values.entry(flag.name).or_default().push(value);
        self.given.push(flag.name);
        Ok(())
    }

    /// Whether [`Flag::SHELL`] is on, as it is unless something else was said.
    pub fn through_shell(&self) -> bool {
        self.value(Flag::SHELL.name) != Some("false")
    }

    /// Whether the switch is on. The last one given counts.
    pub fn is_on(&self, name: &str) -> bool {
        self.value(name) == Some("true")
    }

    /// The last value given.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values(name).last().map(String::as_str)
    }

    /// All values given, in order.
    pub fn values(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// All values of several flags, in the order in which they were given together.
    pub fn values_of_any<'a>(&'a self, names: &'a [&'static str]) -> impl Iterator<Item = &'a str> {
        let mut rest: BTreeMap<_, _> = names.iter().map(|name| (*name, self.values(name).iter())).collect();
        self.given.iter().filter_map(move |name| rest.get_mut(name)?.next().map(String::as_str))
    }
}

/// What stands after the dashes, if this is a flag.
fn flag_text(argument: &str) -> Option<&str> {
    let text = argument.strip_prefix('-')?;
    let text = text.strip_prefix('-').unwrap_or(text);
    (!text.is_empty()).then_some(text)
}

fn switch_value(name: &str, given: Option<&str>) -> Result<String, FlagError> {
    match given {
        None | Some("true" | "1" | "t" | "T" | "TRUE" | "True") => Ok("true".to_owned()),
        Some("false" | "0" | "f" | "F" | "FALSE" | "False") => Ok("false".to_owned()),
        Some(found) => Err(FlagError::NotASwitch { name: name.to_owned(), found: found.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: [Flag; 3] =
        [Flag::switch("dev", ""), Flag::value("config-dir", "path", ""), Flag::value("node", "name", "")];

    fn parse(line: &str) -> Result<Matches, FlagError> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Matches::parse(&words, &FLAGS)
    }

    #[test]
    fn one_dash_or_two_and_the_value_attached_or_not() {
        for line in ["-dev -node=a", "--dev --node=a", "-dev=true -node a", "--node a --dev=1"] {
            let matches = parse(line).unwrap();
            assert!(matches.is_on("dev"), "{line}");
            assert_eq!(matches.value("node"), Some("a"), "{line}");
        }
    }

    #[test]
    fn a_flag_given_again_adds_a_value_and_the_last_one_counts() {
        let matches = parse("-config-dir=a -config-dir b -dev -dev=false").unwrap();
        assert_eq!(matches.values("config-dir"), ["a", "b"]);
        assert_eq!(matches.value("config-dir"), Some("b"));
        assert!(!matches.is_on("dev"));
    }

    #[test]
    fn values_of_several_flags_keep_the_order_of_the_line() {
        let matches = parse("-config-dir=a -node=b -dev -config-dir c --node d").unwrap();
        assert_eq!(matches.values_of_any(&["config-dir", "node"]).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        assert_eq!(matches.values_of_any(&["node"]).collect::<Vec<_>>(), ["b", "d"]);
    }

    #[test]
    fn what_is_no_flag_keeps_its_order_wherever_it_stands() {
        let matches = parse("web -dev db - -- -node").unwrap();
        assert_eq!(matches.positional, ["web", "db", "-", "-node"]);
    }

    #[test]
    fn a_command_that_is_run_has_flags_of_its_own() {
        for (line, wanted) in [
            ("-dev ls -la", &["ls", "-la"][..]),
            ("-dev -- ls -dev", &["ls", "-dev"]),
            ("-dev - -x", &["-", "-x"]),
        ] {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            let matches = Matches::parse_leading(&words, &FLAGS).unwrap();
            assert!(matches.is_on("dev"), "{line}");
            assert_eq!(matches.positional, wanted, "{line}");
        }
    }

    #[test]
    fn a_value_may_begin_with_a_dash_or_hold_an_equals_sign() {
        assert_eq!(parse("-node -x").unwrap().value("node"), Some("-x"));
        assert_eq!(parse("-node=a=b").unwrap().value("node"), Some("a=b"));
        assert_eq!(parse("-node=").unwrap().value("node"), Some(""));
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parse("-bogus"), Err(FlagError::Unknown { name: "bogus".to_owned() }));
        assert_eq!(parse("-node"), Err(FlagError::NoValue { name: "node".to_owned(), shown: "name" }));
        let found = "maybe".to_owned();
        assert_eq!(parse("-dev=maybe"), Err(FlagError::NotASwitch { name: "dev".to_owned(), found }));
    }

    #[test]
    fn help_has_four_spellings() {
        for line in ["-h", "--h", "-help", "--help"] {
            assert_eq!(parse(line), Err(FlagError::Help), "{line}");
        }
    }
}
