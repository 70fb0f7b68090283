//! What answers where no resource does: 405 with `Allow` if the path is one of ours, else 404.

use std::collections::{BTreeMap, HashMap};

use actix_web::dev::ResourceDef;
use actix_web::guard::fn_guard;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use utoipa::openapi::OpenApi;

use super::openapi::operations;
use super::problem::{Code, Problem};

/// The paths of the document and the methods each takes.
pub struct Routes {
    all: Vec<Route>,
    by_pattern: HashMap<String, usize>,
}

struct Route {
    pattern: String,
    path: ResourceDef,
    has_parameters: bool,
    methods: BTreeMap<&'static str, String>,
}

impl Routes {
    /// Every path of the document.
    pub fn new(document: &OpenApi) -> Routes {
        let mut routes: Vec<Route> = document
            .paths
            .paths
            .iter()
            .map(|(path, item)| Route {
                pattern: path.clone(),
                path: ResourceDef::new(path.as_str()),
                has_parameters: path.contains('{'),
                methods: operations(item)
                    .into_iter()
                    .map(|(method, operation)| (method, operation.operation_id.clone().unwrap_or_default()))
                    .collect(),
            })
            .collect();
        // `/v1/cases/search` is also an id by its form; the path written out is the one meant.
        routes.sort_by_key(|route| route.has_parameters);
        let by_pattern = routes
            .iter()
            .enumerate()
            .map(|(place, route)| (route.pattern.clone(), place))
            .collect();
        Routes {
            all: routes,
            by_pattern,
        }
    }

    /// The id of the operation that a method is on a path of the document.
    pub fn operation(&self, method: &str, pattern: &str) -> Option<&str> {
        let route = self.all.get(*self.by_pattern.get(pattern)?)?;
        route.methods.get(method).map(String::as_str)
    }

    /// The methods of the resource at a path, in alphabetical order; none if there is no resource.
    pub fn methods(&self, path: &str) -> Option<String> {
        let route = self.all.iter().find(|route| route.path.is_match(path))?;
        Some(route.methods.keys().copied().collect::<Vec<_>>().join(", "))
    }

    /// Registers the [`fallback`] for the wrong methods of each path written out that has the form of
    /// another, whose handler would take the word for an id. It has to come before the resources.
    pub fn keep_written_out(&self, config: &mut ServiceConfig) {
        let (patterns, written): (Vec<&Route>, Vec<&Route>) =
            self.all.iter().partition(|route| route.has_parameters);
        for route in written {
            let Some(path) = route.path.pattern() else {
                continue;
            };
            if patterns.iter().any(|pattern| pattern.path.is_match(path)) {
                let methods = route.methods.clone();
                let wrong = fn_guard(move |context| !methods.contains_key(context.head().method.as_str()));
                config.service(web::resource(path).guard(wrong).to(fallback));
            }
        }
    }
}

/// The default service.
pub async fn fallback(request: HttpRequest, routes: Data<Routes>) -> Result<HttpResponse, Problem> {
    Err(refusal(&request, &routes))
}

/// Why nothing answers a request: its path is not ours, or does not take its method.
///
/// An id that is none ends here too, since `GET /v1/cases/search` is routed as a case of that name.
pub fn refusal(request: &HttpRequest, routes: &Routes) -> Problem {
    let Some(methods) = routes.methods(request.path()) else {
        return Problem::not_found();
    };
    if methods
        .split(", ")
        .any(|method| method == request.method().as_str())
    {
        return Problem::not_found();
    }
    let problem = Problem::new(Code::MethodNotAllowed);
    match HeaderValue::from_str(&methods) {
        Ok(allow) => problem.with_header(header::ALLOW, allow),
        Err(_) => problem,
    }
}
