//! The words of a plan: what stands in its sections A to K (SEND Regulations 2014 reg 12).
//!
//! Pure: what a version of a plan says, what is wrong with it in itself (`references`), how two versions
//! differ (`difference`) and what one lacks (`gaps`). Which versions there are and which is in force is the
//! business of the plan as a procedure and of `service`, which is the caller.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Array, ArrayBuilder};
use utoipa::openapi::{ObjectBuilder, Type};
use uuid::Uuid;

use super::child::NeedType;
use crate::statute::requirement::Requirement;

pub mod difference;
pub mod gaps;
pub mod references;
mod said;
pub mod wording;

/// A section of a plan, by its letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanSection {
    A,
    B,
    C,
    D,
    E,
    F,
    G,
    H1,
    H2,
    I,
    J,
    K,
}

impl PlanSection {
    pub const ALL: [PlanSection; 12] = [
        PlanSection::A,
        PlanSection::B,
        PlanSection::C,
        PlanSection::D,
        PlanSection::E,
        PlanSection::F,
        PlanSection::G,
        PlanSection::H1,
        PlanSection::H2,
        PlanSection::I,
        PlanSection::J,
        PlanSection::K,
    ];

    /// Its member among the sections.
    pub fn name(self) -> &'static str {
        match self {
            PlanSection::A => "a",
            PlanSection::B => "b",
            PlanSection::C => "c",
            PlanSection::D => "d",
            PlanSection::E => "e",
            PlanSection::F => "f",
            PlanSection::G => "g",
            PlanSection::H1 => "h1",
            PlanSection::H2 => "h2",
            PlanSection::I => "i",
            PlanSection::J => "j",
            PlanSection::K => "k",
        }
    }

    /// As people call it: `Section H1`.
    pub fn title(self) -> String {
        format!("Section {}", self.name().to_uppercase())
    }
}

/// What a plan says, section by section. A section that is left out is empty; what is missing does not keep
/// a version from being written, and its checks tell it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanSections {
    /// Section A: the views, interests and aspirations of the child and parents, or of the young person.
    #[serde(default, rename = "a")]
    pub views: PlanViews,
    /// Section B: the special educational needs.
    #[serde(default, rename = "b")]
    #[schema(max_items = 100, default = json!([]))]
    pub special_educational_needs: Vec<SpecialEducationalNeed>,
    /// Section C: the health needs related to them.
    #[serde(default, rename = "c")]
    #[schema(max_items = 100, default = json!([]))]
    pub health_needs: Vec<RelatedNeed>,
    /// Section D: the social care needs related to them or to a disability.
    #[serde(default, rename = "d")]
    #[schema(max_items = 100, default = json!([]))]
    pub social_care_needs: Vec<RelatedNeed>,
    /// Section E: the outcomes sought.
    #[serde(default, rename = "e")]
    #[schema(max_items = 100, default = json!([]))]
    pub outcomes: Vec<PlanOutcome>,
    /// Section F: the special educational provision; it meets needs of section B.
    #[serde(default, rename = "f")]
    #[schema(max_items = 200, default = json!([]))]
    pub special_educational_provision: Vec<PlanProvision>,
    /// Section G: the health provision; it meets needs of section C.
    #[serde(default, rename = "g")]
    #[schema(max_items = 200, default = json!([]))]
    pub health_provision: Vec<PlanProvision>,
    /// Section H1: the social care provision that must be made for a disabled child; it meets needs of
    /// section D.
    #[serde(default, rename = "h1")]
    #[schema(max_items = 200, default = json!([]))]
    pub required_social_care_provision: Vec<PlanProvision>,
    /// Section H2: any other social care provision; it meets needs of section D.
    #[serde(default, rename = "h2")]
    #[schema(max_items = 200, default = json!([]))]
    pub other_social_care_provision: Vec<PlanProvision>,
    /// Section I: the setting named, or its type alone. A draft names none.
    #[serde(default, rename = "i")]
    pub setting: Option<NamedSetting>,
    /// Section J: the personal budget, with what is paid directly.
    #[serde(default, rename = "j")]
    pub personal_budget: PersonalBudget,
    /// Section K: the advice and information that the plan is built on.
    #[serde(default, rename = "k")]
    #[schema(max_items = 100, default = json!([]))]
    pub advice: Vec<PlanAdvice>,
}

/// The views, interests and aspirations of the child and parents, or of the young person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanViews {
    /// What the child or young person says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 10_000)]
    pub child: Option<String>,
    /// What the parents say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 10_000)]
    pub family: Option<String>,
    /// What is hoped for, in education and after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 10_000)]
    pub aspirations: Option<String>,
    /// How to communicate with the child or young person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 10_000)]
    pub communication: Option<String>,
}

/// A broad area of special educational need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NeedArea {
    CommunicationAndInteraction,
    CognitionAndLearning,
    SocialEmotionalAndMentalHealth,
    SensoryAndPhysical,
}

impl NeedArea {
    fn in_words(self) -> &'static str {
        match self {
            NeedArea::CommunicationAndInteraction => "communication and interaction",
            NeedArea::CognitionAndLearning => "cognition and learning",
            NeedArea::SocialEmotionalAndMentalHealth => "social, emotional and mental health",
            NeedArea::SensoryAndPhysical => "sensory and physical",
        }
    }
}

