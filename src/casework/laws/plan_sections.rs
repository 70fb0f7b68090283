//! The laws of what plans say: differences can be taken back and read, gaps close when they are filled,
//! and every fault of references is found where it is.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::any_sections::{any_sections, any_text};
use crate::casework::plan_sections::difference::{ChangeKind, FieldChange, SectionChange, difference};
use crate::casework::plan_sections::gaps::{AcceptedAdvice, Gap, GapCode, PlanFacts, gaps};
use crate::casework::plan_sections::references::faults_of_sections;
use crate::casework::plan_sections::wording::{ChangedWords, WordChange, reworded};
use crate::casework::plan_sections::*;
use crate::statute::requirement::Requirement;

fn read(sections: Value) -> PlanSections {
    serde_json::from_value(sections).unwrap()
}

/// A plan with something in every section and no gap as a final one.
fn complete() -> Value {
    json!({
        "a": { "child": "I like maps.", "family": "She is happiest outdoors.", "communication": "Short sentences." },
        "b": [
            { "id": "B1", "text": "Finds it hard to follow spoken instructions.", "area": "communication_and_interaction", "need_type": "SLCN" },
            { "id": "B2", "text": "Reads at the level of a younger child." }
        ],
        "c": [{ "id": "C1", "text": "Epilepsy." }],
        "d": [{ "id": "D1", "text": "Needs company outside school." }],
        "e": [{ "id": "E1", "text": "Follows instructions of three steps.", "measure": "Observed in four lessons of five.",
                "achieve_by_on": "2027-07-16", "review_on": "2027-01-15", "steps": [{ "text": "Two steps by Christmas." }] }],
        "f": [
            { "id": "F1", "text": "Language group.", "meets": ["B1"], "outcomes": ["E1"], "quantity": "30 minutes", "frequency": "weekly", "provider": "a speech and language therapist" },
            { "id": "F2", "text": "Reading scheme.", "meets": ["B2"], "quantity": "20 minutes", "frequency": "daily" }
        ],
        "g": [{ "id": "G1", "text": "Care plan for seizures.", "meets": ["C1"], "quantity": "one review", "frequency": "each term" }],
        "h1": [{ "id": "H1", "text": "A support worker.", "meets": ["D1"], "quantity": "2 hours", "frequency": "weekly" }],
        "h2": [{ "id": "H2", "text": "A holiday club.", "meets": ["D1"], "quantity": "5 days", "frequency": "each summer" }],
        "i": { "urn": "116738", "type": "mainstream primary school" },
        "j": { "parts": [{ "id": "J1", "kind": "social_care", "amount_pence": 245_000 }],
               "direct_payments": [{ "id": "J2", "kind": "social_care", "started_on": "2026-09-01", "arrangement": "Paid to the parents." }] },
        "k": [{ "advice_request_id": Uuid::from_u128(1), "requirement": "medical", "summary": "Epilepsy is well controlled." }]
    })
}

fn final_facts() -> PlanFacts {
    PlanFacts {
        is_final: true,
        accepted: vec![AcceptedAdvice {
            request_id: Uuid::from_u128(1),
            requirement: Requirement::Medical,
        }],
    }
}

fn told(gaps: &[Gap]) -> Vec<(GapCode, &str)> {
    gaps.iter().map(|gap| (gap.code, gap.pointer.as_str())).collect()
}

/// The same change the other way round.
fn taken_back(change: &SectionChange) -> (PlanSection, Option<String>, ChangeKind, Vec<FieldChange>) {
    let what = match change.what {
        ChangeKind::Added => ChangeKind::Removed,
        ChangeKind::Removed => ChangeKind::Added,
        ChangeKind::Changed => ChangeKind::Changed,
    };
    let fields = change.fields.iter().map(|field| FieldChange {
        field: field.field.clone(),
        before: field.after.clone(),
        after: field.before.clone(),
        words: words_taken_back(&field.words),
    });
    (change.section, change.item_id.clone(), what, fields.collect())
}

fn words_taken_back(words: &[ChangedWords]) -> Vec<ChangedWords> {
    let mut back: Vec<ChangedWords> = words.to_vec();
    for piece in &mut back {
        piece.what = match piece.what {
            WordChange::Kept => WordChange::Kept,
            WordChange::Removed => WordChange::Added,
            WordChange::Added => WordChange::Removed,
        };
    }
    for place in 1..back.len() {
        if back[place - 1].what == WordChange::Added && back[place].what == WordChange::Removed {
            back.swap(place - 1, place);
        }
    }
    back
}

