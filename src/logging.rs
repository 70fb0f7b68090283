//! The log: one line per record with its key-values, as text or as JSON, carrying the trace id of
//! the request it was written in.
//!
//! Personal data, bodies and query strings never come here; who logs names codes and ids. Called by
//! `main` to start, by `http::trace` to open a request's scope, and by whoever hands work of a
//! request to another thread.

use std::future::Future;
use std::io::Write;

use log::kv::{Key, VisitSource};
use serde_json::{Map, Value};

tokio::task_local! {
    static TRACE_ID: String;
}

/// Starts logging to standard error what passes the filter: JSON lines when asked, text otherwise. A
/// second call changes nothing.
///
/// A panic is logged by its place alone, since its message may quote the data it stumbled over.
pub fn init(json: bool, filter: &str) {
    let started = env_logger::Builder::new()
        .parse_filters(filter)
        .format(move |buffer, record| {
            let at = buffer.timestamp_millis().to_string();
            writeln!(buffer, "{}", line(record, &at, json))
        })
        .try_init();
    if started.is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            log::error!(place:% = place; "panicked");
        }));
    }
}

/// Runs a request's future so that every line written in it carries the trace id.
pub async fn in_trace<F: Future>(trace_id: String, work: F) -> F::Output {
    TRACE_ID.scope(trace_id, work).await
}

/// Takes the trace id of the current request along to another thread, such as one of `web::block`.
pub fn carrying_trace<R>(work: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let trace_id = current_trace();
    move || match trace_id {
        Some(trace_id) => TRACE_ID.sync_scope(trace_id, work),
        None => work(),
    }
}

/// The trace id of the request this code runs in, if it runs in one.
pub fn current_trace() -> Option<String> {
    TRACE_ID.try_with(Clone::clone).ok()
}

/// One record as one line, whatever line breaks its texts hold.
fn line(record: &log::Record<'_>, at: &str, json: bool) -> String {
    let mut pairs = Pairs::default();
    if let Some(trace_id) = current_trace() {
        pairs.0.push(("trace_id".to_owned(), Value::String(trace_id)));
    }
    // The visitor never refuses, so neither does the visit.
    let _ = record.key_values().visit(&mut pairs);
    let message = record.args().to_string();
    if json {
        let mut members = Map::new();
        members.insert("time".to_owned(), at.into());
        members.insert("level".to_owned(), record.level().as_str().into());
        members.insert("target".to_owned(), record.target().into());
        members.insert("message".to_owned(), message.into());
        for (name, value) in pairs.0 {
            members.entry(name).or_insert(value);
        }
        return Value::Object(members).to_string();
    }
    let mut text = format!(
        "{at} {:5} {}: {}",
        record.level(),
        record.target(),
        message.escape_debug()
    );
    for (name, value) in pairs.0 {
        match value {
            Value::String(word) if word.chars().all(|c| c.is_ascii_graphic() && c != '"') => {
                text.push_str(&format!(" {name}={word}"));
            }
            other => text.push_str(&format!(" {name}={other}")),
        }
    }
    text
}

#[derive(Default)]
struct Pairs(Vec<(String, Value)>);

impl<'kvs> VisitSource<'kvs> for Pairs {
    fn visit_pair(&mut self, key: Key<'kvs>, value: log::kv::Value<'kvs>) -> Result<(), log::kv::Error> {
        let plain = if let Some(whole) = value.to_i64() {
            whole.into()
        } else if let Some(whole) = value.to_u64() {
            whole.into()
        } else if let Some(number) = value.to_f64() {
            number.into()
        } else if let Some(truth) = value.to_bool() {
            truth.into()
        } else {
            value.to_string().into()
        };
        self.0.push((key.to_string(), plain));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(json: bool) -> String {
        let pairs: &[(&str, log::kv::Value<'_>)] = &[
            ("status", 409.into()),
            ("route", "/v1/cases/{id}".into()),
            ("cause", "two words".into()),
        ];
        let record = log::Record::builder()
            .args(format_args!("answered\nat last"))
            .level(log::Level::Info)
            .target("ehcp")
            .key_values(&pairs)
            .build();
        line(&record, "2026-02-16T09:00:00.000Z", json)
    }

    #[test]
    fn a_record_is_one_line_of_text_with_its_key_values() {
        assert_eq!(
            sample(false),
            r#"2026-02-16T09:00:00.000Z INFO  ehcp: answered\nat last status=409 route=/v1/cases/{id} cause="two words""#
        );
    }

    #[test]
    fn a_record_is_one_object_of_json_where_asked() {
        let written = sample(true);
        assert!(!written.contains('\n'));
        let parsed: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(parsed["status"], 409);
        assert_eq!(parsed["level"], "INFO");
        assert_eq!(parsed["message"], "answered\nat last");
        assert_eq!(parsed.get("trace_id"), None);
    }

    #[actix_web::test]
    async fn lines_of_a_request_carry_its_trace_id_even_from_another_thread() {
        let (here, there) = in_trace("5".repeat(32), async {
            let elsewhere = std::thread::spawn(carrying_trace(|| sample(true)));
            (sample(false), elsewhere.join().unwrap())
        })
        .await;
        assert!(here.contains(&format!("trace_id={}", "5".repeat(32))));
        assert!(there.contains(&"5".repeat(32)));
        assert_eq!(current_trace(), None);
    }
}
