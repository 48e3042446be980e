//! The OpenAPI document, made of the route table and of the schemas in `docs/reference/schemas`.

use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Map, Value, json};

use crate::problem::Problem;
use crate::route::{self, Access, Content, Operation, Parameter, Place, Route, Shape};

/// A schema's name and text.
macro_rules! schemas {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../docs/reference/schemas/", $name, ".schema.json")))),*]
    };
}

/// The schemas that operations name.
const SCHEMAS: &[(&str, &str)] = &schemas![
    "access-entry",
    "account",
    "api-key",
    "api-key-made",
    "block",
    "blocks",
    "capture-result",
    "clock",
    "document",
    "document-list",
    "epcis-input",
    "erase",
    "event",
    "event-id",
    "event-query",
    "field-classes",
    "job",
    "job-finding",
    "key",
    "key-list",
    "leaf",
    "link",
    "mapping-list",
    "master-data",
    "member",
    "member-list",
    "new-account",
    "new-api-key",
    "new-endorsement",
    "new-erasure",
    "new-invitation",
    "new-key",
    "new-link",
    "new-member",
    "new-password",
    "new-role",
    "new-standing",
    "preview",
    "problem",
    "publication",
    "publications",
    "quarantine",
    "recall",
    "recall-notice",
    "release",
    "revocation",
    "trace",
    "validity",
    "verify",
];

static TEXT: LazyLock<String> = LazyLock::new(text);

pub(crate) fn routes() -> Vec<Route> {
    let doc = Operation::api("getOpenApi", "This document").gives(
        200,
        crate::operation::JSON,
        Shape::Text,
        "OpenAPI 3.1",
    );
    vec![Route::get("/openapi.json", Access::Public, get(serve), doc)]
}

async fn serve() -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, TEXT.as_str()).into_response()
}

/// The document as text, as it is served and committed.
#[must_use]
pub fn text() -> String {
    serde_json::to_string_pretty(&document()).unwrap_or_default() + "\n"
}

/// The OpenAPI 3.1 document.
#[must_use]
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in route::table() {
        if route.operation.id.is_none() {
            continue;
        }
        let path = route.path.replace("{*", "{");
        let item = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(route.method.as_str().to_lowercase(), operation(&route));
        }
    }
    let mut schemas = Map::new();
    for (name, text) in SCHEMAS {
        schemas.insert((*name).to_owned(), schema(text));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Countermark",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "A phased provenance ledger for supply chains",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" }
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "apiKey": { "type": "http", "scheme": "bearer", "bearerFormat": "cmk_ID_SECRET" },
                "session": {
                    "type": "apiKey", "in": "cookie", "name": "countermark_session"
                }
            }
        }
    })
}

/// A schema as a component: its references to others lead to their components.
fn schema(text: &str) -> Value {
    let mut value: Value = serde_json::from_str(text).unwrap_or(Value::Bool(true));
    if let Some(object) = value.as_object_mut() {
        object.remove("$schema");
        object.remove("$id");
    }
    relink(&mut value);
    value
}

fn relink(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(target)) = object.get_mut("$ref")
                && let Some(name) = target.strip_suffix(".schema.json")
            {
                *target = format!("#/components/schemas/{name}");
            }
            object.values_mut().for_each(relink);
        }
        Value::Array(array) => array.iter_mut().for_each(relink),
        _ => {}
    }
}

fn operation(route: &Route) -> Value {
    let doc = &route.operation;
    let mut answers = Map::new();
    for answer in &doc.answers {
        let mut said = json!({ "description": answer.what });
        if let Some(given) = &answer.content {
            said["content"] = content(given);
        }
        if !answer.headers.is_empty() {
            let header =
                |what: &str| json!({ "description": what, "schema": { "type": "string" } });
            let headers: Map<String, Value> = answer
                .headers
                .iter()
                .map(|(name, what)| ((*name).to_owned(), header(what)))
                .collect();
            said["headers"] = Value::Object(headers);
        }
        answers.insert(answer.status.to_string(), said);
    }
    if answers.is_empty() {
        answers.insert("200".to_owned(), json!({ "description": doc.summary }));
    }
    for status in problems(route) {
        answers.entry(status.to_string()).or_insert_with(|| problem(status));
    }
    let mut said = json!({
        "operationId": doc.id.unwrap_or_default(),
        "summary": doc.summary,
        "tags": [tag(route.path)],
        "responses": answers,
        "security": security(route.access),
    });
    if !doc.detail.is_empty() {
        said["description"] = json!(doc.detail);
    }
    if let Access::Allowed(permission) = route.access {
        said["x-permission"] = json!(permission.name());
    }
    if !doc.parameters.is_empty() {
        said["parameters"] = doc.parameters.iter().map(parameter).collect();
    }
    if let Some(body) = &doc.body {
        said["requestBody"] = json!({ "required": true, "content": content(body) });
    }
    said
}

fn tag(path: &str) -> &str {
    path.split('/').nth(1).unwrap_or_default()
}

fn security(access: Access) -> Value {
    match access {
        Access::Public | Access::PublicCostly => json!([]),
        Access::SignedIn | Access::Allowed(_) => json!([{ "apiKey": [] }, { "session": [] }]),
    }
}

