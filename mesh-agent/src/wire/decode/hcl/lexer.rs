use super::SyntaxError;
use serde_json::Number;
use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Word(String),
    Text(String),
    Number(Number),
    /// One of `= : , { } [ ]`.
    Mark(char),
    End,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => write!(f, "the word {}", word.chars().take(64).collect::<String>()),
            Self::Text(text) => write!(f, "the text {:?}", text.chars().take(64).collect::<String>()),
            Self::Number(number) => write!(f, "the number {number}"),
            Self::Mark(mark) => write!(f, "'{mark}'"),
            Self::End => f.write_str("the end"),
        }
    }
}

/// A place in the text, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    line: usize,
    column: usize,
}

impl Place {
    pub(super) fn error(self, reason: impl Into<String>) -> SyntaxError {
        SyntaxError { reason: reason.into(), line: self.line, column: self.column }
    }
}

/// Cuts text into tokens.
pub(super) struct Lexer<'t> {
    rest: Peekable<Chars<'t>>,
    place: Place,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { rest: text.chars().peekable(), place: Place { line: 1, column: 1 } }
    }

    pub(super) fn next(&mut self) -> Result<(Token, Place), SyntaxError> {
        self.skip_blank()?;
        let place = self.place;
        let Some(first) = self.rest.peek().copied() else { return Ok((Token::End, place)) };
        let token = match first {
            '=' | ':' | ',' | '{' | '}' | '[' | ']' => {
                self.advance();
                Token::Mark(first)
            }
            '"' => Token::Text(self.text()?),
            '<' => Token::Text(self.heredoc()?),
            '-' | '0'..='9' => Token::Number(self.number()?),
            _ if first.is_alphabetic() || first == '_' => Token::Word(self.take(in_word)),
            _ => return Err(place.error(format!("{first:?} cannot stand here"))),
        };
        Ok((token, place))
    }

    fn advance(&mut self) -> Option<char> {
        let next = self.rest.next()?;
        if next == '\n' {
            self.place = Place { line: self.place.line + 1, column: 1 };
        } else {
            self.place.column += 1;
        }
        Some(next)
    }

    fn take(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while self.rest.peek().is_some_and(|next| wanted(*next)) {
            taken.extend(self.advance());
        }
        taken
    }

    fn take_line(&mut self) -> String {
        let line = self.take(|c| c != '\n');
        self.advance();
        line.trim_end_matches('\r').to_owned()
    }

    fn skip_blank(&mut self) -> Result<(), SyntaxError> {
        loop {
            self.take(|c| c.is_whitespace() || c == '\u{feff}');
            let place = self.place;
            match self.rest.peek() {
                Some('#') => drop(self.take_line()),
                Some('/') => {
                    self.advance();
                    self.comment(place)?;
                }
                _ => return Ok(()),
            }
        }
    }

    /// What follows a first slash.
    fn comment(&mut self, place: Place) -> Result<(), SyntaxError> {
        match self.advance() {
            Some('/') => drop(self.take_line()),
            Some('*') => {
                let mut last = ' ';
                loop {
                    match self.advance() {
                        Some('/') if last == '*' => break,
                        Some(next) => last = next,
                        None => return Err(place.error("the comment is not closed")),
                    }
                }
            }
            _ => return Err(place.error("'/' cannot stand here")),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Number, SyntaxError> {
        let place = self.place;
        let text = self.take(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-'));
        let shown: String = text.chars().take(64).collect();
        parse_number(&text).ok_or_else(|| place.error(format!("{shown} is not a number")))
    }

    /// A text in quotes. What stands in `${…}` is kept as it is, quotes and all.
    fn text(&mut self) -> Result<String, SyntaxError> {
        let place = self.place;
        let unclosed = || place.error("the text is not closed");
        let mut text = String::new();
        let mut braces = 0_usize;
        self.advance();
        loop {
            match self.advance().ok_or_else(unclosed)? {
                '"' if braces == 0 => return Ok(text),
                '\n' if braces == 0 => return Err(unclosed()),
                '\\' if braces == 0 => text.push(self.escape()?),
                '$' if self.rest.peek() == Some(&'{') => {
                    self.advance();
                    text.push_str("${");
                    braces += 1;
                }
                next => {
                    match next {
                        '{' if braces > 0 => braces += 1,
                        '}' => braces = braces.saturating_sub(1),
                        _ => {}
                    }
                    text.push(next);
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        let place = self.place;
        match self.advance() {
            Some('n') => Ok('\n'),
            Some('r') => Ok('\r'),
            Some('t') => Ok('\t'),
            Some(same @ ('"' | '\\')) => Ok(same),
            Some('u') => self.code_point(4),
            Some('U') => self.code_point(8),
            Some(other) => Err(place.error(format!("\\{} is not an escape", other.escape_debug()))),
            None => Err(place.error("the text is not closed")),
        }
    }

    fn code_point(&mut self, digits: usize) -> Result<char, SyntaxError> {
        let place = self.place;
        let hex: String = (0..digits).map_while(|_| self.rest.next_if(char::is_ascii_hexdigit)).collect();
        self.place.column += hex.len();
        let code = u32::from_str_radix(&hex, 16).ok().filter(|_| hex.len() == digits);
        code.and_then(char::from_u32).ok_or_else(|| place.error(format!("\\u{hex} is not a character")))
    }

    /// `<<MARK`, lines, and a line with the mark alone. `<<-MARK` takes away the indentation that all
    /// lines share.
    fn heredoc(&mut self) -> Result<String, SyntaxError> {
        let place = self.place;
        let opening = self.take_line();
        let mark = opening.strip_prefix("<<").ok_or_else(|| place.error("'<' cannot stand here"))?;
        let (mark, indented) = mark.strip_prefix('-').map_or((mark, false), |mark| (mark, true));
        let mark = mark.trim();
        if mark.is_empty() || !mark.chars().all(in_word) {
            return Err(place.error("want a word after <<"));
        }
        let mut lines = Vec::new();
        loop {
            if self.rest.peek().is_none() {
                let shown: String = mark.chars().take(64).collect();
                return Err(place.error(format!("no line ends the text that <<{shown} begins")));
            }
            let line = self.take_line();
            if line.trim() == mark {
                return Ok(join(&lines, indented));
            }
            lines.push(line);
        }
    }
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn join(lines: &[String], indented: bool) -> String {
    let indentation = |line: &String| line.len() - line.trim_start_matches([' ', '\t']).len();
    let shared = lines.iter().filter(|line| !line.trim().is_empty()).map(indentation).min();
    let cut = if indented { shared.unwrap_or(0) } else { 0 };
    lines.iter().map(|line| format!("{}\n", line.get(cut..).unwrap_or_default())).collect()
}

/// A decimal integer or fraction, or a hexadecimal integer. A leading zero would be octal to some and
/// is nothing here.
fn parse_number(text: &str) -> Option<Number> {
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok().map(Number::from);
    }
    let digits = text.trim_start_matches('-');
    let octal = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    let plain = digits.starts_with(|c: char| c.is_ascii_digit()) && !octal;
    if !plain {
        return None;
    }
    let whole = text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from));
    whole.ok().or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64))
}
