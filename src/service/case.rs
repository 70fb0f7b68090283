//! Cases: one authority's file on one child or young person.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use utoipa::ToSchema;
use uuid::Uuid;

use super::person::Relationship;
use super::recording::{Draft, derive, fingerprint, hold, kind_of, record, reindex, state_of};
use super::{Error, Fault, Work};
use crate::auth::Principal;
use crate::casework::child::{ChildFacts, NeedType, YearGroupOverride, rights_pass_on};
use crate::casework::event::{ClosureReason, Fact};
use crate::casework::flag::{Flag, FlagCode, FlagSubject};
use crate::casework::procedure::State;
use crate::casework::timeline::Timeline;
use crate::clock::london_date;
use crate::statute::rulebook::Party;
use crate::store::StoreError;
use crate::store::case::{
    CaseFilter, CaseRow, CaseSearch, CaseSummaryRow, case_with_identifier, delete_external_refs, facts_at,
    find_case, insert_case, insert_external_refs, insert_facts, list_cases as list, lock_case,
    procedures_of_cases, search_cases as search, update_case,
};
use crate::store::clock::hand_over_clocks;
use crate::store::convert::{self, from_json, json, name_of, named};
use crate::store::organisation::find_organisation;
use crate::store::person::{NamedDecisionMaker, decision_maker_on, has_withheld_address};
use crate::store::procedure::{
    ProcedureRow, load_entries, load_streams, lock_procedures_of_case, procedures_of_case,
};
use crate::store::seal::unreviewed_since;
use crate::store::settings::settings_at;

/// Sex as the SEN2 return records it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum Sex {
    M,
    F,
}

/// Why a child or young person has no unique pupil number, by the codes of the SEN2 return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum UpnUnknownReason {
    UN1,
    UN2,
    UN3,
    UN5,
    UN8,
    UN9,
    UN10,
}

/// A need and its rank; 1 is the primary one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Need {
    /// The area of need.
    #[serde(rename = "type")]
    pub need_type: NeedType,
    /// 1 for the primary need, 2 for the next.
    #[schema(minimum = 1, maximum = 13)]
    pub rank: i32,
}

/// Where the child or young person is taught.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CurrentSetting {
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
    /// The day they started there.
    pub from_on: NaiveDate,
}

/// The reference of the case in another system.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct ExternalRef {
    /// The other system.
    #[schema(
        min_length = 1,
        max_length = 50,
        pattern = "^[A-Za-z0-9._-]+$",
        example = "mosaic"
    )]
    pub system: String,
    /// The reference there.
    #[schema(min_length = 1, max_length = 100, example = "104-77")]
    pub id: String,
}

/// What a case says of a child or young person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CaseDetails {
    /// Given name.
    #[schema(min_length = 1, max_length = 100, pattern = "\\S")]
    pub given_name: String,
    /// Family name.
    #[schema(min_length = 1, max_length = 100, pattern = "\\S")]
    pub family_name: String,
    /// Date of birth.
    pub date_of_birth: NaiveDate,
    /// Sex as the SEN2 return records it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sex: Option<Sex>,
    /// Ethnicity by the codes of the common basic data set, such as `WBRI`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[A-Z]{4}$", example = "WBRI")]
    pub ethnicity: Option<String>,
    /// Unique pupil number, with its check letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "upn", example = "D885200024001")]
    pub upn: Option<String>,
    /// Why there is no unique pupil number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upn_unknown_reason: Option<UpnUnknownReason>,
    /// NHS number, ten digits with the check digit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "nhs-number", example = "9990000018")]
    pub nhs_number: Option<String>,
    /// Unique learner number, ten digits with the check digit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "uln", example = "1000000043")]
    pub uln: Option<String>,
    /// Postcode of the home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        pattern = "^[A-Za-z]{1,2}[0-9][A-Za-z0-9]? ?[0-9][A-Za-z]{2}$",
        example = "WR5 2AB"
    )]
    pub postcode: Option<String>,
    /// Needs, each once, with ranks that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 13, default = json!([]))]
    pub needs: Vec<Need>,
    /// The National Curriculum year group today, if it is not that of the date of birth. It moves up
    /// every September.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -5, maximum = 20)]
    pub year_group_override: Option<i32>,
    /// Whether the child is looked after by an authority.
    #[serde(default)]
    #[schema(default = false)]
    pub looked_after: bool,
    /// Where the child or young person is taught; named in one of three ways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<CurrentSetting>,
    /// The officer who keeps the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200, example = "caseworker-12")]
    pub caseworker: Option<String>,
    /// References of the case in other systems.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20, default = json!([]))]
    pub external_refs: Vec<ExternalRef>,
}

