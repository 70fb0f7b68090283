//! Reading statements as Diesel shows them: a text, and the binds as `{:?}` writes them.

use chrono::{NaiveDate, NaiveDateTime};

/// What a statement is given.
#[derive(Debug, Clone, PartialEq)]
pub enum Bind {
    Null,
    Text(String),
    Integer(i64),
    Bool(bool),
    Date(NaiveDate),
    Timestamp(NaiveDateTime),
    Texts(Vec<String>),
}

/// The binds behind ` -- binds: `; none if they are not written as Diesel writes them.
pub fn binds_of(text: &str) -> Option<Vec<Bind>> {
    Reader(text).list()
}

/// Cuts a text at `?` and `$1`, which stand nowhere else in what Diesel writes.
pub fn pieces_of(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let is_numbered = character == '$' && characters.peek().is_some_and(char::is_ascii_digit);
        if is_numbered {
            while characters.peek().is_some_and(char::is_ascii_digit) {
                characters.next();
            }
        }
        match pieces.last_mut() {
            Some(piece) if character != '?' && !is_numbered => piece.push(character),
            Some(_) | None => pieces.push(String::new()),
        }
    }
    pieces
}

/// Reads what `{:?}` has written of the binds.
struct Reader<'t>(&'t str);

impl Reader<'_> {
    fn list(&mut self) -> Option<Vec<Bind>> {
        self.eat("[").then_some(())?;
        let mut binds = Vec::new();
        while !self.eat("]") {
            binds.push(self.bind()?);
            self.eat(", ");
        }
        Some(binds)
    }

    fn bind(&mut self) -> Option<Bind> {
        if self.eat("Some(") {
            let bind = self.bind()?;
            return self.eat(")").then_some(bind);
        }
        if self.0.starts_with('"') {
            return self.text().map(Bind::Text);
        }
        if self.0.starts_with('[') {
            let texts = self.list()?.into_iter().map(|bind| match bind {
                Bind::Text(text) => Some(text),
                Bind::Null
                | Bind::Integer(_)
                | Bind::Bool(_)
                | Bind::Date(_)
                | Bind::Timestamp(_)
                | Bind::Texts(_) => None,
            });
            return texts.collect::<Option<Vec<_>>>().map(Bind::Texts);
        }
        let end = self.0.find([',', ']', ')']).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        match word {
            "None" => Some(Bind::Null),
            "true" => Some(Bind::Bool(true)),
            "false" => Some(Bind::Bool(false)),
            _ => word
                .parse()
                .map(Bind::Integer)
                .or_else(|_| word.parse().map(Bind::Date))
                .or_else(|_| word.parse().map(Bind::Timestamp))
                .ok(),
        }
    }

    fn text(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut characters = self.0.char_indices().skip(1);
        loop {
            match characters.next()? {
                (end, '"') => {
                    self.0 = &self.0[end + 1..];
                    return Some(text);
                }
                (_, '\\') => match characters.next()?.1 {
                    'n' => text.push('\n'),
                    'r' => text.push('\r'),
                    't' => text.push('\t'),
                    '0' => text.push('\0'),
                    'u' => {
                        let code: String = characters
                            .by_ref()
                            .skip(1)
                            .map(|(_, digit)| digit)
                            .take_while(|digit| *digit != '}')
                            .collect();
                        text.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?)?);
                    }
                    escaped => text.push(escaped),
                },
                (_, character) => text.push(character),
            }
        }
    }

    fn eat(&mut self, expected: &str) -> bool {
        match self.0.strip_prefix(expected) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }
}
