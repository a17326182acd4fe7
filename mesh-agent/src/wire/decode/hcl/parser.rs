use super::super::MAX_DEPTH;
use super::SyntaxError;
use super::lexer::{Lexer, Place, Token};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Builds the value, one token ahead.
pub(super) struct Parser<'t> {
    lexer: Lexer<'t>,
    token: Token,
    place: Place,
}

/// One `key = value` or `key "label" { … }`.
struct Item {
    key: String,
    value: Value,
    is_block: bool,
    place: Place,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str) -> Result<Self, SyntaxError> {
        let mut lexer = Lexer::new(text);
        let (token, place) = lexer.next()?;
        Ok(Self { lexer, token, place })
    }

    pub(super) fn document(mut self) -> Result<Map<String, Value>, SyntaxError> {
        self.body(&Token::End, MAX_DEPTH)
    }

    /// The token that was next; the one after it is next now.
    fn advance(&mut self) -> Result<(Token, Place), SyntaxError> {
        let (token, place) = self.lexer.next()?;
        let place = std::mem::replace(&mut self.place, place);
        Ok((std::mem::replace(&mut self.token, token), place))
    }

    fn skip(&mut self, mark: char) -> Result<bool, SyntaxError> {
        let found = self.token == Token::Mark(mark);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn unexpected<T>(&self, wanted: &str) -> Result<T, SyntaxError> {
        Err(self.place.error(match &self.token {
            Token::End => format!("the text ends where {wanted} should stand"),
            other => format!("found {other}, want {wanted}"),
        }))
    }

    fn deeper(&self, left: usize) -> Result<usize, SyntaxError> {
        let too_deep = || self.place.error(format!("it nests deeper than {MAX_DEPTH} levels"));
        left.checked_sub(1).ok_or_else(too_deep)
    }

    /// Items up to the token that closes them.
    fn body(&mut self, close: &Token, left: usize) -> Result<Map<String, Value>, SyntaxError> {
        let left = self.deeper(left)?;
        let mut map = Map::new();
        let mut blocks = BTreeSet::new();
        while self.token != *close {
            let item = self.item(left)?;
            insert(&mut map, &mut blocks, item)?;
            self.skip(',')?;
        }
        self.advance()?;
        Ok(map)
    }

    fn item(&mut self, left: usize) -> Result<Item, SyntaxError> {
        let place = self.place;
        let key = self.key()?;
        let mut labels = Vec::new();
        let mut inner = left;
        while matches!(self.token, Token::Word(_) | Token::Text(_)) {
            inner = self.deeper(inner)?;
            labels.push(self.key()?);
        }
        if self.skip('{')? {
            let body = Value::Object(self.body(&Token::Mark('}'), inner)?);
            let value = labels
                .into_iter()
                .rev()
                .fold(body, |value, label| Value::Object(Map::from_iter([(label, value)])));
            return Ok(Item { key, value, is_block: true, place });
        }
        if !self.skip('=')? && !self.skip(':')? {
            return self.unexpected("'=' or '{'");
        }
        if !labels.is_empty() {
            return Err(place.error("a key with a label needs a block"));
        }
        Ok(Item { key, value: self.value(left)?, is_block: false, place })
    }

    fn key(&mut self) -> Result<String, SyntaxError> {
        match &mut self.token {
            Token::Word(key) | Token::Text(key) => {
                let key = std::mem::take(key);
                self.advance()?;
                Ok(key)
            }
            Token::End => self.unexpected("a key or '}'"),
            _ => self.unexpected("a key"),
        }
    }

    fn value(&mut self, left: usize) -> Result<Value, SyntaxError> {
        match &self.token {
            Token::Word(word) if word == "true" || word == "false" => {
                let flag = word == "true";
                self.advance()?;
                Ok(Value::Bool(flag))
            }
            Token::Text(_) | Token::Number(_) => match self.advance()? {
                (Token::Number(number), _) => Ok(Value::Number(number)),
                (Token::Text(text), _) => Ok(Value::String(text)),
                (other, place) => Err(place.error(format!("found {other}, want a value"))),
            },
            Token::Mark('[') => self.list(left),
            Token::Mark('{') => {
                self.advance()?;
                self.body(&Token::Mark('}'), left).map(Value::Object)
            }
            Token::Word(_) => self.unexpected("a value (quote texts)"),
            _ => self.unexpected("a value"),
        }
    }

    fn list(&mut self, left: usize) -> Result<Value, SyntaxError> {
        let left = self.deeper(left)?;
        let mut items = Vec::new();
        self.advance()?;
        loop {
            if self.skip(']')? {
                return Ok(Value::Array(items));
            }
            items.push(self.value(left)?);
            if !self.skip(',')? && self.token != Token::Mark(']') {
                return self.unexpected("',' or ']'");
            }
        }
    }
}

/// A block that stands again makes a list; anything else that stands again is a mistake.
fn insert(
    map: &mut Map<String, Value>,
    blocks: &mut BTreeSet<String>,
    item: Item,
) -> Result<(), SyntaxError> {
    let Item { key, value, is_block, place } = item;
    let Some(first) = map.get_mut(&key) else {
        if is_block {
            blocks.insert(key.clone());
        }
        map.insert(key, value);
        return Ok(());
    };
    if !is_block || !blocks.contains(&key) {
        let shown: String = key.chars().take(64).collect();
        return Err(place.error(format!("the key {shown:?} stands twice")));
    }
    match first {
        Value::Array(list) => list.push(value),
        block => *block = Value::Array(vec![block.take(), value]),
    }
    Ok(())
}