fn texts_of(words: &[ChangedWords], gone: WordChange) -> String {
    let texts: Vec<&str> = words
        .iter()
        .filter(|piece| piece.what != gone)
        .map(|piece| piece.text.as_str())
        .collect();
    texts.join(" ")
}

/// Items in another order, which means nothing.
fn turned(sections: &PlanSections) -> PlanSections {
    let mut turned = sections.clone();
    turned.special_educational_needs.reverse();
    turned.outcomes.reverse();
    turned.special_educational_provision.reverse();
    for provision in &mut turned.special_educational_provision {
        provision.meets.reverse();
        provision.outcomes.reverse();
    }
    turned.personal_budget.parts.reverse();
    turned.advice.reverse();
    turned
}

proptest! {
    #[test]
    fn what_is_said_is_kept_as_it_is(sections in any_sections()) {
        let kept = serde_json::to_string(&sections).unwrap();
        prop_assert_eq!(serde_json::from_str::<PlanSections>(&kept).unwrap(), sections);
    }

    #[test]
    fn nothing_differs_from_itself_in_whatever_order(sections in any_sections()) {
        prop_assert_eq!(difference(&sections, &sections), []);
        prop_assert_eq!(difference(&sections, &turned(&sections)), []);
    }

    #[test]
    fn a_difference_taken_back_is_the_difference_the_other_way(one in any_sections(), other in any_sections()) {
        let there = difference(&one, &other);
        let back = difference(&other, &one);
        prop_assert_eq!(
            there.iter().map(taken_back).collect::<Vec<_>>(),
            back.iter().map(|change| (change.section, change.item_id.clone(), change.what, change.fields.clone())).collect::<Vec<_>>()
        );
        prop_assert_eq!(difference(&turned(&one), &other), there);
    }

    #[test]
    fn changes_come_by_section_and_each_item_once(one in any_sections(), other in any_sections()) {
        let changes = difference(&one, &other);
        prop_assert!(changes.is_sorted_by_key(|change| change.section));
        let places: Vec<_> = changes.iter().map(|change| (change.section, &change.item_id)).collect();
        let once: BTreeSet<_> = places.iter().collect();
        prop_assert_eq!(once.len(), places.len());
    }

    #[test]
    fn words_make_up_both_texts(one in any_text(), other in any_text()) {
        let words = reworded(&one, &other);
        prop_assert_eq!(texts_of(&words, WordChange::Added), one.clone());
        prop_assert_eq!(texts_of(&words, WordChange::Removed), other.clone());
        prop_assert_eq!(words_taken_back(&words), reworded(&other, &one));
    }

    #[test]
    fn provision_for_a_need_closes_its_gap_and_opens_no_other_of_its_code(mut sections in any_sections(), which in any::<prop::sample::Index>()) {
        prop_assume!(!sections.special_educational_needs.is_empty());
        let before = gaps(&sections, &PlanFacts::default());
        let need = which.index(sections.special_educational_needs.len());
        sections.special_educational_provision.push(PlanProvision {
            id: "F99".to_owned(),
            text: "More.".to_owned(),
            meets: vec![sections.special_educational_needs[need].id.clone()],
            outcomes: Vec::new(),
            quantity: Some("one hour".to_owned()),
            frequency: Some("weekly".to_owned()),
            provider: None,
        });
        let after = gaps(&sections, &PlanFacts::default());
        let of_needs = (GapCode::SpecialEducationalNeedWithoutProvision, format!("/b/{need}"));
        prop_assert!(!told(&after).contains(&(of_needs.0, of_needs.1.as_str())));
        prop_assert!(told(&after).iter().all(|gap| told(&before).contains(gap)));
    }

    #[test]
    fn gaps_point_into_the_sections_or_at_what_they_lack(sections in any_sections()) {
        let value = serde_json::to_value(&sections).unwrap();
        for gap in gaps(&sections, &final_facts()) {
            let holder = gap.pointer.rsplit_once('/').unwrap().0;
            prop_assert!(value.pointer(holder).is_some(), "{}", gap.pointer);
        }
    }

    #[test]
    fn a_reference_is_at_fault_just_where_its_item_is_not(sections in any_sections()) {
        let faults = faults_of_sections(&serde_json::to_value(&sections).unwrap());
        let needs: Vec<&String> = sections.special_educational_needs.iter().map(|need| &need.id).collect();
        for (index, provision) in sections.special_educational_provision.iter().enumerate() {
            for (at, met) in provision.meets.iter().enumerate() {
                let pointer = format!("/f/{index}/meets/{at}");
                let is_fault = faults.iter().any(|fault| fault.pointer == pointer && fault.code == "unknown_need");
                prop_assert_eq!(is_fault, !needs.contains(&met), "{}", pointer);
            }
        }
    }
}

