//! How one text became another, word by word.

use serde::Serialize;
use utoipa::ToSchema;

/// How many pairs of words are compared at most. Longer rewordings are shown as a whole, since they read
/// like that anyway and comparing costs the product of their lengths.
const PAIR_LIMIT: usize = 250_000;

/// What became of some words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WordChange {
    /// They stand in both texts.
    Kept,
    /// They stood in the text before alone.
    Removed,
    /// They stand in the text after alone.
    Added,
}

/// Some words in a row, with one space between them, and what became of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChangedWords {
    pub what: WordChange,
    pub text: String,
}

/// The words of two texts in order: those of the one before are the kept and removed, those of the one
/// after the kept and added. Where some took the place of others, the removed come first.
pub fn reworded(before: &str, after: &str) -> Vec<ChangedWords> {
    let (before, after): (Vec<&str>, Vec<&str>) = (
        before.split_whitespace().collect(),
        after.split_whitespace().collect(),
    );
    let at_start = before
        .iter()
        .zip(&after)
        .take_while(|(one, other)| one == other)
        .count();
    let (start, before_rest) = before.split_at(at_start);
    let after_rest = &after[at_start..];
    let at_end = before_rest
        .iter()
        .rev()
        .zip(after_rest.iter().rev())
        .take_while(|(one, other)| one == other)
        .count();
    let (before_middle, end) = before_rest.split_at(before_rest.len() - at_end);
    let after_middle = &after_rest[..after_rest.len() - at_end];

    let mut pieces: Vec<ChangedWords> = Vec::new();
    add(&mut pieces, WordChange::Kept, start);
    // Among equally long ways to keep words, the one found must not depend on which text came first.
    let kept = if before_middle <= after_middle {
        kept_words(before_middle, after_middle)
    } else {
        let kept = kept_words(after_middle, before_middle);
        kept.into_iter().map(|(after, before)| (before, after)).collect()
    };
    let (mut before_at, mut after_at) = (0, 0);
    let ends = [(before_middle.len(), after_middle.len())];
    for (kept_before, kept_after) in kept.into_iter().chain(ends) {
        add(
            &mut pieces,
            WordChange::Removed,
            &before_middle[before_at..kept_before],
        );
        add(
            &mut pieces,
            WordChange::Added,
            &after_middle[after_at..kept_after],
        );
        let kept_until = before_middle.len().min(kept_before + 1);
        add(
            &mut pieces,
            WordChange::Kept,
            &before_middle[kept_before..kept_until],
        );
        (before_at, after_at) = (kept_before + 1, kept_after + 1);
    }
    add(&mut pieces, WordChange::Kept, end);
    pieces
}

/// Adds words to what is there, to the last piece if the same became of them.
fn add(pieces: &mut Vec<ChangedWords>, what: WordChange, words: &[&str]) {
    if words.is_empty() {
        return;
    }
    let text = words.join(" ");
    match pieces.last_mut() {
        Some(last) if last.what == what => {
            last.text.push(' ');
            last.text.push_str(&text);
        }
        Some(_) | None => pieces.push(ChangedWords { what, text }),
    }
}

/// The longest row of words that both have in the same order, as pairs of their places; none where that
/// would take too long to find.
fn kept_words(one: &[&str], other: &[&str]) -> Vec<(usize, usize)> {
    if one.len().saturating_mul(other.len()) > PAIR_LIMIT {
        return Vec::new();
    }
    let width = other.len() + 1;
    let mut longest = vec![0_u32; (one.len() + 1) * width];
    for row in (0..one.len()).rev() {
        for column in (0..other.len()).rev() {
            longest[row * width + column] = if one[row] == other[column] {
                longest[(row + 1) * width + column + 1] + 1
            } else {
                longest[(row + 1) * width + column].max(longest[row * width + column + 1])
            };
        }
    }
    let mut kept = Vec::new();
    let (mut row, mut column) = (0, 0);
    while row < one.len() && column < other.len() {
        if one[row] == other[column] {
            kept.push((row, column));
            (row, column) = (row + 1, column + 1);
        } else if longest[(row + 1) * width + column] >= longest[row * width + column + 1] {
            row += 1;
        } else {
            column += 1;
        }
    }
    kept
}