/// Who decides for the child or as the young person, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecisionMaker {
    pub is_young_person: bool,
    /// The person named, if one is.
    pub person_id: Option<Uuid>,
    /// None while it has been the parent from the start.
    pub since_on: Option<NaiveDate>,
}

/// What a case shows of a procedure.
#[derive(Debug, Clone)]
pub enum Shown {
    /// It was opened in error.
    Nothing,
    /// Its row says all there is: in this state it rests.
    Row(State),
    /// Something of it runs or is flagged, or may yet be.
    Timeline(Box<Timeline>),
}

/// A case with what runs on it today.
#[derive(Debug, Clone)]
pub struct CaseReading {
    pub row: CaseRow,
    pub details: CaseDetails,
    /// The fields of the details that are there and are not for whoever asks.
    pub masked: Vec<&'static str>,
    pub facts: ChildFacts,
    pub decision_maker: DecisionMaker,
    pub procedures: Vec<(ProcedureRow, Shown)>,
    /// What needs attention on the case itself.
    pub flags: Vec<Flag>,
    pub as_of: NaiveDate,
    pub due_soon_days: u32,
}

/// A case on a list, with its procedures (id, kind, state).
#[derive(Debug, Clone)]
pub struct ListedCase {
    pub row: CaseSummaryRow,
    pub procedures: Vec<(String, String, String)>,
}

/// Opens a case under a minted reference.
pub fn open_case(work: &mut Work<'_>, details: &CaseDetails) -> Result<CaseReading, Error> {
    check_details(work, details)?;
    let (mut row, facts) = new_case(work, details)?;
    insert_minted(work, &mut row).map_err(|error| identifier_is_taken(work, details, None, error))?;
    let case_id = convert::id(&row.id)?;
    insert_facts(work.connection, &row.la_code, case_id, 1, work.now, &facts)?;
    insert_references(work, &row, details)?;
    work.audit("open_case", &row.id, Some(&row.id), Some(1))?;
    read_case(work, row)
}

/// Inserts a case, under another reference where chance has given its own to one before.
pub(super) fn insert_minted(work: &mut Work<'_>, row: &mut CaseRow) -> Result<(), StoreError> {
    loop {
        match insert_case(work.connection, row) {
            Err(StoreError::Duplicate(index)) if index.contains("reference") => {
                row.reference = work.new_reference();
            }
            inserted => return inserted,
        }
    }
}

