//! An event as a tree of named texts, in the shape that its XML form would have: the normal form
//! is defined on that, so that both bindings of one event hash alike.

use std::collections::HashMap;

use crate::context::Context;
use crate::fields::ObjectKind;
use crate::json::Json;
use crate::vocabulary::{GS1, Vocabulary};

use super::Profile;

/// A named text with children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<Node>,
    /// A type and a reference, in this order, that belong together; has no name of its own.
    pub(super) pair: bool,
}

/// The GS1 Web Vocabulary since 2026.
const GS1_2026: &str = "https://ref.gs1.org/voc/";

/// What the 2026 reference takes the prefixes to mean that a document does not declare itself.
/// `cbvmda` has no final colon, as in XML documents.
const PREFIXES_2026: &[(&str, &str)] = &[
    ("gs1", GS1_2026),
    ("cbv", "https://ref.gs1.org/cbv/"),
    ("epcis", "https://ref.gs1.org/epcis/"),
    ("cbvmda", "urn:epcglobal:cbv:mda"),
];

/// The name of an event and its members as nodes.
pub(super) fn of_event(event: &Json, profile: Profile, ignored: &[String]) -> (String, Vec<Node>) {
    let names = Names { context: Context::of(event.get("@context")), profile };
    let name = event.get("type").and_then(Json::as_str).unwrap_or_default().to_owned();
    let kept = |name: &str| name != "@context" && !ignored.iter().any(|other| other == name);
    let members = event.as_object().unwrap_or_default();
    let kept: Vec<&(String, Json)> = members.iter().filter(|(name, _)| kept(name)).collect();
    (name, names.members(&kept, Some(ObjectKind::Event)))
}

/// Expands names and values by the context of one event.
struct Names<'a> {
    context: Context<'a>,
    profile: Profile,
}

impl Names<'_> {
    /// Members of an object as nodes, with lists in their XML shape.
    fn members(&self, members: &[&(String, Json)], kind: Option<ObjectKind>) -> Vec<Node> {
        let mut nodes = Vec::with_capacity(members.len());
        for (name, value) in members.iter().map(|m| (&m.0, &m.1)) {
            if matches!(&**name, "#text" | "rdfs:comment" | "comment") {
                continue;
            }
            let inner = kind.and_then(|kind| kind.inner(name));
            let vocabulary = kind.and_then(|kind| vocabulary_of(kind, name));
            let expanded = self.name(name);
            match value {
                Json::Array(items) => nodes.extend(
                    items.iter().map(|item| self.node(expanded.clone(), item, inner, vocabulary)),
                ),
                value => nodes.push(self.node(expanded, value, inner, vocabulary)),
            }
        }
        reshape(nodes)
    }

    fn node(
        &self,
        name: String,
        value: &Json,
        kind: Option<ObjectKind>,
        vocabulary: Option<Vocabulary>,
    ) -> Node {
        let (text, children) = match value {
            Json::Object(members) => {
                let text = value.get("#text").and_then(Json::as_str).unwrap_or_default();
                let members: Vec<&(String, Json)> = members.iter().collect();
                (text.to_owned(), self.members(&members, kind))
            }
            Json::Array(items) => {
                let items = items.iter();
                let children = items.map(|item| self.node(String::new(), item, None, None));
                (String::new(), children.collect())
            }
            Json::String(text) => (self.value(text, vocabulary), Vec::new()),
            Json::Number(lexeme) => (lexeme.clone(), Vec::new()),
            Json::Bool(flag) => (self.flag(*flag).to_owned(), Vec::new()),
            Json::Null => ("None".to_owned(), Vec::new()),
        };
        Node { name, text, children, pair: false }
    }

    /// The legacy reference prints booleans as its language does.
    fn flag(&self, flag: bool) -> &'static str {
        match (self.profile, flag) {
            (Profile::Cbv20Legacy, true) => "True",
            (Profile::Cbv20Legacy, false) => "False",
            (_, true) => "true",
            (_, false) => "false",
        }
    }

    fn prefix(&self, prefix: &str) -> Option<&str> {
        if self.profile == Profile::Cbv20Legacy {
            return self.context.declared(prefix);
        }
        if prefix == "gs1" {
            return Some(GS1_2026);
        }
        self.context
            .declared(prefix)
            .or_else(|| PREFIXES_2026.iter().find(|(name, _)| *name == prefix).map(|(_, iri)| *iri))
    }

    /// A member name with its prefix as a namespace in braces.
    fn name(&self, name: &str) -> String {
        match name.split_once(':').and_then(|(prefix, local)| Some((self.prefix(prefix)?, local))) {
            Some((namespace, local)) => format!("{{{namespace}}}{local}"),
            None => name.to_owned(),
        }
    }

    /// A value with a bare standard word or a compact URI written out.
    fn value(&self, text: &str, vocabulary: Option<Vocabulary>) -> String {
        if let Some(vocabulary) = vocabulary.filter(|vocabulary| vocabulary.holds(text)) {
            let prefix = match vocabulary.web_prefix() {
                GS1 if self.profile != Profile::Cbv20Legacy => GS1_2026,
                prefix => prefix,
            };
            return format!("{prefix}{text}");
        }
        let Some((prefix, local)) = text.split_once(':') else { return text.to_owned() };
        match self.prefix(prefix) {
            // Since 2026 only compact URIs of GS1's own vocabularies are written out.
            Some(namespace)
                if self.profile == Profile::Cbv20Legacy
                    || namespace.starts_with("https://ref.gs1.org")
                    || namespace.starts_with("https://gs1.org") =>
            {
                format!("{namespace}{local}")
            }
            _ => text.to_owned(),
        }
    }
}

