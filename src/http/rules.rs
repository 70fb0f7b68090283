//! The rulebook, as it was in force on a day.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::dates;
use super::extractor::QueryString;
use super::problem::Problem;
use crate::casework::PROCEDURES;
use crate::casework::procedure::ProcedureKind;
use crate::service::App;
use crate::statute::calendar::in_words;
use crate::statute::rulebook::{
    Bound, ClockKind, CountedFrom, Force, Ground, GroundTest, Party, Provision, Rule,
};

/// Which day.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RulesQuery {
    /// The day; today in London if left out.
    on: Option<NaiveDate>,
}

/// The rules in force on a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulebookView {
    #[serde(serialize_with = "dates::day")]
    pub on: NaiveDate,
    pub items: Vec<RuleView>,
}

/// One time limit.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleView {
    /// Which kind of procedure it is a rule of; one kind of clock may run on several.
    #[schema(example = "assessment")]
    pub procedure: &'static str,
    pub kind: ClockKind,
    /// What has to be done.
    pub title: &'static str,
    /// Whose duty it is; advice is owed by whoever was asked.
    pub bearer: Party,
    pub force: Force,
    pub bound: Bound,
    /// How it is counted.
    #[schema(example = "within 6 weeks")]
    pub counting: String,
    /// The earlier fact that it is counted from, where that is not what starts it.
    #[schema(example = "Review meeting held")]
    pub counted_from: Option<&'static str>,
    /// A second limit that the first never goes beyond.
    pub never_later_than: Option<OuterLimitView>,
    /// What starts it; any of these.
    pub starts_with: Vec<&'static str>,
    /// What keeps it, and by which of an event's dates.
    #[schema(example = "the day the notice was sent; a decision not yet notified does not count")]
    pub satisfied_when: &'static str,
    pub provision: Provision,
    /// What else keeps it, where another provision asks for that.
    pub other_act: Option<OtherActView>,
    /// What excuses missing it. No exception moves the date.
    pub exceptions: Vec<PermittedGroundView>,
    /// The first day on which it was law.
    #[serde(serialize_with = "dates::day")]
    pub valid_from_on: NaiveDate,
    /// The last day on which it was, if it has ended.
    pub valid_to_on: Option<NaiveDate>,
}

/// Another act that keeps a time limit.
#[derive(Debug, Serialize, ToSchema)]
pub struct OtherActView {
    #[schema(example = "the notice that the plan will not be amended")]
    pub act: &'static str,
    pub provision: Provision,
}

/// A limit that the one of its rule never goes beyond, where the fact it is counted from is on record.
#[derive(Debug, Serialize, ToSchema)]
pub struct OuterLimitView {
    /// How it is counted.
    #[schema(example = "within 12 weeks")]
    pub counting: String,
    /// What it is counted from.
    #[schema(example = "Review meeting held")]
    pub counted_from: &'static str,
    pub provision: Provision,
}

/// A ground that a rule permits.
#[derive(Debug, Serialize, ToSchema)]
pub struct PermittedGroundView {
    pub ground: Ground,
    /// What a claim must show.
    pub test: String,
    pub provision: Provision,
}

/// Get the rulebook
///
/// Every time limit in force for clocks that start on a day, with its counting, citation, confidence and
/// permitted exceptions. It takes no token.
#[utoipa::path(
    tag = "timelines",
    params(RulesQuery),
    responses((status = 200, body = RulebookView, description = "The rules in force."))
)]
#[get("/v1/rules")]
pub async fn get_rules(query: QueryString<RulesQuery>, app: Data<App>) -> Result<HttpResponse, Problem> {
    let on = query.0.on.unwrap_or_else(|| app.clock.today());
    let of_kind = |kind: &&'static ProcedureKind| {
        let name = kind.name;
        let in_force = kind.rules.iter().filter(move |rule| rule.is_in_force(on));
        in_force.map(move |rule| rule_view(name, rule))
    };
    let items = PROCEDURES.iter().flat_map(of_kind).collect();
    Ok(HttpResponse::Ok().json(RulebookView { on, items }))
}

fn rule_view(procedure: &'static str, rule: &Rule) -> RuleView {
    RuleView {
        procedure,
        kind: rule.kind,
        title: rule.title,
        bearer: rule.bearer,
        force: rule.force,
        bound: rule.bound,
        counting: rule.counting.in_words(),
        counted_from: match rule.counted_from {
            CountedFrom::Start | CountedFrom::NamedDay => None,
            CountedFrom::Earlier(mark) => Some(mark.in_words()),
        },
        never_later_than: rule.never_later_than.map(|outer| OuterLimitView {
            counting: outer.within.in_words(),
            counted_from: outer.from.in_words(),
            provision: outer.provision,
        }),
        starts_with: rule.starts.iter().map(|mark| mark.in_words()).collect(),
        satisfied_when: rule.satisfied_when,
        provision: rule.provision,
        other_act: rule.other_act.map(|other| OtherActView {
            act: other.words,
            provision: other.provision,
        }),
        exceptions: rule
            .exceptions
            .iter()
            .map(|permitted| PermittedGroundView {
                ground: permitted.ground,
                test: test_in_words(permitted.ground.test()),
                provision: permitted.provision,
            })
            .collect(),
        valid_from_on: rule.valid_from_on,
        valid_to_on: rule.valid_to_on,
    }
}

fn test_in_words(test: GroundTest) -> String {
    match test {
        GroundTest::Closure {
            at_least_days,
            margin_days,
        } => format!(
            "Closed for at least {at_least_days} days, and asked for advice between {margin_days} days before \
             closing and {margin_days} days before re-opening."
        ),
        GroundTest::DuringPeriod => "Circumstances that fall within the clock's period.".to_owned(),
        GroundTest::Absence { at_least_days } => {
            format!("Absent for at least {at_least_days} days within the clock's period.")
        }
        GroundTest::DueBetween { first_on, last_on } => {
            format!(
                "A limit that ran out between {} and {}.",
                in_words(first_on),
                in_words(last_on)
            )
        }
        GroundTest::MissedAppointment => {
            "An appointment within the clock's period is recorded as missed.".to_owned()
        }
    }
}
