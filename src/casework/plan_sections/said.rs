//! What sections say, item by item and field by field, in words that can be compared and read.

use super::{
    BudgetPart, DirectPayment, NamedSetting, PlanAdvice, PlanOutcome, PlanProvision, PlanSection,
    PlanSections, PlanViews, RelatedNeed, SpecialEducationalNeed,
};
use crate::casework::child::NeedType;
use crate::statute::calendar::in_words;

/// An item of a section, or what a section without items says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub section: PlanSection,
    pub item_id: Option<String>,
    /// How sentences name the item.
    pub name: String,
    pub fields: Vec<Field>,
}

/// A field that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// Its place among the fields of such an item.
    pub place: usize,
    pub name: &'static str,
    /// How sentences name it.
    pub title: &'static str,
    pub text: String,
}

/// Everything that sections say, in their order; what is empty says nothing.
pub(super) fn all_said(sections: &PlanSections) -> Vec<Said> {
    let mut all = Vec::new();
    for section in PlanSection::ALL {
        match section {
            PlanSection::A => all.push(whole(section, views(&sections.views))),
            PlanSection::B => all.extend(sections.special_educational_needs.iter().map(need)),
            PlanSection::C => all.extend(related(section, &sections.health_needs)),
            PlanSection::D => all.extend(related(section, &sections.social_care_needs)),
            PlanSection::E => all.extend(sections.outcomes.iter().map(outcome)),
            PlanSection::F => all.extend(provided(section, &sections.special_educational_provision)),
            PlanSection::G => all.extend(provided(section, &sections.health_provision)),
            PlanSection::H1 => all.extend(provided(section, &sections.required_social_care_provision)),
            PlanSection::H2 => all.extend(provided(section, &sections.other_social_care_provision)),
            PlanSection::I => all.extend(
                sections
                    .setting
                    .iter()
                    .map(|named| whole(section, setting(named))),
            ),
            PlanSection::J => {
                all.extend(sections.personal_budget.parts.iter().map(part));
                all.extend(sections.personal_budget.direct_payments.iter().map(payment));
            }
            PlanSection::K => all.extend(sections.advice.iter().map(advice)),
        }
    }
    all.retain(|said| !said.fields.is_empty());
    all
}

fn whole(section: PlanSection, fields: Vec<Option<Field>>) -> Said {
    Said {
        section,
        item_id: None,
        name: section.title(),
        fields: placed(fields),
    }
}

fn item(section: PlanSection, id: &str, fields: Vec<Option<Field>>) -> Said {
    Said {
        section,
        item_id: Some(id.to_owned()),
        name: format!("{}, {id}", section.title()),
        fields: placed(fields),
    }
}

/// The fields that say something, each with its place among all.
fn placed(fields: Vec<Option<Field>>) -> Vec<Field> {
    let numbered = fields.into_iter().enumerate();
    numbered
        .filter_map(|(place, field)| field.map(|field| Field { place, ..field }))
        .collect()
}

fn field(name: &'static str, title: &'static str, text: impl Into<String>) -> Option<Field> {
    Some(Field {
        place: 0,
        name,
        title,
        text: text.into(),
    })
}

fn optional(name: &'static str, title: &'static str, text: Option<&str>) -> Option<Field> {
    text.and_then(|text| field(name, title, text))
}

/// Ids in one order, since theirs means nothing.
fn ids(name: &'static str, title: &'static str, ids: &[String]) -> Option<Field> {
    let mut ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    ids.sort_by_key(|id| in_order(id));
    (!ids.is_empty())
        .then(|| field(name, title, ids.join(", ")))
        .flatten()
}

/// What ids sort by, so that B2 comes before B10.
pub(super) fn in_order(id: &str) -> (String, u128, String) {
    let letters: String = id
        .chars()
        .take_while(|character| !character.is_ascii_digit())
        .collect();
    let digits: String = id[letters.len()..]
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    (letters, digits.parse().unwrap_or_default(), id.to_owned())
}

fn views(views: &PlanViews) -> Vec<Option<Field>> {
    vec![
        optional("child", "the views of the child", views.child.as_deref()),
        optional("family", "the views of the family", views.family.as_deref()),
        optional("aspirations", "the aspirations", views.aspirations.as_deref()),
        optional(
            "communication",
            "how to communicate with the child",
            views.communication.as_deref(),
        ),
    ]
}

