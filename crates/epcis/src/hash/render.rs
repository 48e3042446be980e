//! Turns the tree of an event into its normal form.
//!
//! Fields are taken from the tree in the order of the profile; what is left over, ILMD and
//! extensions, follows. The quirks of the reference are kept where they decide about a hash, and
//! are said to be such.

use super::Profile;
use super::order::{self, Field};
use super::tree::Node;
use super::value;

/// The normal form of an event of that name.
pub(super) fn event(name: &str, mut members: Vec<Node>, profile: Profile) -> String {
    let writer = Writer { profile };
    let mut out = format!("eventType={name}");
    out += &writer.ordered(&mut members, order::event(profile));
    let rest = match profile {
        Profile::Cbv20Legacy | Profile::Cbv21 => writer.left_over(members),
        Profile::Cbv20V2026 => writer.left_over_2026(members),
    };
    out + &rest
}

struct Writer {
    profile: Profile,
}

impl Writer {
    /// Whether extensions inside a field stand at its end. CBV 2.0 as of 2026 puts them after the
    /// ILMD instead.
    fn inline(&self) -> bool {
        self.profile != Profile::Cbv20V2026
    }

    /// The fields in order. What was written whole is taken out of `nodes`.
    fn ordered(
        &self,
        nodes: &mut Vec<Node>,
        fields: impl Iterator<Item = &'static Field>,
    ) -> String {
        let extensions = if self.inline() { take_extensions(nodes) } else { Vec::new() };
        let mut out = String::new();
        for field in fields {
            let mut values = Vec::new();
            nodes.retain_mut(|node| {
                if node.pair || node.name != field.name {
                    return true;
                }
                let text = self.field(node, field);
                if !text.is_empty() {
                    values.push(text);
                }
                !node.children.is_empty()
            });
            values.sort();
            out.extend(values);
        }
        if !extensions.is_empty() {
            out += &self.generic(&extensions);
        }
        out
    }

    fn field(&self, node: &mut Node, field: &Field) -> String {
        let inner = if field.pairs {
            self.pairs(node)
        } else if field.inner.is_empty() {
            String::new()
        } else {
            self.ordered(&mut node.children, field.inner.iter())
        };
        let text = value::of_field(&node.name, node.text.trim(), self.profile);
        if text.is_empty() && inner.is_empty() {
            return String::new();
        }
        let mut out = self.shown_name(field).to_owned();
        if !text.is_empty() {
            out.push('=');
            out += &text;
        }
        out + &inner
    }

    /// Pairs of type and reference. The legacy reference does not find them in its order and so
    /// writes them with what is left over, sorted by name: destinations before sources.
    fn pairs(&self, node: &mut Node) -> String {
        if self.profile == Profile::Cbv20Legacy {
            return String::new();
        }
        let out = self.generic(&node.children);
        node.children.clear();
        out
    }

    /// CBV 2.0 as of 2026 leaves out the name of the sensor element list.
    fn shown_name(&self, field: &Field) -> &'static str {
        if self.profile == Profile::Cbv20V2026 && field.name == "sensorElementList" {
            ""
        } else {
            field.name
        }
    }

    /// Nodes outside the order, sorted by what they give.
    fn generic(&self, nodes: &[Node]) -> String {
        let mut values: Vec<String> = nodes
            .iter()
            .map(|node| {
                let mut out = node.name.clone();
                let text = node.text.trim();
                if !text.is_empty() {
                    out.push('=');
                    out += &value::of_extension(text, self.profile);
                }
                out + &self.generic(&node.children)
            })
            .collect();
        let reference = |node: &Node| {
            !node.pair && matches!(&*node.name, "bizTransaction" | "source" | "destination")
        };
        if !nodes.iter().any(reference) {
            values.sort();
        }
        values.concat()
    }

    fn left_over(&self, nodes: Vec<Node>) -> String {
        let kept: Vec<Node> = nodes.into_iter().filter(|node| !self.ignored(node)).collect();
        self.generic(&kept)
    }

    fn ignored(&self, node: &Node) -> bool {
        match &*node.name {
            "recordTime" | "eventID" | "type" | "errorDeclaration" => true,
            "certificationInfo" => self.profile != Profile::Cbv20Legacy,
            _ => false,
        }
    }

    /// CBV 2.0 as of 2026: ILMD, then the extensions inside standard fields, each after the path
    /// of its field, then the event's own.
    fn left_over_2026(&self, mut nodes: Vec<Node>) -> String {
        let (ilmd, rest): (Vec<Node>, Vec<Node>) =
            nodes.drain(..).partition(|node| node.name == "ilmd");
        let mut out = self.generic(&ilmd);
        let mut rest = rest;
        for field in order::event(self.profile).filter(|field| !field.inner.is_empty()) {
            rest.retain(|node| {
                if node.name != field.name {
                    return true;
                }
                let inner = self.inside(&node.children, field.inner);
                if !inner.is_empty() {
                    out += self.shown_name(field);
                    out += &inner;
                }
                inner.is_empty()
            });
        }
        out + &self.left_over(rest)
    }

    /// The extensions below a field: those of inner fields first, in order, then its own.
    fn inside(&self, nodes: &[Node], fields: &'static [Field]) -> String {
        let mut out = String::new();
        for field in fields.iter().filter(|field| !field.inner.is_empty()) {
            for node in nodes.iter().filter(|node| node.name == field.name) {
                let inner = self.inside(&node.children, field.inner);
                if !inner.is_empty() {
                    out += self.shown_name(field);
                    out += &inner;
                }
            }
        }
        let own: Vec<Node> = nodes.iter().filter(|node| is_extension(node)).cloned().collect();
        out + &self.generic(&own)
    }
}

/// The reference knows an extension by a namespace that ends in a slash.
fn is_extension(node: &Node) -> bool {
    !node.pair && node.name.contains('{') && node.name.contains("/}")
}

/// Takes the extensions out of the children of a field. As in the reference, nothing is taken
/// from an only child, nor from the event itself, which is known by its members' names.
fn take_extensions(nodes: &mut Vec<Node>) -> Vec<Node> {
    let event = |node: &Node| {
        !node.pair && (node.name.contains("eventTime") || node.name.contains("action"))
    };
    if nodes.len() <= 1 || nodes.iter().any(event) {
        return Vec::new();
    }
    let (extensions, rest) = nodes.drain(..).partition(is_extension);
    *nodes = rest;
    extensions
}
