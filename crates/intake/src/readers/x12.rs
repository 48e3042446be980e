//! ANSI ASC X12: interchanges or bare transaction sets, into segments, parties and loops.
//!
//! Delimiters are found by counting the sixteen separators of ISA, not by fixed offsets: real
//! files come with collapsed padding. Nothing is bound to a release: elements are `e01`, `e02` …

use countermark_epcis::Finding;
use countermark_epcis::json::Json;

use super::x12_loops::{self, Segment};
use super::{ReadError, ReadOptions, text};
use crate::limits;
use crate::tree::{Format, Tree, placed};

/// The three delimiters of an interchange.
#[derive(Debug, Clone, Copy)]
struct Delimiters {
    element: char,
    component: Option<char>,
    segment: char,
}

/// Reads X12 into `{interchanges: [...], transactions: [...]}`.
///
/// # Errors
/// [`ReadError`] when there is no ISA or ST, or delimiters cannot be found. A truncated envelope
/// or a wrong count is a finding: what can be read is still shown.
pub fn read(bytes: &[u8], options: &ReadOptions) -> Result<Tree, ReadError> {
    let text = text::decode(bytes, options.encoding)?;
    let segments = split(&text)?;
    let mut reading = Reading { options: Some(options), ..Reading::default() };
    for segment in segments {
        reading.take(segment)?;
    }
    reading.finish()?;
    if reading.transactions.is_empty() && reading.findings.is_empty() {
        return Err(ReadError::new(
            "document",
            "x12-no-transaction",
            "no transaction set (ST segment) in the file",
            "is this an acknowledgement or an empty interchange?",
        ));
    }
    let mut root = placed("document");
    root.push(("interchanges".to_owned(), Json::Array(reading.interchanges)));
    root.push(("transactions".to_owned(), Json::Array(reading.transactions)));
    let findings = reading.findings;
    Ok(Tree { findings, ..Tree::new(Format::X12, Json::Object(root)) })
}

/// Delimiters of the interchange or bare transaction set that the text starts with.
fn delimiters(text: &str) -> Result<Delimiters, ReadError> {
    let no = |message: &str, hint: &str| ReadError::new("segment 1", "x12-header", message, hint);
    let tag_length = if text.starts_with("ISA") {
        3
    } else if text.starts_with("ST") {
        2
    } else {
        let start: String = text.chars().take(12).collect();
        let message = format!("the file starts with \"{start}\", not with ISA or ST");
        return Err(no(&message, "is this X12? EDIFACT starts with UNA or UNB"));
    };
    let element =
        text.chars().nth(tag_length).filter(|c| !c.is_alphanumeric()).ok_or_else(|| {
            no("no element separator after the first tag", "the file is cut short or is not X12")
        })?;
    if tag_length == 2 {
        let segment = if text.contains('~') { '~' } else { '\n' };
        return Ok(Delimiters { element, component: None, segment });
    }
    let sixteenth = text.match_indices(element).nth(15).map(|(at, _)| at);
    let mut after = sixteenth.map_or("", |at| &text[at + element.len_utf8()..]).chars();
    let (Some(component), Some(segment)) = (after.next(), after.next()) else {
        return Err(no("ISA has fewer than 16 elements", "the file is cut short"));
    };
    if component.is_alphanumeric() || segment.is_alphanumeric() || segment == element {
        return Err(no("ISA16 is not followed by a segment terminator", "is ISA complete?"));
    }
    let segment = if segment == '\r' { '\n' } else { segment };
    Ok(Delimiters { element, component: Some(component), segment })
}

fn split(text: &str) -> Result<Vec<Segment>, ReadError> {
    let mut out: Vec<Segment> = Vec::new();
    let mut rest = text.trim_start();
    let mut marks = delimiters(rest)?;
    while !rest.is_empty() {
        if rest.starts_with("ISA") {
            marks = delimiters(rest)?;
        }
        let (line, after) = rest.split_once(marks.segment).unwrap_or((rest, ""));
        // A file without terminator after its last segment is common; a cut one is found later
        // by the missing SE, GE or IEA.
        rest = after.trim_start();
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let number = out.len() + 1;
        if number > limits::SEGMENTS_MAX {
            let message = format!("more than {} segments", limits::SEGMENTS_MAX);
            let place = format!("segment {number}");
            return Err(ReadError::new(place, "x12-size", message, "split the interchange"));
        }
        out.push(segment(number, line, marks)?);
    }
    Ok(out)
}