#[test]
fn a_complete_plan_has_no_gap_and_no_fault() {
    assert_eq!(faults_of_sections(&complete()), []);
    assert_eq!(gaps(&read(complete()), &final_facts()), []);
}

#[test]
fn every_gap_has_its_code_and_its_place() {
    use GapCode::*;
    type Edit = fn(&mut Value);
    let table: [(Edit, GapCode, &str); 13] = [
        (|plan| plan["a"]["child"] = Value::Null, ViewsMissing, "/a/child"),
        (
            |plan| plan["a"]["family"] = json!("  "),
            ViewsMissing,
            "/a/family",
        ),
        (
            |plan| plan["f"][0]["meets"] = json!(["B2"]),
            SpecialEducationalNeedWithoutProvision,
            "/b/0",
        ),
        (
            |plan| {
                plan["c"]
                    .as_array_mut()
                    .unwrap()
                    .push(json!({ "id": "C2", "text": "Asthma." }))
            },
            HealthNeedWithoutProvision,
            "/c/1",
        ),
        (
            |plan| {
                plan["d"]
                    .as_array_mut()
                    .unwrap()
                    .push(json!({ "id": "D2", "text": "Short breaks." }))
            },
            SocialCareNeedWithoutProvision,
            "/d/1",
        ),
        (
            |plan| plan["e"][0]["measure"] = Value::Null,
            OutcomeWithoutMeasure,
            "/e/0/measure",
        ),
        (
            |plan| plan["e"][0]["review_on"] = Value::Null,
            OutcomeWithoutReviewDate,
            "/e/0/review_on",
        ),
        (
            |plan| plan["h2"][0]["meets"] = json!([]),
            ProvisionWithoutNeed,
            "/h2/0/meets",
        ),
        (
            |plan| plan["g"][0]["quantity"] = Value::Null,
            ProvisionWithoutQuantity,
            "/g/0/quantity",
        ),
        (
            |plan| plan["f"][1]["frequency"] = Value::Null,
            ProvisionWithoutFrequency,
            "/f/1/frequency",
        ),
        (|plan| plan["i"] = Value::Null, SettingMissing, "/i"),
        (|plan| plan["k"] = json!([]), AdviceNotReflected, "/k"),
        (
            |plan| plan["k"][0]["requirement"] = json!("education"),
            AdviceNotAccepted,
            "/k/0",
        ),
    ];
    for (edit, code, pointer) in table {
        let mut plan = complete();
        edit(&mut plan);
        let found = gaps(&read(plan), &final_facts());
        assert_eq!(told(&found), [(code, pointer)]);
        assert!(found[0].message.starts_with("Section ") && found[0].message.ends_with('.'));
    }
    // A draft names no setting, and nothing is missed that nobody accepted.
    let mut draft = complete();
    draft["i"] = Value::Null;
    draft["k"] = json!([]);
    assert_eq!(gaps(&read(draft), &PlanFacts::default()), []);
}

#[test]
fn an_empty_plan_lacks_only_what_every_plan_has() {
    let empty = PlanSections::default();
    assert_eq!(
        told(&gaps(&empty, &final_facts())),
        [
            (GapCode::ViewsMissing, "/a/child"),
            (GapCode::ViewsMissing, "/a/family"),
            (GapCode::SettingMissing, "/i"),
            (GapCode::AdviceNotReflected, "/k"),
        ]
    );
    assert_eq!(difference(&empty, &read(json!({}))), []);
}

