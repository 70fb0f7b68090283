//! Which permission each operation takes, for the document: the roles and scopes that open it are read off the
//! permission itself.
//!
//! The handlers' own signatures are what counts; tests try every operation with every role and scope and compare
//! it with this. Called by `openapi` alone.

use serde_json::json;
use utoipa::openapi::extensions::{Extensions, ExtensionsBuilder};

use crate::auth::{
    BreakGlass, ContributeAdvice, DisposeOfCases, ExportCases, Permission, ReadAdvice, ReadAssessments,
    ReadBreakGlass, ReadCases, ReadClients, ReadClocks, ReadConsultations, ReadOrganisations, ReadPlans,
    ReadRetention, ReadReviews, ReadSettings, ReadSharedAdvice, ReadTimeline, ReadTrail, ReadUpcomingReviews,
    SealCases, WriteAdvice, WriteAssessments, WriteCases, WriteClients, WriteConsultations,
    WriteOrganisations, WritePlans, WriteReviews, WriteSettings,
};

/// The extension `x-rights` of an operation, which says who may: its permission, the roles of people and the scopes
/// of systems, and those of organisations' systems where they differ. None for one that takes no permission, or that nobody has put here.
pub fn rights_of(operation_id: &str) -> Option<Extensions> {
    Some(match operation_id {
        "list_cases"
        | "search_cases"
        | "get_case"
        | "list_people"
        | "get_person"
        | "list_assessments"
        | "list_assessment_events"
        | "list_reviews"
        | "list_review_events"
        | "list_plans"
        | "list_plan_events"
        | "get_plan_checks"
        | "get_advice_matrix"
        | "get_review_advice_matrix" => of::<ReadCases>(),
        "seal_case" | "unseal_case" | "grant_access" | "end_access" | "review_break_glass_reading" => {
            of::<SealCases>()
        }
        "get_seal" | "get_retention" => of::<ReadCases>(),
        "place_legal_hold"
        | "lift_legal_hold"
        | "make_disposal_list"
        | "review_disposal_list"
        | "carry_out_disposal" => of::<DisposeOfCases>(),
        "list_disposal_lists" | "get_disposal_list" | "list_disposals" => of::<ReadRetention>(),
        "export_case" => of::<ExportCases>(),
        "break_glass" => of::<BreakGlass>(),
        "list_break_glass_readings" => of::<ReadBreakGlass>(),
        "open_case" | "change_case" | "close_case" | "add_person" | "change_person" => of::<WriteCases>(),
        "open_assessment" | "record_assessment_event" => of::<WriteAssessments>(),
        "get_assessment" => of::<ReadAssessments>(),
        "list_upcoming_reviews" | "list_phase_transfers" => of::<ReadUpcomingReviews>(),
        "record_reviews_in_bulk" | "open_review" | "record_review_event" => of::<WriteReviews>(),
        "get_review" => of::<ReadReviews>(),
        "list_consultations" | "get_consultation" | "list_consultation_events" => of::<ReadConsultations>(),
        "open_consultation" | "record_consultation_event" => of::<WriteConsultations>(),
        "open_plan" | "record_plan_event" | "make_plan_version" => of::<WritePlans>(),
        "get_plan"
        | "list_placements"
        | "list_plan_versions"
        | "get_plan_version"
        | "get_plan_difference" => of::<ReadPlans>(),
        "open_advice_request"
        | "record_existing_advice"
        | "open_review_advice_request"
        | "return_advice"
        | "accept_advice"
        | "redirect_advice_request"
        | "withdraw_advice_request" => of::<WriteAdvice>(),
        "list_advice_requests" | "get_advice_request" => of::<ReadAdvice>(),
        "acknowledge_advice_request"
        | "submit_advice"
        | "decline_advice_request"
        | "record_appointment"
        | "claim_advice_exception" => of::<ContributeAdvice>(),
        "get_case_timeline" => of::<ReadTimeline>(),
        "list_shared_advice" => of::<ReadSharedAdvice>(),
        "list_clocks" => of::<ReadClocks>(),
        "list_clients" | "get_client" => of::<ReadClients>(),
        "register_client"
        | "change_client"
        | "grant_client"
        | "add_client_secret"
        | "revoke_client_secret"
        | "put_client_keys" => of::<WriteClients>(),
        "list_organisations" | "get_organisation" => of::<ReadOrganisations>(),
        "open_organisation" | "change_organisation" => of::<WriteOrganisations>(),
        "get_settings" => of::<ReadSettings>(),
        "put_settings" => of::<WriteSettings>(),
        "list_audit_entries" => of::<ReadTrail>(),
        _ => return None,
    })
}

fn of<P: Permission>() -> Extensions {
    // One extension: several would be written in another order each time.
    let mut rights = json!({ "permission": P::NAME, "roles": P::ROLES, "scopes": P::SCOPES });
    if P::ORGANISATION_SCOPES != P::SCOPES {
        rights["organisation_scopes"] = json!(P::ORGANISATION_SCOPES);
    }
    ExtensionsBuilder::new().add("x-rights", rights).build()
}
