use super::FilterError;

/// A word of the language, with the byte at which it starts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub position: usize,
    pub kind: TokenKind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    Open,
    Close,
    Equal,
    NotEqual,
    /// A keyword, a selector or a bare value, which only the grammar tells apart: `Node.Meta["x"]`.
    Word(Vec<String>),
    Text(String),
    Number(String),
    End,
}

impl TokenKind {
    /// How an error message names it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Open => "'('".to_owned(),
            Self::Close => "')'".to_owned(),
            Self::Equal => "'=='".to_owned(),
            Self::NotEqual => "'!='".to_owned(),
            Self::Word(segments) => format!("{:?}", segments.join(".")),
            Self::Text(text) => format!("the string {text:?}"),
            Self::Number(digits) => format!("the number {digits}"),
            Self::End => "the end".to_owned(),
        }
    }
}

/// Cuts an expression into tokens, the last of which is `End`.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, FilterError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next()?;
        let end = token.kind == TokenKind::End;
        tokens.push(token);
        if end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl Lexer<'_> {
    fn next(&mut self) -> Result<Token, FilterError> {
        self.take_while(|c| c.is_ascii_whitespace());
        let position = self.at;
        let kind = match self.peek() {
            None => TokenKind::End,
            Some('(') => self.symbol("(", TokenKind::Open)?,
            Some(')') => self.symbol(")", TokenKind::Close)?,
            Some('=') => self.symbol("==", TokenKind::Equal)?,
            Some('!') => self.symbol("!=", TokenKind::NotEqual)?,
            Some('"' | '`') => TokenKind::Text(self.string()?),
            Some(c) if c.is_ascii_digit() || c == '-' => TokenKind::Number(self.number()?),
            Some(c) if c.is_ascii_alphabetic() => TokenKind::Word(self.word()?),
            Some(_) => return Err(self.unexpected("a selector, a value or an operator")),
        };
        Ok(Token { position, kind })
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn unexpected(&self, wanted: &'static str) -> FilterError {
        let found = self.peek().map_or_else(|| "the end".to_owned(), |c| format!("{c:?}"));
        FilterError::Syntax { position: self.at, found, wanted }
    }

    fn take_while(&mut self, matches: impl Fn(char) -> bool) -> &str {
        let rest = &self.text[self.at..];
        let length = rest.find(|c| !matches(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn symbol(&mut self, symbol: &'static str, kind: TokenKind) -> Result<TokenKind, FilterError> {
        if !self.text[self.at..].starts_with(symbol) {
            return Err(self.unexpected("'==' or '!='"));
        }
        self.at += symbol.len();
        Ok(kind)
    }

    /// An identifier, followed by any number of `.identifier` and `["key"]`.
    fn word(&mut self) -> Result<Vec<String>, FilterError> {
        let mut segments = vec![self.identifier()?];
        loop {
            match self.peek() {
                Some('.') => {
                    self.at += 1;
                    segments.push(self.identifier()?);
                }
                Some('[') => segments.push(self.index()?),
                _ => return Ok(segments),
            }
        }
    }

    fn identifier(&mut self) -> Result<String, FilterError> {
        if !self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(self.unexpected("a field name"));
        }
        Ok(self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '-')).to_owned())
    }

    fn index(&mut self) -> Result<String, FilterError> {
        self.at += 1;
        self.take_while(|c| c.is_ascii_whitespace());
        let key = self.string()?;
        self.take_while(|c| c.is_ascii_whitespace());
        if self.peek() != Some(']') {
            return Err(self.unexpected("']'"));
        }
        self.at += 1;
        Ok(key)
    }

    /// `"…"` with `\"`, `\\`, `\n`, `\t` as escapes, or `` `…` `` as it stands.
    fn string(&mut self) -> Result<String, FilterError> {
        let quote = match self.peek() {
            Some(quote @ ('"' | '`')) => quote,
            _ => return Err(self.unexpected("a quoted string")),
        };
        self.at += 1;
        let mut value = String::new();
        loop {
            let c = self.peek().ok_or_else(|| self.unexpected("the closing quote"))?;
            self.at += c.len_utf8();
            match c {
                _ if c == quote => return Ok(value),
                '\\' if quote == '"' => value.push(self.escape()?),
                _ => value.push(c),
            }
        }
    }

    fn escape(&mut self) -> Result<char, FilterError> {
        let escaped = match self.peek() {
            Some(c @ ('"' | '\\' | '/')) => c,
            Some('n') => '\n',
            Some('t') => '\t',
            _ => return Err(self.unexpected("one of the escapes \\\" \\\\ \\/ \\n \\t")),
        };
        self.at += 1;
        Ok(escaped)
    }

    fn number(&mut self) -> Result<String, FilterError> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some('-'));
        self.take_while(|c| c.is_ascii_digit() || c == '.');
        let digits = &self.text[start..self.at];
        if digits.parse::<f64>().is_err() || self.peek().is_some_and(|c| c.is_ascii_alphanumeric()) {
            return Err(self.unexpected("a number; quote values that only begin with a digit"));
        }
        Ok(digits.to_owned())
    }
}
