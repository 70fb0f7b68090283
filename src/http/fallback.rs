//! What answers where no resource does: 405 with `Allow` if the path is one of ours, else 404.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::dev::ResourceDef;
use actix_web::guard::fn_guard;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use matchit::Router;
use utoipa::openapi::OpenApi;

use super::docs::PAGES;
use super::openapi::operations;
use super::problem::{Code, Problem};

/// The paths of the document and of the pages, and the methods each takes.
pub struct Routes {
    of_document: Vec<Arc<Route>>,
    by_path: Router<Arc<Route>>,
}

/// One path with its operations.
#[derive(Debug)]
pub struct Route {
    /// The path as the document writes it.
    pub pattern: String,
    /// The id of the operation of each method.
    operations: BTreeMap<&'static str, String>,
}

impl Route {
    /// The id of the operation that a method is.
    pub fn operation(&self, method: &str) -> Option<&str> {
        self.operations.get(method).map(String::as_str)
    }

    fn has_parameters(&self) -> bool {
        self.pattern.contains('{')
    }
}

impl Routes {
    /// Every path of the document, and the pages. Fails if two paths could be taken for each other.
    pub fn new(document: &OpenApi) -> Result<Routes, String> {
        let of_document: Vec<Arc<Route>> = document
            .paths
            .paths
            .iter()
            .map(|(path, item)| {
                let operations = operations(item);
                let by_method = operations
                    .into_iter()
                    .map(|(method, operation)| (method, operation.operation_id.clone().unwrap_or_default()));
                Arc::new(Route {
                    pattern: path.clone(),
                    operations: by_method.collect(),
                })
            })
            .collect();
        let mut by_path = Router::new();
        for route in &of_document {
            let added = by_path.insert(&route.pattern, Arc::clone(route));
            added.map_err(|error| error.to_string())?;
        }
        for (pattern, path) in PAGES {
            let page = Route {
                pattern: pattern.to_owned(),
                operations: BTreeMap::new(),
            };
            let added = by_path.insert(path, Arc::new(page));
            added.map_err(|error| error.to_string())?;
        }
        Ok(Routes { of_document, by_path })
    }

    /// The route of a path. `/v1/cases/search` is also an id by its form; the path written out is the one meant.
    pub fn find(&self, path: &str) -> Option<Arc<Route>> {
        let found = self.by_path.at(path).ok()?;
        Some(Arc::clone(found.value))
    }

    /// The methods of the resource at a path, in alphabetical order; none if there is no resource.
    fn methods(&self, path: &str) -> Option<String> {
        let route = self.find(path).filter(|route| !route.operations.is_empty())?;
        Some(route.operations.keys().copied().collect::<Vec<_>>().join(", "))
    }

    /// Registers the [`fallback`] for the wrong methods of each path written out that has the form of
    /// another, whose handler would take the word for an id. It has to come before the resources.
    pub fn keep_written_out(&self, config: &mut ServiceConfig) {
        let (patterns, written): (Vec<_>, Vec<_>) =
            self.of_document.iter().partition(|route| route.has_parameters());
        let forms: Vec<ResourceDef> = patterns
            .iter()
            .map(|route| ResourceDef::new(route.pattern.as_str()))
            .collect();
        for route in written {
            if forms.iter().any(|form| form.is_match(&route.pattern)) {
                let owner = Arc::clone(route);
                let wrong =
                    fn_guard(move |context| owner.operation(context.head().method.as_str()).is_none());
                config.service(web::resource(route.pattern.as_str()).guard(wrong).to(fallback));
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
