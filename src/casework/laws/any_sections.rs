//! Plans at random: small ones, so that ids and words often meet again.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use uuid::Uuid;

use super::story::on;
use crate::casework::plan_sections::*;
use crate::statute::requirement::Requirement;

pub fn any_text() -> impl Strategy<Value = String> {
    vec(
        prop::sample::select(vec!["a", "b", "c", "weekly", "therapist"]),
        1..8,
    )
    .prop_map(|words| words.join(" "))
}

fn any_ids(letter: &'static str) -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set(1..12_u8, 0..4)
        .prop_map(move |ids: BTreeSet<u8>| ids.into_iter().map(|id| format!("{letter}{id}")).collect())
}

fn any_provision(letter: &'static str, needs: &'static str) -> impl Strategy<Value = Vec<PlanProvision>> {
    let one = (
        any_text(),
        any_ids(needs),
        any_ids("E"),
        option::of(any_text()),
        option::of(any_text()),
    );
    (any_ids(letter), vec(one, 4)).prop_map(|(ids, said)| {
        let both = ids.into_iter().zip(said);
        both.map(
            |(id, (text, meets, outcomes, quantity, frequency))| PlanProvision {
                id,
                text,
                meets,
                outcomes,
                quantity,
                frequency,
                provider: None,
            },
        )
        .collect()
    })
}

fn any_related(letter: &'static str) -> impl Strategy<Value = Vec<RelatedNeed>> {
    (any_ids(letter), vec(any_text(), 4)).prop_map(|(ids, texts)| {
        let both = ids.into_iter().zip(texts);
        both.map(|(id, text)| RelatedNeed { id, text }).collect()
    })
}

fn any_outcomes() -> impl Strategy<Value = Vec<PlanOutcome>> {
    let one = (
        any_text(),
        option::of(any_text()),
        option::of(1..9_u8),
        vec(any_text(), 0..3),
    );
    (any_ids("E"), vec(one, 4)).prop_map(|(ids, said)| {
        let both = ids.into_iter().zip(said);
        both.map(|(id, (text, measure, day, steps))| PlanOutcome {
            id,
            text,
            measure,
            achieve_by_on: None,
            review_on: day.map(|day| on(&format!("2027-01-0{day}"))),
            steps: steps.into_iter().map(|text| OutcomeStep { text }).collect(),
        })
        .collect()
    })
}

fn any_budget() -> impl Strategy<Value = PersonalBudget> {
    (any_ids("J"), vec(0..3_i64, 4), any::<bool>(), any_text()).prop_map(|(ids, pence, paid, arrangement)| {
        let mut budget = PersonalBudget::default();
        for (index, (id, amount_pence)) in ids.into_iter().zip(pence).enumerate() {
            let kind = BudgetKind::Education;
            if paid && index == 0 {
                let arrangement = arrangement.clone();
                budget.direct_payments.push(DirectPayment {
                    id,
                    kind,
                    started_on: None,
                    arrangement,
                });
            } else {
                budget.parts.push(BudgetPart {
                    id,
                    kind,
                    amount_pence,
                    text: None,
                });
            }
        }
        budget
    })
}

prop_compose! {
    pub fn any_sections()(
        (child, family) in (option::of(any_text()), option::of(any_text())),
        needs in any_related("B"),
        health_needs in any_related("C"),
        social_care_needs in any_related("D"),
        outcomes in any_outcomes(),
        (f, g) in (any_provision("F", "B"), any_provision("G", "C")),
        (h1, h2) in (any_provision("H", "D"), any_provision("H", "D")),
        setting_type in option::of(any_text()),
        personal_budget in any_budget(),
        advice in prop::collection::btree_set(1..5_u128, 0..3),
    ) -> PlanSections {
        PlanSections {
            views: PlanViews { child, family, aspirations: None, communication: None },
            special_educational_needs: needs
                .into_iter()
                .map(|RelatedNeed { id, text }| SpecialEducationalNeed { id, text, area: None, need_type: None })
                .collect(),
            health_needs,
            social_care_needs,
            outcomes,
            special_educational_provision: f,
            health_provision: g,
            required_social_care_provision: h1,
            other_social_care_provision: h2,
            setting: setting_type.map(|text| NamedSetting { setting_type: Some(text), ..NamedSetting::default() }),
            personal_budget,
            advice: advice
                .into_iter()
                .map(|id| PlanAdvice { advice_request_id: Uuid::from_u128(id), requirement: Requirement::Medical, summary: None })
                .collect(),
        }
    }
}