fn segment(number: usize, line: &str, marks: Delimiters) -> Result<Segment, ReadError> {
    let mut elements = line.split(marks.element);
    let tag = elements.next().unwrap_or_default().trim().to_owned();
    let values: Vec<String> = elements.map(|value| value.trim().to_owned()).collect();
    let at = format!("segment {number} {tag}");
    let fine = (2..=3).contains(&tag.len()) && tag.chars().all(|c| c.is_ascii_alphanumeric());
    if !fine {
        let shown: String = tag.chars().take(20).collect();
        let message = format!("\"{shown}\" is no segment tag");
        let hint = "a value may hold the segment terminator, or the file is damaged";
        return Err(ReadError::new(format!("segment {number}"), "x12-tag", message, hint));
    }
    if values.len() > limits::ELEMENTS_MAX {
        let message = format!("{} elements; at most {}", values.len(), limits::ELEMENTS_MAX);
        return Err(ReadError::new(at, "x12-elements", message, "is the terminator right?"));
    }
    if values.iter().any(|value| value.len() > limits::VALUE_BYTES_MAX) {
        let message = format!("an element is over {} bytes", limits::VALUE_BYTES_MAX);
        return Err(ReadError::new(at, "x12-element-size", message, "is the terminator right?"));
    }
    Ok(Segment { number, tag, values, component: marks.component })
}

/// An open transaction set.
#[derive(Debug)]
struct OpenSet {
    header: Segment,
    body: Vec<Segment>,
}

/// What has been read so far.
#[derive(Debug, Default)]
struct Reading<'a> {
    options: Option<&'a ReadOptions>,
    interchange: Option<Segment>,
    group: Option<Segment>,
    groups: usize,
    sets_in_group: usize,
    set: Option<OpenSet>,
    interchanges: Vec<Json>,
    transactions: Vec<Json>,
    findings: Vec<Finding>,
}

