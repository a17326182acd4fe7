use super::deserialize::Node;
use super::keys::fold;
use super::{DecodeError, Path, Problem, Style};
use serde::de::value::{StrDeserializer, StringDeserializer};
use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess};
use serde_json::{Map, Value};

/// The items of a list.
pub(super) struct Items<'p> {
    items: std::iter::Enumerate<std::vec::IntoIter<Value>>,
    /// A single value that stands for a list of one keeps its own path.
    bare: bool,
    style: Style,
    path: Path<'p>,
}

impl<'p> Items<'p> {
    pub(super) fn new(items: Vec<Value>, style: Style, path: Path<'p>) -> Self {
        Self { items: items.into_iter().enumerate(), bare: false, style, path }
    }

    pub(super) fn bare(value: Value, style: Style, path: Path<'p>) -> Self {
        Self { bare: true, ..Self::new(vec![value], style, path) }
    }
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let Some((index, value)) = self.items.next() else { return Ok(None) };
        let path = if self.bare { self.path } else { Path::Index(&self.path, index) };
        let item = seed.deserialize(Node::new(value, self.style, path));
        item.map(Some).map_err(|error| error.found_at(&path))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// The entries of an object whose keys are data: they stay as they are.
pub(super) struct Entries<'p> {
    entries: serde_json::map::IntoIter,
    current: Option<(String, Value)>,
    style: Style,
    path: Path<'p>,
}

impl<'p> Entries<'p> {
    pub(super) fn new(map: Map<String, Value>, style: Style, path: Path<'p>) -> Self {
        Self { entries: map.into_iter(), current: None, style, path }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        self.current = self.entries.next();
        let Some((key, _)) = &self.current else { return Ok(None) };
        let source: StringDeserializer<DecodeError> = key.clone().into_deserializer();
        seed.deserialize(source).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        let (key, value) = self.current.take().expect("serde asks for a key before its value");
        let path = Path::Key(&self.path, &key);
        seed.deserialize(Node::new(value, self.style, path)).map_err(|error| error.found_at(&path))
    }
}

/// The entries of an object whose keys are a type's fields.
pub(super) struct Fields<'p> {
    entries: std::vec::IntoIter<Field>,
    current: Option<Field>,
    style: Style,
    path: Path<'p>,
}

struct Field {
    /// As the type calls it.
    name: &'static str,
    /// As the document does.
    key: String,
    value: Value,
}

impl<'p> Fields<'p> {
    /// Finds the field that each key means. A null says the same as an absent key.
    ///
    /// # Errors
    /// A key means no field, or two keys mean the same one.
    pub(super) fn match_keys(
        map: Map<String, Value>,
        fields: &'static [&'static str],
        style: Style,
        path: Path<'p>,
    ) -> Result<Self, DecodeError> {
        let folded: Vec<String> = fields.iter().map(|field| fold(field)).collect();
        let mut entries: Vec<Field> = Vec::with_capacity(map.len());
        for (key, value) in map {
            let wanted = fold(&key);
            let position = folded.iter().position(|field| *field == wanted);
            let name = position.map(|at| fields[at]);
            let name = name.ok_or_else(|| DecodeError::unknown_key(&path, &key, fields))?;
            if let Some(first) = entries.iter().find(|entry| entry.name == name) {
                let problem = Problem::SameKey { first: first.key.clone(), second: key };
                return Err(DecodeError::at(&path, problem));
            }
            entries.push(Field { name, key, value });
        }
        entries.retain(|entry| !entry.value.is_null());
        Ok(Self { entries: entries.into_iter(), current: None, style, path })
    }
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        self.current = self.entries.next();
        let Some(field) = &self.current else { return Ok(None) };
        let source: StrDeserializer<'_, DecodeError> = field.name.into_deserializer();
        seed.deserialize(source).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        let field = self.current.take().expect("serde asks for a key before its value");
        let path = Path::Key(&self.path, &field.key);
        seed.deserialize(Node::new(field.value, self.style, path)).map_err(|error| error.found_at(&path))
    }
}
