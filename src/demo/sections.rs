//! What the plan of a made-up child says.

use super::child::Child;
use crate::casework::plan_sections::{
    PlanOutcome, PlanProvision, PlanSections, PlanViews, SpecialEducationalNeed,
};

/// One need, one outcome, and the provision that meets them.
pub fn sections_for(child: &Child) -> PlanSections {
    let need_type = child.details.needs.first().map(|need| need.need_type);
    PlanSections {
        views: PlanViews {
            child: Some("I like to know what comes next.".to_owned()),
            family: Some("Mornings are hard; the way home is easy.".to_owned()),
            ..PlanViews::default()
        },
        special_educational_needs: vec![SpecialEducationalNeed {
            id: "B1".to_owned(),
            text: "Finds it hard to follow what is said to a whole class.".to_owned(),
            need_type,
            area: None,
        }],
        outcomes: vec![PlanOutcome {
            id: "E1".to_owned(),
            text: "Follows an instruction of three steps.".to_owned(),
            measure: Some("Seen in four lessons of five.".to_owned()),
            achieve_by_on: None,
            review_on: None,
            steps: Vec::new(),
        }],
        special_educational_provision: vec![PlanProvision {
            id: "F1".to_owned(),
            text: "Work in a small group on spoken language.".to_owned(),
            meets: vec!["B1".to_owned()],
            outcomes: vec!["E1".to_owned()],
            quantity: Some("30 minutes".to_owned()),
            frequency: Some("twice a week".to_owned()),
            provider: None,
        }],
        ..PlanSections::default()
    }
}

/// The same after a review: more of what helped, and something new.
pub fn amended_sections_for(child: &Child) -> PlanSections {
    let mut sections = sections_for(child);
    for provision in &mut sections.special_educational_provision {
        provision.quantity = Some("45 minutes".to_owned());
        provision.provider =
            Some("A teaching assistant trained by the speech and language service.".to_owned());
    }
    sections.special_educational_needs.push(SpecialEducationalNeed {
        id: "B2".to_owned(),
        text: "Tires in the afternoon, and then reads with difficulty.".to_owned(),
        need_type: None,
        area: None,
    });
    sections.special_educational_provision.push(PlanProvision {
        id: "F2".to_owned(),
        text: "Reading with an adult, in the morning.".to_owned(),
        meets: vec!["B2".to_owned()],
        outcomes: Vec::new(),
        quantity: Some("15 minutes".to_owned()),
        frequency: Some("every day".to_owned()),
        provider: None,
    });
    sections
}
