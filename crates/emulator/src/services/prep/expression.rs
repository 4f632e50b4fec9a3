//! Checks whether Data Prep can parse a calculated field. Nothing is evaluated.
//!
//! Source: Data Prep mapping functions and data format handling, read 2026-11. The grammar is not
//! documented. The operators are those of the examples and of the reserved words.

use super::functions;

/// How deep an expression may be nested. Real expressions stay far below. A recursive parser needs
/// a limit.
const DEEPEST: usize = 64;

/// Operators between two values. Longer ones come before their own prefixes.
const OPERATORS: &[&str] = &[
    "==", "!=", "<=", ">=", "&&", "||", "=~", "!~", "<", ">", "+", "-", "*", "/", "%",
];
/// The same operators as words.
const WORD_OPERATORS: &[&str] = &[
    "and", "or", "eq", "ne", "lt", "le", "gt", "ge", "div", "mod",
];
/// Words that can't be a field's name unless it is written as `${…}`.
const RESERVED: &[&str] = &[
    "new", "break", "var", "for", "while", "continue", "else", "if", "return",
];

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ExpressionError {
    #[error("expression ends where {0} is expected")]
    Ends(&'static str),
    #[error("expression has {found} at position {position} where {expected} is expected")]
    Unexpected {
        found: char,
        position: usize,
        expected: &'static str,
    },
    #[error("text that begins at position {0} has no closing quote")]
    OpenText(usize),
    #[error("field that begins at position {0} has no closing brace, or no name")]
    OpenField(usize),
    #[error("function {0} is not known")]
    UnknownFunction(String),
    #[error("function {name} doesn't take {count} arguments")]
    ArgumentCount { name: String, count: usize },
    #[error("{0} is a reserved word: a field of that name is written ${{{0}}}")]
    Reserved(String),
    #[error("expression is nested too deeply")]
    TooDeep,
}

/// Checks an expression.
pub(super) fn check(text: &str) -> Result<(), ExpressionError> {
    let mut parser = Parser {
        letters: text.chars().collect(),
        position: 0,
        depth: 0,
    };
    parser.parse_expression()?;
    match parser.peek() {
        None => Ok(()),
        Some(_) => Err(parser.unexpected("an operator or the end")),
    }
}

struct Parser {
    letters: Vec<char>,
    position: usize,
    depth: usize,
}

impl Parser {
    /// A value, any number of operators with more values, and optionally a choice of two.
    fn parse_expression(&mut self) -> Result<(), ExpressionError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(ExpressionError::TooDeep);
        }
        self.parse_value()?;
        while self.take_operator() {
            self.parse_value()?;
        }
        if self.take('?') {
            self.parse_expression()?;
            self.expect(':', "a colon")?;
            self.parse_expression()?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// A value with its signs, and the members, indexes and methods that follow it.
    fn parse_value(&mut self) -> Result<(), ExpressionError> {
        while self.take('-') || self.take('!') || self.take_word("not") {}
        self.parse_bare_value()?;
        loop {
            if self.take('.') {
                let name = self.take_name().ok_or_else(|| self.unexpected("a name"))?;
                if self.take('(') {
                    let count = self.parse_list(')')?;
                    check_call(&name, count, functions::method_takes(&name, count))?;
                }
            } else if self.take('[') {
                if !self.take('*') {
                    self.parse_expression()?;
                }
                self.expect(']', "a closing bracket")?;
            } else {
                return Ok(());
            }
        }
    }

    fn parse_bare_value(&mut self) -> Result<(), ExpressionError> {
        match self.peek() {
            None => Err(ExpressionError::Ends("a value")),
            Some('(') => {
                self.position += 1;
                self.parse_expression()?;
                self.expect(')', "a closing parenthesis")
            }
            Some('[') => {
                self.position += 1;
                self.parse_list(']').map(|_| ())
            }
            Some('{') => self.parse_object(),
            Some(quote @ ('"' | '\'')) => self.parse_text(quote),
            Some('$') if self.letters.get(self.position + 1) == Some(&'{') => self.parse_wrapped(),
            Some(letter) if letter.is_ascii_digit() => {
                self.skip_number();
                Ok(())
            }
            Some(_) => {
                let name = self.take_name().ok_or_else(|| self.unexpected("a value"))?;
                if self.take('(') {
                    let count = self.parse_list(')')?;
                    return check_call(&name, count, functions::takes(&name, count));
                }
                if RESERVED.contains(&name.as_str()) || WORD_OPERATORS.contains(&name.as_str()) {
                    return Err(ExpressionError::Reserved(name));
                }
                Ok(())
            }
        }
    }

    /// Expressions between commas, up to the closing letter. Returns their number.
    fn parse_list(&mut self, closing: char) -> Result<usize, ExpressionError> {
        if self.take(closing) {
            return Ok(0);
        }
        let mut count = 0;
        loop {
            self.parse_expression()?;
            count += 1;
            if self.take(closing) {
                return Ok(count);
            }
            self.expect(',', "a comma or the end of the list")?;
        }
    }

    /// Names and values between braces.
    fn parse_object(&mut self) -> Result<(), ExpressionError> {
        self.position += 1;
        if self.take('}') {
            return Ok(());
        }
        loop {
            self.parse_expression()?;
            self.expect(':', "a colon")?;
            self.parse_expression()?;
            if self.take('}') {
                return Ok(());
            }
            self.expect(',', "a comma or a closing brace")?;
        }
    }

    fn parse_text(&mut self, quote: char) -> Result<(), ExpressionError> {
        let start = self.position;
        self.position += 1;
        while let Some(letter) = self.letters.get(self.position) {
            self.position += if *letter == '\\' { 2 } else { 1 };
            if *letter == quote {
                return Ok(());
            }
        }
        Err(ExpressionError::OpenText(start + 1))
    }

    /// A field's name in `${…}`. Any name is valid there.
    fn parse_wrapped(&mut self) -> Result<(), ExpressionError> {
        let start = self.position;
        let name = &self.letters[start + 2..];
        match name.iter().position(|letter| *letter == '}') {
            None | Some(0) => Err(ExpressionError::OpenField(start + 1)),
            Some(length) => {
                self.position = start + 3 + length;
                Ok(())
            }
        }
    }

    fn skip_number(&mut self) {
        let is_part = |letter: &char| letter.is_ascii_digit() || *letter == '.';
        while self.letters.get(self.position).is_some_and(is_part) {
            self.position += 1;
        }
    }

    /// A name: letters and digits, `$` and `_`, and dots after a backslash.
    fn take_name(&mut self) -> Option<String> {
        self.peek();
        let start = self.position;
        let mut end = start;
        while let Some(letter) = self.letters.get(end) {
            let is_first = end == start;
            if *letter == '\\' && self.letters.get(end + 1) == Some(&'.') && !is_first {
                end += 2;
            } else if letter.is_alphabetic()
                || matches!(letter, '$' | '_')
                || (letter.is_alphanumeric() && !is_first)
            {
                end += 1;
            } else {
                break;
            }
        }
        self.position = end;
        (end > start).then(|| self.letters[start..end].iter().collect())
    }

    fn take_operator(&mut self) -> bool {
        self.peek();
        let rest = &self.letters[self.position..];
        let begins = |sign: &&&str| {
            let mut letters = rest.iter();
            sign.chars().all(|wanted| letters.next() == Some(&wanted))
        };
        if let Some(sign) = OPERATORS.iter().find(begins) {
            self.position += sign.len();
            return true;
        }
        WORD_OPERATORS.iter().any(|word| self.take_word(word))
    }

    fn take_word(&mut self, wanted: &str) -> bool {
        let start = self.position;
        if self.take_name().as_deref() == Some(wanted) {
            return true;
        }
        self.position = start;
        false
    }

    fn take(&mut self, wanted: char) -> bool {
        let is_next = self.peek() == Some(wanted);
        if is_next {
            self.position += 1;
        }
        is_next
    }

    fn expect(&mut self, wanted: char, expected: &'static str) -> Result<(), ExpressionError> {
        if self.take(wanted) {
            return Ok(());
        }
        Err(self.unexpected(expected))
    }

    /// The next letter that is not a space.
    fn peek(&mut self) -> Option<char> {
        while self
            .letters
            .get(self.position)
            .is_some_and(|letter| letter.is_whitespace())
        {
            self.position += 1;
        }
        self.letters.get(self.position).copied()
    }

    fn unexpected(&mut self, expected: &'static str) -> ExpressionError {
        match self.peek() {
            None => ExpressionError::Ends(expected),
            Some(found) => ExpressionError::Unexpected {
                found,
                position: self.position + 1,
                expected,
            },
        }
    }
}

fn check_call(name: &str, count: usize, takes: Option<bool>) -> Result<(), ExpressionError> {
    match takes {
        Some(true) => Ok(()),
        Some(false) => Err(ExpressionError::ArgumentCount {
            name: name.to_owned(),
            count,
        }),
        None => Err(ExpressionError::UnknownFunction(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_guide_are_valid() {
        for fine in [
            "firstName",
            "name.firstName",
            "emails\\.address",
            "${First Name}",
            "${First.Name} + 1",
            "concat(\"Hi, \", \"there\", \"!\")",
            "concat(firstName, ' ', lastName)",
            "iif(\"s\".equalsIgnoreCase(\"S\"), \"True\", \"False\")",
            "join(\" \", to_array(true, \"Hello\", \"world\"))",
            "date(\"2019-10-23 11:24\", \"yyyy-MM-dd HH:mm\", now())",
            "date_part(\"MM\", date(\"2019-10-17 11:55:12\"))",
            "decode(stateCode, \"ca\", \"California\", \"pa\", \"Pennsylvania\", \"N/A\")",
            "coalesce(null, null, \"first\")",
            "size_of([1, 2, 3, 4])",
            "get_keys({\"book1\": \"Pride and Prejudice\", \"book2\": \"1984\"})",
            "to_integer(\"12\") * -2 >= 1 and not false",
            "a == b ? trim(c) : items[*].name",
            "größe / 2",
            "\"a \\\" quote\"",
        ] {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
    }

    #[test]
    fn an_invalid_expression_is_explained() {
        for (wrong, message) in [
            ("", "expression ends where a value is expected"),
            (
                "concat(a, b",
                "expression ends where a comma or the end of the list is expected",
            ),
            (
                "concat(a, b))",
                "expression has ) at position 13 where an operator or the end is expected",
            ),
            (
                "concat(a,)",
                "expression has ) at position 10 where a value is expected",
            ),
            (
                "(a]",
                "expression has ] at position 3 where a closing parenthesis is expected",
            ),
            (
                "a b",
                "expression has b at position 3 where an operator or the end is expected",
            ),
            (
                "First Name",
                "expression has N at position 7 where an operator or the end is expected",
            ),
            ("a +", "expression ends where a value is expected"),
            (
                "\"open",
                "text that begins at position 1 has no closing quote",
            ),
            (
                "${open",
                "field that begins at position 1 has no closing brace, or no name",
            ),
            (
                "${}",
                "field that begins at position 1 has no closing brace, or no name",
            ),
            ("concatenate(a)", "function concatenate is not known"),
            ("lower(shout(a))", "function shout is not known"),
            ("a.shout(b)", "function shout is not known"),
            ("lower()", "function lower doesn't take 0 arguments"),
            ("iif(a, b)", "function iif doesn't take 2 arguments"),
            (
                "new + 1",
                "new is a reserved word: a field of that name is written ${new}",
            ),
            ("a ? b", "expression ends where a colon is expected"),
            (
                "2nd",
                "expression has n at position 2 where an operator or the end is expected",
            ),
            ("_a.", "expression ends where a name is expected"),
        ] {
            assert_eq!(check(wrong).unwrap_err().to_string(), message, "{wrong}");
        }
        let deep = format!("{}a{}", "(".repeat(4000), ")".repeat(4000));
        assert_eq!(check(&deep), Err(ExpressionError::TooDeep));
    }
}