fn need(need: &SpecialEducationalNeed) -> Said {
    let fields = vec![
        field("text", "the text", &need.text),
        need.area
            .and_then(|area| field("area", "the area", area.in_words())),
        need.need_type
            .and_then(|need_type| field("need_type", "the type", code_of(need_type))),
    ];
    item(PlanSection::B, &need.id, fields)
}

fn related(section: PlanSection, needs: &[RelatedNeed]) -> impl Iterator<Item = Said> {
    needs
        .iter()
        .map(move |need| item(section, &need.id, vec![field("text", "the text", &need.text)]))
}

fn outcome(outcome: &PlanOutcome) -> Said {
    let numbered = outcome.steps.iter().enumerate();
    let steps: Vec<String> = numbered
        .map(|(index, step)| format!("{}. {}", index + 1, step.text))
        .collect();
    let fields = vec![
        field("text", "the text", &outcome.text),
        optional("measure", "the measure", outcome.measure.as_deref()),
        outcome.achieve_by_on.and_then(|day| {
            field(
                "achieve_by_on",
                "the day to reach it by",
                in_words(day).to_string(),
            )
        }),
        outcome
            .review_on
            .and_then(|day| field("review_on", "the day of its review", in_words(day).to_string())),
        (!steps.is_empty())
            .then(|| field("steps", "the steps", steps.join("\n")))
            .flatten(),
    ];
    item(PlanSection::E, &outcome.id, fields)
}

fn provided(section: PlanSection, provision: &[PlanProvision]) -> impl Iterator<Item = Said> {
    provision.iter().map(move |provision| {
        let fields = vec![
            field("text", "the text", &provision.text),
            optional("quantity", "the quantity", provision.quantity.as_deref()),
            optional("frequency", "the frequency", provision.frequency.as_deref()),
            optional("provider", "the provider", provision.provider.as_deref()),
            ids("meets", "what it meets", &provision.meets),
            ids("outcomes", "the outcomes it works towards", &provision.outcomes),
        ];
        item(section, &provision.id, fields)
    })
}

fn setting(named: &NamedSetting) -> Vec<Option<Field>> {
    let organisation_id = named.organisation_id.map(|id| id.to_string());
    vec![
        optional("organisation_id", "the organisation", organisation_id.as_deref()),
        optional("urn", "the URN", named.urn.as_deref()),
        optional("ukprn", "the UKPRN", named.ukprn.as_deref()),
        optional("type", "the type of setting", named.setting_type.as_deref()),
    ]
}

fn part(part: &BudgetPart) -> Said {
    let fields = vec![
        field("kind", "the kind", part.kind.in_words()),
        field("amount_pence", "the amount", in_pounds(part.amount_pence)),
        optional("text", "the text", part.text.as_deref()),
    ];
    item(PlanSection::J, &part.id, fields)
}

fn payment(payment: &DirectPayment) -> Said {
    let fields = vec![
        field("arrangement", "the arrangement", &payment.arrangement),
        field("kind", "the kind", payment.kind.in_words()),
        payment.started_on.and_then(|day| {
            field(
                "started_on",
                "the day of the first payment",
                in_words(day).to_string(),
            )
        }),
    ];
    item(PlanSection::J, &payment.id, fields)
}

fn advice(advice: &PlanAdvice) -> Said {
    let fields = vec![
        field(
            "requirement",
            "what it answers",
            advice.requirement.name().replace('_', " "),
        ),
        optional("summary", "the summary", advice.summary.as_deref()),
    ];
    item(PlanSection::K, &advice.advice_request_id.to_string(), fields)
}

/// The code of a type of need, as clients send it.
fn code_of(need_type: NeedType) -> String {
    format!("{need_type:?}").to_uppercase()
}

fn in_pounds(pence: i64) -> String {
    let pounds = (pence / 100).to_string();
    let mut grouped = String::new();
    for (index, digit) in pounds.chars().enumerate() {
        if index > 0 && (pounds.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("£{grouped}.{:02}", pence % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_reads_as_pounds() {
        for (pence, text) in [
            (0, "£0.00"),
            (5, "£0.05"),
            (245_000, "£2,450.00"),
            (123_456_789, "£1,234,567.89"),
        ] {
            assert_eq!(in_pounds(pence), text);
        }
    }

    #[test]
    fn ids_sort_as_people_count() {
        let mut ids = vec!["B10", "B2", "A1", "B1a", "B1", "10", "9", "B"];
        ids.sort_by_key(|id| in_order(id));
        assert_eq!(ids, ["9", "10", "A1", "B", "B1", "B1a", "B2", "B10"]);
    }
}
