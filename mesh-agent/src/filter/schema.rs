/// What a resource's JSON holds at one place: which selectors exist, and what can be asked of them.
#[derive(Clone, Copy, Debug)]
pub enum Field {
    Text,
    Number,
    Bool,
    /// A list of text.
    Texts,
    /// Any keys, all with the same kind of value.
    Map(&'static Field),
    /// A fixed set of names.
    Struct(&'static [(&'static str, Field)]),
    /// A list of objects: a selector goes on into each, and one that answers yes is enough.
    Each(&'static Field),
}

/// The kinds of question that a field may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Equal,
    Contains,
    Matches,
    Empty,
}

impl Field {
    /// The field that a path leads to, or what is wrong with the path.
    pub(super) fn resolve(&self, path: &[String]) -> Result<Field, String> {
        let Some((first, rest)) = path.split_first() else { return Ok(*self) };
        match self {
            Self::Each(inner) => inner.resolve(path),
            Self::Map(value) => value.resolve(rest),
            Self::Struct(fields) => match fields.iter().find(|(name, _)| name == first) {
                Some((_, field)) => field.resolve(rest),
                None => Err(format!("there is no field {first:?}, only {}", self.names())),
            },
            _ => Err(format!("{first:?} selects inside {}, which has no fields", self.kind())),
        }
    }

    pub(super) fn answers(&self, question: Question) -> bool {
        match self {
            Self::Text => true,
            Self::Number | Self::Bool => question == Question::Equal,
            Self::Texts | Self::Map(_) => matches!(question, Question::Contains | Question::Empty),
            Self::Each(_) => question == Question::Empty,
            Self::Struct(_) => false,
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "a number",
            Self::Bool => "a boolean",
            Self::Texts => "a list of text",
            Self::Map(_) => "a map",
            Self::Struct(_) => "an object",
            Self::Each(_) => "a list of objects",
        }
    }

    fn names(&self) -> String {
        match self {
            Self::Struct(fields) => fields.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
            _ => String::new(),
        }
    }
}
