use super::access::{Entries, Fields, Items};
use super::{DecodeError, Path, Style};
use crate::wire::GoDuration;
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Number, Value};

/// A value with its place in the document.
pub(super) struct Node<'p> {
    pub(super) value: Value,
    pub(super) style: Style,
    pub(super) path: Path<'p>,
}

impl<'p> Node<'p> {
    pub(super) fn new(value: Value, style: Style, path: Path<'p>) -> Self {
        Self { value, style, path }
    }

    fn refuse<T>(&self, wanted: &str) -> Result<T, DecodeError> {
        Err(DecodeError::wrong_type(&self.path, &self.value, wanted))
    }

    /// The number, or in configuration the number that a text spells.
    fn number(&self) -> Option<Number> {
        match &self.value {
            Value::Number(number) => Some(number.clone()),
            Value::String(text) if self.style == Style::Config => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// A whole number in `T`'s range. `8.0` is whole too: HCL and Lua-like clients write it.
    fn integer<T: TryFrom<i128>>(&self) -> Option<T> {
        let number = self.number()?;
        let whole = || number.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9e15).map(|f| f as i128);
        let exact = number.as_i128().or_else(whole)?;
        T::try_from(exact).ok()
    }

    fn boolean(&self) -> Option<bool> {
        let weak = self.style == Style::Config;
        match &self.value {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) if weak => match text.to_ascii_lowercase().as_str() {
                "true" | "t" | "1" => Some(true),
                "false" | "f" | "0" => Some(false),
                _ => None,
            },
            Value::Number(number) if weak => number.as_u64().filter(|n| *n < 2).map(|n| n == 1),
            _ => None,
        }
    }

    fn text(&self) -> Option<String> {
        match &self.value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) if self.style == Style::Config => Some(number.to_string()),
            Value::Bool(flag) if self.style == Style::Config => Some(flag.to_string()),
            _ => None,
        }
    }

    /// In configuration, a list of one stands for what is in it.
    fn unwrapped(mut self) -> Self {
        if let (Style::Config, Value::Array(items)) = (self.style, &mut self.value)
            && items.len() == 1
        {
            self.value = items.remove(0);
        }
        self
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty),+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            match self.integer::<$type>() {
                Some(number) => visitor.$visit(number),
                // The limits of 64 bits say nothing to people.
                None if <$type>::BITS == 64 => self.refuse("a whole number"),
                None => self.refuse(&format!("a whole number from {} to {}", <$type>::MIN, <$type>::MAX)),
            }
        }
    )+};
}

impl<'de> Deserializer<'de> for Node<'_> {
    type Error = DecodeError;

    integers!(
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64, deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32, deserialize_i64 visit_i64 i64
    );

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let Self { value, style, path } = self;
        match value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(flag),
            Value::Number(number) => number.deserialize_any(visitor).map_err(serde::de::Error::custom),
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => visitor.visit_seq(Items::new(items, style, path)),
            Value::Object(map) => visitor.visit_map(Entries::new(map, style, path)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.boolean() {
            Some(flag) => visitor.visit_bool(flag),
            None => self.refuse("true or false"),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.number().and_then(|number| number.as_f64()) {
            Some(number) => visitor.visit_f64(number),
            None => self.refuse("a number"),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.text() {
            Some(text) => visitor.visit_string(text),
            None => self.refuse("a text"),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let bare = name == GoDuration::NAME && self.style == Style::Config && self.value.is_number();
        if bare {
            return self.refuse("a duration with its unit, such as \"10s\"");
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.value {
            Value::Array(items) => visitor.visit_seq(Items::new(items, self.style, self.path)),
            Value::Null => visitor.visit_seq(Items::new(vec![], self.style, self.path)),
            one if self.style == Style::Config => visitor.visit_seq(Items::bare(one, self.style, self.path)),
            _ => self.refuse("a list"),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let node = self.unwrapped();
        match node.value {
            Value::Object(map) => visitor.visit_map(Entries::new(map, node.style, node.path)),
            Value::Null => visitor.visit_map(Entries::new(serde_json::Map::new(), node.style, node.path)),
            _ => node.refuse("an object"),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let node = self.unwrapped();
        let Value::Object(map) = node.value else { return node.refuse("an object") };
        visitor.visit_map(Fields::match_keys(map, fields, node.style, node.path)?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let found = self.text().filter(|text| variants.contains(&text.as_str()));
        match found {
            Some(variant) => visitor.visit_enum({
                let name: serde::de::value::StringDeserializer<DecodeError> = variant.into_deserializer();
                name
            }),
            None => self.refuse(&format!("one of {}", variants.join(", "))),
        }
    }

    forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}