#[test]
fn an_amendment_reads_as_people_would_tell_it() {
    let mut amended = complete();
    amended["f"][0]["quantity"] = json!("45 minutes");
    amended["f"][0]["text"] = json!("Language group in a quiet room.");
    amended["f"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "id": "F3", "text": "A laptop.", "meets": ["B2"] }));
    amended["c"] = json!([]);
    amended["e"][0]["measure"] = Value::Null;
    amended["e"][0]["review_on"] = json!("2027-02-12");
    amended["i"] = json!({ "urn": "116740", "type": "mainstream primary school" });
    amended["j"]["parts"][0]["amount_pence"] = json!(300_000);
    let changes = difference(&read(complete()), &read(amended));
    let sentences: Vec<&str> = changes.iter().map(|change| change.sentence.as_str()).collect();
    assert_eq!(
        sentences,
        [
            "Section C, C1 is removed: “Epilepsy”.",
            "Section E, E1 is changed: the measure, “Observed in four lessons of five”, is removed; \
             the day of its review, “15 January 2027”, becomes “12 February 2027”.",
            "Section F, F1 is changed: the text, “Language group”, becomes “Language group in a quiet room”; \
             the quantity, “30 minutes”, becomes “45 minutes”.",
            "Section F, F3 is added: “A laptop”.",
            "Section I is changed: the URN, “116738”, becomes “116740”.",
            "Section J, J1 is changed: the amount, “£2,450.00”, becomes “£3,000.00”.",
        ]
    );
    let text = &changes[2].fields[0];
    assert_eq!(
        text.words,
        [
            (WordChange::Kept, "Language"),
            (WordChange::Removed, "group."),
            (WordChange::Added, "group in a quiet room."),
        ]
        .map(|(what, text)| ChangedWords {
            what,
            text: text.to_owned()
        })
    );
}

#[test]
fn long_texts_are_told_in_their_words_and_not_in_the_sentence() {
    let long = |word: &str| {
        format!(
            "{} {word} {}",
            "one ".repeat(2_000).trim(),
            "two ".repeat(2_000).trim()
        )
    };
    let plan = |text: String| read(json!({ "b": [{ "id": "B1", "text": text }] }));
    let changes = difference(&plan(long("quiet")), &plan(long("noisy")));
    assert_eq!(
        changes[0].sentence,
        "Section B, B1 is changed: the text is reworded."
    );
    let words = &changes[0].fields[0].words;
    let told: Vec<(WordChange, usize)> = words.iter().map(|piece| (piece.what, piece.text.len())).collect();
    assert_eq!(
        told,
        [
            (WordChange::Kept, 7_999),
            (WordChange::Removed, 5),
            (WordChange::Added, 5),
            (WordChange::Kept, 7_999)
        ]
    );
    // Texts with nothing in common at either end, and too long to compare, are shown whole.
    let (one, other) = ("a b ".repeat(400), "c b ".repeat(400));
    let whole = reworded(&one, &format!("{other}end"));
    assert_eq!(
        whole.iter().map(|piece| piece.what).collect::<Vec<_>>(),
        [WordChange::Removed, WordChange::Added]
    );
}

#[test]
fn every_fault_of_references_is_told_at_once() {
    let mut plan = complete();
    plan["b"][1]["id"] = json!("B1");
    plan["f"][0]["meets"] = json!(["B1", "B7", "B1"]);
    plan["f"][0]["outcomes"] = json!(["E2"]);
    plan["g"][0]["meets"] = json!(["B1"]);
    plan["i"] = json!({ "urn": "116738", "ukprn": "10012345" });
    plan["j"]["direct_payments"][0]["id"] = json!("J1");
    let advice = plan["k"][0].clone();
    plan["k"].as_array_mut().unwrap().push(advice);
    let faults = faults_of_sections(&plan);
    let mut told: Vec<String> = faults
        .iter()
        .map(|fault| format!("{} {}", fault.pointer, fault.code))
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "/b/1/id repeated",
            "/f/0/meets/1 unknown_need",
            "/f/0/meets/2 repeated",
            "/f/0/outcomes/0 unknown_outcome",
            "/f/1/meets/0 unknown_need",
            "/g/0/meets/0 unknown_need",
            "/i one_of",
            "/j/direct_payments/0/id repeated",
            "/k/1/advice_request_id repeated",
        ]
    );
    for setting in [json!({}), json!({ "type": null })] {
        assert_eq!(faults_of_sections(&json!({ "i": setting })).len(), 1, "{setting}");
    }
    for right in [
        json!({ "type": "special school" }),
        json!({ "urn": "1", "type": "special school" }),
        Value::Null,
    ] {
        assert_eq!(faults_of_sections(&json!({ "i": right })), [], "{right}");
    }
    // What has another shape has no references.
    for odd in [
        json!(null),
        json!([]),
        json!({ "b": 1, "f": [1, { "meets": "B1" }, { "meets": [1] }], "i": [], "j": [], "k": [null] }),
    ] {
        assert_eq!(faults_of_sections(&odd), [], "{odd}");
    }
}
