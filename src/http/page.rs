//! Pages of lists: a limit, a cursor of ids and dates, and the link to what follows.

use std::str::FromStr;

use actix_web::web::Query;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::problem::{Code, Fault, Problem};

const DEFAULT_LIMIT: i64 = 50;
/// Filters whose values may tell of somebody.
const TELLING: [&str; 2] = ["external_ref", "subject"];

/// Which page of a list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many items at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// Where the page begins: `next_cursor` of the page before.
    #[param(max_length = 100)]
    cursor: Option<String>,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Gives the next page as `cursor`; null on the last.
    pub next_cursor: Option<String>,
}

impl PageQuery {
    pub fn limit(&self) -> i64 {
        self.limit.unwrap_or(DEFAULT_LIMIT)
    }

    /// How many rows to read: one more than shown tells whether a page follows.
    pub fn rows(&self) -> i64 {
        self.limit() + 1
    }

    /// The id that the page follows.
    pub fn after_id(&self) -> Result<Option<Uuid>, Problem> {
        self.cursor
            .as_deref()
            .map(|cursor| cursor.parse().map_err(|_| unreadable()))
            .transpose()
    }

    /// The due date and id that the page follows.
    pub fn after_due(&self) -> Result<Option<(NaiveDate, Uuid)>, Problem> {
        self.after_pair()
    }

    /// The instant and id that the page follows.
    pub fn after_instant(&self) -> Result<Option<(DateTime<Utc>, Uuid)>, Problem> {
        self.after_pair()
    }

    fn after_pair<T: FromStr>(&self) -> Result<Option<(T, Uuid)>, Problem> {
        let parse = |cursor: &str| {
            let (first, id) = cursor.split_once('_')?;
            Some((first.parse().ok()?, id.parse().ok()?))
        };
        self.cursor
            .as_deref()
            .map(|cursor| parse(cursor).ok_or_else(unreadable))
            .transpose()
    }

    /// The sequence that the page follows; nought at the start.
    pub fn after_sequence(&self) -> Result<i64, Problem> {
        match self.cursor.as_deref() {
            None => Ok(0),
            Some(cursor) => cursor
                .parse()
                .ok()
                .filter(|sequence| *sequence >= 0)
                .ok_or_else(unreadable),
        }
    }

    /// Answers with the rows read, less the one beyond the page.
    pub fn answer<T: Serialize>(
        &self,
        request: &HttpRequest,
        items: Vec<T>,
        cursor_of: impl Fn(&T) -> String,
    ) -> HttpResponse {
        self.answer_as(request, items, cursor_of, |page| page)
    }

    /// [`PageQuery::answer`] in a body that says more than the page.
    pub fn answer_as<T, B: Serialize>(
        &self,
        request: &HttpRequest,
        mut items: Vec<T>,
        cursor_of: impl Fn(&T) -> String,
        body_of: impl FnOnce(Page<T>) -> B,
    ) -> HttpResponse {
        let limit = usize::try_from(self.limit()).unwrap_or(usize::MAX);
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = if has_more {
            items.last().map(cursor_of)
        } else {
            None
        };
        let mut response = HttpResponse::Ok();
        if let Some(cursor) = next_cursor.as_ref().filter(|_| !tells(request.query_string())) {
            let others: Vec<&str> = request
                .query_string()
                .split('&')
                .filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="))
                .collect();
            let separator = if others.is_empty() { "" } else { "&" };
            response.insert_header((
                "Link",
                format!(
                    "<{}?{}{separator}cursor={cursor}>; rel=\"next\"",
                    request.path(),
                    others.join("&")
                ),
            ));
        }
        response.json(body_of(Page { items, next_cursor }))
    }
}

/// Whether a question has a filter that no address of ours may repeat; such a page has no link, and whoever asked puts
/// `next_cursor` beside the filter themselves.
fn tells(query: &str) -> bool {
    // As it was read, whichever way its names are written.
    let pairs = Query::<Vec<(String, String)>>::from_query(query);
    pairs.is_ok_and(|pairs| pairs.iter().any(|(name, _)| TELLING.contains(&name.as_str())))
}

/// The cursor of a list by due date and id.
pub fn due_cursor(due_on: NaiveDate, id: Uuid) -> String {
    format!("{due_on}_{id}")
}

/// The cursor of a list by instant and id.
pub fn instant_cursor(at: DateTime<Utc>, id: &str) -> String {
    format!("{}_{id}", at.to_rfc3339_opts(SecondsFormat::Micros, true))
}

fn unreadable() -> Problem {
    let fault = Fault::new("/cursor", "malformed", "must be a next_cursor of this list");
    Problem::new(Code::InvalidQuery).with_faults(vec![fault])
}
