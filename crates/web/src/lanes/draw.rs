//! The picture as SVG: marks are links in reading order, each with its words.

use std::fmt::Write;

use countermark_epcis::gs1::Identifier;
use countermark_epcis::time::Instant;
use countermark_node::trace::{EdgeKind, Trace, TraceEdge};

use super::{Mark, Picture, Ribbon};
use crate::body::encode;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// Letters of a lane's name that are drawn; the whole name stands beside it for readers.
const LANE_LETTERS: usize = 46;
/// Letters of a mark's label.
const MARK_LETTERS: usize = 10;

/// Text as it stands in markup.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Not allowed in XML, and of no use in a picture.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn cut(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    text.chars().take(letters - 1).chain(['…']).collect()
}

/// An identifier as people read it; anything else by its end.
pub(crate) fn short(id: &str) -> String {
    if let Ok(identifier) = Identifier::parse(id) {
        let qualifier = identifier.get("21").map(|serial| ("serial", serial));
        let qualifier = qualifier.or_else(|| identifier.get("10").map(|lot| ("lot", lot)));
        if let Some((kind, value)) = qualifier {
            return format!("{kind} {value}");
        }
        let text = identifier.element_string();
        if !text.is_empty() {
            return text;
        }
    }
    id.to_owned()
}

/// The product's name, if it is known, and the identifier as people read it.
pub(crate) fn named(id: &str, trace: &Trace) -> String {
    match trace.names.get(id) {
        Some(name) => format!("{name}, {}", short(id)),
        None => short(id),
    }
}

/// A day as `3 May`, with the year in January or where it stands alone.
pub(super) fn day_words(time_ms: i64) -> String {
    let text = Instant::format_ms(time_ms);
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    let month: usize = part(5..7).parse().unwrap_or(1);
    let name = MONTHS.get(month.saturating_sub(1)).copied().unwrap_or_default();
    format!("{} {name}", part(8..10).trim_start_matches('0'))
}

/// What an edge says, in a line.
pub(super) fn ribbon_words(edge: &TraceEdge, trace: &Trace) -> String {
    let quantity = edge.quantity.as_deref().map_or_else(String::new, |quantity| {
        format!(", {quantity} {}", edge.unit.as_deref().unwrap_or("pieces"))
    });
    let what = match edge.kind {
        EdgeKind::Handover | EdgeKind::Move => named(&edge.from, trace),
        _ => format!("{} to {}", named(&edge.from, trace), named(&edge.to, trace)),
    };
    let sides =
        if edge.both_sides == Some(false) { ", only one side's record is seen" } else { "" };
    format!("{}: {what}{quantity}{sides}", edge.kind.word())
}

/// The SVG of a picture. `title` says in a sentence what it shows.
pub(crate) fn svg(picture: &Picture, title: &str) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _written = draw(&mut out, picture, title);
    out
}

fn draw(out: &mut String, picture: &Picture, title: &str) -> std::fmt::Result {
    let (width, height) = (picture.width, picture.height);
    write!(
        out,
        "<svg class=\"lanes\" xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" \
         height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"group\" \
         aria-label=\"{}\">",
        escape(title)
    )?;
    for (at, lane) in picture.lanes.iter().enumerate() {
        let class = if at % 2 == 0 { "lane" } else { "lane odd" };
        let (top, tall) = (lane.top, lane.height);
        write!(
            out,
            "<rect class=\"{class}\" x=\"0\" y=\"{top}\" width=\"{width}\" height=\"{tall}\"/>"
        )?;
        if lane.begins_member && at > 0 {
            write!(out, "<path class=\"border\" d=\"M0 {top}H{width}\"/>")?;
        }
        let site = if lane.site.is_empty() { "no site named" } else { &lane.site };
        let whole = if lane.member == *site {
            lane.member.clone()
        } else {
            format!("{} · {site}", lane.member)
        };
        let words = cut(&whole, LANE_LETTERS);
        write!(
            out,
            "<text class=\"place\" x=\"10\" y=\"{}\"><title>{}</title>{}</text>",
            top + 19,
            escape(&whole),
            escape(&words)
        )?;
    }
    for tick in &picture.ticks {
        let class = if tick.is_break { "tick break" } else { "tick" };
        let (x, words) = (tick.x, escape(&tick.words));
        write!(out, "<path class=\"{class}\" d=\"M{x} 26V{height}\"/>")?;
        write!(out, "<text class=\"{class}\" x=\"{x}\" y=\"18\">{words}</text>")?;
    }
    out.push_str("<g aria-hidden=\"true\">");
    for ribbon in &picture.ribbons {
        draw_ribbon(out, picture, ribbon)?;
    }
    out.push_str("</g><g role=\"list\">");
    for mark in &picture.marks {
        draw_mark(out, picture, mark)?;
    }
    out.push_str("</g></svg>");
    Ok(())
}