/// The vocabulary of a member, for bare words.
fn vocabulary_of(kind: ObjectKind, member: &str) -> Option<Vocabulary> {
    Some(match (kind, member) {
        (ObjectKind::Event, "bizStep") => Vocabulary::BizStep,
        (ObjectKind::Event, "disposition") => Vocabulary::Disposition,
        (ObjectKind::PersistentDisposition, "set" | "unset") => Vocabulary::Disposition,
        (ObjectKind::BizTransaction, "type") => Vocabulary::BizTransactionType,
        (ObjectKind::Source | ObjectKind::Destination, "type") => Vocabulary::SourceDestType,
        (ObjectKind::SensorReport, "type") => Vocabulary::MeasurementType,
        (ObjectKind::SensorReport, "exception") => Vocabulary::AlertType,
        (ObjectKind::SensorReport, "component") => Vocabulary::Component,
        _ => return None,
    })
}

/// Gives lists the shape they have in XML: `…List` around its elements, `childEPCs` around `epc`,
/// the elements renamed. Extensions whose name ends in `List` are treated alike.
fn reshape(nodes: Vec<Node>) -> Vec<Node> {
    let mut plain = Vec::with_capacity(nodes.len());
    let mut lists: Vec<Node> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut children = Vec::new();
    for mut node in nodes {
        if node.name == "childEPCs" {
            node.name = "epc".to_owned();
            children.push(node);
        } else if let Some(element) = node.name.strip_suffix("List") {
            let (element, list) = (element.to_owned(), node.name.clone());
            let item = element_of(&list, element, node);
            match places.get(&list) {
                Some(at) => lists[*at].children.push(item),
                None => {
                    lists.push(wrapper(&list, vec![item]));
                    places.insert(list, lists.len() - 1);
                }
            }
        } else {
            plain.push(renamed(node));
        }
    }
    plain.extend(lists);
    if !children.is_empty() {
        plain.push(wrapper("childEPCs", children));
    }
    plain
}

fn wrapper(name: &str, children: Vec<Node>) -> Node {
    Node { name: name.to_owned(), text: String::new(), children, pair: false }
}

fn element_of(list: &str, element: String, mut node: Node) -> Node {
    if matches!(list, "sourceList" | "destinationList" | "bizTransactionList") {
        // The type comes first, whatever the order of the members in the document.
        node.children.sort_by_key(|child| child.name != "type");
        return Node { name: String::new(), text: String::new(), pair: true, ..node };
    }
    node.name = element;
    renamed(node)
}

fn renamed(mut node: Node) -> Node {
    let name = match &*node.name {
        "inputEPC" | "outputEPC" => "epc",
        "inputQuantity" | "outputQuantity" | "childQuantity" => "quantityElement",
        "quantity" if !node.children.is_empty() => "quantityElement",
        _ => return node,
    };
    node.name = name.to_owned();
    node
}
