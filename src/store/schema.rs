//! The tables as Diesel sees them, on both backends. Made from the SQLite migrations; see `diesel.toml`.

diesel::table! {
    cases (id) {
        id -> Text,
        la_code -> Text,
        reference -> Text,
        given_name -> Text,
        family_name -> Text,
        given_name_folded -> Text,
        family_name_folded -> Text,
        date_of_birth -> Date,
        sex -> Nullable<Text>,
        ethnicity -> Nullable<Text>,
        upn -> Nullable<Text>,
        upn_unknown_reason -> Nullable<Text>,
        nhs_number -> Nullable<Text>,
        uln -> Nullable<Text>,
        postcode -> Nullable<Text>,
        needs -> Text,
        year_group_override -> Nullable<Text>,
        looked_after -> Bool,
        setting -> Nullable<Text>,
        caseworker -> Nullable<Text>,
        external_refs -> Text,
        closed_on -> Nullable<Date>,
        closure_reason -> Nullable<Text>,
        version -> BigInt,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        setting_organisation_id -> Nullable<Text>,
        has_been_looked_after -> Bool,
    }
}

diesel::table! {
    case_facts (case_id, version) {
        case_id -> Text,
        version -> BigInt,
        la_code -> Text,
        recorded_at -> Timestamp,
        data -> Text,
    }
}

diesel::table! {
    case_external_refs (la_code, system, external_id, case_id) {
        la_code -> Text,
        system -> Text,
        external_id -> Text,
        case_id -> Text,
    }
}

diesel::table! {
    case_seals (case_id) {
        case_id -> Text,
        la_code -> Text,
        ground -> Text,
        note -> Nullable<Text>,
        sealed_at -> Timestamp,
        sealed_by -> Text,
    }
}

diesel::table! {
    case_grants (id) {
        id -> Text,
        la_code -> Text,
        case_id -> Text,
        grantee -> Text,
        reason -> Text,
        is_break_glass -> Bool,
        granted_at -> Timestamp,
        granted_by -> Text,
        until_at -> Timestamp,
        reviewed_at -> Nullable<Timestamp>,
        reviewed_by -> Nullable<Text>,
    }
}

diesel::table! {
    legal_holds (id) {
        id -> Text,
        la_code -> Text,
        case_id -> Text,
        reason -> Text,
        placed_at -> Timestamp,
        placed_by -> Text,
        lifted_at -> Nullable<Timestamp>,
        lifted_by -> Nullable<Text>,
    }
}

diesel::table! {
    disposal_lists (id) {
        id -> Text,
        la_code -> Text,
        state -> Text,
        made_at -> Timestamp,
        made_by -> Text,
        reviewed_at -> Nullable<Timestamp>,
        reviewed_by -> Nullable<Text>,
        carried_out_at -> Nullable<Timestamp>,
        carried_out_by -> Nullable<Text>,
        version -> BigInt,
    }
}

