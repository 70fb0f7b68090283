//! What a version of a plan lacks. A gap is told and keeps nothing from being written, served or sent.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{PlanProvision, PlanSection, PlanSections, is_blank};
use crate::statute::requirement::Requirement;

/// What a version can lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GapCode {
    /// Section A does not say what the child or the family thinks.
    ViewsMissing,
    /// No provision of section F meets a need of section B.
    SpecialEducationalNeedWithoutProvision,
    /// No provision of section G meets a need of section C.
    HealthNeedWithoutProvision,
    /// No provision of section H1 or H2 meets a need of section D.
    SocialCareNeedWithoutProvision,
    /// It is not said how it will be seen that an outcome is reached.
    OutcomeWithoutMeasure,
    /// It is not said when progress towards an outcome is looked at.
    OutcomeWithoutReviewDate,
    /// Provision meets no need.
    ProvisionWithoutNeed,
    /// It is not said how much provision is made.
    ProvisionWithoutQuantity,
    /// It is not said how often provision is made.
    ProvisionWithoutFrequency,
    /// A final plan names neither a setting nor a type of setting.
    SettingMissing,
    /// Advice was accepted, and section K does not have it.
    AdviceNotReflected,
    /// Section K has advice that was not accepted for this child or young person.
    AdviceNotAccepted,
}

/// Something that a version lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Gap {
    pub code: GapCode,
    /// A JSON pointer into the sections.
    #[schema(example = "/b/0")]
    pub pointer: String,
    /// The same as a sentence.
    pub message: String,
}

/// Advice that was accepted for the child or young person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptedAdvice {
    pub request_id: Uuid,
    pub requirement: Requirement,
}

/// What the gaps of a version depend on beside what it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanFacts {
    /// Whether it is judged as a final plan, which names a setting or its type.
    pub is_final: bool,
    pub accepted: Vec<AcceptedAdvice>,
}

/// Every gap of what a version says, section by section.
pub fn gaps(sections: &PlanSections, facts: &PlanFacts) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let PlanSections {
        views,
        special_educational_needs,
        health_needs,
        social_care_needs,
        outcomes,
        special_educational_provision,
        health_provision,
        required_social_care_provision,
        other_social_care_provision,
        setting,
        personal_budget: _,
        advice,
    } = sections;
    for (member, whose, said) in [
        ("child", "the child or young person", &views.child),
        ("family", "the family", &views.family),
    ] {
        if is_blank(said.as_deref()) {
            let message = format!("Section A does not give the views of {whose}.");
            gaps.push(gap(GapCode::ViewsMissing, format!("/a/{member}"), message));
        }
    }

    let of_education = special_educational_needs.iter().map(|need| need.id.as_str());
    let of_health = health_needs.iter().map(|need| need.id.as_str());
    let of_social_care = social_care_needs.iter().map(|need| need.id.as_str());
    let social_care_provision = || {
        required_social_care_provision
            .iter()
            .chain(other_social_care_provision)
    };
    let unmet = GapCode::SpecialEducationalNeedWithoutProvision;
    let provided = || special_educational_provision.iter();
    unmet_needs(PlanSection::B, unmet, of_education, "F", provided, &mut gaps);
    let unmet = GapCode::HealthNeedWithoutProvision;
    let provided = || health_provision.iter();
    unmet_needs(PlanSection::C, unmet, of_health, "G", provided, &mut gaps);
    let unmet = GapCode::SocialCareNeedWithoutProvision;
    let provided = social_care_provision;
    unmet_needs(
        PlanSection::D,
        unmet,
        of_social_care,
        "H1 or H2",
        provided,
        &mut gaps,
    );

    for (index, outcome) in outcomes.iter().enumerate() {
        let id = &outcome.id;
        if is_blank(outcome.measure.as_deref()) {
            let message = format!("Section E, {id} does not say how it will be seen that it is reached.");
            gaps.push(gap(
                GapCode::OutcomeWithoutMeasure,
                format!("/e/{index}/measure"),
                message,
            ));
        }
        if outcome.review_on.is_none() {
            let message = format!("Section E, {id} does not say when progress towards it is looked at.");
            gaps.push(gap(
                GapCode::OutcomeWithoutReviewDate,
                format!("/e/{index}/review_on"),
                message,
            ));
        }
    }

    for (section, provision) in [
        (PlanSection::F, special_educational_provision),
        (PlanSection::G, health_provision),
        (PlanSection::H1, required_social_care_provision),
        (PlanSection::H2, other_social_care_provision),
    ] {
        unspecific_provision(section, provision, &mut gaps);
    }

    if facts.is_final && setting.is_none() {
        let message = "Section I names neither a setting nor a type of setting.".to_owned();
        gaps.push(gap(GapCode::SettingMissing, "/i".to_owned(), message));
    }

    for accepted in &facts.accepted {
        if !advice
            .iter()
            .any(|held| held.advice_request_id == accepted.request_id)
        {
            let requirement = accepted.requirement.name().replace('_', " ");
            let message = format!(
                "Section K does not have the accepted {requirement} advice of request {}.",
                accepted.request_id
            );
            gaps.push(gap(GapCode::AdviceNotReflected, "/k".to_owned(), message));
        }
    }
    for (index, held) in advice.iter().enumerate() {
        let is_accepted = |accepted: &AcceptedAdvice| {
            accepted.request_id == held.advice_request_id && accepted.requirement == held.requirement
        };
        if !facts.accepted.iter().any(is_accepted) {
            let requirement = held.requirement.name().replace('_', " ");
            let message = format!(
                "Section K has {requirement} advice that was not accepted for this child or young person."
            );
            gaps.push(gap(GapCode::AdviceNotAccepted, format!("/k/{index}"), message));
        }
    }
    gaps
}

fn unmet_needs<'s, P: Iterator<Item = &'s PlanProvision>>(
    section: PlanSection,
    code: GapCode,
    needs: impl Iterator<Item = &'s str>,
    met_by: &str,
    provision: impl Fn() -> P,
    gaps: &mut Vec<Gap>,
) {
    for (index, id) in needs.enumerate() {
        let is_met = provision().any(|provision| provision.meets.iter().any(|met| met == id));
        if !is_met {
            let message = format!(
                "{}, {id} is a need that no provision of Section {met_by} meets.",
                section.title()
            );
            gaps.push(gap(code, format!("/{}/{index}", section.name()), message));
        }
    }
}

fn unspecific_provision(section: PlanSection, provision: &[PlanProvision], gaps: &mut Vec<Gap>) {
    for (index, provision) in provision.iter().enumerate() {
        let (name, id) = (section.title(), &provision.id);
        let at = |member: &str| format!("/{}/{index}/{member}", section.name());
        if provision.meets.is_empty() {
            let message = format!("{name}, {id} does not say which need it meets.");
            gaps.push(gap(GapCode::ProvisionWithoutNeed, at("meets"), message));
        }
        if is_blank(provision.quantity.as_deref()) {
            let message = format!("{name}, {id} does not say how much of it there is.");
            gaps.push(gap(GapCode::ProvisionWithoutQuantity, at("quantity"), message));
        }
        if is_blank(provision.frequency.as_deref()) {
            let message = format!("{name}, {id} does not say how often it is given.");
            gaps.push(gap(GapCode::ProvisionWithoutFrequency, at("frequency"), message));
        }
    }
}

fn gap(code: GapCode, pointer: String, message: String) -> Gap {
    Gap {
        code,
        pointer,
        message,
    }
}
