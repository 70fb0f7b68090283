//! An authority's settings.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, put};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::acting::{origin_of, shown};
use super::extractor::{Allowed, Body, OptionalIfMatch, RequestBody};
use super::problem::{Fault, Problem};
use crate::auth::{ReadSettings, WriteSettings};
use crate::service::rebuild::rebuild_stale;
use crate::service::settings::{Settings, get_settings as get, put_settings as put_all};
use crate::service::{App, Error};

impl RequestBody for Settings {
    fn cross_check(value: &Value, faults: &mut Vec<Fault>) {
        for (index, contributor) in value["default_contributors"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
        {
            if let (Some(from), Some(to)) = (contributor["age_from"].as_i64(), contributor["age_to"].as_i64())
                && to < from
            {
                faults.push(Fault::new(
                    format!("/default_contributors/{index}/age_to"),
                    "out_of_order",
                    "must not be below `age_from`",
                ));
            }
        }
    }
}

/// An authority's settings.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingsView {
    /// Rises with every change; 0 are the defaults. The `ETag` is made of it.
    pub version: i64,
    #[serde(flatten)]
    pub settings: Settings,
}

/// Get the settings
#[utoipa::path(
    tag = "settings",
    responses((status = 200, body = SettingsView, description = "The settings in force.",
        headers(("ETag" = String, description = "Their version."))))
)]
#[get("/v1/settings")]
pub async fn get_settings(
    principal: Allowed<ReadSettings>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (version, settings) = app
        .read_few(principal.into_principal(), origin_of(&request), get)
        .await?;
    shown(version, &SettingsView { version, settings })
}

/// Put settings in force
///
/// Whatever is left out goes back to its default. Where a reading changes, every clock of the authority is
/// computed again before the answer; `known_at` still shows what the old reading gave.
#[utoipa::path(
    tag = "settings",
    params(OptionalIfMatch),
    request_body = Settings,
    responses((status = 200, body = SettingsView, description = "The settings in force.",
        headers(("ETag" = String, description = "Their version."))))
)]
#[put("/v1/settings")]
pub async fn put_settings(
    principal: Allowed<WriteSettings>,
    version: OptionalIfMatch,
    body: Body<Settings>,
    app: Data<App>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (settings, la_code) = (body.value, principal.la_code.as_str().to_owned());
    let kept = settings.clone();
    let version = app
        .write(principal.into_principal(), origin_of(&request), move |work| {
            put_all(work, version.0, &kept)
        })
        .await?;
    // In batches of their own: one transaction over a whole authority would keep every writer waiting.
    let store = app.store.clone();
    let rebuilt = actix_web::web::block(move || rebuild_stale(&store, Some(&la_code))).await;
    rebuilt
        .map_err(|error| Problem::internal(&error))?
        .map_err(|error: Error| Problem::from(error))?;
    shown(version, &SettingsView { version, settings })
}
