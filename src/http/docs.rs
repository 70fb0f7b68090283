//! The service's description of itself: `/openapi.json`, and `/docs/` which shows it to people
//! without loading anything from elsewhere.

use actix_web::http::header;
use actix_web::web::{Bytes, Data, Path, ServiceConfig, redirect};
use actix_web::{HttpResponse, get};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::problem::{Code, Problem};

/// The pages, which are no part of the document: the template of each, and how a router that knows no expressions
/// writes it.
pub const PAGES: [(&str, &str); 3] = [
    ("/docs", "/docs"),
    ("/docs/problems/{code}", "/docs/problems/{code}"),
    ("/docs/{_:.*}", "/docs/{*_}"),
];

/// The document as it is served.
pub struct Document(pub Bytes);

/// This description
///
/// The OpenAPI 3.1 document of the running version.
#[utoipa::path(
    tag = "system",
    responses((status = 200, body = serde_json::Value, description = "The OpenAPI document."))
)]
#[get("/openapi.json")]
pub async fn get_openapi(document: Data<Document>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .body(document.0.clone())
}

/// What a problem's `type` leads to: its code in words.
#[get("/docs/problems/{code}")]
async fn explain_problem(code: Path<String>) -> Result<HttpResponse, Problem> {
    let row = Code::of_name(&code).ok_or_else(Problem::not_found)?.row();
    let (title, name, status, meaning) = (row.title, row.name, row.status, row.meaning);
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(format!(
            "<!doctype html><html lang=\"en\"><title>{title}</title>\
         <h1>{title}</h1><p><code>{name}</code>, {status}</p><p>{meaning}</p></html>"
        )))
}

/// Registers the pages under `/docs/`; they are no part of the contract.
pub fn pages(config: &mut ServiceConfig) {
    let shown = Config::from("/openapi.json")
        // The default would send the document to a validator on the internet.
        .validator_url("none")
        .doc_expansion("none")
        .display_operation_id(true);
    config
        .service(
            redirect("/docs", "/docs/").using_status_code(actix_web::http::StatusCode::PERMANENT_REDIRECT),
        )
        .service(explain_problem)
        .service(SwaggerUi::new("/docs/{_:.*}").config(shown));
}
