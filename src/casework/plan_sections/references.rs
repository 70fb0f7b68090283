//! What is wrong with sections in themselves, beyond what their schema says: ids given twice, references
//! to what is not there, a setting named in two ways.
//!
//! It reads whatever was sent, also where its shape is wrong, so that all faults are told together.

use std::collections::HashSet;

use serde_json::Value;

use super::PlanSection;

/// Something that is wrong at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionFault {
    /// A JSON pointer into the sections.
    pub pointer: String,
    pub code: &'static str,
    /// What is expected; never what was sent.
    pub message: String,
}

/// Which needs the provision of a section meets.
const MEETS: [(PlanSection, PlanSection); 4] = [
    (PlanSection::F, PlanSection::B),
    (PlanSection::G, PlanSection::C),
    (PlanSection::H1, PlanSection::D),
    (PlanSection::H2, PlanSection::D),
];

/// Every fault of sections as they were sent.
pub fn faults_of_sections(sections: &Value) -> Vec<SectionFault> {
    let mut faults = Vec::new();
    for section in PlanSection::ALL {
        let name = section.name();
        match section {
            PlanSection::B
            | PlanSection::C
            | PlanSection::D
            | PlanSection::E
            | PlanSection::F
            | PlanSection::G
            | PlanSection::H1
            | PlanSection::H2 => repeated(places(sections, &[&format!("/{name}")], "id"), &mut faults),
            PlanSection::J => {
                let lists = ["/j/parts", "/j/direct_payments"];
                repeated(places(sections, &lists, "id"), &mut faults);
            }
            PlanSection::K => repeated(places(sections, &["/k"], "advice_request_id"), &mut faults),
            PlanSection::I => named_once(&sections[name], &mut faults),
            PlanSection::A => {}
        }
    }
    for (provision, needs) in MEETS {
        let needed = references(sections, provision, "meets");
        unknown(sections, needs, "unknown_need", "a need", needed, &mut faults);
        let sought = references(sections, provision, "outcomes");
        unknown(
            sections,
            PlanSection::E,
            "unknown_outcome",
            "an outcome",
            sought,
            &mut faults,
        );
    }
    faults
}

/// A text with the pointer to it.
type Place<'v> = (String, &'v str);

/// A member of every item of some lists.
fn places<'v>(sections: &'v Value, lists: &[&str], member: &str) -> Vec<Place<'v>> {
    let mut found = Vec::new();
    for list in lists {
        let items = sections.pointer(list).and_then(Value::as_array);
        for (index, item) in items.into_iter().flatten().enumerate() {
            let text = item[member].as_str();
            found.extend(text.map(|text| (format!("{list}/{index}/{member}"), text)));
        }
    }
    found
}

/// What every item of a section refers to, item by item.
fn references<'v>(sections: &'v Value, section: PlanSection, member: &str) -> Vec<Vec<Place<'v>>> {
    let list = section.name();
    let items = sections[list].as_array();
    let of_item = |(index, item): (usize, &'v Value)| {
        let ids = item[member].as_array().into_iter().flatten().enumerate();
        ids.filter_map(|(at, id)| Some((format!("/{list}/{index}/{member}/{at}"), id.as_str()?)))
            .collect()
    };
    items.into_iter().flatten().enumerate().map(of_item).collect()
}

fn repeated(places: Vec<Place<'_>>, faults: &mut Vec<SectionFault>) {
    let mut seen = HashSet::new();
    for (pointer, text) in places {
        if !seen.insert(text) {
            faults.push(SectionFault {
                pointer,
                code: "repeated",
                message: "must differ from that of the others".to_owned(),
            });
        }
    }
}

fn unknown(
    sections: &Value,
    section: PlanSection,
    code: &'static str,
    noun: &str,
    references: Vec<Vec<Place<'_>>>,
    faults: &mut Vec<SectionFault>,
) {
    let ids = places(sections, &[&format!("/{}", section.name())], "id");
    let known: HashSet<&str> = ids.into_iter().map(|(_, id)| id).collect();
    for of_item in references {
        for (pointer, id) in &of_item {
            if !known.contains(id) {
                faults.push(SectionFault {
                    pointer: pointer.clone(),
                    code,
                    message: format!("must be the id of {noun} in {}", section.title()),
                });
            }
        }
        repeated(of_item, faults);
    }
}

fn named_once(setting: &Value, faults: &mut Vec<SectionFault>) {
    if setting.is_object() && !names_one_setting(setting, "type") {
        faults.push(SectionFault {
            pointer: "/i".to_owned(),
            code: "one_of",
            message:
                "must name the setting by exactly one of organisation_id, urn and ukprn, or give its type"
                    .to_owned(),
        });
    }
}

/// Whether an object names a setting in one way alone or, in none, gives its type by this member.
pub fn names_one_setting(value: &Value, setting_type: &str) -> bool {
    let says = |member: &str| value.get(member).is_some_and(|value| !value.is_null());
    let ways = ["organisation_id", "urn", "ukprn"];
    match ways.into_iter().filter(|way| says(way)).count() {
        0 => says(setting_type),
        named => named == 1,
    }
}
