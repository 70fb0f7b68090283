//! How one version of a plan became another, as a notice of amendments has to show it.

use serde::Serialize;
use utoipa::ToSchema;

use super::said::{Field, Said, all_said, in_order};
use super::wording::{ChangedWords, reworded};
use super::{PlanSection, PlanSections};

/// How much of a text a sentence quotes, in characters.
const QUOTED: usize = 120;

/// What became of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Added,
    Removed,
    Changed,
}

/// An item that differs, or a section without items that does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SectionChange {
    pub section: PlanSection,
    /// The item's short name; in section K the advice request. Null in sections A and I.
    pub item_id: Option<String>,
    pub what: ChangeKind,
    /// The change as a sentence; long texts are cut short in it.
    pub sentence: String,
    /// The fields that differ; of what was added or removed, all.
    pub fields: Vec<FieldChange>,
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldChange {
    /// The field's name in the sections.
    #[schema(example = "quantity")]
    pub field: String,
    /// What it said before, in words; null if nothing.
    pub before: Option<String>,
    /// What it says after, in words; null if nothing.
    pub after: Option<String>,
    /// What became of each word; empty unless it said something before and after.
    pub words: Vec<ChangedWords>,
}

/// Every change from one version to another, by section and item. The order of items in a section, and of
/// the ids that provision refers to, means nothing.
pub fn difference(from: &PlanSections, to: &PlanSections) -> Vec<SectionChange> {
    let (mut before, mut after) = (
        in_places(from).into_iter().peekable(),
        in_places(to).into_iter().peekable(),
    );
    let mut changes = Vec::new();
    loop {
        let (one, other) = match (before.peek(), after.peek()) {
            (None, None) => return changes,
            (Some(_), None) => (before.next(), None),
            (None, Some(_)) => (None, after.next()),
            (Some((one, _)), Some((other, _))) if one < other => (before.next(), None),
            (Some((one, _)), Some((other, _))) if one > other => (None, after.next()),
            (Some(_), Some(_)) => (before.next(), after.next()),
        };
        let (one, other) = (one.map(|(_, said)| said), other.map(|(_, said)| said));
        changes.extend(change(one.as_ref(), other.as_ref()));
    }
}

/// Where an item stands among all items of a plan.
type Place = (PlanSection, Option<(String, u128, String)>);

fn in_places(sections: &PlanSections) -> Vec<(Place, Said)> {
    let mut placed: Vec<(Place, Said)> = all_said(sections)
        .into_iter()
        .map(|said| ((said.section, said.item_id.as_deref().map(in_order)), said))
        .collect();
    placed.sort_by(|(one, _), (other, _)| one.cmp(other));
    placed
}

/// What became of one item; none if it says the same.
fn change(before: Option<&Said>, after: Option<&Said>) -> Option<SectionChange> {
    let said = before.or(after)?;
    let fields = changed_fields(before, after);
    if fields.is_empty() {
        return None;
    }
    let (what, sentence) = match (before, after) {
        (Some(before), Some(_)) => (ChangeKind::Changed, changed_sentence(before, &fields)),
        (None, _) => (
            ChangeKind::Added,
            format!("{} is added{}.", said.name, first(said)),
        ),
        (_, None) => (
            ChangeKind::Removed,
            format!("{} is removed{}.", said.name, first(said)),
        ),
    };
    Some(SectionChange {
        section: said.section,
        item_id: said.item_id.clone(),
        what,
        sentence,
        fields: fields.into_iter().map(|(_, change)| change).collect(),
    })
}

/// The fields that differ, each with how sentences name it, in their order.
fn changed_fields(before: Option<&Said>, after: Option<&Said>) -> Vec<(&'static str, FieldChange)> {
    let of = |said: Option<&Said>, name: &str| {
        let fields = said.map_or(&[][..], |said| &said.fields);
        fields
            .iter()
            .find(|field| field.name == name)
            .map(|field| field.text.clone())
    };
    let mut fields: Vec<&Field> = before
        .into_iter()
        .chain(after)
        .flat_map(|said| &said.fields)
        .collect();
    fields.sort_by_key(|field| (field.place, field.name));
    let mut seen: Vec<&str> = Vec::new();
    fields.retain(|field| {
        let is_first = !seen.contains(&field.name);
        seen.push(field.name);
        is_first
    });
    let mut changes = Vec::new();
    for Field { name, title, .. } in fields {
        let (before, after) = (of(before, name), of(after, name));
        if before == after {
            continue;
        }
        let words = match (&before, &after) {
            (Some(before), Some(after)) => reworded(before, after),
            (Some(_), None) | (None, Some(_)) | (None, None) => Vec::new(),
        };
        let field = (*name).to_owned();
        changes.push((
            *title,
            FieldChange {
                field,
                before,
                after,
                words,
            },
        ));
    }
    changes
}

/// What the first field of something added or removed says.
fn first(said: &Said) -> String {
    said.fields
        .first()
        .map(|field| format!(": {}", quoted(&field.text)))
        .unwrap_or_default()
}

fn changed_sentence(said: &Said, fields: &[(&'static str, FieldChange)]) -> String {
    let phrases: Vec<String> = fields
        .iter()
        .map(|(title, change)| match (&change.before, &change.after) {
            (Some(before), Some(after))
                if is_short(before) && is_short(after) && quoted(before) != quoted(after) =>
            {
                format!("{title}, {}, becomes {}", quoted(before), quoted(after))
            }
            (Some(before), None) => format!("{title}, {}, is removed", quoted(before)),
            (None, Some(after)) => format!("{title}, {}, is added", quoted(after)),
            (Some(_), Some(_)) | (None, None) => format!("{title} is reworded"),
        })
        .collect();
    format!("{} is changed: {}.", said.name, phrases.join("; "))
}

fn is_short(text: &str) -> bool {
    text.chars().count() <= QUOTED
}

/// A text in a sentence of ours, which has its own full stop.
fn quoted(text: &str) -> String {
    if is_short(text) {
        return format!("“{}”", text.strip_suffix('.').unwrap_or(text));
    }
    let start: String = text.chars().take(QUOTED).collect();
    format!("“{}…”", start.trim_end())
}
