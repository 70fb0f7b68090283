//! `ehcp demo`: make up an authority in an empty database, say where to look, and serve it.

use std::net::SocketAddr;
use std::time::Duration;

use chrono::NaiveDate;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::failure::{Exit, Failure, say};
use super::serve::{listen, serve_until_stopped};
use super::{data, exposed};
use crate::auth::{IssueError, IssuerKey, LaCode, Principal, Role, issue};
use crate::clock::Clock;
use crate::config::Config;
use crate::demo::{self, Examples, Made, Progress};
use crate::service::{App, Ids};
use crate::statute::calendar::in_words;
use crate::store::Store;

const TOKEN_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// How many cases to make up
    #[arg(long, value_name = "NUMBER", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    cases: u32,
    /// The day it is in the demo; the real one where it is not given
    #[arg(long, value_name = "DATE", value_parser = today)]
    today: Option<NaiveDate>,
}

impl Demo {
    pub(super) fn run(self, config: &Config) -> Result<Exit, Failure> {
        exposed::check(config)?;
        let reserved = data::reserve(config)?;
        let key = data::key_of_tokens(config)?;
        // Held from here on, so that nobody else takes it while the cases are made.
        let listeners = listen(config)?;
        let address = listeners
            .api
            .local_addr()
            .map_err(|error| Failure::new(Exit::Fault, error.to_string()))?;
        let database = reserved.open()?;
        if !demo::is_untouched(&database.store)? {
            return Err(Failure::new(
                Exit::CannotCreate,
                format!(
                    "the database {} is not empty, and the demo fills only an empty one; serve it as it is with \
                     `ehcp serve`, or name another folder with --data",
                    config.database
                ),
            ));
        }
        let clock = match self.today {
            Some(today) => Clock::shifted_to(today),
            None => Clock::System,
        };
        let today = clock.today();
        let started_at = Clock::System.now();
        let made = make(&database.store, today, self.cases)?;
        let seconds = (Clock::System.now() - started_at).num_milliseconds() as f64 / 1000.0;
        say(&format!(
            "Made up {} cases with {} events in {seconds:.1} s, as if today were {}.\n\n",
            made.cases,
            made.events,
            in_words(today)
        ))?;
        say(&where_to_look(address, &made, &key)?)?;
        serve_until_stopped(
            config,
            listeners,
            App::new(database.store.clone(), clock, Ids::Random).with_readings(config.audit_readings),
            key,
        )?;
        Ok(Exit::Done)
    }
}

fn make(store: &Store, today: NaiveDate, cases: u32) -> Result<Made, Failure> {
    let style =
        |template| ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let of_cases = "{bar:40} {pos} of {len} cases, {eta} left before their indexes are made";
    let bar = ProgressBar::new(cases.into()).with_style(style(of_cases));
    let made = demo::make(store, today, cases, |progress| match progress {
        Progress::Cases(done) => bar.set_position(done),
        Progress::Indexes { left } => {
            bar.set_style(style("{bar:40} {len} cases, {msg}"));
            bar.set_message(format!("{left} of their indexes left to make"));
        }
    })?;
    bar.finish_and_clear();
    Ok(made)
}

/// Requests reach back two years and the calendar of the law starts in 2014.
fn today(text: &str) -> Result<NaiveDate, String> {
    match text.parse::<NaiveDate>() {
        Ok(date) if (2017..=2099).contains(&chrono::Datelike::year(&date)) => Ok(date),
        Ok(_) => Err("name a day from 2017 to 2099".to_owned()),
        Err(_) => Err("write a date such as 2026-01-05".to_owned()),
    }
}

fn where_to_look(address: SocketAddr, made: &Made, key: &IssuerKey) -> Result<String, Failure> {
    let base = format!("http://{address}");
    let mut text = format!(
        "Nobody in it is real. How long advice takes to come back is published nowhere, so the times here are an\n\
         assumption: about half of it within six weeks, from health less.\n\n\
         Swagger UI  {base}/docs/\n\
         Document    {base}/openapi.json\n\n\
         Tokens for 12 hours, of authority {}:\n",
        demo::LA_CODE
    );
    for (role, principal) in principals(made.examples.as_ref())? {
        let token = issue(key, &principal, TOKEN_LIFETIME, Clock::System.now())?;
        text.push_str(&format!("  {role:<12}{token}\n"));
    }
    text.push_str(
        "\nPut a token into TOKEN and look around:\n  \
         TOKEN=...    # the caseworker's, from above\n",
    );
    let mut example = |path: &str, what: &str| {
        text.push_str(&format!(
            "  curl -H \"Authorization: Bearer $TOKEN\" '{base}{path}'    # {what}\n"
        ));
    };
    example(
        "/v1/clocks?status=overdue&include=case",
        "what is late, and whose move it is",
    );
    example("/v1/advice-requests?state=returned", "advice that was sent back");
    if let Some(examples) = &made.examples {
        example(
            &format!("/v1/cases/{}", examples.case_id),
            "a case whose medical advice is late",
        );
        example(
            &format!("/v1/cases/{}/timeline", examples.case_id),
            "its story so far; the family's token sees it too",
        );
        example(
            &format!("/v1/assessments/{}", examples.assessment_id),
            "its assessment",
        );
        example(
            &format!("/v1/assessments/{}/advice", examples.assessment_id),
            "what it is waiting for",
        );
        example(
            &format!("/v1/advice-requests/{}", examples.advice_request_id),
            "the late advice; the contributor's token sees it too",
        );
    }
    Ok(text)
}

/// One principal for each role; those bound to a case or an organisation where there is one.
fn principals(examples: Option<&Examples>) -> Result<Vec<(&'static str, Principal)>, Failure> {
    let la_code =
        LaCode::parse(demo::LA_CODE).map_err(|invalid| Failure::new(Exit::Fault, invalid.to_string()))?;
    let staff = |subject: &str, role| Principal {
        subject: subject.to_owned(),
        la_code: la_code.clone(),
        roles: vec![role],
        organisation_id: None,
        case_id: None,
        person_id: None,
        client: None,
    };
    let mut principals = vec![
        ("caseworker", staff(&demo::caseworker(1), Role::Caseworker)),
        ("manager", staff("manager-1", Role::Manager)),
        ("auditor", staff("auditor-1", Role::Auditor)),
        ("admin", staff("admin-1", Role::Admin)),
    ];
    if let Some(examples) = examples {
        principals.push((
            "contributor",
            Principal {
                organisation_id: Some(examples.organisation_id),
                ..staff("community-health-1", Role::Contributor)
            },
        ));
        principals.push((
            "family",
            Principal {
                case_id: Some(examples.case_id),
                person_id: examples.person_id,
                ..staff("family-1", Role::Family)
            },
        ));
    }
    for (_, principal) in &principals {
        principal.check_bound().map_err(IssueError::from)?;
    }
    Ok(principals)
}
