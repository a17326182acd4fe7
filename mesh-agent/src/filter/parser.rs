use super::expression::{Expression, Test};
use super::lexer::{Token, TokenKind};
use super::schema::Question;
use super::{Field, Filter, FilterError};
use regex::RegexBuilder;

/// Largest compiled regular expression, in bytes. Matching takes time linear in the text whatever it is.
const MAX_PATTERN: usize = 256 * 1024;

/// `or` binds weakest, then `and`, then `not`.
pub(super) fn parse(tokens: Vec<Token>, schema: &Field) -> Result<Expression, FilterError> {
    let mut parser = Parser { tokens, next: 0, depth: 0, schema };
    let expression = parser.or()?;
    match parser.peek() {
        TokenKind::End => Ok(expression),
        _ => Err(parser.unexpected("'and', 'or' or the end")),
    }
}

struct Parser<'a> {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    schema: &'a Field,
}

/// A selector as it was written.
struct Selector {
    path: Vec<String>,
    position: usize,
}

impl Selector {
    fn text(&self) -> String {
        self.path.join(".")
    }
}

impl Parser<'_> {
    fn peek(&self) -> &TokenKind {
        &self.tokens[self.next].kind
    }

    fn position(&self) -> usize {
        self.tokens[self.next].position
    }

    /// The current token; the last one, `End`, is never passed.
    fn advance(&mut self) -> TokenKind {
        let kind = self.peek().clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        kind
    }

    fn is_word(&self, offset: usize, word: &str) -> bool {
        let token = self.tokens.get(self.next + offset).map(|t| &t.kind);
        matches!(token, Some(TokenKind::Word(segments)) if segments.len() == 1 && segments[0] == word)
    }

    fn accept(&mut self, word: &str) -> bool {
        let found = self.is_word(0, word);
        if found {
            self.advance();
        }
        found
    }

    fn unexpected(&self, wanted: &'static str) -> FilterError {
        FilterError::Syntax { position: self.position(), found: self.peek().describe(), wanted }
    }

    fn or(&mut self) -> Result<Expression, FilterError> {
        let mut left = self.and()?;
        while self.accept("or") {
            left = Expression::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expression, FilterError> {
        let mut left = self.not()?;
        while self.accept("and") {
            left = Expression::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expression, FilterError> {
        if self.accept("not") {
            return self.nested(|p| Ok(Expression::Not(Box::new(p.not()?))));
        }
        if *self.peek() != TokenKind::Open {
            return self.comparison();
        }
        self.advance();
        let inner = self.nested(Self::or)?;
        match self.peek() {
            TokenKind::Close => self.advance(),
            _ => return Err(self.unexpected("')', 'and' or 'or'")),
        };
        Ok(inner)
    }

    fn nested<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, FilterError>,
    ) -> Result<T, FilterError> {
        self.depth += 1;
        if self.depth > Filter::MAX_DEPTH {
            return Err(FilterError::TooDeep { position: self.position(), limit: Filter::MAX_DEPTH });
        }
        let parsed = parse(self)?;
        self.depth -= 1;
        Ok(parsed)
    }

    /// `selector operator value`, `selector is empty` or `value in selector`.
    fn comparison(&mut self) -> Result<Expression, FilterError> {
        if self.is_word(1, "in") || (self.is_word(1, "not") && self.is_word(2, "in")) {
            return self.membership();
        }
        let selector = self.selector()?;
        match self.peek() {
            TokenKind::Equal => self.equality(&selector, false),
            TokenKind::NotEqual => self.equality(&selector, true),
            _ if self.is_word(0, "is") => self.emptiness(&selector),
            _ => self.containment(&selector),
        }
    }

    fn membership(&mut self) -> Result<Expression, FilterError> {
        let value = self.value()?;
        let negated = self.accept("not");
        self.advance();
        let selector = self.selector()?;
        self.field(&selector, Question::Contains, "in")?;
        Ok(Expression::Match { path: selector.path, test: Test::Contains(value), negated })
    }

    fn equality(&mut self, selector: &Selector, negated: bool) -> Result<Expression, FilterError> {
        self.advance();
        let field = self.field(selector, Question::Equal, if negated { "!=" } else { "==" })?;
        let position = self.position();
        let value = self.value()?;
        let wrong = |value: &str| FilterError::WrongValue {
            value: value.to_owned(),
            selector: selector.text(),
            position,
            kind: field.kind(),
        };
        let test = match field {
            Field::Number => Test::Number(value.parse().map_err(|_| wrong(&value))?),
            Field::Bool => Test::Bool(boolean(&value).ok_or_else(|| wrong(&value))?),
            _ => Test::Text(value),
        };
        Ok(Expression::Match { path: selector.path.clone(), test, negated })
    }

    fn emptiness(&mut self, selector: &Selector) -> Result<Expression, FilterError> {
        self.advance();
        let negated = self.accept("not");
        if !self.accept("empty") {
            return Err(self.unexpected("'empty' or 'not empty'"));
        }
        self.field(selector, Question::Empty, "is empty")?;
        Ok(Expression::Match { path: selector.path.clone(), test: Test::Empty, negated })
    }

    fn containment(&mut self, selector: &Selector) -> Result<Expression, FilterError> {
        let negated = self.accept("not");
        let test = if self.accept("contains") {
            self.field(selector, Question::Contains, "contains")?;
            Test::Contains(self.value()?)
        } else if self.accept("matches") {
            self.field(selector, Question::Matches, "matches")?;
            self.pattern()?
        } else {
            return Err(self.unexpected("'==', '!=', 'in', 'contains', 'matches' or 'is empty'"));
        };
        Ok(Expression::Match { path: selector.path.clone(), test, negated })
    }

    fn pattern(&mut self) -> Result<Test, FilterError> {
        let position = self.position();
        let pattern = self.value()?;
        let regex = RegexBuilder::new(&pattern).size_limit(MAX_PATTERN).dfa_size_limit(MAX_PATTERN).build();
        regex.map(Test::Matches).map_err(|error| FilterError::Pattern {
            pattern,
            position,
            reason: error.to_string().lines().last().unwrap_or_default().trim().to_owned(),
        })
    }

    fn selector(&mut self) -> Result<Selector, FilterError> {
        let position = self.position();
        match self.peek().clone() {
            TokenKind::Word(path) => {
                self.advance();
                Ok(Selector { path, position })
            }
            _ => Err(self.unexpected("a selector such as ServiceMeta.version")),
        }
    }

    fn value(&mut self) -> Result<String, FilterError> {
        match self.peek().clone() {
            TokenKind::Text(value) | TokenKind::Number(value) => {
                self.advance();
                Ok(value)
            }
            TokenKind::Word(segments) => {
                self.advance();
                Ok(segments.join("."))
            }
            _ => Err(self.unexpected("a value")),
        }
    }

    fn field(
        &self,
        selector: &Selector,
        question: Question,
        operator: &'static str,
    ) -> Result<Field, FilterError> {
        let field = self.schema.resolve(&selector.path).map_err(|reason| FilterError::UnknownSelector {
            selector: selector.text(),
            position: selector.position,
            reason,
        })?;
        if field.answers(question) {
            return Ok(field);
        }
        let (selector, position, kind) = (selector.text(), selector.position, field.kind());
        Err(FilterError::WrongOperator { operator, selector, position, kind })
    }
}

fn boolean(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}
