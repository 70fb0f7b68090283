//! An authority's settings: readings, warning time, who is usually asked for advice, and how long cases are kept.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Error, Fault, Work};
use crate::casework::child::{ChildFacts, turns_on};
use crate::casework::retention::{RetainedCases, RetentionRule, RetentionStart};
use crate::statute::reading::Readings;
use crate::statute::requirement::Requirement;
use crate::store::organisation::find_organisation;
use crate::store::settings::{insert_settings, lock_settings, settings_at};

/// How long an authority that has set nothing keeps a case, from the date of birth.
const KEPT_FOR_YEARS: i32 = 31;

/// What an authority sets for itself. Each change is kept as a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[schema(default)]
pub struct Settings {
    /// How the authority reads the law where it can be read in more than one way.
    pub readings: Readings,
    /// How many days before the earlier due date a clock counts as due soon.
    #[schema(minimum = 0, maximum = 365, example = 10)]
    pub due_soon_days: u32,
    /// Who is asked when it is decided to assess; the first entry that fits a requirement and service.
    #[schema(max_items = 200)]
    pub default_contributors: Vec<DefaultContributor>,
    /// For how long cases are kept: of all rules that apply to a case, the longest. Without any, for ever.
    #[schema(max_items = 20)]
    pub retention_rules: Vec<RetentionRule>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            readings: Readings::default(),
            due_soon_days: 10,
            default_contributors: Vec::new(),
            retention_rules: vec![RetentionRule {
                applies_to: RetainedCases::EveryCase,
                counted_from: RetentionStart::DateOfBirth,
                years: KEPT_FOR_YEARS,
                reason: None,
            }],
        }
    }
}

/// Who is usually asked for one kind of advice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DefaultContributor {
    /// The paragraph of reg 6 it answers.
    pub requirement: Requirement,
    /// The service asked, where one organisation has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100, example = "speech_and_language")]
    pub service: Option<String>,
    /// The organisation asked. Leave it out to ask the setting that the child or young person attends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation_id: Option<Uuid>,
    /// Only from this age in years on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 25)]
    pub age_from: Option<i32>,
    /// Only up to this age in years, included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 25)]
    pub age_to: Option<i32>,
    /// Only where the postcode begins with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 8, example = "WR")]
    pub postcode_area: Option<String>,
    /// Only for those who attend this setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting_organisation_id: Option<Uuid>,
}

impl DefaultContributor {
    /// The organisation this entry names for a child or young person, if it fits them.
    pub fn organisation_for(
        &self,
        child: &ChildFacts,
        postcode: Option<&str>,
        current_setting: Option<Uuid>,
        on: NaiveDate,
    ) -> Option<Uuid> {
        let has_turned = |age| turns_on(child.date_of_birth, age) <= on;
        let old_enough = self.age_from.is_none_or(has_turned);
        let young_enough = self.age_to.is_none_or(|age| !has_turned(age + 1));
        let in_area = self.postcode_area.as_deref().is_none_or(|area| {
            postcode.is_some_and(|postcode| postcode.to_uppercase().starts_with(&area.to_uppercase()))
        });
        let at_setting =
            self.setting_organisation_id.is_none() || self.setting_organisation_id == current_setting;
        if old_enough && young_enough && in_area && at_setting {
            self.organisation_id.or(current_setting)
        } else {
            None
        }
    }
}

/// The current settings and their version; version 0 are the defaults.
pub fn get_settings(work: &mut Work<'_>) -> Result<(i64, Settings), Error> {
    let la_code = work.la_code();
    Ok(settings_at(work.connection, &la_code, None)?)
}

/// Puts new settings in force from now on.
pub fn put_settings(work: &mut Work<'_>, if_match: Option<i64>, settings: &Settings) -> Result<i64, Error> {
    let la_code = work.la_code();
    lock_settings(work.connection, &la_code)?;
    let (current_version, _) = settings_at(work.connection, &la_code, None)?;
    if if_match.is_some_and(|version| version != current_version) {
        return Err(Error::Stale { current_version });
    }
    let mut faults = Vec::new();
    for (index, contributor) in settings.default_contributors.iter().enumerate() {
        for (field, organisation_id) in [
            ("organisation_id", contributor.organisation_id),
            ("setting_organisation_id", contributor.setting_organisation_id),
        ] {
            let Some(organisation_id) = organisation_id else {
                continue;
            };
            match find_organisation(work.connection, &la_code, organisation_id).map_err(Error::from) {
                Ok(_) => {}
                Err(Error::NotFound) => faults.push(Fault::new(
                    format!("/default_contributors/{index}/{field}"),
                    "unknown_organisation",
                    "must be an organisation of this authority",
                )),
                Err(other) => return Err(other),
            }
        }
    }
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let version = current_version + 1;
    let subject = work.principal.subject.clone();
    insert_settings(work.connection, &la_code, version, work.now, &subject, settings)?;
    work.audit("put_settings", &la_code, None, Some(version))?;
    Ok(version)
}