fn draw_ribbon(out: &mut String, picture: &Picture, ribbon: &Ribbon) -> std::fmt::Result {
    let from = &picture.marks[ribbon.from];
    let class = format!(
        "ribbon p{}{}",
        ribbon.product % 6,
        if ribbon.is_one_sided { " onesided" } else { "" }
    );
    let path = match ribbon.to.map(|to| &picture.marks[to]) {
        Some(to) if to.x == from.x => {
            let bend = from.x + 22;
            format!("M{} {}C{bend} {},{bend} {},{} {}", from.x, from.y, from.y, to.y, to.x, to.y)
        }
        Some(to) => {
            let middle = (from.x + to.x) / 2;
            format!(
                "M{} {}C{middle} {},{middle} {},{} {}",
                from.x, from.y, from.y, to.y, to.x, to.y
            )
        }
        None if ribbon.comes_in => format!("M{} {}h-26", from.x, from.y),
        None => format!("M{} {}h34", from.x, from.y),
    };
    write!(
        out,
        "<path class=\"{class}\" d=\"{path}\" stroke-width=\"{:.1}\"><title>{}</title></path>",
        ribbon.thickness,
        escape(&ribbon.words)
    )?;
    if ribbon.to.is_none() && !ribbon.comes_in {
        let held = if ribbon.other.is_empty() { "unknown" } else { &ribbon.other };
        let (x, y) = (from.x + 38, from.y);
        let end = from.x + 34;
        write!(out, "<path class=\"open\" d=\"M{end} {}l6 6l-6 6\"/>", y - 6)?;
        write!(
            out,
            "<text class=\"held\" x=\"{}\" y=\"{}\">held by {}</text>",
            x + 6,
            y + 4,
            escape(&cut(held, 16))
        )?;
    }
    Ok(())
}

fn draw_mark(out: &mut String, picture: &Picture, mark: &Mark) -> std::fmt::Result {
    let lane = &picture.lanes[mark.lane];
    let (x, y) = (mark.x, mark.y);
    let when = Instant::format_ms(mark.time_ms);
    let count = mark.events.len();
    let (time, what) = if picture.is_folded {
        (when.get(..10).unwrap_or_default().to_owned(), format!("{count} × {}", mark.words))
    } else {
        (
            format!("{} UTC", when.get(..16).unwrap_or_default().replace('T', " ")),
            mark.words.clone(),
        )
    };
    let place = if lane.site.is_empty() { &lane.member } else { &lane.site };
    let title = escape(&format!("{what}, {time}, {place} ({})", lane.member));
    let event = mark.events.first().map(|event| encode(event)).unwrap_or_default();
    let subject = if mark.is_subject { " subject" } else { "" };
    write!(out, "<g role=\"listitem\"><a class=\"mark {}{subject}\"", mark.kind.word())?;
    if !event.is_empty() {
        write!(out, " href=\"/app/events/{event}\"")?;
    }
    write!(out, "><title>{title}</title>")?;
    write!(
        out,
        "<rect class=\"touch\" x=\"{}\" y=\"{}\" width=\"44\" height=\"40\"/>",
        x - 22,
        y - 13
    )?;
    match mark.kind {
        EdgeKind::Transform => {
            write!(
                out,
                "<rect class=\"shape\" x=\"{}\" y=\"{}\" width=\"18\" height=\"18\"/>",
                x - 9,
                y - 9
            )?;
        }
        EdgeKind::Handover | EdgeKind::Move => {
            write!(out, "<path class=\"shape\" d=\"M{} {}l20 10l-20 10z\"/>", x - 8, y - 10)?;
        }
        _ => write!(out, "<circle class=\"shape\" cx=\"{x}\" cy=\"{y}\" r=\"9\"/>")?,
    }
    if count > 1 {
        write!(out, "<text class=\"count\" x=\"{x}\" y=\"{}\">{count}</text>", y + 4)?;
    }
    let label = escape(&cut(&mark.words, MARK_LETTERS));
    write!(out, "<text class=\"step\" x=\"{x}\" y=\"{}\">{label}</text></a></g>", y + 24)
}