impl Reading<'_> {
    fn take(&mut self, segment: Segment) -> Result<(), ReadError> {
        match segment.tag.as_str() {
            "ISA" => {
                self.close_set(None)?;
                self.close_interchange(None);
                self.interchanges.push(interchange(&segment));
                self.interchange = Some(segment);
                self.groups = 0;
            }
            "GS" => {
                self.close_set(None)?;
                self.close_group(None);
                self.groups += 1;
                self.sets_in_group = 0;
                self.group = Some(segment);
            }
            "ST" => {
                self.close_set(None)?;
                self.sets_in_group += 1;
                self.set = Some(OpenSet { header: segment, body: Vec::new() });
            }
            "SE" => self.close_set(Some(segment))?,
            "GE" => {
                self.close_set(None)?;
                self.close_group(Some(segment));
            }
            "IEA" => {
                self.close_set(None)?;
                self.close_interchange(Some(segment));
            }
            _ => match &mut self.set {
                Some(set) => set.body.push(segment),
                None => self.findings.push(
                    Finding::error(segment.at(), "x12-outside", "segment outside ST and SE")
                        .suggest("the ST segment is missing or damaged"),
                ),
            },
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ReadError> {
        self.close_set(None)?;
        self.close_interchange(None);
        Ok(())
    }

    fn close_set(&mut self, trailer: Option<Segment>) -> Result<(), ReadError> {
        let Some(set) = self.set.take() else {
            if let Some(trailer) = trailer {
                self.findings.push(Finding::error(trailer.at(), "x12-outside", "SE without ST"));
            }
            return Ok(());
        };
        match trailer {
            None => self.findings.push(
                Finding::error(
                    set.header.at(),
                    "x12-truncated",
                    format!("transaction set {} has no SE segment", set.header.value(2)),
                )
                .suggest("the file is cut short; send it again"),
            ),
            Some(trailer) => {
                let counted = set.body.len() + 2;
                if trailer.value(1).parse() != Ok(counted) {
                    self.count(&trailer, "x12-segment-count", "segments", counted);
                }
                self.control(&trailer, set.header.value(2), "ST element 2");
            }
        }
        let wanted = self.options.is_none_or(|options| {
            options.sets.is_empty() || options.sets.iter().any(|s| s == set.header.value(1))
        });
        if !wanted {
            self.findings.push(
                Finding::error(
                    format!("{} element 1", set.header.at()),
                    "x12-set",
                    format!(
                        "transaction set {} is not what this mapping takes",
                        set.header.value(1)
                    ),
                )
                .suggest("choose the mapping for that set"),
            );
            return Ok(());
        }
        let loops = self.options.map(|options| options.loops.as_slice()).unwrap_or_default();
        let body = x12_loops::structure(set.body, loops, &mut self.findings)?;
        let mut members = placed(set.header.at());
        let text = |value: &str| Json::string(value);
        members.push(("set".to_owned(), text(set.header.value(1))));
        members.push(("control".to_owned(), text(set.header.value(2))));
        let version = self.group.as_ref().map_or("", |group| group.value(8));
        members.push(("version".to_owned(), text(version)));
        let sender = self.interchange.as_ref().map_or("", |isa| isa.value(6));
        let receiver = self.interchange.as_ref().map_or("", |isa| isa.value(8));
        members.push(("sender".to_owned(), text(sender)));
        members.push(("receiver".to_owned(), text(receiver)));
        members.extend(body);
        self.transactions.push(Json::Object(members));
        Ok(())
    }

    fn close_group(&mut self, trailer: Option<Segment>) {
        match (self.group.take(), trailer) {
            (Some(group), None) => self.findings.push(
                Finding::error(group.at(), "x12-truncated", "functional group has no GE segment")
                    .suggest("the file is cut short; send it again"),
            ),
            (Some(group), Some(trailer)) => {
                if trailer.value(1).parse() != Ok(self.sets_in_group) {
                    self.count(&trailer, "x12-set-count", "transaction sets", self.sets_in_group);
                }
                self.control(&trailer, group.value(6), "GS element 6");
            }
            (None, Some(trailer)) => {
                self.findings.push(Finding::error(trailer.at(), "x12-outside", "GE without GS"));
            }
            (None, None) => {}
        }
    }

    fn close_interchange(&mut self, trailer: Option<Segment>) {
        self.close_group(None);
        match (self.interchange.take(), trailer) {
            (Some(isa), None) => self.findings.push(
                Finding::error(isa.at(), "x12-truncated", "interchange has no IEA segment")
                    .suggest("the file is cut short; send it again"),
            ),
            (Some(isa), Some(trailer)) => {
                if trailer.value(1).parse() != Ok(self.groups) {
                    self.count(&trailer, "x12-group-count", "functional groups", self.groups);
                }
                self.control(&trailer, isa.value(13), "ISA element 13");
            }
            (None, Some(trailer)) => {
                self.findings.push(Finding::error(trailer.at(), "x12-outside", "IEA without ISA"));
            }
            (None, None) => {}
        }
    }

    fn count(&mut self, trailer: &Segment, rule: &str, what: &str, counted: usize) {
        let message = format!("says {} {what}, the file has {counted}", trailer.value(1));
        self.findings.push(
            Finding::error(format!("{} element 1", trailer.at()), rule, message)
                .suggest("segments may be lost; ask the sender to send it again"),
        );
    }

    fn control(&mut self, trailer: &Segment, opened: &str, header: &str) {
        if trailer.value(2) != opened {
            let message = format!("control number \"{}\" is not \"{opened}\"", trailer.value(2));
            self.findings.push(
                Finding::warning(format!("{} element 2", trailer.at()), "x12-control", message)
                    .suggest(format!("it has to repeat {header}")),
            );
        }
    }
}

fn interchange(isa: &Segment) -> Json {
    let mut members = placed(isa.at());
    for (name, number) in
        [("sender", 6), ("receiver", 8), ("date", 9), ("time", 10), ("control", 13)]
    {
        members.push((name.to_owned(), Json::string(isa.value(number))));
    }
    Json::Object(members)
}
