//! The advice an assessment must be built on: SEND Regulations 2014 reg 6(1) and 6(2).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rulebook::{Confidence, Force, Party, Provision};

/// A paragraph of reg 6 that advice is sought under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// From the parent or the young person.
    Parent,
    /// From the head or principal of the setting, or whoever the regulation names instead.
    Education,
    /// From a health care professional named by the responsible commissioning body.
    Medical,
    /// From an educational psychologist.
    Psychological,
    /// On social care.
    SocialCare,
    /// From any other person the authority thinks appropriate.
    Other,
    /// On preparation for adulthood and independent living, in or beyond year 9.
    PreparationForAdulthood,
    /// From a person the family reasonably asks for.
    FamilyRequested,
    /// From a teacher qualified for hearing or vision impairment.
    Sensory,
}

/// The first year group that needs advice on preparation for adulthood.
const PREPARATION_FOR_ADULTHOOD_FROM_YEAR: i32 = 9;

impl Requirement {
    pub const ALL: [Requirement; 9] = [
        Requirement::Parent,
        Requirement::Education,
        Requirement::Medical,
        Requirement::Psychological,
        Requirement::SocialCare,
        Requirement::Other,
        Requirement::PreparationForAdulthood,
        Requirement::FamilyRequested,
        Requirement::Sensory,
    ];

    /// Whether the regulation requires it for a child or young person in this year group, with or
    /// without a hearing or vision impairment.
    pub fn is_required(self, year_group: i32, hearing_or_vision: bool) -> bool {
        match self {
            Requirement::Parent
            | Requirement::Education
            | Requirement::Medical
            | Requirement::Psychological
            | Requirement::SocialCare => true,
            Requirement::PreparationForAdulthood => year_group >= PREPARATION_FOR_ADULTHOOD_FROM_YEAR,
            Requirement::Sensory => hearing_or_vision,
            Requirement::Other | Requirement::FamilyRequested => false,
        }
    }

    /// Where it stands in the regulations.
    pub fn provision(self) -> Provision {
        let reference = match self {
            Requirement::Parent => "reg 6(1)(a)",
            Requirement::Education => "reg 6(1)(b)",
            Requirement::Medical => "reg 6(1)(c)",
            Requirement::Psychological => "reg 6(1)(d)",
            Requirement::SocialCare => "reg 6(1)(e)",
            Requirement::Other => "reg 6(1)(f)",
            Requirement::PreparationForAdulthood => "reg 6(1)(g)",
            Requirement::FamilyRequested => "reg 6(1)(h)",
            Requirement::Sensory => "reg 6(2)",
        };
        Provision {
            instrument: "SI 2014/1530",
            reference,
            confidence: Confidence::SecondarySource,
        }
    }

    /// Who gives it when no organisation is named.
    pub fn usual_bearer(self) -> Party {
        match self {
            Requirement::Parent => Party::Family,
            Requirement::Education | Requirement::Sensory => Party::EducationSetting,
            Requirement::Medical => Party::Health,
            Requirement::Psychological => Party::EducationalPsychology,
            Requirement::SocialCare => Party::SocialCare,
            Requirement::Other | Requirement::PreparationForAdulthood | Requirement::FamilyRequested => {
                Party::Other
            }
        }
    }

    /// Whether the six weeks bind in law when the organisation does not say: they bind the bodies
    /// asked under section 31, and medical advice comes from one of those.
    pub fn usual_force(self) -> Force {
        match self {
            Requirement::Medical => Force::Statutory,
            Requirement::Parent
            | Requirement::Education
            | Requirement::Psychological
            | Requirement::SocialCare
            | Requirement::Other
            | Requirement::PreparationForAdulthood
            | Requirement::FamilyRequested
            | Requirement::Sensory => Force::Guidance,
        }
    }

    /// The advice it stands for, in a sentence: `advice (social care)`.
    pub fn advice_in_words(requirement: Option<Requirement>) -> String {
        match requirement {
            Some(requirement) => format!("advice ({})", requirement.name().replace('_', " ")),
            None => "advice".to_owned(),
        }
    }

    /// The name used in the API and in stores.
    pub fn name(self) -> &'static str {
        match self {
            Requirement::Parent => "parent",
            Requirement::Education => "education",
            Requirement::Medical => "medical",
            Requirement::Psychological => "psychological",
            Requirement::SocialCare => "social_care",
            Requirement::Other => "other",
            Requirement::PreparationForAdulthood => "preparation_for_adulthood",
            Requirement::FamilyRequested => "family_requested",
            Requirement::Sensory => "sensory",
        }
    }
}
