//! Markdown as HTML. Raw HTML is shown, not passed on; links stay within the documentation or say
//! where they lead.

use std::collections::BTreeMap;

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// A rendered page.
pub(super) struct Rendered {
    pub(super) title: String,
    pub(super) html: String,
}

/// Text as it stands in markup.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Renders a page of `docs/`. `is_served` gives the served path of a file or folder there.
pub(super) fn render(
    name: &str,
    text: &str,
    is_served: &dyn Fn(&str) -> Option<String>,
) -> Rendered {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
    let mut events: Vec<Event<'_>> = Parser::new_ext(text, options).collect();
    let title = name_headings(&mut events);
    // Links that lead out of what is served lose their link and keep their words.
    let mut open: Vec<bool> = Vec::new();
    let mut kept = Vec::with_capacity(events.len());
    for event in events {
        match event {
            // A comment is for whoever edits the file.
            Event::Html(text) | Event::InlineHtml(text)
                if text.trim().starts_with("<!--") && text.trim().ends_with("-->") => {}
            Event::Html(text) | Event::InlineHtml(text) => kept.push(Event::Text(text)),
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let target = target(name, &dest_url, is_served);
                open.push(target.is_some());
                if let Some(target) = target {
                    kept.push(Event::Start(Tag::Link {
                        link_type,
                        dest_url: target.into(),
                        title,
                        id,
                    }));
                }
            }
            Event::End(TagEnd::Link) => {
                if open.pop().unwrap_or(false) {
                    kept.push(Event::End(TagEnd::Link));
                }
            }
            Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
                let target = target(name, &dest_url, is_served).unwrap_or_default();
                kept.push(Event::Start(Tag::Image {
                    link_type,
                    dest_url: target.into(),
                    title,
                    id,
                }));
            }
            // Alignment of cells is written as an inline style, which no page may have.
            Event::Start(Tag::Table(columns)) => {
                let plain = vec![pulldown_cmark::Alignment::None; columns.len()];
                kept.push(Event::Start(Tag::Table(plain)));
            }
            other => kept.push(other),
        }
    }
    let mut out = String::new();
    html::push_html(&mut out, kept.into_iter());
    // What scrolls sideways on a phone can be scrolled by keyboard. Text is escaped: these are tags.
    let out =
        out.replace("<pre>", "<pre tabindex=\"0\">").replace("<table>", "<table tabindex=\"0\">");
    Rendered { title, html: out }
}

/// Where a link leads: within the documentation, outside by a whole address, or nowhere that is
/// served.
fn target(name: &str, link: &str, is_served: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    if link.starts_with("https://") || link.starts_with("mailto:") || link.starts_with('#') {
        return Some(link.to_owned());
    }
    if link.contains(':') {
        return None;
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(p, a)| (p, Some(a)));
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    let served = is_served(&parts.join("/"))?;
    Some(match anchor {
        Some(anchor) => format!("/docs/{served}#{anchor}"),
        None => format!("/docs/{served}"),
    })
}

/// Gives headings their ids, as code hosts make them; gives the first heading.
fn name_headings(events: &mut [Event<'_>]) -> String {
    let mut title = String::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for at in 0..events.len() {
        if !matches!(events[at], Event::Start(Tag::Heading { .. })) {
            continue;
        }
        let within =
            events[at..].iter().take_while(|e| !matches!(e, Event::End(TagEnd::Heading(_))));
        let words: String = within
            .filter_map(|event| match event {
                Event::Text(text) | Event::Code(text) => Some(text.to_string()),
                _ => None,
            })
            .collect();
        let mut anchor = slug(&words);
        let count = seen.entry(anchor.clone()).or_default();
        *count += 1;
        if *count > 1 {
            anchor = format!("{anchor}-{}", *count - 1);
        }
        if title.is_empty() {
            title = words;
        }
        if let Event::Start(Tag::Heading { id, .. }) = &mut events[at] {
            *id = Some(CowStr::from(anchor));
        }
    }
    title
}

fn slug(words: &str) -> String {
    let lower = words.trim().to_lowercase();
    lower
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(name: &str) -> Option<String> {
        matches!(name, "a/b.md" | "a/pic.png").then(|| name.trim_end_matches(".md").to_owned())
    }

    #[test]
    fn raw_html_is_shown_and_never_passed_on() {
        let page =
            render("a/x.md", "# T\n<script>alert(1)</script>\n\na <b onclick=x>b</b>", &served);
        assert!(!page.html.contains("<script") && !page.html.contains("<b "), "{}", page.html);
        assert!(page.html.contains("&lt;script&gt;"));
    }

    #[test]
    fn comments_stay_in_the_file_and_what_scrolls_can_be_reached() {
        let text = "# T\n<!-- for editors -->\n\n```sh\nls <pre>\n```\n\n| a |\n|---|\n| b |\n";
        let page = render("a/x.md", text, &served);
        assert!(!page.html.contains("editors"), "{}", page.html);
        assert_eq!(page.html.matches("tabindex").count(), 2, "{}", page.html);
        assert!(page.html.contains("&lt;pre&gt;"));
    }

    #[test]
    fn links_lead_to_pages_and_those_out_of_reach_keep_their_words() {
        let text = "[b](b.md#one) ![p](pic.png) [code](../../crates/x.rs) [evil](javascript:alert(1)) \
                    [out](https://example.com/)";
        let page = render("a/x.md", text, &served);
        assert!(page.html.contains("href=\"/docs/a/b#one\""), "{}", page.html);
        assert!(page.html.contains("src=\"/docs/a/pic.png\""), "{}", page.html);
        assert!(page.html.contains("code") && !page.html.contains("x.rs"));
        assert!(!page.html.contains("javascript"));
        assert!(page.html.contains("https://example.com/"));
    }

    #[test]
    fn headings_have_the_ids_that_links_expect() {
        let page = render("x.md", "# The `log`, first\n## A b\n## A b\n", &served);
        assert_eq!(page.title, "The log, first");
        for id in ["the-log-first", "a-b", "a-b-1"] {
            assert!(page.html.contains(&format!("id=\"{id}\"")), "{}", page.html);
        }
    }

    #[test]
    fn tables_have_no_inline_style() {
        let page = render("x.md", "| a | b |\n| --: | :-: |\n| 1 | 2 |\n", &served);
        assert!(page.html.contains("<table>") && !page.html.contains("style"), "{}", page.html);
    }
}
