//! SAP IDocs written as XML: segments into objects, fields into text.
//!
//! Entities beyond the five of XML are refused, document type declarations too: nothing is
//! expanded and nothing is fetched.

use std::collections::HashMap;

use countermark_epcis::json::Json;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{ReadError, ReadOptions, text};
use crate::limits;
use crate::tree::{Format, PLACE, Tree, placed};

/// Reads one or more IDocs of one type into `{type, idocs: [...]}`.
///
/// # Errors
/// Not XML, cut short, nested too deep, a document type declaration, or another IDoc type.
pub fn read(bytes: &[u8], options: &ReadOptions) -> Result<Tree, ReadError> {
    let text = text::decode(bytes, options.encoding)?;
    let root = parse(&text)?;
    let wanted = |name: &str| {
        options.idoc_types.is_empty() || options.idoc_types.iter().any(|t| name.starts_with(&**t))
    };
    if !wanted(&root.name) {
        let message = format!("<{}> is not what this mapping takes", root.name);
        let hint = format!("it takes {}", options.idoc_types.join(", "));
        return Err(ReadError::new(format!("/{}", root.name), "idoc-type", message, hint));
    }
    let idocs: Vec<&Element> = root.children.iter().filter(|c| c.name == "IDOC").collect();
    if idocs.is_empty() {
        let message = format!("<{}> holds no IDOC element", root.name);
        let hint = "is this an IDoc exported as XML?";
        return Err(ReadError::new(format!("/{}", root.name), "idoc-shape", message, hint));
    }
    let several = idocs.len() > 1;
    let documents = idocs
        .iter()
        .enumerate()
        .map(|(at, idoc)| {
            let index = if several { format!("[{}]", at + 1) } else { String::new() };
            idoc.json(&format!("/{}/IDOC{index}", root.name))
        })
        .collect();
    let mut members = placed(format!("/{}", root.name));
    members.push(("type".to_owned(), Json::string(&*root.name)));
    members.push(("idocs".to_owned(), Json::Array(documents)));
    Ok(Tree::new(Format::Idoc, Json::Object(members)))
}

#[derive(Debug, Default)]
struct Element {
    name: String,
    text: String,
    is_segment: bool,
    children: Vec<Element>,
}

impl Element {
    /// Segments as objects with their place, fields as trimmed text; equal names are a list.
    fn json(&self, at: &str) -> Json {
        if self.children.is_empty() && !self.is_segment {
            return Json::string(self.text.trim());
        }
        // Names in order of first appearance, each with all its elements.
        let mut names: Vec<&str> = Vec::new();
        let mut by_name: HashMap<&str, Vec<&Element>> = HashMap::new();
        for child in self.children.iter().filter(|child| child.name != PLACE) {
            let same = by_name.entry(&child.name).or_default();
            if same.is_empty() {
                names.push(&child.name);
            }
            same.push(child);
        }
        let mut members = placed(at);
        for name in names {
            let value = match by_name.get(name).map(Vec::as_slice).unwrap_or_default() {
                [one] => one.json(&format!("{at}/{name}")),
                many => Json::Array(
                    many.iter()
                        .enumerate()
                        .map(|(index, one)| one.json(&format!("{at}/{name}[{}]", index + 1)))
                        .collect(),
                ),
            };
            members.push((name.to_owned(), value));
        }
        Json::Object(members)
    }
}

fn parse(text: &str) -> Result<Element, ReadError> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut nodes = 0_usize;
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(text.len());
        let event = reader.read_event().map_err(|error| {
            fault(text, at, "xml-syntax", error.to_string(), "the file is damaged or cut short")
        })?;
        match event {
            Event::Start(start) => {
                nodes += 1;
                if open.len() >= limits::DEPTH_MAX || nodes > limits::XML_NODES_MAX {
                    let message = "too many or too deeply nested elements".to_owned();
                    return Err(fault(text, at, "xml-size", message, "split the file"));
                }
                open.push(element(&start, text, at)?);
            }
            Event::Empty(start) => {
                let done = element(&start, text, at)?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(done),
                    None => return Ok(done),
                }
            }
            Event::End(_) => {
                let Some(done) = open.pop() else { continue };
                match open.last_mut() {
                    Some(parent) => parent.children.push(done),
                    None => return Ok(done),
                }
            }
            Event::Text(content) => {
                append(&mut open, &content, text, at)?;
            }
            Event::CData(content) => {
                append(&mut open, &content, text, at)?;
            }
            Event::GeneralRef(reference) => {
                let c = entity(&reference).ok_or_else(|| {
                    let message = format!("entity &{}; is not one of XML's own", &*reference);
                    fault(text, at, "xml-entity", message, "write the character itself")
                })?;
                append(&mut open, c.encode_utf8(&mut [0; 4]), text, at)?;
            }
            Event::DocType(_) => {
                let message = "document type declarations are not read".to_owned();
                return Err(fault(text, at, "xml-doctype", message, "remove <!DOCTYPE …>"));
            }
            Event::Eof => {
                let message = match open.last() {
                    Some(element) => format!("the file ends inside <{}>", element.name),
                    None => "no element in the file".to_owned(),
                };
                return Err(fault(text, at, "xml-truncated", message, "send the file again"));
            }
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
        }
    }
}

fn element(start: &BytesStart<'_>, text: &str, at: usize) -> Result<Element, ReadError> {
    let mut is_segment = false;
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| {
            fault(text, at, "xml-syntax", error.to_string(), "attributes need names and quotes")
        })?;
        is_segment |= matches!(attribute.key.as_ref(), "SEGMENT" | "BEGIN");
    }
    let name = start.local_name().as_ref().to_owned();
    Ok(Element { name, is_segment, ..Element::default() })
}

fn append(open: &mut [Element], more: &str, text: &str, at: usize) -> Result<(), ReadError> {
    let Some(element) = open.last_mut() else { return Ok(()) };
    if element.text.len() + more.len() > limits::VALUE_BYTES_MAX {
        let message = format!("<{}> holds over {} bytes", element.name, limits::VALUE_BYTES_MAX);
        return Err(fault(text, at, "xml-value-size", message, "is this an IDoc?"));
    }
    element.text.push_str(more);
    Ok(())
}

/// The five entities of XML and character references.
fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code).filter(|c| *c >= ' ' || matches!(c, '\t' | '\n' | '\r'))
        }
    }
}

fn fault(
    text: &str,
    at: usize,
    rule: &'static str,
    message: String,
    hint: &'static str,
) -> ReadError {
    let before = &text.as_bytes()[..at.min(text.len())];
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = before.len() - before.iter().rposition(|b| *b == b'\n').map_or(0, |p| p + 1) + 1;
    ReadError::new(format!("line {line}, column {column}"), rule, message, hint)
}
