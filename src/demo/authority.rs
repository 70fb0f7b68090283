//! The made-up authority itself: the bodies it works with, its officers and its settings.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

use crate::casework::child::NeedType;
use crate::service::organisation::{OrganisationDetails, OrganisationKind, open_organisation};
use crate::service::settings::{DefaultContributor, Settings, put_settings};
use crate::service::{Error, Work};
use crate::statute::requirement::Requirement;

/// The code of the authority.
pub const LA_CODE: &str = "885";

/// The officer of a number from 1, as tokens and cases name them.
pub fn caseworker(number: u32) -> String {
    format!("caseworker-{number}")
}

/// What sort of place children and young people attend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKind {
    EarlyYears,
    Primary,
    Secondary,
    College,
}

/// The bodies that the authority asks for advice and consults.
#[derive(Debug, Clone)]
pub struct Bodies {
    pub community_health: Uuid,
    pub mental_health: Uuid,
    pub social_care: Uuid,
    pub sensory: Uuid,
    settings: Vec<(SettingKind, Uuid)>,
}

impl Bodies {
    /// A setting of the kind.
    pub fn setting(&self, rng: &mut ChaCha8Rng, kind: SettingKind) -> Uuid {
        let of_kind: Vec<Uuid> = self.settings_of(kind).collect();
        of_kind[rng.random_range(0..of_kind.len())]
    }

    /// The settings of a kind.
    pub fn settings_of(&self, kind: SettingKind) -> impl Iterator<Item = Uuid> {
        self.settings
            .iter()
            .filter(move |(of_kind, _)| *of_kind == kind)
            .map(|(_, id)| *id)
    }
}

/// The services of health that advice beyond the paediatrician's is asked of, by need.
pub fn further_health_service(need: NeedType) -> Option<&'static str> {
    match need {
        NeedType::Slcn | NeedType::Asd | NeedType::Ds => Some("speech_and_language"),
        NeedType::Semh => Some("camhs"),
        NeedType::Pd | NeedType::Pmld => Some("physiotherapy"),
        NeedType::Sld | NeedType::Spld => Some("occupational_therapy"),
        NeedType::Mld | NeedType::Hi | NeedType::Vi | NeedType::Msi | NeedType::Oth => None,
    }
}

/// Opens the bodies and puts the settings in force.
pub fn set_up_authority(work: &mut Work<'_>) -> Result<Bodies, Error> {
    let mut open = |name: &str, kind, code: &str| {
        let mail_name: String = name
            .to_lowercase()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join("-");
        let details = OrganisationDetails {
            name: name.to_owned(),
            kind,
            code: Some(code.to_owned()),
            section_31_body: None,
            // The domain is kept for examples by RFC 2606.
            contact_email: Some(format!("advice@{mail_name}.example")),
        };
        open_organisation(work, &details).map(|organisation| organisation.id)
    };
    let community_health = open(
        "Hobbling Vale Community Health Trust",
        OrganisationKind::Health,
        "XHV",
    )?;
    let mental_health = open("Hobbling Vale Minds Trust", OrganisationKind::Health, "XMT")?;
    let psychology = open(
        "Hobbling Vale Psychology Service",
        OrganisationKind::EducationalPsychology,
        "EPS",
    )?;
    let social_care = open(
        "Hobbling Vale Family Social Care",
        OrganisationKind::SocialCare,
        "CSC",
    )?;
    let sensory = open(
        "Hobbling Vale Sensory Service",
        OrganisationKind::AuthorityService,
        "SIS",
    )?;
    let mut settings = Vec::new();
    for (name, setting_kind, kind, urn) in [
        (
            "Acorn Cup Nursery",
            SettingKind::EarlyYears,
            OrganisationKind::EarlyYears,
            "999001",
        ),
        (
            "Little Hobbling First School",
            SettingKind::Primary,
            OrganisationKind::School,
            "999002",
        ),
        (
            "Great Hobbling Primary School",
            SettingKind::Primary,
            OrganisationKind::School,
            "999003",
        ),
        (
            "Seven Kettles Primary School",
            SettingKind::Primary,
            OrganisationKind::School,
            "999004",
        ),
        (
            "Lantern Hill School",
            SettingKind::Primary,
            OrganisationKind::School,
            "999005",
        ),
        (
            "Hobbling Vale High School",
            SettingKind::Secondary,
            OrganisationKind::School,
            "999006",
        ),
        (
            "Upside Hill Academy",
            SettingKind::Secondary,
            OrganisationKind::School,
            "999007",
        ),
        (
            "Thimble Green College",
            SettingKind::College,
            OrganisationKind::College,
            "999008",
        ),
    ] {
        settings.push((setting_kind, open(name, kind, urn)?));
    }
    let asked = |requirement, service: Option<&str>, organisation_id| DefaultContributor {
        requirement,
        service: service.map(str::to_owned),
        organisation_id,
        age_from: None,
        age_to: None,
        postcode_area: None,
        setting_organisation_id: None,
    };
    let authority_settings = Settings {
        default_contributors: vec![
            asked(Requirement::Education, None, None),
            asked(Requirement::Medical, Some("paediatrics"), Some(community_health)),
            asked(Requirement::Psychological, None, Some(psychology)),
            asked(Requirement::SocialCare, None, Some(social_care)),
            asked(Requirement::PreparationForAdulthood, None, None),
            asked(Requirement::Sensory, None, Some(sensory)),
        ],
        ..Settings::default()
    };
    put_settings(work, Some(0), &authority_settings)?;
    Ok(Bodies {
        community_health,
        mental_health,
        social_care,
        sensory,
        settings,
    })
}
