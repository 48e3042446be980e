//! The route table: every path that is served, with who may call it. Nothing is served that is not in
//! it, and a route cannot be made without saying who may.

use axum::http::Method;
use axum::routing::MethodRouter;
use countermark_node::access::Permission;

use crate::App;
pub use crate::operation::{Answer, Content, Operation, Parameter, Place, Shape};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody; requests are counted by address.
    Public,
    /// Anybody, and it costs much or guesses could be tried; counted strictly by address.
    PublicCostly,
    /// Whoever is signed in or shows an API key.
    SignedIn,
    /// Whoever has the permission.
    Allowed(Permission),
}

/// How a refusal is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Programs: problem details.
    Program,
    /// People: a page, or the way to the sign-in page.
    Person,
}

/// A path with its method, its handler and who may call it.
pub struct Route {
    /// The method; GET serves HEAD too.
    pub method: Method,
    /// The path, with `{names}` and `{*rest}` as axum writes them.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// Who reads its answers.
    pub audience: Audience,
    /// What it does, for the OpenAPI document.
    pub operation: Operation,
    /// The handler: made by the function of the same method.
    pub(crate) handler: MethodRouter<App>,
}

impl Route {
    fn new(
        method: Method,
        path: &'static str,
        access: Access,
        handler: MethodRouter<App>,
        operation: Operation,
    ) -> Self {
        let audience = if operation.id.is_some() { Audience::Program } else { Audience::Person };
        Self { method, path, access, audience, operation, handler }
    }

    pub(crate) fn get(
        path: &'static str,
        access: Access,
        handler: MethodRouter<App>,
        operation: Operation,
    ) -> Self {
        Self::new(Method::GET, path, access, handler, operation)
    }

    pub(crate) fn post(
        path: &'static str,
        access: Access,
        handler: MethodRouter<App>,
        operation: Operation,
    ) -> Self {
        Self::new(Method::POST, path, access, handler, operation)
    }

    pub(crate) fn put(
        path: &'static str,
        access: Access,
        handler: MethodRouter<App>,
        operation: Operation,
    ) -> Self {
        Self::new(Method::PUT, path, access, handler, operation)
    }

    pub(crate) fn delete(
        path: &'static str,
        access: Access,
        handler: MethodRouter<App>,
        operation: Operation,
    ) -> Self {
        Self::new(Method::DELETE, path, access, handler, operation)
    }
}

/// Every route.
#[must_use]
pub fn table() -> Vec<Route> {
    let mut routes = crate::assets::routes();
    routes.extend(crate::health::routes());
    routes.extend(crate::openapi::routes());
    routes.extend(crate::api::routes());
    routes.extend(crate::pages::routes());
    routes
}