diesel::table! {
    disposal_items (list_id, case_id) {
        list_id -> Text,
        la_code -> Text,
        case_id -> Text,
        reference -> Text,
        dispose_after_on -> Nullable<Date>,
        rule -> Text,
        decision -> Nullable<Text>,
        kept_because -> Nullable<Text>,
        kept_reason -> Nullable<Text>,
        is_pending -> Bool,
        disposed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    people (id) {
        id -> Text,
        la_code -> Text,
        case_id -> Text,
        name -> Text,
        relationship -> Text,
        parental_responsibility -> Bool,
        receives_notices -> Bool,
        is_decision_maker_from_on -> Nullable<Date>,
        address -> Nullable<Text>,
        address_withheld -> Bool,
        language -> Nullable<Text>,
        interpreter -> Bool,
        communication_needs -> Nullable<Text>,
        preferred_channel -> Nullable<Text>,
        version -> BigInt,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        young_person_allows_from_on -> Nullable<Date>,
    }
}

diesel::table! {
    organisations (id) {
        id -> Text,
        la_code -> Text,
        name -> Text,
        kind -> Text,
        code -> Nullable<Text>,
        section_31_body -> Bool,
        contact_email -> Nullable<Text>,
        version -> BigInt,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    settings_versions (la_code, version) {
        la_code -> Text,
        version -> BigInt,
        recorded_at -> Timestamp,
        recorded_by -> Text,
        data -> Text,
    }
}

diesel::table! {
    procedures (id) {
        id -> Text,
        la_code -> Text,
        case_id -> Text,
        kind -> Text,
        state -> Text,
        is_open -> Bool,
        opened_on -> Date,
        version -> BigInt,
        fingerprint -> Text,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        excludes_another -> Bool,
        rests_from_on -> Nullable<Date>,
    }
}

diesel::table! {
    events (procedure_id, sequence) {
        id -> Text,
        la_code -> Text,
        procedure_id -> Text,
        sequence -> BigInt,
        event_type -> Text,
        occurred_on -> Date,
        data -> Text,
        note -> Nullable<Text>,
        root_id -> Text,
        recorded_at -> Timestamp,
        recorded_by -> Text,
    }
}

diesel::table! {
    advice_requests (id) {
        id -> Text,
        la_code -> Text,
        case_id -> Text,
        procedure_id -> Text,
        requirement -> Text,
        service -> Nullable<Text>,
        organisation_id -> Nullable<Text>,
        family_story -> Nullable<Text>,
        questions -> Nullable<Text>,
        state -> Text,
        is_live -> Bool,
        is_void -> Bool,
        requested_on -> Date,
        received_on -> Nullable<Date>,
        due_on -> Nullable<Date>,
        submitted_on -> Nullable<Date>,
        accepted_on -> Nullable<Date>,
        version -> BigInt,
        needed_by_on -> Nullable<Date>,
        wanted_on -> Date,
    }
}

diesel::table! {
    advice_submissions (id) {
        id -> Text,
        la_code -> Text,
        request_id -> Text,
        submitted_on -> Date,
        summary -> Text,
        content -> Nullable<Text>,
        authors -> Text,
        unmet_need -> Nullable<Text>,
        recorded_at -> Timestamp,
        recorded_by -> Text,
    }
}

diesel::table! {
    plan_versions (plan_id, number) {
        la_code -> Text,
        plan_id -> Text,
        number -> BigInt,
        sections -> Text,
        note -> Nullable<Text>,
        based_on_version -> Nullable<BigInt>,
        made_at -> Timestamp,
        made_by -> Text,
    }
}

diesel::table! {
    clocks (procedure_id, clock_id, segment) {
        clock_id -> Text,
        segment -> BigInt,
        la_code -> Text,
        case_id -> Text,
        procedure_id -> Text,
        advice_request_id -> Nullable<Text>,
        organisation_id -> Nullable<Text>,
        kind -> Text,
        bearer -> Text,
        force -> Text,
        bound -> Text,
        started_on -> Date,
        due_on -> Date,
        day_one_due_on -> Date,
        satisfied_on -> Nullable<Date>,
        cancelled_on -> Nullable<Date>,
        excused_from_on -> Nullable<Date>,
        stopped_on -> Date,
        effective_from_on -> Date,
        effective_until_on -> Nullable<Date>,
        rule_place -> Nullable<BigInt>,
        caseworker -> Nullable<Text>,
    }
}

diesel::table! {
    flags (procedure_id, id) {
        id -> Text,
        la_code -> Text,
        case_id -> Text,
        procedure_id -> Text,
        code -> Text,
        since_on -> Date,
        until_on -> Nullable<Date>,
    }
}

diesel::table! {
    audit_entries (la_code, id) {
        id -> Text,
        la_code -> Text,
        recorded_at -> Timestamp,
        subject -> Text,
        action -> Text,
        resource_id -> Nullable<Text>,
        case_id -> Nullable<Text>,
        version -> Nullable<BigInt>,
        trace_id -> Text,
        kind -> Text,
        roles -> Text,
        client_id -> Nullable<Text>,
        organisation_id -> Nullable<Text>,
        shown_case_ids -> Nullable<Text>,
        reason -> Nullable<Text>,
        reason_sha256 -> Nullable<Text>,
        client_address -> Nullable<Text>,
        outcome -> Text,
    }
}

diesel::table! {
    audit_shown (la_code, case_id, minute_at) {
        la_code -> Text,
        case_id -> Text,
        minute_at -> Timestamp,
    }
}

diesel::table! {
    audit_unchained (la_code, entry_id) {
        la_code -> Text,
        entry_id -> Text,
    }
}

diesel::table! {
    audit_chain (la_code, sequence) {
        la_code -> Text,
        sequence -> BigInt,
        entry_id -> Text,
        hash -> Text,
    }
}

diesel::table! {
    audit_chain_heads (la_code) {
        la_code -> Text,
        sequence -> BigInt,
        hash -> Text,
        sealed_at -> Timestamp,
    }
}

diesel::table! {
    idempotency_keys (la_code, client, idempotency_key) {
        la_code -> Text,
        client -> Text,
        idempotency_key -> Text,
        method -> Text,
        path -> Text,
        body_sha256 -> Text,
        status -> Integer,
        headers -> Text,
        body -> Text,
        created_at -> Timestamp,
        case_ids -> Nullable<Text>,
    }
}

diesel::table! {
    leases (name) {
        name -> Text,
        holder -> Text,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    clients (id) {
        id -> Text,
        la_code -> Text,
        name -> Text,
        belongs_to -> Text,
        keys -> Text,
        disabled_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    client_grants (la_code, client_id) {
        la_code -> Text,
        client_id -> Text,
        organisation_id -> Nullable<Text>,
        scopes -> Text,
        disabled_at -> Nullable<Timestamp>,
        last_used_at -> Nullable<Timestamp>,
        version -> BigInt,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    client_secrets (id) {
        id -> Text,
        la_code -> Text,
        client_id -> Text,
        hash -> Text,
        created_at -> Timestamp,
        revoked_at -> Nullable<Timestamp>,
        last_used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    client_assertions (client_id, jti_sha256) {
        client_id -> Text,
        jti_sha256 -> Text,
        la_code -> Text,
        expires_at -> Timestamp,
    }
}

diesel::joinable!(disposal_items -> disposal_lists (list_id));
diesel::joinable!(procedures -> cases (case_id));
diesel::allow_tables_to_appear_in_same_query!(
    advice_requests,
    advice_submissions,
    audit_chain,
    audit_chain_heads,
    audit_entries,
    audit_shown,
    audit_unchained,
    case_external_refs,
    case_facts,
    case_grants,
    case_seals,
    cases,
    client_assertions,
    client_grants,
    client_secrets,
    clients,
    clocks,
    disposal_items,
    disposal_lists,
    events,
    flags,
    idempotency_keys,
    leases,
    legal_holds,
    organisations,
    people,
    plan_versions,
    procedures,
    settings_versions,
);
