//! The text of a filter, as a syntax tree, and where in the text something is wrong.

use sqlparser::ast::{Expr, OrderByExpr, Spanned};
use sqlparser::dialect::Dialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use crate::error::{Error, Result};

/// The longest filter; long lists of runs are better given as such.
const MAX_BYTES: usize = 1 << 15;
/// The name of the value that the baseline of a run's project has.
pub(super) const BASELINE: &str = "baseline";
/// How much of the text an error shows from the place on.
const NEAR_CHARS: usize = 24;

/// A condition on runs, and the order and number of them that are wanted.
#[derive(Debug, Clone)]
pub struct Filter {
    text: String,
    pub(super) condition: Option<Box<Expr>>,
    pub(super) order: Vec<OrderByExpr>,
    pub(super) limit: Option<usize>,
    pub(super) offset: usize,
    /// Whether a name in it starts with that of the baseline.
    has_baseline: bool,
}

impl Filter {
    /// Reads a filter: a condition, an order, both or none.
    ///
    /// # Errors
    /// [`Error::Query`] with the place, where it cannot be understood.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > MAX_BYTES {
            let detail = format!("it has {} bytes, {MAX_BYTES} are accepted", text.len());
            return Err(Error::Query { detail, place: String::new() });
        }
        let mut filter = Self {
            text: text.to_owned(),
            condition: None,
            order: Vec::new(),
            limit: None,
            offset: 0,
            has_baseline: false,
        };
        let tokens = Tokenizer::new(&FilterDialect, text).tokenize_with_location();
        let tokens = tokens.map_err(|error| filter.error(&error.message, error.location))?;
        let is_baseline = |token: &TokenWithSpan| matches!(&token.token, Token::Word(word) if word.value == BASELINE);
        filter.has_baseline = tokens.iter().any(is_baseline);
        let mut parser = Parser::new(&FilterDialect).with_tokens_with_locations(tokens);
        filter.read(&mut parser).map_err(|error| filter.syntax(&error, &parser))?;
        match parser.peek_token().token {
            Token::EOF => Ok(filter),
            _ => Err(filter.error("expected an operator, ORDER BY, LIMIT or the end", place(&parser))),
        }
    }

    fn read(&mut self, parser: &mut Parser<'_>) -> Result<(), ParserError> {
        let starts_late = match parser.peek_token().token {
            Token::Word(word) => matches!(word.keyword, Keyword::ORDER | Keyword::LIMIT | Keyword::OFFSET),
            token => token == Token::EOF,
        };
        if !starts_late {
            self.condition = Some(Box::new(parser.parse_expr()?));
        }
        if parser.parse_keywords(&[Keyword::ORDER, Keyword::BY]) {
            self.order = parser.parse_comma_separated(Parser::parse_order_by_expr)?;
        }
        if parser.parse_keyword(Keyword::LIMIT) {
            self.limit = Some(count(parser)?);
        }
        if parser.parse_keyword(Keyword::OFFSET) {
            self.offset = count(parser)?;
        }
        Ok(())
    }

    /// As it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it says in which order.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        !self.order.is_empty()
    }

    /// Whether it is a condition and nothing else.
    #[must_use]
    pub fn is_condition(&self) -> bool {
        self.condition.is_some() && !self.is_ordered() && self.limit.is_none() && self.offset == 0
    }

    /// Whether it speaks of the baseline.
    #[must_use]
    pub fn has_baseline(&self) -> bool {
        self.has_baseline
    }

    /// The error that something is wrong with a part of the text.
    pub(super) fn wrong(&self, part: &Expr, detail: &str) -> Error {
        self.error(detail, part.span().start)
    }

    fn syntax(&self, error: &ParserError, parser: &Parser<'_>) -> Error {
        let text = match error {
            ParserError::ParserError(text) | ParserError::TokenizerError(text) => text.as_str(),
            ParserError::RecursionLimitExceeded => "too many parentheses within one another",
        };
        // The library ends its message with the place; the error has it in its own words.
        let (text, at) = match text.rsplit_once(" at Line: ") {
            Some((text, at)) => (text, location(at).unwrap_or_else(|| place(parser))),
            None => (text, place(parser)),
        };
        let text = text.replace("Expected: ", "expected ").replace(", found: EOF", ", found the end");
        self.error(&text, at)
    }

    fn error(&self, detail: &str, at: Location) -> Error {
        if at.line == 0 {
            return Error::Query { detail: detail.to_owned(), place: ", at the end".to_owned() };
        }
        let lines = self.text.split('\n').take(usize::try_from(at.line).unwrap_or(0).saturating_sub(1));
        let before: usize = lines.map(|line| line.chars().count() + 1).sum();
        let at = before + usize::try_from(at.column).unwrap_or(0);
        let near: String = self.text.chars().skip(at.saturating_sub(1)).take(NEAR_CHARS).collect();
        let place = match near.trim_end() {
            "" => "at the end".to_owned(),
            near => format!("at character {at}, {near:?}"),
        };
        Error::Query { detail: detail.to_owned(), place: format!(", {place}") }
    }
}

/// A whole number, as `LIMIT` takes one.
fn count(parser: &mut Parser<'_>) -> Result<usize, ParserError> {
    let number = parser.parse_literal_uint()?;
    usize::try_from(number).map_err(|_past| ParserError::ParserError(format!("{number} is too large")))
}

/// Where the parser stands.
fn place(parser: &Parser<'_>) -> Location {
    parser.peek_token().span.start
}

/// The place that a message of the library names: `1, Column: 7`.
fn location(text: &str) -> Option<Location> {
    let (line, column) = text.split_once(", Column: ")?;
    Some(Location::new(line.parse().ok()?, column.parse().ok()?))
}

/// Names may have letters of any script; quotes around a name are double.
#[derive(Debug)]
struct FilterDialect;

impl Dialect for FilterDialect {
    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_alphabetic() || ch == '_'
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_alphanumeric() || ch == '_'
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '"'
    }
}