/// A special educational need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SpecialEducationalNeed {
    /// The sender's short name for it, by which provision says what it meets. It stays the same from one
    /// version to the next.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,19}$", example = "B1")]
    pub id: String,
    /// The need.
    #[schema(min_length = 1, max_length = 10_000)]
    pub text: String,
    /// The broad area it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<NeedArea>,
    /// Its type, by the codes of the SEN2 return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need_type: Option<NeedType>,
}

/// A need of health or social care.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RelatedNeed {
    /// The sender's short name for it, by which provision says what it meets. It stays the same from one
    /// version to the next.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,19}$", example = "C1")]
    pub id: String,
    /// The need.
    #[schema(min_length = 1, max_length = 10_000)]
    pub text: String,
}

/// An outcome sought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanOutcome {
    /// The sender's short name for it. It stays the same from one version to the next.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,19}$", example = "E1")]
    pub id: String,
    /// The outcome.
    #[schema(min_length = 1, max_length = 10_000)]
    pub text: String,
    /// How it will be seen that it is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 2_000)]
    pub measure: Option<String>,
    /// The day by which it should be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub achieve_by_on: Option<NaiveDate>,
    /// The day on which progress towards it is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_on: Option<NaiveDate>,
    /// The steps towards it, in order.
    #[serde(default)]
    #[schema(max_items = 50, default = json!([]))]
    pub steps: Vec<OutcomeStep>,
}

/// A step towards an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutcomeStep {
    /// The step.
    #[schema(min_length = 1, max_length = 2_000)]
    pub text: String,
}

/// Short names of something else in the plan. One that names nothing is refused when the version is written.
fn short_names() -> Array {
    ArrayBuilder::new()
        .items(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .min_length(Some(1))
                .max_length(Some(20)),
        )
        .max_items(Some(100))
        .default(Some(serde_json::json!([])))
        .build()
}

/// Provision that meets needs, specific enough to be held to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanProvision {
    /// The sender's short name for it. It stays the same from one version to the next.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,19}$", example = "F1")]
    pub id: String,
    /// What is provided.
    #[schema(min_length = 1, max_length = 10_000)]
    pub text: String,
    /// The needs it meets, by their ids.
    #[serde(default)]
    #[schema(schema_with = short_names)]
    pub meets: Vec<String>,
    /// The outcomes of section E it works towards, by their ids.
    #[serde(default)]
    #[schema(schema_with = short_names)]
    pub outcomes: Vec<String>,
    /// How much of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 500, example = "45 minutes")]
    pub quantity: Option<String>,
    /// How often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 500, example = "weekly in term time")]
    pub frequency: Option<String>,
    /// Who gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 500, example = "a speech and language therapist")]
    pub provider: Option<String>,
}

/// The setting named, by one of `organisation_id`, `urn` and `ukprn`, or its type alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NamedSetting {
    /// The setting as an organisation of the authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation_id: Option<Uuid>,
    /// Its unique reference number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9]{1,6}$", example = "116738")]
    pub urn: Option<String>,
    /// Its UK provider reference number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^1[0-9]{7}$", example = "10012345")]
    pub ukprn: Option<String>,
    /// The type of setting.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200, example = "mainstream primary school")]
    pub setting_type: Option<String>,
}

/// What a part of a personal budget is for, and who pays it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BudgetKind {
    Education,
    SocialCare,
    Health,
    /// Of several of them together.
    Integrated,
}

impl BudgetKind {
    fn in_words(self) -> &'static str {
        match self {
            BudgetKind::Education => "education",
            BudgetKind::SocialCare => "social care",
            BudgetKind::Health => "health",
            BudgetKind::Integrated => "integrated",
        }
    }
}

/// The personal budget. The ids of its parts and of the direct payments differ from each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonalBudget {
    /// What it is made up of.
    #[serde(default)]
    #[schema(max_items = 50, default = json!([]))]
    pub parts: Vec<BudgetPart>,
    /// What of it is paid directly.
    #[serde(default)]
    #[schema(max_items = 50, default = json!([]))]
    pub direct_payments: Vec<DirectPayment>,
}

/// A part of the personal budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BudgetPart {
    /// The sender's short name for it. It stays the same from one version to the next.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,19}$", example = "J1")]
    pub id: String,
    /// What it is for.
    pub kind: BudgetKind,
    /// How much it is, in pence.
    #[schema(minimum = 0, maximum = 100_000_000_000_i64, example = 245_000)]
    pub amount_pence: i64,
    /// What it secures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 2_000)]
    pub text: Option<String>,
}

/// Money paid to the family, or to somebody for them, to arrange provision themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DirectPayment {
    /// The sender's short name for it. It stays the same from one version to the next.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,19}$", example = "J2")]
    pub id: String,
    /// What it is for.
    pub kind: BudgetKind,
    /// The day of the first payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_on: Option<NaiveDate>,
    /// How it is arranged: who receives it and what for.
    #[schema(min_length = 1, max_length = 2_000)]
    pub arrangement: String,
}

/// Advice that the plan is built on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanAdvice {
    /// The request it was given on.
    pub advice_request_id: Uuid,
    /// The paragraph of reg 6 it answers.
    pub requirement: Requirement,
    /// What it says, in short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 10_000)]
    pub summary: Option<String>,
}

/// Whether there is nothing to read in a text.
fn is_blank(text: Option<&str>) -> bool {
    text.is_none_or(|text| text.trim().is_empty())
}
