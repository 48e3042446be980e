//! Segments of one X12 transaction set into loops: HL trees, declared loops, party loops.

use std::collections::HashMap;

use countermark_epcis::Finding;
use countermark_epcis::json::Json;

use super::ReadError;
use crate::limits;
use crate::tree::placed;

/// One segment.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub(super) number: usize,
    pub(super) tag: String,
    pub(super) values: Vec<String>,
    pub(super) component: Option<char>,
}

impl Segment {
    /// Element `number`, from 1; empty when absent.
    pub(super) fn value(&self, number: usize) -> &str {
        self.values.get(number.wrapping_sub(1)).map_or("", String::as_str)
    }

    /// The place of the segment.
    pub(super) fn at(&self) -> String {
        format!("segment {} {}", self.number, self.tag)
    }

    /// `{@at, tag, e01, e02 …}`; empty elements are left out, composites become arrays too.
    fn json(&self) -> Json {
        let mut members = placed(self.at());
        members.push(("tag".to_owned(), Json::string(&*self.tag)));
        for (at, value) in self.values.iter().enumerate() {
            if value.is_empty() {
                continue;
            }
            members.push((format!("e{:02}", at + 1), Json::string(&**value)));
            if let Some(mark) = self.component.filter(|mark| value.contains(*mark)) {
                let parts = value.split(mark).map(Json::string).collect();
                members.push((format!("c{:02}", at + 1), Json::Array(parts)));
            }
        }
        Json::Object(members)
    }
}

/// A loop under construction.
#[derive(Debug)]
struct Block {
    /// The loop that holds this one.
    parent: Option<usize>,
    depth: usize,
    /// For HL loops: identifier, and level code.
    hl: Option<(String, String)>,
    segments: Vec<Segment>,
}

/// The members of a transaction set: `segments` of the heading, its `parties`, and its `loops`,
/// each with the same members.
pub(super) fn structure(
    body: Vec<Segment>,
    openers: &[String],
    findings: &mut Vec<Finding>,
) -> Result<Vec<(String, Json)>, ReadError> {
    let mut blocks = vec![Block { parent: None, depth: 0, hl: None, segments: Vec::new() }];
    let mut levels: HashMap<String, usize> = HashMap::new();
    let mut current = 0;
    for segment in body {
        if segment.tag == "HL" {
            current = open_hl(&segment, &mut blocks, &mut levels, findings)?;
        } else if let Some(level) = openers.iter().position(|tag| *tag == segment.tag) {
            current = open_declared(level, current, &mut blocks);
        }
        blocks[current].segments.push(segment);
    }
    Ok(fold(blocks))
}

fn open_hl(
    segment: &Segment,
    blocks: &mut Vec<Block>,
    levels: &mut HashMap<String, usize>,
    findings: &mut Vec<Finding>,
) -> Result<usize, ReadError> {
    let (id, above) = (segment.value(1), segment.value(2));
    if levels.contains_key(id) {
        findings.push(
            Finding::error(
                format!("{} element 1", segment.at()),
                "x12-hl-twice",
                format!("hierarchical level {id} stands twice"),
            )
            .suggest("number the HL loops from 1 without repeats"),
        );
    }
    let parent = if above.is_empty() { Some(0) } else { levels.get(above).copied() };
    if parent.is_none() {
        findings.push(
            Finding::error(
                format!("{} element 2", segment.at()),
                "x12-hl-parent",
                format!("parent level {above} does not come before this loop"),
            )
            .suggest("a loop has to name a level that stands above it"),
        );
    }
    let parent = parent.unwrap_or(0);
    let depth = blocks[parent].depth + 1;
    if depth > limits::DEPTH_MAX {
        let message = format!("HL loops nest deeper than {}", limits::DEPTH_MAX);
        return Err(ReadError::new(segment.at(), "x12-depth", message, "check HL element 2"));
    }
    let hl = Some((id.to_owned(), segment.value(3).to_owned()));
    blocks.push(Block { parent: Some(parent), depth, hl, segments: Vec::new() });
    levels.entry(id.to_owned()).or_insert(blocks.len() - 1);
    Ok(blocks.len() - 1)
}

/// Opens a declared loop of a level below the loops above it; a level that is missing in between
/// is passed over, so that a `W12` without `LX` still has a home.
fn open_declared(level: usize, current: usize, blocks: &mut Vec<Block>) -> usize {
    let mut parent = current;
    while blocks[parent].depth > level {
        parent = blocks[parent].parent.unwrap_or(0);
    }
    blocks.push(Block { parent: Some(parent), depth: level + 1, hl: None, segments: Vec::new() });
    blocks.len() - 1
}

/// Blocks into nested objects. A block always comes after its parent, so folding from the end
/// meets every child before its parent.
fn fold(mut blocks: Vec<Block>) -> Vec<(String, Json)> {
    let mut children: Vec<Vec<Json>> = blocks.iter().map(|_| Vec::new()).collect();
    while let Some(block) = blocks.pop() {
        let mut loops = children.pop().unwrap_or_default();
        loops.reverse();
        let at = block.segments.first().map_or_else(|| "document".to_owned(), Segment::at);
        let mut members = Vec::new();
        if let Some(parent) = block.parent {
            members = placed(at);
            if let Some((id, level)) = block.hl {
                members.push(("id".to_owned(), Json::String(id)));
                members.push(("level".to_owned(), Json::String(level)));
            }
            members.extend(block_members(&block.segments, loops));
            children[parent].push(Json::Object(members));
        } else {
            members.extend(block_members(&block.segments, loops));
            return members;
        }
    }
    Vec::new()
}

fn block_members(segments: &[Segment], loops: Vec<Json>) -> Vec<(String, Json)> {
    let head = segments.first().map_or(Json::Null, Segment::json);
    vec![
        ("head".to_owned(), head),
        ("segments".to_owned(), Json::Array(segments.iter().map(Segment::json).collect())),
        ("parties".to_owned(), Json::Array(parties(segments))),
        ("loops".to_owned(), Json::Array(loops)),
    ]
}

/// N1 with the N3 and N4 that follow it.
fn parties(segments: &[Segment]) -> Vec<Json> {
    let mut out = Vec::new();
    for (at, n1) in segments.iter().enumerate().filter(|(_, s)| s.tag == "N1") {
        let mut members = placed(n1.at());
        for (name, number) in [("role", 1), ("name", 2), ("scheme", 3), ("code", 4)] {
            if !n1.value(number).is_empty() {
                members.push((name.to_owned(), Json::string(n1.value(number))));
            }
        }
        let address = segments[at + 1..]
            .iter()
            .take_while(|s| matches!(s.tag.as_str(), "N2" | "N3" | "N4" | "PER" | "G61"));
        for n4 in address.filter(|s| s.tag == "N4") {
            for (name, number) in [("city", 1), ("state", 2), ("country", 4)] {
                if !n4.value(number).is_empty() {
                    members.push((name.to_owned(), Json::string(n4.value(number))));
                }
            }
        }
        out.push(Json::Object(members));
    }
    out
}