/// A case that does not exist yet, under a minted reference, and the facts the engine uses of it.
pub(super) fn new_case(work: &Work<'_>, details: &CaseDetails) -> Result<(CaseRow, ChildFacts), Error> {
    let now = work.now.naive_utc();
    let row = CaseRow {
        id: work.new_id().to_string(),
        la_code: work.la_code(),
        reference: work.new_reference(),
        given_name: String::new(),
        family_name: String::new(),
        given_name_folded: String::new(),
        family_name_folded: String::new(),
        date_of_birth: details.date_of_birth,
        sex: None,
        ethnicity: None,
        upn: None,
        upn_unknown_reason: None,
        nhs_number: None,
        uln: None,
        postcode: None,
        needs: String::new(),
        year_group_override: None,
        looked_after: false,
        has_been_looked_after: false,
        setting: None,
        setting_organisation_id: None,
        caseworker: None,
        external_refs: String::new(),
        closed_on: None,
        closure_reason: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let held_override = details
        .year_group_override
        .map(|year_group| held_on(year_group, work.today()));
    let facts = facts_of(details, held_override);
    Ok((with_details(row, details, held_override)?, facts))
}

pub fn get_case(work: &mut Work<'_>, case_id: Uuid) -> Result<CaseReading, Error> {
    let root = work.root()?;
    let row = find_case(work.connection, &root, case_id)?;
    work.shows_case(&row.id, Some(row.version));
    read_case(work, row)
}

/// Changes a case; what `change` makes of its details is what it says from now on. Where the engine
/// uses what changed, the clocks of its procedures are computed again.
pub fn change_case(
    work: &mut Work<'_>,
    case_id: Uuid,
    if_match: i64,
    change: impl FnOnce(CaseDetails) -> Result<CaseDetails, Error>,
) -> Result<CaseReading, Error> {
    let (la_code, root) = (work.la_code(), work.root()?);
    let row = lock_case(work.connection, &root, case_id)?;
    if row.version != if_match {
        return Err(Error::Stale {
            current_version: row.version,
        });
    }
    let before = details_of(&row, work.today())?;
    let details = change(before.clone())?;
    check_details(work, &details)?;
    let kept_override: Option<YearGroupOverride> =
        row.year_group_override.as_deref().map(from_json).transpose()?;
    let held_override = if details.year_group_override == before.year_group_override {
        kept_override
    } else {
        details
            .year_group_override
            .map(|year_group| held_on(year_group, work.today()))
    };
    let mut row = with_details(row, &details, held_override)?;
    row.version += 1;
    row.updated_at = work.now.naive_utc();
    update_case(work.connection, &row)
        .map_err(|error| identifier_is_taken(work, &details, Some(&row.id), error))?;
    if details.external_refs != before.external_refs {
        delete_external_refs(work.connection, &la_code, case_id)?;
        insert_references(work, &row, &details)?;
    }
    let facts = facts_of(&details, held_override);
    let facts_change = facts != facts_at(work.connection, &la_code, &row.id, None)?;
    let changes_hands = details.caseworker != before.caseworker;
    let procedures = if facts_change || changes_hands {
        lock_procedures_of_case(work.connection, &la_code, &row.id)?
    } else {
        Vec::new()
    };
    if changes_hands {
        hand_over_clocks(work.connection, &la_code, &row.id, row.caseworker.as_deref())?;
    }
    if facts_change {
        insert_facts(work.connection, &la_code, case_id, row.version, work.now, &facts)?;
        let (_, settings) = settings_at(work.connection, &la_code, None)?;
        for procedure in procedures {
            let entries = load_entries(work.connection, &procedure)?;
            reindex(work.connection, &procedure, &entries, &facts, &settings.readings)?;
        }
    }
    work.audit("change_case", &row.id, Some(&row.id), Some(row.version))?;
    read_case(work, row)
}

/// Lets a case, which is held, say another setting.
pub(super) fn move_to_setting(
    work: &mut Work<'_>,
    row: CaseRow,
    setting: Option<CurrentSetting>,
) -> Result<(), Error> {
    let kept_override: Option<YearGroupOverride> =
        row.year_group_override.as_deref().map(from_json).transpose()?;
    let details = CaseDetails {
        setting,
        ..details_of(&row, work.today())?
    };
    let mut row = with_details(row, &details, kept_override)?;
    row.version += 1;
    row.updated_at = work.now.naive_utc();
    update_case(work.connection, &row)?;
    work.audit("change_case", &row.id, Some(&row.id), Some(row.version))
}

/// Where a case says that the child or young person is.
pub(super) fn setting_of(row: &CaseRow) -> Result<Option<CurrentSetting>, Error> {
    Ok(row.setting.as_deref().map(from_json).transpose()?)
}

/// Closes a case and ends all that is open on it, together.
pub fn close_case(
    work: &mut Work<'_>,
    case_id: Uuid,
    reason: ClosureReason,
    occurred_on: NaiveDate,
) -> Result<CaseReading, Error> {
    let (la_code, root) = (work.la_code(), work.root()?);
    let mut row = lock_case(work.connection, &root, case_id)?;
    if row.closed_on.is_some() {
        return Err(Error::CaseClosed);
    }
    if occurred_on > work.today() {
        return Err(Error::Invalid(vec![Fault::new(
            "/occurred_on",
            "in_the_future",
            "must not be after today in London",
        )]));
    }
    // All of them, or one that is not open could be reopened by a correction while the case is closed.
    for procedure in lock_procedures_of_case(work.connection, &la_code, &row.id)? {
        if ends_with_its_case(&procedure)? {
            let mut held = hold(work, convert::id(&procedure.id)?, None)?;
            let draft = Draft::of(work.new_id(), occurred_on, Fact::CaseClosed(reason));
            record(work, &mut held, vec![draft], &HashMap::new())?;
        }
    }
    row.closed_on = Some(occurred_on);
    row.closure_reason = Some(reason.name().to_owned());
    row.version += 1;
    row.updated_at = work.now.naive_utc();
    update_case(work.connection, &row)?;
    work.audit("close_case", &row.id, Some(&row.id), Some(row.version))?;
    read_case(work, row)
}

/// Whether closing the case changes a procedure: something may still be owed to one that is over.
pub(super) fn ends_with_its_case(procedure: &ProcedureRow) -> Result<bool, Error> {
    Ok(procedure.is_open || kind_of(procedure)?.outlasts(state_of(procedure)?))
}

/// A page of the authority's cases.
pub fn list_cases(work: &mut Work<'_>, mut filter: CaseFilter) -> Result<Vec<ListedCase>, Error> {
    let (la_code, root) = (work.la_code(), work.root()?);
    filter.as_of = work.today();
    if filter.flag.is_some() {
        filter.due_soon_days = settings_at(work.connection, &la_code, None)?.1.due_soon_days;
    }
    let rows = list(work.connection, &root, &filter)?;
    work.shows_page(filter.limit, rows.iter().map(|row| row.id.as_str()));
    with_procedures(work, rows)
}

/// A page of the cases that an identifier or a name finds.
pub fn search_cases(
    work: &mut Work<'_>,
    wanted: &CaseSearch,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<ListedCase>, Error> {
    let root = work.root()?;
    let rows = search(work.connection, &root, wanted, after, limit)?;
    work.shows_page(limit, rows.iter().map(|row| row.id.as_str()));
    with_procedures(work, rows)
}

/// A name as search compares it: lower case, without marks and apostrophes, in single words.
pub fn folded(name: &str) -> String {
    let plain: String = name
        .nfd()
        .filter(|character| !is_combining_mark(*character) && !APOSTROPHES.contains(character))
        .map(|character| {
            if character.is_alphanumeric() {
                character
            } else {
                ' '
            }
        })
        .collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

const APOSTROPHES: [char; 4] = ['\'', '\u{2019}', '\u{2018}', '\u{02BC}'];

/// The organisation that a case names as the current setting.
pub fn current_setting(row: &CaseRow) -> Result<Option<Uuid>, Error> {
    let setting: Option<CurrentSetting> = row.setting.as_deref().map(from_json).transpose()?;
    Ok(setting.and_then(|setting| setting.organisation_id))
}

fn with_procedures(work: &mut Work<'_>, rows: Vec<CaseSummaryRow>) -> Result<Vec<ListedCase>, Error> {
    let la_code = work.la_code();
    let case_ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let mut by_case: HashMap<String, Vec<(String, String, String)>> = HashMap::new();
    for (case_id, procedure_id, kind, state) in procedures_of_cases(work.connection, &la_code, &case_ids)? {
        by_case
            .entry(case_id)
            .or_default()
            .push((procedure_id, kind, state));
    }
    Ok(rows
        .into_iter()
        .map(|row| ListedCase {
            procedures: by_case.remove(&row.id).unwrap_or_default(),
            row,
        })
        .collect())
}

fn read_case(work: &mut Work<'_>, row: CaseRow) -> Result<CaseReading, Error> {
    let (la_code, as_of) = (work.la_code(), work.today());
    let facts = facts_at(work.connection, &la_code, &row.id, None)?;
    let (_, settings) = settings_at(work.connection, &la_code, None)?;
    let all = procedures_of_case(work.connection, &la_code, &row.id)?;
    let right = fingerprint(&settings.readings);
    // What other code or readings have computed is computed again.
    let rests = |procedure: &ProcedureRow| {
        procedure.fingerprint == right
            && procedure
                .rests_from_on
                .is_some_and(|rests_from| rests_from <= as_of)
    };
    let moving: Vec<ProcedureRow> = all
        .iter()
        .filter(|procedure| !rests(procedure))
        .cloned()
        .collect();
    let mut streams: HashMap<String, Vec<_>> = HashMap::new();
    for (procedure_id, entry) in load_streams(work.connection, &moving)? {
        streams.entry(procedure_id).or_default().push(entry);
    }
    let mut procedures = Vec::with_capacity(all.len());
    for procedure in all {
        let shown = if rests(&procedure) {
            Shown::Row(state_of(&procedure)?)
        } else {
            let entries = streams.remove(&procedure.id).unwrap_or_default();
            derive(&procedure, &entries, &facts, &settings.readings, Some(as_of))?
                .map_or(Shown::Nothing, |timeline| Shown::Timeline(Box::new(timeline)))
        };
        procedures.push((procedure, shown));
    }
    let decision_maker = decision_maker_of(work, &row)?;
    let mut details = details_of(&row, as_of)?;
    let mut masked = mask(&mut details, work.principal);
    // Where somebody's address is withheld, the home may be that.
    if details.postcode.is_some()
        && !work.principal.sees_withheld_addresses()
        && has_withheld_address(work.connection, &la_code, &row.id)?
    {
        details.postcode = None;
        masked.push("postcode");
    }
    let flags = unreviewed_since(work.connection, &row.id)?
        .map(|broken_at| Flag {
            code: FlagCode::GlassBroken,
            since_on: london_date(convert::instant(broken_at)),
            until_on: None,
            subject: FlagSubject::default(),
            whose_move: Some(Party::LocalAuthority),
            told_since_on: None,
        })
        .into_iter()
        .collect();
    Ok(CaseReading {
        row,
        details,
        masked,
        facts,
        decision_maker,
        procedures,
        flags,
        as_of,
        due_soon_days: settings.due_soon_days,
    })
}

/// Who decides today.
pub(super) fn decision_maker_of(work: &mut Work<'_>, row: &CaseRow) -> Result<DecisionMaker, Error> {
    let today = work.today();
    let named_person = decision_maker_on(work.connection, &row.la_code, &row.id, today)?;
    decision_maker(row, named_person, today)
}

/// A named person decides from the day recorded; otherwise the parent, until rights pass. Whoever
/// was named before that day decides no longer: a parent who decides after it, for want of capacity,
/// is named again from then on.
fn decision_maker(
    row: &CaseRow,
    named_person: Option<NamedDecisionMaker>,
    as_of: NaiveDate,
) -> Result<DecisionMaker, Error> {
    let rights_pass_on = rights_pass_on(row.date_of_birth);
    let have_passed = rights_pass_on <= as_of;
    let still_decides = |person: &NamedDecisionMaker| !have_passed || person.from_on >= rights_pass_on;
    Ok(match named_person.filter(still_decides) {
        Some(NamedDecisionMaker {
            person_id,
            relationship,
            from_on,
        }) => DecisionMaker {
            is_young_person: named::<Relationship>(&relationship)? == Relationship::YoungPerson,
            person_id: Some(convert::id(&person_id)?),
            since_on: Some(from_on),
        },
        None => DecisionMaker {
            is_young_person: have_passed,
            person_id: None,
            since_on: have_passed.then_some(rights_pass_on),
        },
    })
}

/// Takes out what is not for somebody to see, and names it.
fn mask(details: &mut CaseDetails, principal: &Principal) -> Vec<&'static str> {
    if principal.sees_identifiers() {
        return Vec::new();
    }
    let taken_out = [
        ("upn", details.upn.take().is_some()),
        ("nhs_number", details.nhs_number.take().is_some()),
        ("uln", details.uln.take().is_some()),
        ("postcode", details.postcode.take().is_some()),
        (
            "external_refs",
            !std::mem::take(&mut details.external_refs).is_empty(),
        ),
    ];
    let was_there = |(name, was_there): (&'static str, bool)| was_there.then_some(name);
    taken_out.into_iter().filter_map(was_there).collect()
}

fn held_on(year_group: i32, on: NaiveDate) -> YearGroupOverride {
    YearGroupOverride { year_group, on }
}

fn facts_of(details: &CaseDetails, year_group_override: Option<YearGroupOverride>) -> ChildFacts {
    ChildFacts {
        date_of_birth: details.date_of_birth,
        year_group_override,
        needs: details.needs.iter().map(|need| need.need_type).collect(),
    }
}

pub(super) fn check_details(work: &mut Work<'_>, details: &CaseDetails) -> Result<(), Error> {
    let mut faults = Vec::new();
    if details.date_of_birth > work.today() {
        faults.push(Fault::new(
            "/date_of_birth",
            "in_the_future",
            "must not be after today in London",
        ));
    }
    if let Some(organisation_id) = details
        .setting
        .as_ref()
        .and_then(|setting| setting.organisation_id)
    {
        let la_code = work.la_code();
        match find_organisation(work.connection, &la_code, organisation_id) {
            Ok(_) => {}
            Err(StoreError::NotFound) => faults.push(Fault::new(
                "/setting/organisation_id",
                "unknown_organisation",
                "must be an organisation of this authority",
            )),
            Err(other) => return Err(other.into()),
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(faults))
    }
}

fn with_details(
    row: CaseRow,
    details: &CaseDetails,
    year_group_override: Option<YearGroupOverride>,
) -> Result<CaseRow, Error> {
    Ok(CaseRow {
        given_name: details.given_name.clone(),
        family_name: details.family_name.clone(),
        given_name_folded: folded(&details.given_name),
        family_name_folded: folded(&details.family_name),
        date_of_birth: details.date_of_birth,
        sex: details.sex.map(|sex| name_of(&sex)).transpose()?,
        ethnicity: details.ethnicity.clone(),
        upn: details.upn.clone(),
        upn_unknown_reason: details
            .upn_unknown_reason
            .map(|reason| name_of(&reason))
            .transpose()?,
        nhs_number: details.nhs_number.clone(),
        uln: details.uln.clone(),
        postcode: details.postcode.clone(),
        needs: json(&details.needs)?,
        year_group_override: year_group_override.map(|held| json(&held)).transpose()?,
        looked_after: details.looked_after,
        has_been_looked_after: row.has_been_looked_after || details.looked_after,
        setting: details.setting.as_ref().map(json).transpose()?,
        setting_organisation_id: details
            .setting
            .as_ref()
            .and_then(|setting| setting.organisation_id)
            .map(|id| id.to_string()),
        caseworker: details.caseworker.clone(),
        external_refs: json(&details.external_refs)?,
        ..row
    })
}

fn details_of(row: &CaseRow, today: NaiveDate) -> Result<CaseDetails, Error> {
    let held: Option<YearGroupOverride> = row.year_group_override.as_deref().map(from_json).transpose()?;
    let needs: Vec<Need> = from_json(&row.needs)?;
    let facts = ChildFacts {
        date_of_birth: row.date_of_birth,
        year_group_override: held,
        needs: Vec::new(),
    };
    Ok(CaseDetails {
        given_name: row.given_name.clone(),
        family_name: row.family_name.clone(),
        date_of_birth: row.date_of_birth,
        sex: row.sex.as_deref().map(named).transpose()?,
        ethnicity: row.ethnicity.clone(),
        upn: row.upn.clone(),
        upn_unknown_reason: row.upn_unknown_reason.as_deref().map(named).transpose()?,
        nhs_number: row.nhs_number.clone(),
        uln: row.uln.clone(),
        postcode: row.postcode.clone(),
        needs,
        year_group_override: held.map(|_| facts.year_group_on(today)),
        looked_after: row.looked_after,
        setting: row.setting.as_deref().map(from_json).transpose()?,
        caseworker: row.caseworker.clone(),
        external_refs: from_json(&row.external_refs)?,
    })
}

/// Adds the references elsewhere of a case that has none.
pub(super) fn insert_references(
    work: &mut Work<'_>,
    row: &CaseRow,
    details: &CaseDetails,
) -> Result<(), Error> {
    let references: Vec<(String, String)> = details
        .external_refs
        .iter()
        .map(|reference| (reference.system.clone(), reference.id.clone()))
        .collect();
    let case_id = convert::id(&row.id)?;
    Ok(insert_external_refs(
        work.connection,
        &row.la_code,
        case_id,
        &references,
    )?)
}

/// Says which identifier another case holds. Where it holds several, or several do, the databases differ in
/// which index they name, so that the holders are asked for.
fn identifier_is_taken(
    work: &mut Work<'_>,
    details: &CaseDetails,
    own_id: Option<&str>,
    error: StoreError,
) -> Error {
    let StoreError::Duplicate(_) = &error else {
        return error.into();
    };
    let claimed = [
        ("upn", details.upn.clone().map(CaseSearch::Upn)),
        (
            "nhs_number",
            details.nhs_number.clone().map(CaseSearch::NhsNumber),
        ),
    ];
    // One that does not exist for whoever asks is named on the trail alone.
    let (whole, root) = match work.root() {
        Ok(root) => (work.whole(), root),
        Err(error) => return error,
    };
    for (what, search) in claimed {
        let Some(search) = search else { continue };
        let mut holder = |root| case_with_identifier(work.connection, root, &search);
        match holder(&whole).and_then(|held_by| Ok((held_by, holder(&root)?))) {
            Ok((Some(id), seen)) if own_id != Some(id.as_str()) => {
                work.tells_of_case("duplicate", &id);
                if let Some(id) = seen {
                    let existing_id = Some(id);
                    return Error::Duplicate { what, existing_id };
                }
            }
            Ok(_) => {}
            Err(error) => return error.into(),
        }
    }
    error.into()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use serde_json::json;

    use super::*;
    use crate::auth::{LaCode, Principal, Role};
    use crate::service::Ids;
    use crate::service::origin::OWN;
    use crate::store::{Location, Store};

    #[test]
    fn a_reference_that_chance_gives_twice_is_minted_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::SqliteFile(folder.path().join("ehcp.db"))).unwrap();
        let child = json!({ "given_name": "Ada", "family_name": "Merrin", "date_of_birth": "2018-05-01" });
        let details: CaseDetails = serde_json::from_value(child).unwrap();
        let a_day: DateTime<Utc> = "2026-01-05T09:00:00Z".parse().unwrap();
        let reference_of = |second: i64| {
            let details = details.clone();
            let opened = store.write_now(move |connection| {
                let manager = Principal {
                    subject: "manager-1".to_owned(),
                    la_code: LaCode::parse("885").unwrap(),
                    roles: vec![Role::Manager],
                    organisation_id: None,
                    case_id: None,
                    person_id: None,
                    client: None,
                };
                let now = a_day + TimeDelta::seconds(second);
                // The same chance for both.
                let ids = Ids::seeded(7);
                let mut work = Work::new(connection, &manager, &OWN, now, &ids);
                open_case(&mut work, &details)
            });
            opened.unwrap().row.reference
        };
        assert_ne!(reference_of(1), reference_of(2));
    }
}
