//! JSON-LD contexts, as far as EPCIS needs them: which prefixes and terms a document declares, and
//! whether it uses GS1's context. Nothing is ever fetched: what GS1's contexts say is built in
//! (`vocabulary`, `fields`, [`STANDARD_PREFIXES`]); what another remote context says is unknown,
//! and names that would need it are taken as extensions.

use std::collections::HashMap;

use crate::json::Json;

/// Up to so many declared names are searched one by one.
const FEW_NAMES: usize = 32;

/// GS1's context, in the version of the standard; written where a document has none.
pub const EPCIS_CONTEXT: &str = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld";

/// The prefixes that GS1's EPCIS context declares (EPCIS 2.0.0, 2023-05; read 2026-11).
pub const STANDARD_PREFIXES: &[(&str, &str)] = &[
    ("epcis", "https://ref.gs1.org/epcis/"),
    ("cbv", "https://ref.gs1.org/cbv/"),
    ("cbvmda", "urn:epcglobal:cbv:mda:"),
    ("gs1", "https://gs1.org/voc/"),
    ("rdfs", "http://www.w3.org/2000/01/rdf-schema#"),
    ("owl", "http://www.w3.org/2002/07/owl#"),
    ("xsd", "http://www.w3.org/2001/XMLSchema#"),
    ("dcterms", "http://purl.org/dc/terms/"),
];

/// Whether a URL names one of GS1's EPCIS contexts.
#[must_use]
pub fn is_epcis_context(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let known = rest.is_some_and(|rest| {
        rest.starts_with("ref.gs1.org/standards/epcis/")
            || rest.starts_with("ref.gs1.org/epcis/")
            || rest.starts_with("gs1.github.io/EPCIS/")
    });
    known && url.contains("epcis-context") && url.ends_with(".jsonld")
}

/// What the contexts in force at an event or document declare. Borrows from the document.
#[derive(Debug, Clone, Default)]
pub struct Context<'a> {
    declared: Vec<(&'a str, &'a str)>,
    /// Where each name stands, once there are many: a hostile context must not cost a search
    /// through all of it for every member.
    places: HashMap<&'a str, usize>,
    epcis: bool,
    remote: Vec<&'a str>,
}

impl<'a> Context<'a> {
    /// Reads the value of a member `@context`.
    #[must_use]
    pub fn of(value: Option<&'a Json>) -> Self {
        let mut context = Context::default();
        if let Some(value) = value {
            context.add(value);
        }
        context
    }

    /// Adds a further context, which comes later and so wins where names collide.
    pub fn add(&mut self, value: &'a Json) {
        self.collect(value);
        if self.declared.len() > FEW_NAMES {
            self.places =
                self.declared.iter().enumerate().map(|(i, (name, _))| (*name, i)).collect();
        }
    }

    fn collect(&mut self, value: &'a Json) {
        match value {
            Json::String(url) if is_epcis_context(url) => self.epcis = true,
            Json::String(url) => self.remote.push(url),
            Json::Array(items) => items.iter().for_each(|item| self.collect(item)),
            Json::Object(members) => self.declared.extend(members.iter().filter_map(|(n, v)| {
                let target = match v {
                    Json::String(iri) => Some(&**iri),
                    Json::Object(_) => v.get("@id").and_then(Json::as_str),
                    _ => None,
                };
                target.map(|iri| (&**n, iri))
            })),
            _ => {}
        }
    }

    /// Whether GS1's EPCIS context is among them.
    #[must_use]
    pub fn has_epcis(&self) -> bool {
        self.epcis
    }

    /// Remote contexts other than GS1's.
    #[must_use]
    pub fn remote(&self) -> &[&'a str] {
        &self.remote
    }

    /// What a prefix or term stands for, as the document itself declares it.
    #[must_use]
    pub fn declared(&self, name: &str) -> Option<&'a str> {
        if self.places.is_empty() {
            return self.declared.iter().rev().find(|(n, _)| *n == name).map(|(_, iri)| *iri);
        }
        self.places.get(name).map(|at| self.declared[*at].1)
    }

    /// What a prefix stands for: declared by the document, or by GS1's context.
    #[must_use]
    pub fn prefix(&self, name: &str) -> Option<&'a str> {
        self.declared(name).or_else(|| {
            STANDARD_PREFIXES.iter().find(|(prefix, _)| *prefix == name).map(|(_, iri)| *iri)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_terms_come_from_every_part_of_a_context() {
        let value = crate::json::parse(
            br#"["https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
                 {"ex":"https://a.example/"}, {"ex":"https://b.example/",
                  "grade":{"@id":"ex:grade"}}, "https://other.example/c.jsonld"]"#,
        )
        .unwrap();
        let context = Context::of(Some(&value));
        assert!(context.has_epcis());
        assert_eq!(context.prefix("ex"), Some("https://b.example/"));
        assert_eq!(context.declared("grade"), Some("ex:grade"));
        assert_eq!(context.prefix("cbv"), Some("https://ref.gs1.org/cbv/"));
        assert_eq!(context.prefix("nope"), None);
        assert_eq!(context.remote(), ["https://other.example/c.jsonld"]);
    }

    #[test]
    fn many_names_are_found_like_few() {
        let name = |i: usize| format!("\"n{}\":\"urn:{i}:\"", i % 50);
        let half = |from: usize| (from..from + 50).map(name).collect::<Vec<_>>().join(",");
        let text = format!("[{{{}}},{{{}}}]", half(0), half(50));
        let value = crate::json::parse(text.as_bytes()).unwrap();
        let context = Context::of(Some(&value));
        assert_eq!(context.declared("n7"), Some("urn:57:"));
        assert_eq!(context.declared("n70"), None);
    }

    #[test]
    fn only_gs1_urls_are_gs1_contexts() {
        assert!(is_epcis_context("https://gs1.github.io/EPCIS/epcis-context-simple.jsonld"));
        assert!(is_epcis_context(EPCIS_CONTEXT));
        assert!(!is_epcis_context("https://evil.example/epcis-context.jsonld"));
        assert!(!is_epcis_context("https://ref.gs1.org/standards/epcis/2.0.0/query-schema.json"));
    }
}