/// Statuses of the problems that an operation may answer.
fn problems(route: &Route) -> Vec<u16> {
    let doc = &route.operation;
    let mut statuses = vec![400, 421, 429, 503, 504];
    if !matches!(route.access, Access::Public | Access::PublicCostly) {
        statuses.extend([401, 403]);
    }
    if doc.body.is_some() {
        statuses.extend([408, 413, 415]);
    }
    if doc.parameters.iter().any(|one| one.name == "member" || one.name == "mapping") {
        statuses.push(404);
    }
    statuses.extend(&doc.problems);
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

fn problem(status: u16) -> Value {
    let titles: Vec<&str> =
        Problem::all().filter(|(_, of, _)| *of == status).map(|(_, _, title)| title).collect();
    let schema = json!({ "$ref": "#/components/schemas/problem" });
    json!({
        "description": titles.join("; or: "),
        "content": { "application/problem+json": { "schema": schema } }
    })
}

fn content(content: &Content) -> Value {
    let one = |kind: &&str| ((*kind).to_owned(), of_type(kind, content.shape));
    Value::Object(content.types.iter().map(one).collect())
}

/// A form has its files, whatever the other content types of the body are.
fn of_type(kind: &str, shape: Shape) -> Value {
    if kind == "multipart/form-data" {
        let file = json!({ "type": "string", "contentMediaType": "application/octet-stream" });
        return json!({ "schema": {
            "type": "object",
            "required": ["bundle"],
            "properties": { "bundle": file, "trust": file },
            "additionalProperties": false
        } });
    }
    match shape {
        // Bytes have no schema: the content type says all.
        Shape::Bytes => json!({}),
        shape => json!({ "schema": looks(shape) }),
    }
}

fn looks(shape: Shape) -> Value {
    match shape {
        Shape::Text => json!({ "type": "string" }),
        Shape::Bytes => json!({}),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Number => json!({ "type": "integer", "minimum": 0 }),
        Shape::OneOf(words) => json!({ "enum": words }),
        Shape::Hex(length) => {
            json!({ "type": "string", "pattern": format!("^[0-9a-f]{{{length}}}$") })
        }
        Shape::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Shape::Schema(name) => json!({ "$ref": format!("#/components/schemas/{name}") }),
        Shape::ListOf(name) => {
            json!({ "type": "array", "items": { "$ref": format!("#/components/schemas/{name}") } })
        }
    }
}

fn parameter(parameter: &Parameter) -> Value {
    let place = match parameter.place {
        Place::Path => "path",
        Place::Query => "query",
        Place::Header => "header",
    };
    let mut schema = looks(parameter.shape);
    if parameter.is_required && parameter.shape == Shape::Text {
        schema["minLength"] = json!(1);
    }
    json!({
        "name": parameter.name,
        "in": place,
        "required": parameter.is_required,
        "description": parameter.what,
        "schema": schema,
    })
}

const PAGE_HEAD: &str = "\
# API

The server answers these operations; `GET /openapi.json` ([committed](openapi.json)) describes them for programs,
[Call the API](../how-to/call-the-api.md) shows them at work. This page is made from the route table.

Whoever calls sends `Authorization: Bearer KEY` (an API key, `countermark api-key add`), or has the session's
cookie. A permission is what the account's role allows and the key does not leave out. What a caller bound to a
member does not see answers like what does not exist. Errors are [problem details](problems.md) (RFC 9457) with
`pointer` and `rule` where a document is at fault. Answers are JSON unless a content type is given. Query
parameters that an operation does not know are refused. Lists go on at the `Link` with `rel=\"next\"`. GET
answers HEAD too; OPTIONS answers 204 with `Allow`.
";

/// The page of the documentation that lists all operations.
#[must_use]
pub fn page() -> String {
    let mut text = PAGE_HEAD.to_owned();
    let mut routes = route::table();
    routes.retain(|route| route.operation.id.is_some());
    routes.sort_by_key(|route| (tag(route.path), route.path, route.method.as_str().to_owned()));
    let mut section = "";
    for route in &routes {
        if tag(route.path) != section {
            section = tag(route.path);
            text += &format!("\n## {section}\n");
        }
        describe(&mut text, route);
    }
    text
}

fn describe(text: &mut String, route: &Route) {
    let doc = &route.operation;
    let who = match route.access {
        Access::Public => "anybody".to_owned(),
        Access::PublicCostly => "anybody, few times a minute".to_owned(),
        Access::SignedIn => "whoever is signed in".to_owned(),
        Access::Allowed(permission) => format!("permission `{}`", permission.name()),
    };
    let path = route.path.replace("{*", "{");
    *text += &format!("\n### `{} {path}`\n\n{}. For {who}.\n", route.method, doc.summary);
    if !doc.detail.is_empty() {
        *text += &format!("\n{}\n", doc.detail);
    }
    let mut lines = Vec::new();
    for one in &doc.parameters {
        let place = match one.place {
            Place::Path => "path",
            Place::Query => "query",
            Place::Header => "header",
        };
        let must = if one.is_required && one.place != Place::Path { ", required" } else { "" };
        lines.push(format!("| {place}{must} | `{}` | {} |", one.name, one.what));
    }
    if let Some(body) = &doc.body {
        lines.push(format!("| body | {} | {} |", body.types.join(", "), named(body.shape)));
    }
    for answer in &doc.answers {
        let content = answer.content.as_ref();
        let what = content.map_or_else(String::new, |content| match content.shape {
            Shape::Bytes | Shape::Text => content.types.join(", "),
            shape => named(shape),
        });
        lines.push(format!("| {} | {what} | {} |", answer.status, answer.what));
        for (name, what) in &answer.headers {
            lines.push(format!("| {} | `{name}` | {what} |", answer.status));
        }
    }
    if !lines.is_empty() {
        *text += &format!("\n| | | |\n| --- | --- | --- |\n{}\n", lines.join("\n"));
    }
}

fn named(shape: Shape) -> String {
    match shape {
        Shape::Schema(name) => format!("[{name}](schemas/{name}.schema.json)"),
        Shape::ListOf(name) => format!("array of [{name}](schemas/{name}.schema.json)"),
        Shape::Bytes => "bytes".to_owned(),
        _ => "text".to_owned(),
    }
}
